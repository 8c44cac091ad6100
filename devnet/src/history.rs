//! A past for a node's invoice book: many old invoices, made quickly.

use std::ops::Range;
use std::thread;
use std::time::Duration;

use lightning::bitcoin::hashes::{Hash, sha256};
use lightning::ln::channelmanager::MIN_FINAL_CLTV_EXPIRY_DELTA;
use lightning::sign::{KeysManager, NodeSigner, Recipient};
use lightning::types::payment::PaymentSecret;
use lightning_invoice::{Currency, InvoiceBuilder};

use crate::clock::unix_time;
use crate::hex::Hex32;
use crate::invoices::{InvoiceError, NewInvoice};
use crate::invoicing::{CreateError, inexpressible};
use crate::node::Node;
use crate::random::random_bytes;

/// How old the youngest is, in seconds. Each of the others is a second older than the next.
const YOUNGEST: u64 = 3600;
/// Seconds for which each could be paid.
const EXPIRY: u64 = 60;
const AMOUNT_MSAT: u64 = 1000;
const DESCRIPTION: &str = "sold long ago";
/// How many are signed before they are entered.
const BATCH: u64 = 10_000;

impl Node {
    /// Enters `count` old invoices with the labels `<prefix>0`, `<prefix>1` and so on. Every second
    /// one was paid; the others expired.
    pub fn add_history(&self, count: u64, prefix: &str) -> Result<(), CreateError> {
        let seed = random_bytes().map_err(|error| inexpressible(&error))?;
        let now = u64::from(unix_time());
        let begin = now.saturating_sub(YOUNGEST).saturating_sub(count);
        let mut first = 0;
        while first < count {
            let end = count.min(first + BATCH);
            for invoice in make_all(&self.ldk.keys, first..end, |number| Old {
                label: format!("{prefix}{number}"),
                preimage: preimage(&seed, number),
                created_at: begin + number,
            })? {
                self.enter_old(invoice)?;
            }
            first = end;
        }
        self.invoices.expire(now);
        Ok(())
    }

    fn enter_old(&self, invoice: NewInvoice) -> Result<(), InvoiceError> {
        let paid_at = invoice.expires_at - EXPIRY / 2;
        let entered = self.invoices.add(invoice)?;
        if entered.created_index.is_multiple_of(2) {
            self.invoices
                .mark_paid(entered.payment_hash, AMOUNT_MSAT, paid_at);
        }
        Ok(())
    }
}

/// An invoice of the past that is not signed yet.
struct Old {
    label: String,
    preimage: Hex32,
    created_at: u64,
}

/// Makes the invoices of these numbers, on all processors: signing is most of the work.
fn make_all(
    keys: &KeysManager,
    numbers: Range<u64>,
    old: impl Fn(u64) -> Old + Sync,
) -> Result<Vec<NewInvoice>, CreateError> {
    let workers = thread::available_parallelism().map_or(1, |count| count.get() as u64);
    let share = (numbers.end - numbers.start).div_ceil(workers).max(1);
    let old = &old;
    thread::scope(|scope| {
        let starts = numbers
            .clone()
            .step_by(usize::try_from(share).unwrap_or(usize::MAX));
        let workers: Vec<_> = starts
            .map(|start| {
                let mine = start..numbers.end.min(start + share);
                scope.spawn(move || {
                    let made = mine.map(|number| make(keys, old(number)));
                    made.collect::<Result<Vec<_>, _>>()
                })
            })
            .collect();
        let mut made = Vec::new();
        for worker in workers {
            made.extend(worker.join().expect("making an invoice does not panic")?);
        }
        Ok(made)
    })
}

/// It will never be paid, so its payment secret need not be secret.
fn make(keys: &KeysManager, old: Old) -> Result<NewInvoice, CreateError> {
    let payment_hash = sha256::Hash::hash(&old.preimage.0);
    let raw = InvoiceBuilder::new(Currency::Regtest)
        .description(DESCRIPTION.to_owned())
        .payment_hash(payment_hash)
        .payment_secret(PaymentSecret([0; 32]))
        .basic_mpp()
        .duration_since_epoch(Duration::from_secs(old.created_at))
        .expiry_time(Duration::from_secs(EXPIRY))
        .min_final_cltv_expiry_delta(u64::from(MIN_FINAL_CLTV_EXPIRY_DELTA))
        .amount_milli_satoshis(AMOUNT_MSAT)
        .build_raw()
        .map_err(|error| inexpressible(&error))?;
    let signature = keys.sign_invoice(&raw, Recipient::Node);
    let signed = raw
        .sign(|_| signature)
        .map_err(|()| inexpressible(&"the node's key does not sign it"))?;
    Ok(NewInvoice {
        label: old.label,
        bolt11: signed.to_string(),
        payment_hash: Hex32(payment_hash.to_byte_array()),
        preimage: old.preimage,
        amount_msat: Some(AMOUNT_MSAT),
        description: DESCRIPTION.to_owned(),
        expires_at: old.created_at + EXPIRY,
    })
}

fn preimage(seed: &[u8; 32], number: u64) -> Hex32 {
    let mut text = seed.to_vec();
    text.extend(number.to_be_bytes());
    Hex32(sha256::Hash::hash(&text).to_byte_array())
}

//! What lightningd knows of invoices and payments, in our types. The only place that reads the
//! fields of its answers.

use cln_rpc::model::responses::{
    ListinvoicesInvoices, ListinvoicesInvoicesStatus, WaitanyinvoiceResponse,
};
use cln_rpc::primitives::{Amount, Secret, Sha256};
use shared::api::Status;
use shared::lightning::{Msat, Network, NodeId, PaymentHash, Preimage};

/// Who the node is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Its public key.
    pub id: NodeId,
    /// The network that it is on.
    pub network: Network,
    /// Its own words, where it has not caught up with the chain yet.
    pub syncing: Option<String>,
}

/// What an invoice is to say.
#[derive(Clone, Debug)]
pub struct NewInvoice {
    /// Unique at lightningd; at most 128 bytes.
    pub label: String,
    /// The price.
    pub amount_msat: Msat,
    /// At most 639 bytes unless it is hashed, without control characters.
    pub description: String,
    /// Whether the invoice carries the description's SHA-256 in its place.
    pub hash_description: bool,
    /// Seconds. Always stated, because lightningd's default is a week. lightningd aborts at 2^60.
    pub expiry_secs: u32,
    /// What the payer learns by paying; `None` lets lightningd draw it. lightningd takes each only once
    /// (error 901).
    pub preimage: Option<Preimage>,
}

/// An invoice that lightningd knows.
#[derive(Clone, Debug)]
pub struct KnownInvoice {
    /// Names the payment.
    pub payment_hash: PaymentHash,
    /// What the buyer pays; `None` for a BOLT12 invoice, which is never ours.
    pub bolt11: Option<String>,
    /// What the payer sees.
    pub description: String,
    /// Whether it is paid.
    pub standing: Standing,
}

/// An invoice in the order of lightningd's book.
#[derive(Clone, Debug)]
pub struct ListedInvoice {
    /// The order of creation, from 1.
    pub created_index: u64,
    /// Its unique name at lightningd.
    pub label: String,
    /// The rest.
    pub invoice: KnownInvoice,
}

/// Where an invoice stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// lightningd's word.
    pub status: Status,
    /// UNIX seconds.
    pub expires_at: u64,
    /// The asked amount; `None` lets the payer choose, which is never ours.
    pub amount_msat: Option<Msat>,
    /// The proof, once it is paid.
    pub preimage: Option<Preimage>,
    /// When it was paid, in UNIX seconds.
    pub paid_at: Option<u64>,
}

/// A payment that arrived.
#[derive(Clone, Debug)]
pub struct Payment {
    /// Its number in the order of payments.
    pub pay_index: u64,
    /// Names it.
    pub payment_hash: PaymentHash,
    /// The invoice's name at lightningd.
    pub label: String,
    /// The paid amount; a payer may pay more than was asked.
    pub received_msat: Msat,
    /// The paid invoice.
    pub standing: Standing,
}
impl From<ListinvoicesInvoices> for KnownInvoice {
    fn from(invoice: ListinvoicesInvoices) -> Self {
        Self {
            payment_hash: payment_hash(&invoice.payment_hash),
            bolt11: invoice.bolt11,
            description: invoice.description.unwrap_or_default(),
            standing: Standing {
                status: match invoice.status {
                    ListinvoicesInvoicesStatus::UNPAID => Status::Unpaid,
                    ListinvoicesInvoicesStatus::PAID => Status::Paid,
                    ListinvoicesInvoicesStatus::EXPIRED => Status::Expired,
                },
                expires_at: invoice.expires_at,
                amount_msat: invoice.amount_msat.map(msat),
                preimage: invoice.payment_preimage.map(preimage),
                paid_at: invoice.paid_at,
            },
        }
    }
}

impl Payment {
    /// The payment of a listed invoice; `None` where it is not paid.
    pub(crate) fn listed(invoice: ListinvoicesInvoices) -> Option<Self> {
        Some(Self {
            pay_index: invoice.pay_index?,
            payment_hash: payment_hash(&invoice.payment_hash),
            label: invoice.label.clone(),
            received_msat: invoice.amount_received_msat.map_or(Msat(0), msat),
            standing: KnownInvoice::from(invoice).standing,
        })
    }

    /// The payment that a watch waited for.
    pub(crate) fn arrived(pay_index: u64, paid: WaitanyinvoiceResponse) -> Self {
        Self {
            pay_index,
            payment_hash: payment_hash(&paid.payment_hash),
            label: paid.label,
            received_msat: paid.amount_received_msat.map_or(Msat(0), msat),
            standing: Standing {
                // lightningd gives only paid invoices a pay_index.
                status: Status::Paid,
                expires_at: paid.expires_at,
                amount_msat: paid.amount_msat.map(msat),
                preimage: paid.payment_preimage.map(preimage),
                paid_at: paid.paid_at,
            },
        }
    }
}

pub(crate) fn payment_hash(hash: &Sha256) -> PaymentHash {
    PaymentHash(*hash.as_ref())
}

fn msat(amount: Amount) -> Msat {
    Msat(amount.msat())
}

pub(crate) fn preimage(secret: Secret) -> Preimage {
    Preimage(secret.into())
}

//! A buyer without a browser: asks, checks, pays through a lightningd, fetches, keeps a receipt.
//!
//! Money comes first. The purchase is on the disk before anything is paid and until the goods and
//! the receipt are; whatever happens in between, the same command goes on from there and does not
//! pay twice. Twice would be paying one invoice while it is being paid already, or a second invoice
//! while the first may still be paid. So before each step that moves money the buyer's own node is
//! asked what it sent, and while that may change, nothing is decided.
//!
//! # Layout
//! - [`address`]: which item of which store; [`store`]: the store over HTTP; [`challenge`]: its 402.
//! - [`files`]: what is on the disk.
//! - This file: the order of things ([`Buyer::buy`]), the checks, and the decision (`decide`).

pub mod address;
pub mod challenge;
pub mod files;
pub mod store;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use shared::claim::Claim;
use shared::content::{ContentHash, commitment};
use shared::invoice::{DecodeError, Invoice};
use shared::lightning::{Msat, Network, NodeId, PaymentHash, Preimage};
use shared::receipt::{Proof, Receipt, ReceiptError};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep};

use files::{FileError, Files, Purchase};
use lightningd::{LightningError, Lightningd, Sent};
use store::{Store, StoreError, Word};

/// Buys one item.
#[derive(Debug)]
pub struct Buyer {
    /// The item and its store.
    pub store: Store,
    /// The buyer's own node, which pays.
    pub lightningd: Lightningd,
    /// What the buyer agrees to.
    pub limits: Limits,
    /// Where the goods are to be.
    pub out: PathBuf,
    /// How long things may take.
    pub timing: Timing,
}

/// What the buyer agrees to.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The most that the invoice may ask for. Routing fees come on top, see [`max_fee`].
    pub max_price: Msat,
    /// The node that has to be paid; `None` pays any.
    pub payee: Option<NodeId>,
}

/// How long things may take. Not for users; tests shorten them.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// How long the node tries to pay, in whole seconds.
    pub retry_for: Duration,
    /// After this much more, a node that was told to pay has surely given up, or says that the
    /// payment is on its way.
    pub grace: Duration,
    /// Between two questions about a payment that is on its way.
    pub pause: Duration,
    /// How long such a payment is waited for.
    pub patience: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            retry_for: Duration::from_mins(1),
            grace: Duration::from_secs(15),
            pause: Duration::from_secs(1),
            patience: Duration::from_mins(3),
        }
    }
}

/// What was bought.
#[derive(Debug)]
pub struct Bought {
    /// The goods.
    pub out: PathBuf,
    /// The receipt.
    pub receipt: PathBuf,
    /// What the receipt proves.
    pub proof: Proof,
}

/// Why nothing was bought, or not yet.
#[derive(Debug, thiserror::Error)]
pub enum BuyError {
    /// Something is where the goods are to be.
    #[error("{0:?} exists already; nothing was bought. Choose another place with --out")]
    Exists(PathBuf),
    /// The file beside the goods is about something else.
    #[error(
        "{file:?} remembers a purchase at {url} that is not finished; finish it, or choose another \
         place with --out"
    )]
    OtherPurchase {
        /// What is remembered.
        url: String,
        /// Where.
        file: PathBuf,
    },
    /// The invoice fails a check. Nothing was paid for it.
    #[error("the invoice is not paid")]
    Check(#[source] Box<FailedCheck>),
    /// The node could not pay. Nothing was paid.
    #[error("the payment failed, and nothing was paid")]
    Failed(#[source] LightningError),
    /// The node does not answer.
    #[error("{}", source.remedy())]
    Lightning {
        /// What went wrong.
        #[from]
        source: LightningError,
    },
    /// The payment neither arrived nor came back.
    #[error(
        "the payment is still on its way; nothing more will be paid. Run the same command again \
         later to fetch the goods"
    )]
    Pending,
    /// An invoice that the store has just made cannot be paid either.
    #[error(
        "a new invoice of the store's cannot be paid either, and nothing was paid: it is unknown \
         to the store or expired; is this machine's clock right?"
    )]
    Unpayable,
    /// The store, before anything was paid or with the purchase kept.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It was paid, but the goods did not come. The purchase is kept.
    #[error(
        "it is paid for, but the goods are not here yet; run the same command again. The proof of \
         payment is in {file:?}"
    )]
    Undelivered {
        /// The purchase's file.
        file: PathBuf,
        /// What went wrong.
        source: StoreError,
    },
    /// The disk.
    #[error(transparent)]
    File(#[from] FileError),
    /// A receipt that would prove nothing is not written.
    #[error("the receipt would not hold")]
    Receipt(#[from] ReceiptError),
}

impl From<FailedCheck> for BuyError {
    fn from(check: FailedCheck) -> Self {
        Self::Check(Box::new(check))
    }
}

/// A check that the invoice fails, so that it is not paid.
#[derive(Debug, thiserror::Error)]
pub enum FailedCheck {
    /// Not BOLT11, or not signed by who it says.
    #[error("it cannot be read")]
    Signature(#[from] DecodeError),
    /// Money of another kind.
    #[error("it is for the network {found}, but your node is on {expected}")]
    Network {
        /// The own node's.
        expected: Network,
        /// The invoice's.
        found: Network,
    },
    /// Another node than the wanted one.
    #[error("it pays the node {found}, but --payee says {expected}")]
    Payee {
        /// The wanted one.
        expected: NodeId,
        /// The one that signed.
        found: NodeId,
    },
    /// More than the buyer agrees to.
    #[error("it asks for {found}, but --max-sat allows {}", maximum)]
    Amount {
        /// The buyer's limit.
        maximum: Msat,
        /// What it asks for.
        found: Msat,
    },
    /// As much as one likes.
    #[error("it does not say how much to pay")]
    NoAmount,
    /// No promise that could be held against the goods.
    #[error(
        "its description does not promise any content (by ` sha256:…` at its end), so nothing could \
         be held against what comes"
    )]
    Commitment,
    /// Paying would make another claim worth something.
    #[error("the claim that came with it is for the payment {claim}, but it is for {invoice}")]
    Claim {
        /// The claim's.
        claim: PaymentHash,
        /// The invoice's.
        invoice: PaymentHash,
    },
}

/// Now, in UNIX seconds.
fn unix_now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

/// The most that is paid for routing: 1 % of the price, but always up to 5 sat. lightningd's own
/// default for `xpay`.
pub fn max_fee(price: Msat) -> Msat {
    Msat((price.0 / 100).max(5_000))
}

impl Buyer {
    /// Buys, or goes on with what an earlier run began.
    pub async fn buy(&self) -> Result<Bought, BuyError> {
        let files = Files::open(&self.out)?;
        let bought = self.buy_into(&files).await;
        files.clean_up();
        bought
    }

    async fn buy_into(&self, files: &Files) -> Result<Bought, BuyError> {
        let mut purchase = match files.purchase()? {
            Some(purchase) => self.ours(files, purchase)?,
            None if self.out.exists() => return Err(BuyError::Exists(self.out.clone())),
            None => self.begin(files).await?,
        };
        let proof = match purchase.preimage {
            Some(proof) => proof,
            None => self.settle(files, &mut purchase).await?,
        };
        self.fetch(files, &purchase, proof).await
    }

    /// Asks for an invoice, checks it and remembers it.
    async fn begin(&self, files: &Files) -> Result<Purchase, BuyError> {
        let store = self.store.clone();
        let (claim, bolt11) = blocking(move || store.ask()).await?;
        self.check(&claim, &bolt11).await?;
        let purchase = Purchase {
            url: self.store.address().content(),
            claim,
            bolt11,
            attempted_at: None,
            preimage: None,
        };
        files.remember(&purchase)?;
        Ok(purchase)
    }

    fn ours(&self, files: &Files, purchase: Purchase) -> Result<Purchase, BuyError> {
        if purchase.url == self.store.address().content() {
            Ok(purchase)
        } else {
            Err(BuyError::OtherPurchase {
                url: purchase.url,
                file: files.purchase_path(),
            })
        }
    }

    /// Sees to it that the purchase is paid, once, and gives the proof.
    async fn settle(&self, files: &Files, purchase: &mut Purchase) -> Result<Preimage, BuyError> {
        let until = Instant::now() + self.timing.patience;
        let mut is_replaced = false;
        loop {
            let invoice = Invoice::decode(&purchase.bolt11).map_err(FailedCheck::from)?;
            let sent = self.lightningd.sent(invoice.payment_hash).await?;
            // Who sees the own payment complete needs no word of the store's.
            let word = match sent {
                Sent::Complete(_) => Word::Unknown,
                _ => self.word(purchase).await?,
            };
            let now = unix_now();
            let facts = Facts {
                sent,
                word,
                is_expired: invoice.is_expired(now),
                is_attempted: self.is_attempted(purchase, now),
            };
            match decide(facts) {
                Next::Take(proof) => {
                    purchase.preimage = Some(proof);
                    files.remember(purchase)?;
                    return Ok(proof);
                }
                Next::Wait if Instant::now() >= until => return Err(BuyError::Pending),
                Next::Wait => sleep(self.timing.pause).await,
                Next::Replace if is_replaced => return Err(BuyError::Unpayable),
                Next::Replace => {
                    *purchase = self.begin(files).await?;
                    is_replaced = true;
                }
                Next::Pay => self.pay(files, purchase).await?,
            }
        }
    }

    /// Tells the node to pay. Whether it did is for the next round to find out, unless it is sure
    /// that nothing was sent.
    async fn pay(&self, files: &Files, purchase: &mut Purchase) -> Result<(), BuyError> {
        // The limits may be others than when the invoice was asked for.
        let invoice = self.check(&purchase.claim, &purchase.bolt11).await?;
        let price = invoice.amount_msat.ok_or(FailedCheck::NoAmount)?;
        purchase.attempted_at = Some(unix_now());
        files.remember(purchase)?;
        let paid = self
            .lightningd
            .pay(&purchase.bolt11, max_fee(price), self.timing.retry_for)
            .await;
        let error = match paid {
            Ok(_) => return Ok(()),
            Err(
                error @ (LightningError::Closed { .. }
                | LightningError::Timeout { .. }
                | LightningError::Decode { .. }),
            ) => {
                tracing::debug!("the node's answer is not known: {error}");
                return Ok(());
            }
            Err(error @ (LightningError::Connect { .. } | LightningError::Rpc { .. })) => error,
        };
        // lightningd has given up, but a part may still be on its way back, or arrive.
        if matches!(error, LightningError::Rpc { .. })
            && self.lightningd.sent(invoice.payment_hash).await? != Sent::Nothing
        {
            return Ok(());
        }
        purchase.attempted_at = None;
        files.remember(purchase)?;
        Err(match error {
            LightningError::Rpc { .. } => BuyError::Failed(error),
            source => BuyError::Lightning { source },
        })
    }

    /// Whether a call to pay may still be under way at the node, though it lists nothing sent: the
    /// node tries on when its client is gone, and between two tries nothing is on its way.
    fn is_attempted(&self, purchase: &Purchase, now: u64) -> bool {
        let Timing {
            retry_for, grace, ..
        } = self.timing;
        let lasts = (retry_for + grace).as_secs();
        let begun = purchase.attempted_at;
        begun.is_some_and(|begun| now < begun.saturating_add(lasts))
    }

    async fn word(&self, purchase: &Purchase) -> Result<Word, BuyError> {
        let (store, claim) = (self.store.clone(), purchase.claim.clone());
        Ok(blocking(move || store.status(&claim)).await?)
    }

    /// Fetches the goods and writes the receipt; then the purchase may be forgotten.
    async fn fetch(
        &self,
        files: &Files,
        purchase: &Purchase,
        proof: Preimage,
    ) -> Result<Bought, BuyError> {
        let invoice = Invoice::decode(&purchase.bolt11).map_err(FailedCheck::from)?;
        let promised = promised(&invoice)?;
        let size = if let Some(size) = goods_at(files.out(), promised).await? {
            size
        } else {
            let size = self.download(files, purchase, proof, promised).await?;
            files.finish_goods()?;
            size
        };
        let receipt = Receipt {
            bolt11: purchase.bolt11.clone(),
            preimage: proof,
            item: self.store.address().item().clone(),
            sha256: promised,
            size,
        };
        let proof = receipt.verify(Some(promised))?;
        files.write_receipt(&receipt)?;
        files.forget()?;
        Ok(Bought {
            out: files.out().to_owned(),
            receipt: files.receipt_path(),
            proof,
        })
    }

    async fn download(
        &self,
        files: &Files,
        purchase: &Purchase,
        proof: Preimage,
        promised: ContentHash,
    ) -> Result<u64, BuyError> {
        let (store, claim) = (self.store.clone(), purchase.claim.clone());
        let undelivered = |source| BuyError::Undelivered {
            file: files.purchase_path(),
            source,
        };
        let part = files.part().try_clone();
        let part = part.map_err(|error| undelivered(StoreError::Disk(error)))?;
        let done = blocking(move || store.download(&claim, proof, promised, &part)).await;
        done.map_err(undelivered)
    }

    /// Makes every check on an invoice that is to be paid.
    async fn check(&self, claim: &Claim, bolt11: &str) -> Result<Invoice, BuyError> {
        let network = self.lightningd.node().await?.network;
        Ok(check(claim, bolt11, network, self.limits)?)
    }
}

#[expect(
    clippy::result_large_err,
    reason = "made twice per purchase, and names both keys"
)]
fn check(
    claim: &Claim,
    bolt11: &str,
    network: Network,
    limits: Limits,
) -> Result<Invoice, FailedCheck> {
    let invoice = Invoice::decode(bolt11)?;
    if invoice.network != network {
        return Err(FailedCheck::Network {
            expected: network,
            found: invoice.network,
        });
    }
    if let Some(expected) = limits.payee
        && invoice.payee != expected
    {
        return Err(FailedCheck::Payee {
            expected,
            found: invoice.payee,
        });
    }
    let found = invoice.amount_msat.ok_or(FailedCheck::NoAmount)?;
    if found > limits.max_price {
        return Err(FailedCheck::Amount {
            maximum: limits.max_price,
            found,
        });
    }
    promised(&invoice)?;
    if claim.payment_hash() != invoice.payment_hash {
        return Err(FailedCheck::Claim {
            claim: claim.payment_hash(),
            invoice: invoice.payment_hash,
        });
    }
    Ok(invoice)
}

#[expect(clippy::result_large_err, reason = "the error of `check`")]
fn promised(invoice: &Invoice) -> Result<ContentHash, FailedCheck> {
    let description = invoice.description.as_deref();
    description
        .and_then(commitment)
        .ok_or(FailedCheck::Commitment)
}

/// What is known about a purchase that is not known to be paid.
#[derive(Clone, Copy, Debug)]
struct Facts {
    /// By the own node.
    sent: Sent,
    /// By the store.
    word: Word,
    /// By the invoice and the clock.
    is_expired: bool,
    /// Whether the own node may be about to send.
    is_attempted: bool,
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    /// It is paid, and this is the proof.
    Take(Preimage),
    /// Ask again in a moment.
    Wait,
    /// Pay the invoice.
    Pay,
    /// Ask for another invoice; this one is not paid and never will be.
    Replace,
}

/// Moves money only where nothing else can be moving it.
fn decide(facts: Facts) -> Next {
    match facts {
        Facts {
            sent: Sent::Complete(proof),
            ..
        }
        | Facts {
            word: Word::Paid(proof),
            ..
        } => Next::Take(proof),
        Facts {
            sent: Sent::Pending,
            ..
        }
        | Facts {
            is_attempted: true, ..
        } => Next::Wait,
        Facts {
            word: Word::Expired | Word::Unknown,
            ..
        }
        | Facts {
            is_expired: true, ..
        } => Next::Replace,
        Facts {
            word: Word::Unpaid, ..
        } => Next::Pay,
    }
}

/// The size of the goods, where they are there already and are the promised ones.
async fn goods_at(out: &Path, promised: ContentHash) -> Result<Option<u64>, BuyError> {
    let path = out.to_owned();
    let measured = spawn_blocking(move || match File::open(&path) {
        Ok(file) => store::hash(file).map(Some),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    });
    let measured = measured.await.expect("hashing does not panic");
    match measured.map_err(StoreError::Disk)? {
        None => Ok(None),
        Some((found, size)) if found == promised => Ok(Some(size)),
        Some(_) => Err(BuyError::Exists(out.to_owned())),
    }
}

/// Runs a call that blocks on a thread of its own.
async fn blocking<T: Send + 'static>(
    call: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    spawn_blocking(call)
        .await
        .expect("the store's calls do not panic")
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROOF: Preimage = Preimage([1; 32]);
    const WORDS: [Word; 4] = [
        Word::Unpaid,
        Word::Paid(PROOF),
        Word::Expired,
        Word::Unknown,
    ];

    /// Every combination of what can be known.
    fn everything() -> impl Iterator<Item = Facts> {
        let sent = [Sent::Nothing, Sent::Pending, Sent::Complete(PROOF)];
        sent.into_iter().flat_map(|sent| {
            WORDS.into_iter().flat_map(move |word| {
                (0..4).map(move |bits| Facts {
                    sent,
                    word,
                    is_expired: bits & 1 != 0,
                    is_attempted: bits & 2 != 0,
                })
            })
        })
    }

    #[test]
    fn money_moves_only_where_none_is_moving() {
        for facts in everything() {
            if matches!(decide(facts), Next::Pay | Next::Replace) {
                assert_eq!(facts.sent, Sent::Nothing, "{facts:?}");
                assert!(!facts.is_attempted, "{facts:?}");
            }
        }
    }

    #[test]
    fn only_an_invoice_that_can_be_paid_is_paid_and_only_another_is_replaced() {
        for facts in everything() {
            let is_payable = facts.word == Word::Unpaid && !facts.is_expired;
            match decide(facts) {
                Next::Pay => assert!(is_payable, "{facts:?}"),
                Next::Replace => assert!(!is_payable, "{facts:?}"),
                Next::Take(_) | Next::Wait => {}
            }
        }
    }

    #[test]
    fn a_proof_is_taken_wherever_it_comes_from() {
        for facts in everything() {
            let is_proven = facts.sent == Sent::Complete(PROOF) || facts.word == Word::Paid(PROOF);
            assert_eq!(decide(facts) == Next::Take(PROOF), is_proven, "{facts:?}");
        }
    }

    #[test]
    fn routing_may_cost_five_satoshi_or_one_per_cent() {
        assert_eq!(max_fee(Msat(100_000)), Msat(5_000));
        assert_eq!(max_fee(Msat(1_000_000)), Msat(10_000));
    }
}

//! Whether what an owner's own server was shown is good: a claim or a receipt.
//!
//! lightningd is asked as for a buyer: not where the answer is certain, once for all who ask at once, and
//! never where nothing but its word could change the answer and there is a proof already.

use lightningd::Standing;
use shared::api::Status;
use shared::claim::{CAVEAT_VALID_UNTIL, Claim};
use shared::lightning::{Msat, PaymentHash};
use shared::receipt::{Receipt, ReceiptError};

use crate::clock::unix_now;
use crate::payments::charges::terms;
use crate::payments::claims::{ClaimRejection, Claims, Credential};
use crate::payments::invoices::InvoiceError;
use crate::payments::node::NodeError;
use crate::payments::purchases::Purchases;

/// What was sold and paid for.
#[derive(Debug)]
pub(crate) struct Sold {
    /// An item's id, or `route:<name>`.
    pub(crate) item: String,
    pub(crate) payment_hash: PaymentHash,
    /// The price, where it is known.
    pub(crate) amount_msat: Option<Msat>,
    /// In UNIX seconds, where it is known.
    pub(crate) paid_at: Option<u64>,
    /// The last second in which it is accepted, in UNIX seconds.
    pub(crate) valid_until: Option<u64>,
}

/// Why something is not good.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotGood {
    #[error(transparent)]
    Claim(#[from] ClaimRejection),
    #[error(transparent)]
    Receipt(#[from] ReceiptError),
    #[error("its invoice is of another node than the store's")]
    OtherNode,
    #[error("the store has not sold this content as this item")]
    OtherItem,
    #[error("its invoice is not paid")]
    Unpaid,
    #[error("its invoice was not paid in time")]
    NotPaidInTime,
    #[error("its time is over")]
    TimeIsOver,
    #[error(
        "the store's node no longer has its invoice, so that only the preimage could prove the payment"
    )]
    Unconfirmed,
}

impl NotGood {
    /// In a word, for programs.
    pub(crate) fn reason(&self) -> &'static str {
        match self {
            Self::Claim(why) => match why {
                ClaimRejection::Signature | ClaimRejection::UnknownKey(_) => "not_issued",
                ClaimRejection::Item => "other_item",
                ClaimRejection::Version => "other_version",
                ClaimRejection::Expired => "time_is_over",
                ClaimRejection::TooLate => "odd_time",
                ClaimRejection::Preimage => "other_preimage",
                ClaimRejection::Unreadable
                | ClaimRejection::Charge(_)
                | ClaimRejection::Missing => "unreadable",
            },
            Self::Receipt(why) => match why {
                ReceiptError::Invoice(_) => "unreadable",
                ReceiptError::Preimage { .. } => "other_preimage",
                ReceiptError::Metadata { .. }
                | ReceiptError::Commitment { .. }
                | ReceiptError::Content { .. } => "other_version",
            },
            Self::OtherNode => "not_issued",
            Self::OtherItem => "other_item",
            Self::Unpaid => "unpaid",
            Self::NotPaidInTime => "expired",
            Self::TimeIsOver => "time_is_over",
            Self::Unconfirmed => "unconfirmed",
        }
    }
}

/// Why something is not good, or cannot be said to be.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EvidenceError {
    #[error(transparent)]
    NotGood(#[from] NotGood),
    #[error(transparent)]
    Node(#[from] NodeError),
    #[error(transparent)]
    Invoice(InvoiceError),
}

impl From<ClaimRejection> for EvidenceError {
    fn from(why: ClaimRejection) -> Self {
        Self::NotGood(why.into())
    }
}

impl From<ReceiptError> for EvidenceError {
    fn from(why: ReceiptError) -> Self {
        Self::NotGood(why.into())
    }
}

impl Purchases {
    /// Whether a claim in the form `<claim>`, `<claim>:<preimage>` or `L402 …` is good.
    pub(crate) async fn check_claim(&self, text: &str) -> Result<Sold, EvidenceError> {
        let mut named = Credential::read([text.as_bytes()]).into_iter();
        let credential = named.next().unwrap_or_else(|| Credential::read_one(text))?;
        let Credential { claim, .. } = &credential;
        let item = self.claims().verify(claim, unix_now())?.to_owned();
        Claims::version(claim)?;
        let is_proven = credential.proves_payment()?;
        let sold = Sold {
            item,
            payment_hash: credential.payment_hash(),
            amount_msat: None,
            paid_at: None,
            valid_until: valid_until(claim),
        };
        let standing = self.nodes().standing(claim).await;
        confirmed(sold, is_proven, standing)
    }

    /// Whether a receipt is good; `is_sold` says whether the store has sold its content as its item.
    pub(crate) async fn check_receipt(
        &self,
        receipt: &Receipt,
        is_sold: bool,
    ) -> Result<Sold, EvidenceError> {
        let invoice = receipt.verify(None)?.invoice;
        let node = self.nodes().with_id(invoice.payee).await?;
        let node = node.ok_or(NotGood::OtherNode)?;
        if !is_sold {
            return Err(NotGood::OtherItem.into());
        }
        let description = invoice.description.as_deref().unwrap_or_default();
        let valid_until = terms(description, invoice.expires_at).valid_until;
        if valid_until.is_some_and(|until| until < unix_now()) {
            return Err(NotGood::TimeIsOver.into());
        }
        let sold = Sold {
            item: receipt.item.to_string(),
            payment_hash: invoice.payment_hash,
            amount_msat: invoice.amount_msat,
            paid_at: None,
            valid_until,
        };
        let standing = node.invoices.standing(invoice.payment_hash).await;
        confirmed(sold, true, standing)
    }
}

/// Adds what the node knows. Its word is needed only where the payment is not proven.
fn confirmed(
    sold: Sold,
    is_proven: bool,
    standing: Result<Standing, InvoiceError>,
) -> Result<Sold, EvidenceError> {
    let standing = match standing {
        Ok(standing) => standing,
        Err(_) if is_proven => return Ok(sold),
        Err(InvoiceError::Unknown) => return Err(NotGood::Unconfirmed.into()),
        Err(error) => return Err(EvidenceError::Invoice(error)),
    };
    match standing.status {
        Status::Unpaid if !is_proven => Err(NotGood::Unpaid.into()),
        Status::Expired if !is_proven => Err(NotGood::NotPaidInTime.into()),
        _ => Ok(Sold {
            amount_msat: standing.amount_msat,
            paid_at: standing.paid_at,
            ..sold
        }),
    }
}

/// The earliest of a verified claim's limits.
fn valid_until(claim: &Claim) -> Option<u64> {
    let limits = claim.caveats(CAVEAT_VALID_UNTIL);
    limits.filter_map(|limit| limit.parse().ok()).min()
}

//! Buyers who paid and are refused. The owner hears of it here, so that no buyer's complaint is the
//! first news.

use shared::lightning::PaymentHash;

use crate::metrics::Metrics;
use crate::payments::claims::{ClaimRejection, Credential};

/// Why a payment gets nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The claim is not of this store's secret. Anyone can make up such a claim and its preimage, but
    /// so look all earlier buyers after the secret was changed.
    NotIssued,
    /// The claim is for something else.
    OtherItem,
    /// The claim names two versions of the goods.
    OtherVersion,
    /// The time that was sold is over.
    TimeIsOver,
    /// The version that was sold is no longer there.
    Gone,
    /// lightningd no longer has the invoice, and the buyer sent no preimage: it may never have been
    /// paid.
    Unconfirmed,
}

impl Refusal {
    /// Of a credential whose preimage proves its payment; `None` where nothing says that it was paid.
    pub(crate) fn of(credential: &Credential, why: ClaimRejection) -> Option<Self> {
        if credential.proves_payment() != Ok(true) {
            return None;
        }
        match why {
            ClaimRejection::Signature => Some(Self::NotIssued),
            ClaimRejection::Item => Some(Self::OtherItem),
            ClaimRejection::Version => Some(Self::OtherVersion),
            ClaimRejection::Expired => Some(Self::TimeIsOver),
            ClaimRejection::Preimage | ClaimRejection::Unreadable | ClaimRejection::Missing => None,
        }
    }

    /// In a word, for metrics.
    pub(crate) fn reason(self) -> &'static str {
        match self {
            Self::NotIssued => "not_issued",
            Self::OtherItem => "other_item",
            Self::OtherVersion => "other_version",
            Self::TimeIsOver => "time_is_over",
            Self::Gone => "gone",
            Self::Unconfirmed => "unconfirmed",
        }
    }

    /// What the owner can do about it.
    fn remedy(self) -> &'static str {
        match self {
            Self::NotIssued => {
                "if many buyers are refused, the secret was changed: put the old one back"
            }
            Self::OtherItem => "the buyer's program sends the claim for another item",
            Self::OtherVersion => "the buyer's program added a caveat to the claim",
            Self::TimeIsOver => "the time that was sold is over; nothing is wrong",
            Self::Gone => {
                "put the version that was sold back into the data folder's `goods`, or refund the \
                 buyer"
            }
            Self::Unconfirmed => {
                "lightningd deleted the invoice; if it deletes paid ones, switch off \
                 autoclean-paidinvoices-age"
            }
        }
    }
}

/// Counts and logs a refusal of what is called `item`.
pub(crate) fn tell(metrics: &Metrics, refusal: Refusal, item: &str, payment_hash: PaymentHash) {
    let reason = refusal.reason();
    metrics.refused(reason);
    let remedy = refusal.remedy();
    if refusal == Refusal::Unconfirmed {
        // Most of these were never paid.
        tracing::info!(%payment_hash, item, "a claim cannot be confirmed: {remedy}");
    } else {
        tracing::warn!(%payment_hash, item, reason, "paid, but refused: {remedy}");
    }
}

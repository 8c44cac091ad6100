//! Buyers who paid and are refused. The owner hears of it here, so that no buyer's complaint is the
//! first news.

use shared::lightning::PaymentHash;
use tokio::sync::broadcast;
use tracing::field::display;

use crate::clock::unix_now;
use crate::metrics::Metrics;
use crate::payments::claims::{ClaimRejection, Credential, UnknownKey};
use crate::secret::KeyId;

/// Why a payment gets nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Refusal {
    /// The claim is not of this store's secret. Anyone can make up such a claim and its preimage, but
    /// once the secret was replaced, claims that name no key look the same.
    NotIssued,
    /// The claim names this key, which is not in the store's secret. Anyone can make up that, too, but
    /// what was removed is named so.
    UnknownKey(KeyId),
    /// The claim is for something else.
    OtherItem,
    /// The claim names two versions of the goods.
    OtherVersion,
    /// The time that was sold is over.
    TimeIsOver,
    /// The claim has a time limit that means nothing.
    OddTime,
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
            ClaimRejection::UnknownKey(UnknownKey(key)) => Some(Self::UnknownKey(key)),
            ClaimRejection::Item => Some(Self::OtherItem),
            ClaimRejection::Version => Some(Self::OtherVersion),
            ClaimRejection::Expired => Some(Self::TimeIsOver),
            ClaimRejection::TooLate => Some(Self::OddTime),
            ClaimRejection::Preimage
            | ClaimRejection::Unreadable
            | ClaimRejection::Charge(_)
            | ClaimRejection::Missing => None,
        }
    }

    /// In a word, for metrics.
    pub(crate) fn reason(self) -> &'static str {
        match self {
            Self::NotIssued => "not_issued",
            Self::UnknownKey(_) => "unknown_key",
            Self::OtherItem => "other_item",
            Self::OtherVersion => "other_version",
            Self::TimeIsOver => "time_is_over",
            Self::OddTime => "odd_time",
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
            Self::UnknownKey(_) => {
                "the key was removed from the secret, or is another store's: if its buyers should still be \
                 served, put the file with this key back"
            }
            Self::OtherItem => "the buyer's program sends the claim for another item",
            Self::OtherVersion => "the buyer's program added a caveat to the claim",
            Self::TimeIsOver => "the time that was sold is over; nothing is wrong",
            Self::OddTime => {
                "the buyer's program added a `valid_until` in another unit than seconds"
            }
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

/// A payment that got nothing.
#[derive(Clone, Debug)]
pub(crate) struct Refused {
    pub(crate) refusal: Refusal,
    /// What the buyer asked for.
    pub(crate) item: String,
    pub(crate) payment_hash: PaymentHash,
    /// In UNIX seconds.
    pub(crate) at: u64,
}

/// Tells the owner of refusals. A clone is another handle to the same.
#[derive(Clone)]
pub(crate) struct Refusals {
    metrics: Metrics,
    news: broadcast::Sender<Refused>,
}

/// More at once are counted and logged only.
const MOST_NEWS: usize = 256;

impl Refusals {
    /// None yet.
    pub(crate) fn new(metrics: Metrics) -> Self {
        let (news, _) = broadcast::channel(MOST_NEWS);
        Self { metrics, news }
    }

    /// Hears of those that come from now on.
    pub(crate) fn hear(&self) -> broadcast::Receiver<Refused> {
        self.news.subscribe()
    }

    /// Counts and logs a refusal of what is called `item`.
    pub(crate) fn tell(&self, refusal: Refusal, item: &str, payment_hash: PaymentHash) {
        let reason = refusal.reason();
        self.metrics.refused(reason);
        let remedy = refusal.remedy();
        if refusal == Refusal::Unconfirmed {
            // Most of these were never paid, so nobody else is told of them.
            tracing::info!(%payment_hash, item, "a claim cannot be confirmed: {remedy}");
            return;
        }
        let key = match refusal {
            Refusal::UnknownKey(key) => Some(display(key)),
            _ => None,
        };
        tracing::warn!(%payment_hash, item, reason, key, "paid, but refused: {remedy}");
        let refused = Refused {
            refusal,
            item: item.to_owned(),
            payment_hash,
            at: unix_now(),
        };
        // Where there are no webhooks, nobody hears of it.
        self.news.send(refused).ok();
    }
}

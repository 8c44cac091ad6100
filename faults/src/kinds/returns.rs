//! What all buyers have in common: they come back, and find what they paid for, the truth, or neither.

use std::net::SocketAddr;

use anyhow::Result;
use shared::lightning::PaymentHash;

use crate::http::Answer;

/// Where things are sold now.
pub(crate) struct Places {
    pub(crate) store: SocketAddr,
    /// A service with a priced route.
    pub(crate) route: SocketAddr,
}

/// What became of a buyer.
pub(crate) enum Outcome {
    Delivered,
    Told,
    /// With what there was instead.
    Neither(String),
}

/// A buyer who paid.
pub(crate) trait Returns {
    /// What the buyer is, and keeps.
    fn kind(&self) -> &'static str;
    /// What was paid; `None` where only the buyer's node knows.
    fn payment(&self) -> Option<PaymentHash>;
    /// Comes back with what this kind of buyer keeps.
    fn comes_back(&mut self, places: &Places) -> Result<Outcome>;
}

impl Outcome {
    /// What an answer comes to, where the truth is as good as the goods.
    pub(crate) fn of(answer: &Answer, is_delivery: bool) -> Self {
        if is_delivery {
            Self::Delivered
        } else if tells_the_truth(answer) {
            Self::Told
        } else {
            Self::neither(answer)
        }
    }

    /// What an answer comes to, where nothing but the goods will do.
    pub(crate) fn must_be(answer: &Answer, is_delivery: bool) -> Self {
        if is_delivery {
            Self::Delivered
        } else {
            Self::neither(answer)
        }
    }

    fn neither(answer: &Answer) -> Self {
        Self::Neither(format!("{} {}", answer.status, answer.code()))
    }
}

/// It names what opens the purchase all the same, the preimage, and offers nothing as if nothing had
/// been paid.
fn tells_the_truth(answer: &Answer) -> bool {
    let text = answer.text();
    let offers = answer.header("www-authenticate").is_some()
        || text.contains("lightning:")
        || text.contains("name=\"purchase_id\"");
    text.contains("preimage") && !offers
}

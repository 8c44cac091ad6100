//! Tells a screen reader what has changed.

use shared::purchase::{Purchase, State};
use yew::prelude::*;

use crate::components::element::element;
use crate::components::trouble::words;

/// Two live regions: the payment interrupts, the rest waits its turn. They are always in the page,
/// since a region that comes with its first words is not read.
pub fn announcements(purchase: &Purchase) -> Html {
    let (polite, assertive) = announcement(purchase.state());
    let region = |urgency: &'static str, words: AttrValue| {
        element("p", "unseen")
            .attribute("aria-live", urgency)
            .text(words)
    };
    element("div", "")
        .child(region("polite", polite))
        .child(region("assertive", assertive.into()))
        .into()
}

fn announcement(state: &State) -> (AttrValue, &'static str) {
    const PAID: &str = "Payment received.";
    let polite = match state {
        State::Idle => "",
        State::Requesting {
            trouble: Some(tries),
            ..
        }
        | State::AwaitingPayment {
            trouble: Some(tries),
            ..
        } => return (words(&tries.trouble), ""),
        State::Requesting { .. } => "Asking the store for an invoice.",
        State::AwaitingPayment { .. } => "The invoice is checked. Waiting for your payment.",
        State::Expired { .. } => "The invoice has expired.",
        State::Refused { .. } => "The invoice failed a check. Nothing was paid.",
        State::Failed { .. } => "The store could not go on.",
        State::Paid { .. } => return (AttrValue::default(), PAID),
        State::Undelivered { .. } => return ("The goods are not here yet.".into(), PAID),
        State::Delivered { .. } => return ("The box is open.".into(), PAID),
    };
    (polite.into(), "")
}

//! Tells a screen reader what has changed.

use shared::purchase::{Purchase, State};
use yew::prelude::*;

use crate::i18n::say::say;
use crate::ui::element::element;
use crate::ui::trouble::trouble_text;

/// Two live regions: the payment interrupts, everything else waits its turn. Both are always in the
/// page, because a screen reader ignores the first text of a region that is new. `over`: the time of what
/// was bought is over.
pub fn announcements(purchase: &Purchase, over: bool) -> Html {
    let (polite, assertive) = announcement(purchase, over);
    let region = |urgency: &'static str, words: AttrValue| {
        element("p", "unseen")
            .attribute("aria-live", urgency)
            .text(words)
    };
    element("div", "")
        .child(region("polite", polite))
        .child(region("assertive", assertive))
        .into()
}

fn announcement(purchase: &Purchase, over: bool) -> (AttrValue, AttrValue) {
    let nothing = AttrValue::default;
    let paid = || say("Payment received.");
    let polite = match purchase.state() {
        State::Idle => nothing(),
        State::Requesting {
            trouble: Some(tries),
            ..
        }
        | State::AwaitingPayment {
            trouble: Some(tries),
            ..
        } => return (trouble_text(&tries.trouble), nothing()),
        State::Requesting { .. } => say("Asking the store for an invoice."),
        State::AwaitingPayment { .. } => say("The invoice is checked. Waiting for your payment."),
        State::Expired { .. } => say("The invoice has expired."),
        State::Refused { .. } if purchase.moved_price().is_some() => say("The price has moved"),
        State::Refused { .. } => say("The invoice failed a check and is not shown."),
        State::Failed { .. } => say("The store could not go on."),
        State::Paid { .. } => return (nothing(), paid()),
        State::Undelivered { .. } if over => say("Its time is over"),
        State::Undelivered { .. } => return (say("The goods are not here yet."), paid()),
        State::Delivered { .. } => return (say("Here it is."), paid()),
    };
    (polite, nothing())
}

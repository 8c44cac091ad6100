//! Tells a screen reader what has changed. Always in the page: a live region that comes with its
//! first words is not read.

use shared::purchase::{Purchase, State};
use yew::prelude::*;

use crate::components::trouble::words;

/// What to tell about.
#[derive(Properties, PartialEq)]
pub struct Props {
    /// The purchase.
    pub purchase: Purchase,
    /// The item's name.
    pub title: AttrValue,
}

/// Two live regions: the payment interrupts, the rest waits its turn.
#[component]
pub fn Announcer(props: &Props) -> Html {
    let (polite, assertive) = announcement(props);
    html! {
        <>
            <p class="unseen" aria-live="polite">{polite}</p>
            <p class="unseen" aria-live="assertive">{assertive}</p>
        </>
    }
}

fn announcement(Props { purchase, title }: &Props) -> (AttrValue, AttrValue) {
    let quiet = AttrValue::default();
    match purchase.state() {
        State::Idle => (quiet.clone(), quiet),
        State::Requesting {
            trouble: Some(tries),
            ..
        }
        | State::AwaitingPayment {
            trouble: Some(tries),
            ..
        } => (words(&tries.trouble), quiet),
        State::Requesting { .. } => ("Asking the store for an invoice.".into(), quiet),
        State::AwaitingPayment { .. } => (
            "The invoice is checked. Waiting for your payment.".into(),
            quiet,
        ),
        State::Expired { .. } => ("The invoice has expired.".into(), quiet),
        State::Refused { .. } => (
            "The invoice failed a check. Nothing was paid.".into(),
            quiet,
        ),
        State::Failed { .. } => ("The store could not go on.".into(), quiet),
        State::Paid { .. } => (quiet, "Payment received.".into()),
        State::Undelivered { .. } => (
            "You have paid, but the goods are not here yet.".into(),
            "Payment received.".into(),
        ),
        State::Delivered { .. } => (
            [title, " is here."].concat().into(),
            "Payment received.".into(),
        ),
    }
}

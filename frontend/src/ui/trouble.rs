//! Troubles and problems, explained to buyers.

use shared::problem::{ErrorCode, Problem};
use shared::purchase::Trouble;
use yew::prelude::*;

use crate::i18n::say::say;
use crate::ui::element::{button, element};

/// Says that something is away rather than that it failed: it is tried again by itself, and at once
/// if the buyer clicks.
pub fn trouble_line(trouble: &Trouble, on_retry: &Callback<()>) -> Html {
    let words = element("p", "")
        .text(trouble_text(trouble))
        .text(" ")
        .say("Trying again…");
    element("div", "trouble")
        .test("trouble")
        .child(words)
        .child(button("link", "retry", on_retry).say("Try now"))
        .into()
}

/// One sentence about what happened.
pub fn trouble_text(trouble: &Trouble) -> AttrValue {
    match trouble {
        Trouble::Offline if !gloo_utils::window().navigator().on_line() => say("You are offline."),
        Trouble::Offline => say("The store cannot be reached."),
        Trouble::Unreadable => say("The store’s answer cannot be read."),
        Trouble::Problem(problem) => problem_text(problem),
    }
}

/// Explains a problem of the gateway's so that a buyer can act on it.
pub fn problem_text(problem: &Problem) -> AttrValue {
    match problem.code {
        ErrorCode::LightningUnavailable => say("The store’s Lightning node is not answering."),
        ErrorCode::Internal => say("The store made a mistake."),
        ErrorCode::InvalidClaim => say("The store does not accept your ticket."),
        ErrorCode::UnknownItem => say("The store no longer sells this."),
        ErrorCode::UnknownInvoice => say("The store’s node does not know this invoice any more."),
        ErrorCode::TooManyRequests | ErrorCode::TooManyInvoices => {
            say("The store is busy. Your turn comes soon.")
        }
        _ => [&problem.title, ": ", &problem.detail].concat().into(),
    }
}

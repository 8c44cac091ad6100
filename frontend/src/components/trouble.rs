//! Troubles and problems in a buyer's words.

use shared::problem::{ErrorCode, Problem};
use shared::purchase::Trouble;
use yew::prelude::*;

use crate::components::element::{button, element};

/// Says that something is away, not that something failed: it is tried again all the time, and at
/// once where the buyer does not want to wait.
pub fn trouble_line(trouble: &Trouble, on_retry: &Callback<()>) -> Html {
    let words = element("p", "").text(words(trouble)).text(" Trying again…");
    element("div", "trouble")
        .test("trouble")
        .child(words)
        .child(button("link", "retry", on_retry).text("Try now"))
        .into()
}

/// One sentence about what happened.
pub fn words(trouble: &Trouble) -> AttrValue {
    match trouble {
        Trouble::Offline if !gloo_utils::window().navigator().on_line() => {
            "You are offline.".into()
        }
        Trouble::Offline => "The store cannot be reached.".into(),
        Trouble::Unreadable => "The store’s answer cannot be read.".into(),
        Trouble::Problem(problem) => problem_words(problem),
    }
}

/// What the gateway says, in words that a buyer can act on.
pub fn problem_words(problem: &Problem) -> AttrValue {
    match problem.code {
        ErrorCode::LightningUnavailable => "The store’s Lightning node is not answering.".into(),
        ErrorCode::Internal => "The store made a mistake.".into(),
        ErrorCode::InvalidClaim => "The store does not accept your ticket.".into(),
        ErrorCode::UnknownItem => "The store no longer sells this.".into(),
        ErrorCode::UnknownInvoice => "The store’s node does not know this invoice any more.".into(),
        ErrorCode::TooManyRequests | ErrorCode::TooManyInvoices => problem.detail.clone().into(),
        _ => [&problem.title, ": ", &problem.detail].concat().into(),
    }
}

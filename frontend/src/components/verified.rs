//! What was checked before the invoice was shown, for who wants to know.

use shared::content::ContentHash;
use shared::invoice::{Check, Invoice};
use yew::prelude::*;

use crate::components::drawing::{TICK, drawing};
use crate::components::element::element;

/// A quiet list that opens on demand, of an invoice that passed every check.
pub fn verified(invoice: &Invoice, promised: Option<ContentHash>) -> Html {
    let check = |check: &Check| {
        let (words, value) = words(*check, invoice, promised);
        element("li", "")
            .attribute("data-check", check.name())
            .text(words)
            .child(element("code", "").text(value))
            .into()
    };
    let summary = element("summary", "")
        .child(drawing(TICK))
        .text("Checked by your browser");
    element("details", "verified")
        .test("verified")
        .child(summary)
        .child(element("ul", "").children(Check::ALL.iter().map(check)))
        .into()
}

/// What a check has shown, and the value that it was about.
fn words(check: Check, invoice: &Invoice, promised: Option<ContentHash>) -> (&'static str, String) {
    match check {
        Check::Signature => ("The invoice is signed by the node ", invoice.payee.to_hex()),
        Check::Network => ("It is for the network ", invoice.network.name().to_owned()),
        Check::Payee => (
            "That node is the one that this page expects to pay",
            String::new(),
        ),
        Check::Amount => (
            "It asks for the advertised price, ",
            invoice
                .amount_msat
                .map_or_else(String::new, |amount| amount.to_string()),
        ),
        Check::Commitment => (
            "It promises the goods with the SHA-256 ",
            promised.map_or_else(String::new, |hash| hash.to_hex()),
        ),
        Check::Claim => (
            "Your ticket to the goods belongs to this very payment",
            String::new(),
        ),
    }
}

//! What was checked before the invoice was shown, for who wants to know.

use shared::content::ContentHash;
use shared::invoice::{Check, Invoice};
use yew::prelude::*;

use crate::components::drawing::{TICK, drawing};
use crate::components::element::{Element, element};
use crate::words::{amount, say};

/// A quiet list that opens on demand, of an invoice that passed every check.
pub fn verified(invoice: &Invoice, promised: Option<ContentHash>) -> Html {
    let check = |check: &Check| {
        let (words, value) = words(*check, invoice, promised);
        with_value(&words, value)
            .attribute("data-check", check.name())
            .into()
    };
    let summary = element("summary", "")
        .child(drawing(TICK))
        .say("Checked by your browser");
    element("details", "verified")
        .test("verified")
        .child(summary)
        .child(element("ul", "").children(Check::ALL.iter().map(check)))
        .into()
}

/// A sentence with a value at its place `{0}`, set as code.
fn with_value(sentence: &str, value: String) -> Element {
    let (before, after) = sentence.split_once("{0}").unwrap_or((sentence, ""));
    element("li", "")
        .text(before.to_owned())
        .child(element("code", "").text(value))
        .text(after.to_owned())
}

/// What a check has shown, and the value that it was about.
fn words(check: Check, invoice: &Invoice, promised: Option<ContentHash>) -> (AttrValue, String) {
    match check {
        Check::Signature => (
            say("The invoice is signed by the node {0}"),
            invoice.payee.to_hex(),
        ),
        Check::Network => (
            say("It is for the network {0}"),
            invoice.network.name().to_owned(),
        ),
        Check::Payee => (
            say("That node is the one that this page expects to pay"),
            String::new(),
        ),
        Check::Amount => (
            say("It asks for the advertised price, {0}"),
            invoice.amount_msat.map_or_else(String::new, amount),
        ),
        Check::Commitment => (
            say("It promises the goods with the SHA-256 {0}"),
            promised.map_or_else(String::new, |hash| hash.to_hex()),
        ),
        Check::Claim => (
            say("Your ticket to the goods belongs to this very payment"),
            String::new(),
        ),
    }
}

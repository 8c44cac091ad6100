//! The checks that an invoice passed before it was shown, for whoever wants to know.

use shared::drawings::TICK;
use shared::invoice::Check;
use shared::purchase::Order;
use yew::prelude::*;

use crate::i18n::format::amount;
use crate::i18n::say::say_around;
use crate::ui::drawing::drawing;
use crate::ui::element::element;

/// A list that opens on a click, for an invoice that passed every check.
pub fn verified(order: &Order) -> Html {
    let check = |check: &Check| {
        let ((before, after), value) = finding(*check, order);
        element("li", "")
            .text(before)
            .child(element("code", "").text(value))
            .text(after)
            .attribute("data-check", check.name())
            .into()
    };
    // The last one is that of sealed goods. To cut the list is less code than a filter.
    let sealed = usize::from(order.manifest.is_some());
    let made = Check::ALL[..Check::ALL.len() - 1 + sealed].iter();
    let summary = element("summary", "")
        .child(drawing(TICK))
        .say("Checked by your browser");
    element("details", "verified")
        .test("verified")
        .child(summary)
        .child(element("ul", "").children(made.map(check)))
        .into()
}

/// What a check found, as the text before and after a value, and the value.
fn finding(check: Check, order: &Order) -> ((String, String), String) {
    let invoice = &order.invoice;
    match check {
        Check::Signature => (
            say_around("The invoice is signed by the node {0}"),
            invoice.payee.to_hex(),
        ),
        Check::Network => (
            say_around("It is for the network {0}"),
            invoice.network.name().to_owned(),
        ),
        Check::Payee => (
            say_around("That node is the one that this page expects to pay"),
            String::new(),
        ),
        Check::Amount => (
            say_around("It asks for the advertised price, {0}"),
            invoice.amount_msat.map_or_else(String::new, amount),
        ),
        Check::Commitment => (
            say_around("It promises the goods with the SHA-256 {0}"),
            order
                .promised()
                .map_or_else(String::new, |hash| hash.to_hex()),
        ),
        Check::Claim => (
            say_around("Your ticket to the goods belongs to this very payment"),
            String::new(),
        ),
        Check::Sealed => (
            say_around("Payment and ticket are the key to the sealed goods"),
            String::new(),
        ),
    }
}

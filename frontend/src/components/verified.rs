//! What was checked before the invoice was shown, for who wants to know.

use shared::content::ContentHash;
use shared::invoice::{Check, Invoice};
use yew::prelude::*;

use crate::components::drawing::{TICK, drawing};

/// A quiet list that opens on demand, of an invoice that passed every check.
pub fn verified(invoice: &Invoice, promised: Option<ContentHash>) -> Html {
    html! {
        <details class="verified" data-test="verified">
            <summary>{drawing(TICK)}{"Checked by your browser"}</summary>
            <ul>
                { for Check::ALL.iter().map(|&check| {
                    let (words, value) = words(check, invoice, promised);
                    html! { <li data-check={check.name()}>{words}<code>{value}</code></li> }
                }) }
            </ul>
        </details>
    }
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
            invoice.amount_msat.map_or_else(String::new, |amount| amount.to_string()),
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

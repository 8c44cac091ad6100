//! What was checked before the invoice was shown, for who wants to know.

use shared::content::ContentHash;
use shared::invoice::{Check, Invoice};
use yew::prelude::*;

use crate::components::icons::Tick;

/// An invoice that passed every check.
#[derive(Properties, PartialEq)]
pub struct Props {
    /// The invoice.
    pub invoice: Invoice,
    /// The hash that it promises.
    pub promised: Option<ContentHash>,
}

/// A quiet list that opens on demand.
#[component]
pub fn Verified(props: &Props) -> Html {
    html! {
        <details class="verified" data-test="verified">
            <summary><Tick />{"Checked by your browser"}</summary>
            <ul>
                { for Check::ALL.iter().map(|&check| html! {
                    <li data-check={check.name()}>{words(check, props)}</li>
                }) }
            </ul>
        </details>
    }
}

fn words(check: Check, Props { invoice, promised }: &Props) -> Html {
    match check {
        Check::Signature => html! {
            <>{"The invoice is signed by the node "}<code>{invoice.payee.to_hex()}</code></>
        },
        Check::Network => html! { <>{"It is for the network "}{invoice.network.name()}</> },
        Check::Payee => html! { {"That node is the one this page expects to pay"} },
        Check::Amount => html! {
            <>
                {"It asks for the advertised price, "}
                {invoice.amount_msat.map(|amount| amount.to_string())}
            </>
        },
        Check::Commitment => html! {
            <>
                {"It promises the goods with the SHA-256 "}
                <code>{promised.map(|hash| hash.to_hex())}</code>
            </>
        },
        Check::Claim => html! { {"Your ticket to the goods belongs to this very payment"} },
    }
}

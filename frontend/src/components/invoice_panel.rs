//! What to pay, how, and until when.

use shared::lightning::Preimage;
use shared::purchase::{Order, Purchase, Tries};
use yew::prelude::*;

use crate::clock::Clock;
use crate::components::copy_button::CopyButton;
use crate::components::countdown::countdown;
use crate::components::qr_code::qr_code;
use crate::components::trouble::trouble_line;
use crate::components::verified::verified;
use crate::components::wallet_button::WalletButton;
use crate::hooks::use_server_now::use_server_now;
use crate::webln;

/// The purchase that waits for its payment.
#[derive(Properties, PartialEq)]
pub struct Props {
    /// It alone says what is payable.
    pub purchase: Purchase,
    /// The server's clock.
    pub clock: Clock,
    /// The item's name.
    pub title: AttrValue,
    /// Failed tries to learn of the payment.
    pub trouble: Option<Tries>,
    /// Gets the focus when the panel opens.
    pub focus: NodeRef,
    /// A wallet's proof of payment.
    pub on_paid: Callback<Preimage>,
    /// The buyer does not want to wait for the next try.
    pub on_retry: Callback<()>,
    /// The buyer does not want to pay now.
    pub on_close: Callback<()>,
}

/// Draws what [`Purchase::payable`] allows, and nothing payable besides.
#[component]
pub fn InvoicePanel(props: &Props) -> Html {
    let now = use_server_now(&props.clock);
    let price = props.purchase.terms().price_msat.to_string();
    let payable = props.purchase.payable(now);
    // Drawn once, not each second.
    let code = use_memo(
        payable.map(|order| order.invoice.bolt11.clone()),
        |bolt11| {
            let label = ["QR code of the invoice: ", &price, " for ", &props.title].concat();
            bolt11.as_ref().map(|bolt11| qr_code(bolt11, &label))
        },
    );
    let trouble = props
        .trouble
        .as_ref()
        .map(|tries| trouble_line(&tries.trouble, &props.on_retry));
    html! {
        <div class="invoice" part="invoice" data-test="invoice">
            <h3 ref={&props.focus} tabindex="-1">
                <span class="amount">{&price}</span>
                <span class="purpose">{"for "}{&props.title}</span>
            </h3>
            { match payable {
                Some(order) => ways_to_pay(props, order, (*code).clone(), now),
                None => html! {
                    <p class="closing">{"Time is up. Looking once more for your payment…"}</p>
                },
            } }
            {trouble}
            <button type="button" class="link" part="button" data-test="close"
                onclick={props.on_close.reform(|_: MouseEvent| ())}>{"Not now"}</button>
        </div>
    }
}

fn ways_to_pay(props: &Props, order: &Order, code: Option<Html>, now: u64) -> Html {
    let invoice = &order.invoice;
    let bolt11 = AttrValue::from(invoice.bolt11.clone());
    html! {
        <>
            {code}
            {countdown(invoice.created_at, invoice.expires_at, now)}
            <div class="ways">
                if webln::is_available() {
                    <WalletButton bolt11={&bolt11} on_paid={&props.on_paid} />
                }
                <div class="ways-outside">
                    <a class="plain" part="button" data-test="open-wallet"
                        href={["lightning:", bolt11.as_str()].concat()}>{"Open in wallet"}</a>
                    <CopyButton bolt11={&bolt11} />
                </div>
            </div>
            <code class="bolt11" data-test="bolt11" data-bolt11={&bolt11}>{&bolt11}</code>
            {verified(invoice, order.promised())}
        </>
    }
}

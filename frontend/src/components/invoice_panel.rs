//! What to pay, how, and until when.

use shared::lightning::Preimage;
use shared::purchase::{Order, Purchase, Tries};
use yew::prelude::*;

use crate::clock::Clock;
use crate::components::copy_button::CopyButton;
use crate::components::countdown::Countdown;
use crate::components::devnet_switch::DevnetSwitch;
use crate::components::qr_code::QrCode;
use crate::components::trouble::TroubleLine;
use crate::components::verified::Verified;
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
    let trouble = props.trouble.as_ref().map(|tries| {
        html! { <TroubleLine trouble={tries.trouble.clone()} on_retry={&props.on_retry} /> }
    });
    html! {
        <div class="invoice" data-test="invoice">
            <h3 ref={&props.focus} tabindex="-1">
                <span class="amount">{&price}</span>
                <span class="purpose">{"for "}{&props.title}</span>
            </h3>
            { match props.purchase.payable(now) {
                Some(order) => payable(props, order, now, &price),
                None => html! {
                    <p class="closing">{"Time is up. Looking once more for your payment…"}</p>
                },
            } }
            {trouble}
            <button type="button" class="link" data-test="close"
                onclick={props.on_close.reform(|_: MouseEvent| ())}>{"Not now"}</button>
        </div>
    }
}

fn payable(props: &Props, order: &Order, now: u64, price: &str) -> Html {
    let invoice = &order.invoice;
    let bolt11 = AttrValue::from(invoice.bolt11.clone());
    let label = ["QR code of the invoice: ", price, " for ", &props.title].concat();
    html! {
        <>
            <QrCode bolt11={&bolt11} {label} />
            <Countdown created_at={invoice.created_at} expires_at={invoice.expires_at} {now} />
            <div class="ways">
                if webln::is_available() {
                    <WalletButton bolt11={&bolt11} on_paid={&props.on_paid} />
                    <DevnetSwitch />
                }
                <a class="plain" data-test="open-wallet"
                    href={["lightning:", bolt11.as_str()].concat()}>{"Open in wallet"}</a>
                <CopyButton bolt11={&bolt11} />
            </div>
            <p class="bolt11"><span class="unseen">{"Invoice: "}</span>
                <code data-test="bolt11" data-bolt11={&bolt11}>{&bolt11}</code>
            </p>
            <Verified invoice={invoice.clone()} promised={order.promised()} />
        </>
    }
}

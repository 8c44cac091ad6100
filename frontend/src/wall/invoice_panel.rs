//! What to pay, how, and until when.

use shared::invoice::Invoice;
use shared::lightning::Msat;
use shared::purchase::{Order, Purchase, Tries};
use yew::prelude::*;

use crate::browser::clock::Clock;
use crate::browser::gateway::Gateway;
use crate::browser::ios;
use crate::i18n::format::{amount, moment_of, money};
use crate::i18n::language::{Language, current};
use crate::i18n::say::{say, say_of};
use crate::ui::copy_button::{CopyButton, copy_link};
use crate::ui::element::{button, element, paragraph};
use crate::ui::qr_code::qr_code;
use crate::ui::trouble::trouble_line;
use crate::wall::countdown::countdown;
use crate::wall::until::until;
use crate::wall::use_server_now::use_server_now;
use crate::wall::verified::verified;
use crate::wall::wallet_button::{Teller, WalletButton};

/// The purchase that waits for its payment.
#[derive(Properties, PartialEq)]
pub struct Props {
    /// The language that it speaks: that of what draws it.
    #[prop_or_else(current)]
    pub language: Language,
    /// It alone says what is payable.
    pub purchase: Purchase,
    /// The store.
    pub gateway: Gateway,
    /// The server's clock.
    pub clock: Clock,
    /// The item's name.
    pub title: AttrValue,
    /// Failed attempts to ask about the payment.
    pub trouble: Option<Tries>,
    /// The purchase's link, which opens it on another device.
    pub link: AttrValue,
    /// Whether the browser refused to keep the purchase.
    pub lost_with_the_page: bool,
    /// Gets the focus when the panel opens.
    pub focus: NodeRef,
    /// How wallets are told.
    pub teller: Teller,
    /// The buyer wants the next attempt now.
    pub on_retry: Callback<()>,
    /// The buyer does not want to pay now.
    pub on_close: Callback<()>,
}

/// Draws what [`Purchase::payable`] allows, and nothing payable besides.
#[component]
pub fn InvoicePanel(props: &Props) -> Html {
    props.language.enter();
    let now = use_server_now(&props.clock);
    let payable = props.purchase.payable(now);
    // A price that follows a rate may have moved since it was advertised.
    let asked = payable.and_then(|order| order.invoice.amount_msat);
    let price = amount(asked.unwrap_or(props.purchase.terms().price_msat));
    // Drawn once, not each second.
    let bolt11 = payable.map(|order| order.invoice.bolt11.clone());
    let code = use_memo((bolt11, props.language.clone()), |(bolt11, _)| {
        let label = say_of(
            "QR code of the invoice: {0} for {1}",
            &[&price, &props.title],
        );
        bolt11.as_ref().map(|bolt11| qr_code(bolt11, &label))
    });
    let trouble = props
        .trouble
        .as_ref()
        .map(|tries| trouble_line(&tries.trouble, &props.on_retry));
    let purpose = say_of("for {0}", &[&props.title]);
    let heading = element("h2", "")
        .attribute("tabindex", "-1")
        .node(&props.focus)
        .child(element("span", "amount").text(price))
        .text(" ")
        .child(element("span", "purpose").text(purpose));
    element("div", "invoice")
        .part("invoice")
        .test("invoice")
        .child(heading)
        .child(match payable {
            Some(order) => ways_to_pay(props, order, (*code).clone(), now),
            None => paragraph(
                "closing",
                say("Time is up. Looking once more for your payment…"),
            ),
        })
        .children(payable.and_then(|order| rate(&order.invoice)))
        .children(payable.and_then(|order| until(&order.claim, &props.clock)))
        .children(trouble)
        .children(props.lost_with_the_page.then(not_kept))
        .child(
            element("div", "asides")
                .child(copy_link(&props.link))
                .child(button("link", "close", &props.on_close).say("Not now")),
        )
        .into()
}

fn ways_to_pay(props: &Props, order: &Order, code: Option<Html>, now: u64) -> Html {
    let invoice = &order.invoice;
    let bolt11 = AttrValue::from(invoice.bolt11.clone());
    let ways = element("div", "ways")
        .child(html! {
            <WalletButton key={&*bolt11} bolt11={&bolt11} gateway={props.gateway.clone()}
                amount={invoice.amount_msat.unwrap_or(Msat(u64::MAX))} payment_hash={invoice.payment_hash} word={order.wallet}
                teller={props.teller.clone()} />
        })
        .child(html! {
            <CopyButton text={&bolt11} label={say("Copy invoice")} class="plain" test="copy" />
        });
    element("div", "payable")
        .children(code)
        .child(countdown(invoice.created_at, invoice.expires_at, now))
        .child(ways)
        .children(ios::is_here().then(|| choice_of_wallets(&bolt11)))
        .child(
            element("code", "bolt11")
                .part("bolt11")
                .test("bolt11")
                .attribute("data-bolt11", bolt11.clone())
                .text(bolt11),
        )
        .child(verified(order))
        .into()
}

fn choice_of_wallets(bolt11: &str) -> Html {
    let wallet = |(name, prefix): (&'static str, &'static str)| {
        let open = element("a", "link")
            .attribute("href", [prefix, bolt11].concat())
            .text(name);
        element("li", "").child(open).into()
    };
    element("details", "wallets")
        .test("wallets")
        .child(element("summary", "link").say("Choose a wallet"))
        .child(element("ul", "").children(ios::WALLETS.map(wallet)))
        .into()
}

/// What the price was made with, where it follows a rate.
pub fn rate(invoice: &Invoice) -> Option<Html> {
    let stated = invoice.stated_rate()?;
    let currency = stated.price.currency;
    let words = say_of(
        "{0} at {1} for a bitcoin, the rate of {2}",
        &[
            &money(stated.price.amount, currency),
            &money(stated.per_btc, currency),
            &moment_of(&stated.at.into()),
        ],
    );
    Some(element("p", "quiet").test("rate").text(words).into())
}

/// Tells buyers whose browser stores nothing to copy the link.
pub fn not_kept() -> Html {
    element("p", "quiet")
        .test("not-kept")
        .text(say(
            "This browser does not let the store keep your purchase. Copy its link, or it is gone \
             with this page.",
        ))
        .into()
}

//! Embed: each item on another site, by two lines of HTML, and on paper, by a poster with its code.

use axum::extract::{Path as Named, State};
use axum::response::{IntoResponse as _, Response};
use maud::{Markup, html};
use purrwall_gateway::goods::catalogue::Goods;
use purrwall_gateway::{Code, draw_qr_code};
use shared::lightning::Payees;
use shared::qr_code::QrCode;

use crate::desk::Desk;
use crate::goods::unknown;
use crate::pages::{Tab, page};
use crate::refused::Refused;
use crate::sessions::Session;
use crate::words::Words;

/// What stands for the store's address where nobody said it.
const NOWHERE: &str = "https://store.example";

/// `GET /embed`
pub(crate) async fn show(State(desk): State<Desk>, words: Words, session: Session) -> Response {
    let payees = payees(&desk).await;
    let store = desk.options.store.public_url.as_deref();
    let catalogue = desk.gateway.catalogue();
    let content = html! {
        @if store.is_none() { (no_address(words)) }
        @if payees.is_none() {
            p class="told failed" role="alert" data-test="no-payee" {
                (words.t("No node of the store answers, so these lines do not say yet who is paid. Load the page again later."))
            }
        }
        p { (words.t("These lines sell an item on any page. The visitor’s browser checks that nobody but the named node is paid.")) }
        @if catalogue.goods().is_empty() {
            p class="empty" { (words.t("Nothing is on the shelf.")) }
        }
        @for goods in catalogue.goods() {
            section class="panel" data-test={ "embed-" (goods.id) } {
                div class="headline" {
                    h2 { bdi { (goods.title) } }
                    a class="plain" href={ "/embed/" (goods.id) } data-test="poster" {
                        (words.t("Poster")) span class="unseen" { " " (goods.title) }
                    }
                }
                pre class="command" dir="ltr" tabindex="0" data-test="lines" {
                    (lines(store.unwrap_or(NOWHERE), goods, payees.as_deref()))
                }
            }
        }
    };
    page(&desk, words, &session, Tab::Embed, &content).into_response()
}

fn no_address(words: Words) -> Markup {
    html! {
        p class="told failed" role="alert" data-test="no-address" {
            (words.t("The store does not know its own address. Set public_url in its file, so that these lines and posters lead to it."))
        }
    }
}

/// The ids of all nodes that the store sells through, as the widget takes them.
async fn payees(desk: &Desk) -> Option<String> {
    let nodes = desk.gateway.node_reports().await.into_iter();
    let mut ids = nodes.filter_map(|report| Some(report.word.ok()?.id));
    let first = ids.next()?;
    Some(Payees::new(first, ids.collect()).to_hex())
}

/// Two lines of HTML; maud escapes them once more, to be read.
fn lines(store: &str, goods: &Goods, payees: Option<&str>) -> String {
    let id = &goods.id;
    let element = html! {
        purr-wall item=(id) payee=[payees] { a href={ (store) "/buy/" (id) } { (goods.title) } }
    };
    let script = html! { script type="module" src={ (store) "/widget.js" } {} };
    format!("{}\n{}", script.into_string(), element.into_string())
}

/// `GET /embed/{id}`: what is printed.
pub(crate) async fn poster(
    State(desk): State<Desk>,
    words: Words,
    session: Session,
    Named(id): Named<String>,
) -> Result<Response, Refused> {
    let catalogue = desk.gateway.catalogue();
    let goods = id.parse().ok().and_then(|id| catalogue.find(&id));
    let goods = goods.ok_or_else(unknown)?;
    let content = if let Some(store) = desk.options.store.public_url.as_deref() {
        sheet(&desk, words, goods, &format!("{store}/buy/{}", goods.id))
    } else {
        no_address(words)
    };
    let content = html! {
        (content)
        p class="no-print" { a class="plain" href=(Tab::Embed.path()) { (words.t("Back")) } }
    };
    Ok(page(&desk, words, &session, Tab::Embed, &content).into_response())
}

fn sheet(desk: &Desk, words: Words, goods: &Goods, address: &str) -> Markup {
    let price = match goods.item() {
        Ok(item) => item.price_text(),
        Err(_) => goods.price.to_string(),
    };
    html! {
        p class="no-print" { (words.t("Print this page, or save it as PDF: only the poster is on the sheet.")) }
        @if desk.gateway.code(&goods.id).is_none() {
            p class="told no-print" data-test="no-code" {
                (words.t("Wallets follow codes to https addresses only, and the store’s public_url is none. So this code leads to its page."))
            }
        }
        article class="panel poster" data-test="sheet" {
            h2 { bdi { (goods.title) } }
            @if desk.gateway.preview(&goods.id).is_some() {
                img src={ "/goods/" (goods.id) "/preview" } alt="";
            }
            @if !goods.teaser.is_empty() { p class="teaser" dir="auto" { (goods.teaser) } }
            p class="price" dir="ltr" { (price) }
            @if let Some(Code { lnurl, address: name }) = desk.gateway.code(&goods.id) {
                @if let Some(code) = QrCode::of(&lnurl) {
                    (draw_qr_code(&code, words.t("Code for wallets")))
                }
                p { (words.t("Scan this with a Lightning wallet: it pays, and you get what stands above. It works for as long as it is sold.")) }
                @if let Some(name) = name {
                    p class="address" dir="ltr" data-test="lightning-address" { (name) }
                }
                p { (words.t("Without such a wallet, open this page:")) }
            } @else {
                @if let Some(code) = QrCode::of_text(address) {
                    (draw_qr_code(&code, words.t("Code of the address")))
                }
                p { (words.t("Scan this with the camera of a phone, and pay with a Lightning wallet.")) }
            }
            p class="address" dir="ltr" data-test="page-address" { (address) }
        }
    }
}

//! What the pages without script look like. maud escapes every text that is put into them.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use shared::api::{Deed, Item, ItemId, PurchaseId, Scene, Status, preview_path};
use shared::content::{ContentHash, commitment};
use shared::fiat::StatedRate;
use shared::invoice::Invoice;
use shared::problem::Problem;
use shared::qr_code::QrCode;
use shared::styles::{PAGE, WALL, light_only};

use crate::goods::catalogue::Content;
use crate::http::api::listing::Access;
use crate::http::code::Code;
use crate::http::problem::seconds;
use crate::look::help::{self, Steps};
use crate::look::{Look, Picture};
use crate::pages::{deadline, drawings, qr_code};

/// The path that the pages are nested at.
pub(crate) const AT: &str = "/buy";

/// How often a page that waits asks again, in seconds.
pub(crate) const REFRESH_SECS: u32 = 5;

/// The style: the one of the store's other page, and what only this page has.
pub(crate) static STYLE: LazyLock<String> = LazyLock::new(|| {
    let own = include_str!("style.css");
    [WALL, &light_only(), PAGE, own].concat()
});

/// Where browsers find [`STYLE`] below the pages; another address for other looks, so that they may
/// keep it.
static STYLE_URL: LazyLock<String> = LazyLock::new(|| {
    let hash = ContentHash::of(STYLE.as_bytes()).to_hex();
    format!("/style.css?v={}", &hash[..16])
});

/// What every page says of the store.
#[derive(Clone, Copy)]
pub(crate) struct Site<'a> {
    /// The store's name.
    pub(crate) name: &'a str,
    /// The path of the list of items, which the other pages lie below: `/buy`, behind the path that
    /// the store's router is nested at. `None` where there is no list: a page for a route of somebody
    /// else's.
    pub(crate) shelf: Option<&'a str>,
    /// How the store looks.
    pub(crate) look: &'a Look,
    /// What the visitor's browser accepts, for the help in other languages than the page's.
    pub(crate) languages: &'a str,
}

impl Site<'_> {
    /// The address of something beside the list of items; `None` where there is no list.
    fn beside(&self, path: &str) -> Option<String> {
        let root = self.shelf?.strip_suffix(AT)?;
        Some(format!("{root}{path}"))
    }

    /// The path of an item's page.
    pub(crate) fn page_of(&self, id: &ItemId) -> String {
        format!("{}/{id}", self.shelf.unwrap_or_default())
    }
}

/// What a page sells, and where it is.
pub(crate) struct Ware {
    /// Its name.
    pub(crate) id: String,
    /// What it is called for people.
    pub(crate) title: String,
    /// What is said of it before it is paid for; may be empty.
    pub(crate) teaser: String,
    /// Its price for people.
    pub(crate) price: String,
    /// Until when it can be had once it is paid, in UNIX seconds; `None` where that has no end, or is
    /// not known yet.
    pub(crate) until: Option<u64>,
    /// What stands before it.
    pub(crate) scene: Scene,
    /// What its button says.
    pub(crate) button: String,
    /// Chooses the drawing of a box.
    pub(crate) seed: ContentHash,
    /// Its code for paper, where it has one.
    pub(crate) code: Option<Code>,
    /// The page's address without the host.
    pub(crate) here: String,
    /// The same for the page that does not refresh itself.
    pub(crate) still: String,
}

impl From<(Item, String)> for Ware {
    /// An item, and the address of its page.
    fn from((item, here): (Item, String)) -> Self {
        Self {
            price: item.price_text(),
            until: None,
            scene: item.scene,
            button: button(&item).to_owned(),
            id: item.id.to_string(),
            title: item.title,
            teaser: item.teaser,
            seed: item.sha256,
            code: None,
            still: format!("{here}?still"),
            here,
        }
    }
}

/// What an item's button says: the owner's word, or what its buyer does with it.
fn button(item: &Item) -> &str {
    item.word("en").unwrap_or(match item.deed() {
        Deed::Open => OPEN_THE_BOX,
        Deed::Read => "Read",
        Deed::Listen => "Listen",
        Deed::Watch => "Watch",
        Deed::Buy => "Buy",
    })
}

/// What the button of a box says.
pub(crate) const OPEN_THE_BOX: &str = "Open the box";

/// Everything that the store sells.
pub(crate) fn index(site: Site<'_>, items: &[Item], services: &[Access]) -> Markup {
    let look = site.look;
    let subline = look.subline.as_deref();
    let subline = subline.unwrap_or("Paid over Lightning, on a plain page that needs no script.");
    let shelf = html! {
        div class="hero" {
            @match (&look.headline, look.scene) {
                (Some(headline), _) => h1 dir="auto" { (headline) },
                (None, Scene::Box) => h1 { "Pick a box. Pay a little. " em { "See who is inside." } },
                (None, _) => h1 dir="auto" { (site.name) },
            }
            @if !subline.is_empty() {
                p dir="auto" { (subline) }
            }
        }
        @if items.is_empty() && services.is_empty() {
            p class="empty" { "The shelves are empty. Come back later." }
        }
        ul class="shelf" {
            @for item in items {
                li class="card" data-test={ "item-" (item.id) } {
                    (scene(site, item.scene, item.id.as_str(), item.sha256))
                    div class="about" {
                        h2 { (item.title) }
                        p class="teaser" { (item.teaser) }
                        div class="buy-row" {
                            (price(&item.price_text()))
                            a class="main" data-test="open" href=(site.page_of(&item.id)) {
                                "Have a look" span class="unseen" { " at " (item.title) }
                            }
                        }
                    }
                }
            }
            @for service in services {
                li class="card" data-test={ "service-" (service.route.name) } {
                    div class="about" {
                        h2 { (service.route.title) }
                        div class="buy-row" {
                            (price(&service.price_msat.for_people()))
                            a class="main" data-test="open" href=[site.beside(service.route.path.path().0)] {
                                "Have a look" span class="unseen" { " at " (service.route.title) }
                            }
                        }
                    }
                }
            }
        }
        @if let Some(shelf) = site.shelf {
            (link_form(shelf))
        }
    };
    page(site, "Plain page", &shelf)
}

/// What is not bought yet. The form names the purchase, so that a double click buys once.
pub(crate) fn offer(site: Site<'_>, ware: &Ware, purchase_id: PurchaseId) -> Markup {
    let card = html! {
        (scene(site, ware.scene, &ware.id, ware.seed))
        div class="about" {
            h1 { (ware.title) }
            @if !ware.teaser.is_empty() {
                p class="teaser" { (ware.teaser) }
            }
            form class="buy-row" method="post" action=(ware.here) {
                (price(&ware.price))
                (purchase(purchase_id))
                button type="submit" class="main" data-test="buy" aria-label={ (ware.button) ": " (ware.title) ", " (ware.price) } {
                    (ware.button)
                }
            }
            p class="quiet" {
                "No account and no script. One cookie holds your ticket, so that this page knows you again."
            }
            (help(site))
            @if let Some(code) = &ware.code {
                (paper(ware, code))
            }
        }
    };
    card_page(site, &ware.title, &ware.id, &card)
}

/// The code for paper, with what it sells in words.
fn paper(ware: &Ware, Code { lnurl, address }: &Code) -> Markup {
    let label = format!("QR code for paper: {} for {}", ware.title, ware.price);
    html! {
        details class="help paper" data-test="paper" {
            summary { "A code for paper" }
            p {
                "Whoever scans this code with a Lightning wallet buys “" (ware.title) "” for " (ware.price)
                ". It has no end and serves any number of buyers: print it, or show it."
            }
            @if let Some(code) = QrCode::of(lnurl) {
                (qr_code::draw(&code, &label))
            }
            @if let Some(address) = address {
                p {
                    "Wallets also take its Lightning Address: "
                    code data-test="lightning-address" { (address) }
                }
            }
            label for="lnurl" { "The code as text" }
            textarea #lnurl class="bolt11" data-test="lnurl" readonly rows="4" spellcheck="false"
                autocomplete="off" { (lnurl) }
        }
    }
}

/// A purchase that was made by a code on paper, and stands so.
pub(crate) fn by_code(
    site: Site<'_>,
    id: &ItemId,
    title: &str,
    here: &str,
    status: Status,
) -> Markup {
    let card = html! {
        div class="about" {
            h1 { (title) }
            @match status {
                Status::Paid => {
                    p class="paid" role="status" data-test="paid" { "Paid. Thank you!" }
                    p {
                        "Your wallet shows a proof with the payment, its preimage. It opens what you bought, "
                        "here and in any other browser."
                    }
                    (proof_form(here))
                }
                Status::Unpaid => p role="status" data-test="waiting" {
                    "This purchase is not paid yet. The page looks again every " (REFRESH_SECS) " seconds."
                },
                Status::Expired => p role="status" data-test="expired" {
                    "This invoice was not paid in time, and nothing was taken from you. "
                    a href=(site.page_of(id)) { "Buy it here" } ", or scan the code again."
                },
            }
        }
    };
    card_page(site, title, id.as_str(), &card)
}

/// What to pay, how, and until when. `watching`: the page asks again by itself.
pub(crate) fn invoice(
    site: Site<'_>,
    ware: &Ware,
    invoice: &Invoice,
    now: u64,
    watching: bool,
) -> Markup {
    let amount = &ware.price;
    let label = format!("QR code of the invoice: {amount} for {}", ware.title);
    let card = html! {
        div class="invoice" data-test="invoice" {
            h1 { span class="amount" { (amount) } " " span class="purpose" { "for " (ware.title) } }
            p class="waiting" role="status" data-test="waiting" {
                "Waiting for your payment. "
                @if watching {
                    "This page looks again every " (REFRESH_SECS) " seconds. "
                    a data-test="still" href=(ware.still) { "Stop reloading" }
                } @else {
                    "This page does not reload by itself. "
                    a data-test="look" href=(ware.here) { "Look for the payment" }
                }
            }
            @if let Some(code) = QrCode::of(&invoice.bolt11) {
                (qr_code::draw(&code, &label))
            } @else {
                p class="quiet" { "This invoice is too long for a QR code." }
            }
            p class="deadline" data-test="deadline" {
                "Valid until " strong { (deadline::describe(invoice.expires_at, now)) }
            }
            @if let Some(StatedRate { price, per_btc, at }) = invoice.stated_rate() {
                p class="quiet" data-test="rate" {
                    (price) " at " (per_btc) " " (price.currency) " for a bitcoin, the rate of "
                    (deadline::moment_of(at))
                }
            }
            @if let Some(until) = ware.until {
                p class="quiet" data-test="valid-until" { "Yours until " (deadline::moment(until)) "." }
            }
            // Opened in the page itself, a link would end its refreshes, though it leads out of the
            // browser.
            a class="main" data-test="open-wallet" target="wallet" href={ "lightning:" (invoice.bolt11) } {
                "Open in wallet"
            }
            iframe name="wallet" title="Wallet" hidden {}
            @if watching { (help_elsewhere(site, ware)) } @else { (help(site)) }
            label for="bolt11" { "Or copy the invoice into your wallet" }
            textarea #bolt11 class="bolt11" data-test="bolt11" data-bolt11=(invoice.bolt11)
                readonly rows="5" spellcheck="false" autocomplete="off" {
                (invoice.bolt11)
            }
            details {
                summary { "What the invoice says" }
                dl {
                    dt { "Amount" } dd { (amount) }
                    @if let Some(description) = &invoice.description {
                        dt { @if commitment(description).is_some() { "For, with the goods’ SHA-256" } @else { "For" } }
                        dd { (description) }
                    }
                    dt { "Paid to the node" } dd { (invoice.payee.to_hex()) }
                    dt { "Payment hash" } dd { (invoice.payment_hash) }
                }
            }
            // Not on a page that refreshes itself: what was typed would be gone.
            @if !watching {
                @if site.shelf.is_some() {
                    p { a data-test="keep" href={ (ware.here) "/keep" } { "Link of this purchase" } }
                }
                details {
                    summary { "You paid, and this page does not know?" }
                    (proof_form(&ware.here))
                }
            }
        }
    };
    card_page(
        site,
        &format!("{amount} for {}", ware.title),
        &ware.id,
        &card,
    )
}

/// The invoice was not paid in time.
pub(crate) fn expired(site: Site<'_>, ware: &Ware, purchase_id: PurchaseId) -> Markup {
    let card = html! {
        div class="notice expired" data-test="expired" {
            h1 { "This invoice has expired" }
            p role="status" {
                "It was not paid in time, and it cannot be paid any more. Nothing was taken from you."
            }
            form method="post" action=(ware.here) {
                (purchase(purchase_id))
                button type="submit" class="main" data-test="new-invoice" {
                    "New invoice for " (ware.price)
                }
            }
        }
    };
    card_page(site, &format!("Expired: {}", ware.title), &ware.id, &card)
}

/// lightningd no longer has the invoice: nobody here can tell whether it was paid. `ware` is what can be
/// bought instead.
pub(crate) fn unconfirmed(
    site: Site<'_>,
    id: &str,
    here: &str,
    ware: Option<&Ware>,
    purchase_id: PurchaseId,
) -> Markup {
    let title = ware.map_or(id, |ware| &ware.title);
    let card = html! {
        div class="notice" data-test="unconfirmed" {
            h1 { "This payment can no longer be confirmed here" }
            p role="status" {
                "You asked for an invoice for " (title) ", but the store’s node no longer has it. So this page cannot tell whether you paid. Your ticket is kept."
            }
            p {
                strong { "If you paid, " }
                "enter the preimage. Your wallet shows it with the payment; it is the proof, and the page opens for good."
            }
            (proof_form(here))
            @if let Some(ware) = ware {
                p {
                    strong { "If you did not pay, " }
                    "ask for a new invoice. It replaces your ticket."
                }
                form class="buy-row" method="post" action=(ware.here) {
                    input type="hidden" name="new_purchase_id" value=(purchase_id.to_hex());
                    button type="submit" class="plain" data-test="buy-anew" {
                        "I have not paid: new invoice for " (ware.price)
                    }
                }
            }
        }
    };
    card_page(site, &format!("Not confirmed: {title}"), id, &card)
}

/// Where a buyer types the preimage in. It is posted, so that it stays out of addresses.
fn proof_form(here: &str) -> Markup {
    html! {
        form class="proof" method="post" action=(here) {
            label for="preimage" { "Preimage of your payment" }
            input #preimage type="text" name="purrwall_preimage" data-test="preimage" required
                pattern="[0-9a-fA-F]{64}" title="64 hex digits" spellcheck="false"
                autocomplete="off" autocapitalize="off";
            button type="submit" class="plain" data-test="prove" { "Open with this preimage" }
        }
    }
}

/// What buyers may take along: the `link` of the purchase, and the receipt where it is paid for.
pub(crate) fn keep(site: Site<'_>, id: &ItemId, title: &str, link: &str, is_paid: bool) -> Markup {
    let here = site.page_of(id);
    let card = html! {
        div class="about" {
            h1 { (title) }
            p { "This link opens the purchase in any browser. Whoever has it can take the goods, so keep it to yourself." }
            label for="link" { "Link of your purchase" }
            textarea #link class="bolt11" data-test="link" readonly rows="6" spellcheck="false"
                autocomplete="off" { (link) }
            @if is_paid {
                p { "The receipt proves to anyone what you bought and that you paid for it." }
                p { a class="plain" data-test="save-receipt" href={ (here) "/receipt" } { "Save the receipt" } }
            }
            p { a href=(here) { "Back to the purchase" } }
        }
    };
    card_page(site, &format!("Keep: {title}"), id.as_str(), &card)
}

/// Where a buyer pastes a purchase's link. It is posted, so that it stays out of addresses.
fn link_form(shelf: &str) -> Markup {
    html! {
        details class="help" data-test="open-link" {
            summary { "Open a purchase by its link" }
            form class="proof" method="post" action=(shelf) {
                label for="link" { "Link of your purchase" }
                input #link type="text" name="link" data-test="link" required spellcheck="false"
                    autocomplete="off" autocapitalize="off";
                button type="submit" class="plain" data-test="open" { "Open it" }
            }
        }
    }
}

/// The goods, paid for; `text` where they are text to be read here, `until` where they are limited in
/// time (UNIX seconds).
pub(crate) fn paid(
    site: Site<'_>,
    id: &ItemId,
    title: &str,
    content: &Content,
    text: Option<&str>,
    until: Option<u64>,
) -> Markup {
    let file = format!("{}/content", site.page_of(id));
    let card = html! {
        div class="stage lit" { (shown(title, content, text, &file)) }
        div class="about" {
            h1 { (title) }
            p class="paid" role="status" data-test="paid" { "Paid. Thank you!" }
            p { a class="plain" data-test="save" href=(file) { "Save the file" } }
            @if let Some(until) = until {
                p class="quiet" data-test="valid-until" { "Yours until " (deadline::moment(until)) "." }
            }
            p class="quiet" { "In this browser, this page shows it again for 30 days." }
            p { a data-test="keep" href={ (site.page_of(id)) "/keep" } { "Receipt and purchase link" } }
        }
    };
    card_page(site, title, id.as_str(), &card)
}

/// What went wrong, in words for the buyer. Where it may pass, the page asks again by itself.
pub(crate) fn problem(site: Site<'_>, problem: &Problem) -> Markup {
    let card = html! {
        article class="card problem" data-test="problem" {
            div class="notice failed" {
                h1 { (problem.title) }
                p role="alert" { (sentence(&problem.detail)) }
                @if let Some(secs) = comes_back_in(problem) {
                    p { "This page tries again by itself in " (seconds(secs)) ". What you paid is not lost." }
                }
                @if let Some(shelf) = site.shelf {
                    a class="plain" href=(shelf) { "See what the store has" }
                }
            }
        }
    };
    page(site, &problem.title, &card)
}

/// When the page asks again, where that may help: not more often than the invoice's page does.
pub(crate) fn comes_back_in(problem: &Problem) -> Option<u64> {
    problem
        .retry_after
        .map(|secs| secs.max(REFRESH_SECS.into()))
}

fn shown(title: &str, content: &Content, text: Option<&str>, file: &str) -> Markup {
    if let Some(text) = text {
        return html! {
            // HTML drops one newline after `<pre>`; the goods may begin with one of their own.
            pre class=(columns(text)) data-test="content" tabindex="0" role="region" aria-label=(title) {
                "\n" (text)
            }
        };
    }
    match content.content_type.split('/').next() {
        Some("image") => html! { img data-test="content" src=(file) alt=(title); },
        Some("audio") => html! {
            audio data-test="content" src=(file) controls preload="metadata" aria-label=(title) {}
        },
        Some("video") => html! {
            video data-test="content" src=(file) controls preload="metadata" aria-label=(title) {}
        },
        _ => html! { p data-test="content" { "Your file is ready: " (content.content_type) } },
    }
}

/// The class of a text that is this wide, by which the style sheet fits its letters to the screen.
/// An inline style would say it exactly, but the page's policy forbids those.
fn columns(text: &str) -> String {
    let widest = text.lines().map(|line| line.chars().count()).max();
    let class = widest
        .unwrap_or_default()
        .next_multiple_of(8)
        .clamp(24, 120);
    format!("columns-{class}")
}

/// What stands before an item: a box in the dark, a small picture, or nothing.
fn scene(site: Site<'_>, scene: Scene, id: &str, seed: ContentHash) -> Markup {
    let preview = || site.beside(&preview_path(&id.parse().ok()?));
    match scene {
        Scene::Box => drawings::closed_box(seed),
        Scene::Preview => html! {
            @if let Some(address) = preview() {
                // The title is beside it.
                img class="preview" data-test="preview" src=(address) alt="";
            }
        },
        Scene::Card => html! {},
    }
}

/// "New to Lightning?", in the visitor's language. A link to `#help` opens it.
fn help(site: Site<'_>) -> Markup {
    let (language, Steps { title, steps }) = help::accepted(site.languages);
    let [what, get, pay] = steps;
    html! {
        details class="help" data-test="help" lang=(language) dir="auto" {
            summary { (title) }
            ol #help {
                li { (what) }
                li {
                    (get)
                    @for wallet in &site.look.wallets {
                        " " a href=(wallet.url) target="_blank" rel="noopener noreferrer" { (wallet.label()) }
                    }
                }
                li { (pay) }
            }
        }
    }
}

/// The line of a page that refreshes itself, which would close what is opened on it.
fn help_elsewhere(site: Site<'_>, ware: &Ware) -> Markup {
    let (language, steps) = help::accepted(site.languages);
    html! {
        p class="help" {
            a data-test="help" lang=(language) href={ (ware.still) "#help" } { (steps.title) }
        }
    }
}

fn price(price: &str) -> Markup {
    html! {
        p class="price" { (drawings::bolt()) span class="unseen" { "Price: " } (price) }
    }
}

fn purchase(purchase_id: PurchaseId) -> Markup {
    html! { input type="hidden" name="purchase_id" value=(purchase_id.to_hex()); }
}

/// Details are written for the end of a line; on a page they are sentences.
fn sentence(detail: &str) -> String {
    let mut characters = detail.chars();
    let first = characters.next().map(char::to_uppercase);
    let mut sentence: String = first.into_iter().flatten().chain(characters).collect();
    if !sentence.ends_with('.') {
        sentence.push('.');
    }
    sentence
}

fn card_page(site: Site<'_>, title: &str, id: &str, card: &Markup) -> Markup {
    let content = html! {
        article class="card single" data-test={ "item-" (id) } { (card) }
        @if let Some(shelf) = site.shelf {
            p class="more" { a href=(shelf) { "All that the store has" } }
        }
    };
    page(site, title, &content)
}

fn page(site: Site<'_>, title: &str, content: &Markup) -> Markup {
    let brand = html! {
        @match (&site.look.logo, site.look.scene) {
            (Some(logo), _) => img class="logo" src=(address(site, LOGO, logo)) alt="";,
            (None, Scene::Box) => (drawings::logo()),
            (None, _) => {}
        }
        span { (site.name) }
    };
    let title = if site.name.is_empty() {
        title.to_owned()
    } else {
        format!("{title} · {}", site.name)
    };
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="robots" content="noindex";
                title { (title) }
                @if let Some(shelf) = site.shelf {
                    link rel="stylesheet" href={ (shelf) (*STYLE_URL) };
                    @if let Some(css) = site.beside(LOOK_CSS) {
                        link rel="stylesheet" href={ (css) "?v=" (site.look.css_version()) };
                    }
                } @else {
                    style { (PreEscaped(route_style(site.look))) }
                }
                @match &site.look.favicon {
                    Some(favicon) => link rel="icon" href=(address(site, FAVICON, favicon));,
                    None => link rel="icon" href="data:,";,
                }
                @if let Some(description) = site.beside("/openapi.json") {
                    link rel="service-desc" href=(description);
                }
            }
            body {
                @if !site.name.is_empty() {
                    header class="top" {
                        @if let Some(shelf) = site.shelf {
                            a class="brand" href=(shelf) { (brand) }
                        } @else {
                            div class="brand" { (brand) }
                        }
                    }
                }
                main { (content) }
                @if let Some(footer) = site.look.footer.as_ref().filter(|footer| !footer.is_empty()) {
                    footer class="foot" { p dir="auto" { (footer) } }
                }
            }
        }
    }
}

/// The addresses of what a look is made of, below the store.
pub(crate) const LOOK_CSS: &str = "/look.css";
pub(crate) const LOGO: &str = "/look/logo";
pub(crate) const FAVICON: &str = "/look/favicon";

/// The address of one of the look's pictures. The page of a route holds the picture itself.
fn address(site: Site<'_>, path: &str, picture: &Picture) -> String {
    match site.beside(path) {
        Some(address) => format!("{address}?v={}", picture.version),
        None => picture.data_url(),
    }
}

/// The style in a page of a priced route.
fn route_style(look: &Look) -> String {
    [STYLE.as_str(), &look.css].concat()
}

/// What a policy calls the style in a page of a priced route.
pub(crate) fn style_source(look: &Look) -> String {
    let hash = ContentHash::of(route_style(look).as_bytes());
    format!("'sha256-{}'", BASE64.encode(hash.0))
}

#[cfg(test)]
mod tests {
    use shared::api::Word;
    use shared::lightning::Msat;

    use super::*;
    use crate::goods::catalogue::Bytes;
    use crate::look::help::Wallet;

    fn hostile() -> Item {
        let content = content("text/plain");
        Item {
            id: "cat".parse().unwrap(),
            title: "<script>title</script>".to_owned(),
            teaser: "\"><img src=x onerror=teaser>".to_owned(),
            price_msat: Msat(100_000),
            fiat_price: None,
            rate: None,
            valid_for_secs: None,
            content_type: content.content_type,
            size: content.size,
            sha256: content.sha256,
            sealed: None,
            scene: Scene::Preview,
            button: vec![Word {
                language: "en".to_owned(),
                text: "<script>button</script>".to_owned(),
            }],
        }
    }

    fn hostile_look() -> Look {
        let words = |text: &str| Some(format!("<script>{text}</script>"));
        Look {
            headline: words("headline"),
            subline: words("subline"),
            footer: words("footer"),
            wallets: vec![Wallet {
                name: "<script>wallet</script>".to_owned(),
                systems: String::new(),
                url: "https://wallet.example/\"><script>".to_owned(),
            }],
            ..Look::default()
        }
    }

    fn content(content_type: &str) -> Content {
        Content {
            content_type: content_type.to_owned(),
            file_name: "cat".to_owned(),
            sha256: ContentHash::of(b""),
            size: 0,
            bytes: Bytes::Here(b""),
        }
    }

    fn site(look: &Look) -> Site<'_> {
        Site {
            name: "<b>store</b>",
            shelf: Some("/buy"),
            look,
            languages: "de",
        }
    }

    fn paid_page(content_type: &str, text: Option<&str>) -> String {
        let (item, look) = (hostile(), hostile_look());
        paid(
            site(&look),
            &item.id,
            &item.title,
            &content(content_type),
            text,
            None,
        )
        .into_string()
    }

    const HOSTILE_TEXT: &str = "\n</pre><script>goods</script>&amp;";

    #[test]
    fn nothing_hostile_gets_through() {
        let (item, look) = (hostile(), hostile_look());
        let site = site(&look);
        let code = Code {
            lnurl: "\"><script>".to_owned(),
            address: Some("\"><script>".to_owned()),
        };
        let ware = Ware {
            code: Some(code),
            ..Ware::from((item.clone(), "/buy/cat?\"><script>".to_owned()))
        };
        let id = PurchaseId([1; 16]);
        let pages = [
            index(site, std::slice::from_ref(&item), &[]).into_string(),
            offer(site, &ware, id).into_string(),
            expired(site, &ware, id).into_string(),
            unconfirmed(site, &ware.id, &ware.here, Some(&ware), id).into_string(),
            paid_page("text/plain", Some(HOSTILE_TEXT)),
            keep(site, &item.id, &item.title, "\"><script>", true).into_string(),
            by_code(site, &item.id, &item.title, "\"><script>", Status::Paid).into_string(),
        ];
        for page in pages {
            let page = page.replace("<img class=\"preview\" ", "");
            for forbidden in ["<script", "<img", "<b>", "style=\"", "onerror=teaser>"] {
                assert!(!page.contains(forbidden), "{forbidden} in {page}");
            }
        }
    }

    #[test]
    fn text_keeps_its_first_newline_and_stays_text() {
        let page = paid_page("text/plain", Some(HOSTILE_TEXT));
        let text = page.split_once("&lt;/pre&gt;").unwrap().0;
        assert!(text.ends_with(">\n\n"), "{text}");
        assert!(page.contains("&amp;amp;"));
    }

    #[test]
    fn other_media_are_shown_in_place() {
        for (content_type, element) in [
            (
                "image/png",
                "<img data-test=\"content\" src=\"/buy/cat/content\"",
            ),
            ("audio/mpeg", "<audio "),
            ("video/mp4", "<video "),
            ("application/zip", "Your file is ready: application/zip"),
        ] {
            assert!(paid_page(content_type, None).contains(element));
        }
    }

    #[test]
    fn the_widest_line_decides_the_letters_size() {
        assert_eq!(columns("meow\n"), "columns-24");
        assert_eq!(columns(&format!("a\n{}", "é".repeat(54))), "columns-56");
        assert_eq!(columns(&"x".repeat(500)), "columns-120");
    }

    #[test]
    fn every_class_of_width_is_in_the_style_sheet() {
        for columns in (24..=120).step_by(8) {
            assert!(STYLE.contains(&format!(".columns-{columns} {{")));
        }
    }
}

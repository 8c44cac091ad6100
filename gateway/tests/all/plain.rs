//! The plain page, used as a browser without any script uses it: links, a form, cookies, refreshes.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::body::Body;
use axum::http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, COOKIE,
    LOCATION, REFRESH, RETRY_AFTER, SET_COOKIE,
};
use axum::http::{Method, Request, StatusCode};
use purrwall_gateway::options::{ItemOptions, Timing};
use serde_json::json;
use shared::api::CreatedInvoice;
use shared::lightning::Preimage;

use testing::fake_lightningd::FakeLightningd;
use testing::nodes::{Nodes, call, pay};
use testing::tools::{Answer, TestGateway, eventually, item, metric, new_purchase, options, sold};

const CAT: &str = include_str!("../../cats/cat.txt");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_buys_without_a_script_over_real_payments() {
    let nodes = Nodes::devnet().await;
    let mut options = options(&nodes.store);
    options.timing = Timing::default();
    let mut browser = Browser::new(TestGateway::with(options));

    let shelf = browser.get("/buy").await;
    assert!(shelf.text().contains("href=\"/buy/cat\""));
    let offer = browser.get("/buy/cat").await;
    assert!(offer.shows("A cat") && offer.shows("100 sat") && offer.header(REFRESH).is_none());

    let invoice = browser.press(&offer).await;
    let bolt11 = invoice.bolt11();
    assert_eq!(invoice.header(REFRESH), Some("5"));
    assert!(
        invoice
            .text()
            .contains(&format!("href=\"lightning:{bolt11}\""))
    );
    assert!(invoice.shows("about 9 minutes") || invoice.shows("about 10 minutes"));
    assert_eq!(
        scan(invoice.text()),
        format!("LIGHTNING:{}", bolt11.to_uppercase())
    );
    assert_eq!(browser.get("/buy/cat/content").await.status(), 402);

    pay(&nodes.alice, bolt11).await;
    let paid = browser.refresh("/buy/cat").await;
    assert_eq!(paid.pre(), CAT);
    let saved = browser.get("/buy/cat/content").await;
    assert_eq!(saved.text(), CAT);
    assert!(
        saved
            .header(CONTENT_DISPOSITION)
            .unwrap()
            .starts_with("attachment")
    );
    assert!(
        saved
            .header(CONTENT_SECURITY_POLICY)
            .unwrap()
            .contains("sandbox")
    );
    assert!(saved.header(CACHE_CONTROL).unwrap().contains("no-store"));
    assert!(!paid.text().contains("<script"));

    // What is paid is not sold again, and only to whom it was sold.
    let again = browser.post("/buy/cat", "").await;
    assert!(again.header(SET_COOKIE).is_none());
    assert_eq!(browser.get("/buy/cat").await.pre(), CAT);
    let mut stranger = Browser::new(browser.gateway.clone());
    assert!(stranger.get("/buy/cat").await.shows("Open the box"));
    assert_eq!(stranger.get("/buy/cat/content").await.status(), 402);

    let listed = call(&nodes.store, "listinvoices", json!({})).await.unwrap();
    assert_eq!(listed["invoices"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn two_clicks_are_one_purchase() {
    let (node, mut browser) = store();
    let offer = browser.get("/buy/cat").await;
    let form = offer.form();
    // A browser drops the first answer when the second click comes: its cookie may never arrive.
    let mut first = Browser::new(browser.gateway.clone());
    let (first, second) = tokio::join!(
        first.post("/buy/cat", &form),
        browser.post("/buy/cat", &form)
    );
    assert_eq!((first.status(), second.status()), (303, 303));
    assert_eq!(first.header(LOCATION), Some("/buy/cat"));
    assert_eq!(first.header(SET_COOKIE), second.header(SET_COOKIE));
    assert_eq!(node.invoices(), 1);

    // Another tab with a form of its own, the back button, a form that lost its field.
    let bolt11 = browser.get("/buy/cat").await.bolt11().to_owned();
    for form in [purchase(), form, String::new(), "purchase_id=meow".into()] {
        let page = browser.submit("/buy/cat", &form).await;
        assert_eq!(page.bolt11(), bolt11);
    }
    assert_eq!(node.invoices(), 1);
}

#[tokio::test]
async fn the_button_works_without_its_field() {
    let (node, mut browser) = store();
    let page = browser.submit("/buy/cat", "").await;
    assert!(page.bolt11().starts_with("lnbcrt"));
    assert_eq!(node.invoices(), 1);
}

#[tokio::test]
async fn an_expired_invoice_is_replaced_with_a_click() {
    let node = FakeLightningd::start();
    let mut options = options(node.socket());
    options.store.invoice_expiry_secs = 3;
    let mut browser = Browser::new(TestGateway::with(options));
    let expired = browser.buy("cat").await.bolt11().to_owned();

    tokio::time::sleep(Duration::from_millis(3100)).await;
    let page = browser.get("/buy/cat").await;
    assert!(page.shows("expired") && !page.text().contains("lnbcrt"));
    assert_eq!(page.header(REFRESH), None);

    let fresh = browser.press(&page).await;
    assert_ne!(fresh.bolt11(), expired);
    assert_eq!(node.invoices(), 2);
}

#[tokio::test]
async fn a_payment_in_the_last_moment_counts() {
    let node = FakeLightningd::start();
    let mut options = options(node.socket());
    options.store.invoice_expiry_secs = 3;
    let mut browser = Browser::new(TestGateway::with(options));
    let bolt11 = browser.buy("cat").await.bolt11().to_owned();
    node.is_paid(&bolt11);
    tokio::time::sleep(Duration::from_millis(3100)).await;
    assert_eq!(browser.get("/buy/cat").await.pre(), CAT);
}

#[tokio::test]
async fn a_forged_cookie_is_no_cookie() {
    let (node, mut browser) = store();
    let other = browser.gateway.create("two-cats").await;
    node.is_paid(&other.invoice.bolt11);
    let real = browser.gateway.create("cat").await.claim.to_base64();
    let (first, rest) = real.split_at(100);
    let flipped = if rest.starts_with('A') { "B" } else { "A" };
    for forged in [
        "meow".to_owned(),
        String::new(),
        format!("{first}{flipped}{}", &rest[1..]),
        other.claim.to_base64(),
    ] {
        browser.cookies.insert("purrwall-cat".into(), forged);
        let page = browser.get("/buy/cat").await;
        assert_eq!(page.status(), 200);
        assert!(page.shows("Open the box"));
        assert_eq!(browser.get("/buy/cat/content").await.status(), 402);
    }
    // Beside a forged one, a real one counts.
    browser
        .cookies
        .insert("purrwall-cat".into(), format!("meow; purrwall-cat={real}"));
    assert!(browser.get("/buy/cat").await.text().contains("lnbcrt"));
    let page = browser.buy("two-cats").await;
    assert_eq!(page.status(), 200);
}

#[tokio::test]
async fn the_claim_is_in_the_cookie_alone() {
    let (node, mut browser) = store();
    let set = browser.post("/buy/cat", &purchase()).await;
    let cookie = set.header(SET_COOKIE).unwrap();
    assert!(cookie.contains("; Path=/buy/cat; ") && cookie.contains("; HttpOnly; SameSite=Lax"));
    assert!(set.answer.headers[SET_COOKIE].is_sensitive());
    let claim = browser.cookies["purrwall-cat"].clone();
    assert!(!set.header(LOCATION).unwrap().contains(&claim));

    let page = browser.get("/buy/cat").await;
    assert!(!page.text().contains(&claim));
    let preimage = node.is_paid(page.bolt11());
    let paid = browser.get("/buy/cat").await;
    assert!(!paid.text().contains(&claim));
    assert!(
        !paid
            .text()
            .contains(&bitcoin::hex::DisplayHex::to_lower_hex_string(&preimage))
    );

    let proxied = Request::post("/buy/two-cats").header("x-forwarded-proto", "https");
    let set = browser
        .gateway
        .send(proxied.body(Body::empty()).unwrap())
        .await;
    assert!(set.header("set-cookie").ends_with("; Secure"));
}

#[tokio::test]
async fn refreshing_costs_lightningd_nothing() {
    let (node, mut browser) = store();
    // The second call waits for payments; the first found the newest.
    eventually("the watch", || node.calls("waitanyinvoice").len() >= 2).await;
    let page = browser.buy("cat").await;
    let asked = node.calls("listinvoices").len();
    for _ in 0..20 {
        assert_eq!(browser.get("/buy/cat").await.bolt11(), page.bolt11());
    }
    assert_eq!(node.calls("listinvoices").len(), asked);
}

#[tokio::test]
async fn a_page_that_holds_still_does_not_refresh() {
    let (_node, mut browser) = store();
    let page = browser.buy("cat").await;
    assert!(page.text().contains("href=\"/buy/cat?still\""));
    let still = browser.get("/buy/cat?still").await;
    assert_eq!(still.header(REFRESH), None);
    assert_eq!(still.bolt11(), page.bolt11());
    assert!(
        still
            .text()
            .contains("href=\"/buy/cat\">Look for the payment")
    );
}

#[tokio::test]
async fn only_the_button_makes_an_invoice() {
    let (node, mut browser) = store();
    for path in ["/buy", "/buy/cat", "/buy/cat/content", "/buy/style.css"] {
        for method in [Method::GET, Method::HEAD, Method::OPTIONS] {
            browser.send(method, path, "").await;
        }
    }
    let head = browser.send(Method::HEAD, "/buy/cat", "").await;
    assert_eq!((head.status(), head.text()), (200, ""));
    let options = browser.send(Method::OPTIONS, "/buy/cat", "").await;
    assert_eq!(options.status(), 405);
    assert!(options.header(ALLOW).unwrap().contains("POST"));

    // Nor does another site's button.
    for site in ["cross-site", "same-site"] {
        let foreign = Request::post("/buy/cat").header("sec-fetch-site", site);
        let answer = browser
            .gateway
            .send(foreign.body(Body::empty()).unwrap())
            .await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER);
        assert!(answer.headers.get(SET_COOKIE).is_none());
    }
    assert_eq!(node.invoices(), 0);
    let ours = Request::post("/buy/cat").header("sec-fetch-site", "same-origin");
    browser
        .gateway
        .send(ours.body(Body::empty()).unwrap())
        .await;
    assert_eq!(node.invoices(), 1);
}

#[tokio::test]
async fn a_node_that_is_away_is_said_on_a_page_that_tries_again() {
    let (node, mut browser) = store();
    let offer = browser.get("/buy/cat").await;
    node.goes_away().await;
    // What the store sells is known without the node.
    assert_eq!(browser.get("/buy").await.status(), 200);
    assert_eq!(browser.get("/buy/cat").await.status(), 200);

    let sorry = browser.post("/buy/cat", &offer.form()).await;
    assert_eq!(sorry.status(), 503);
    assert_eq!(sorry.header(CONTENT_TYPE), Some("text/html; charset=utf-8"));
    assert_eq!(sorry.header(RETRY_AFTER), Some("2"));
    assert_eq!(sorry.header(REFRESH), Some("5; url=/buy/cat"));
    assert!(sorry.shows("tries again by itself") && sorry.shows("Test store"));
    assert!(!sorry.text().contains("{\""));

    node.comes_back();
    assert!(browser.press(&offer).await.bolt11().starts_with("lnbcrt"));
}

#[tokio::test]
async fn an_invoice_that_the_node_forgot_can_be_bought_anew() {
    let (node, mut browser) = store();
    let bolt11 = browser.buy("cat").await.bolt11().to_owned();
    node.deletes(&bolt11);
    // Another gateway, or this one after a restart: with nothing in its memory.
    browser.gateway = TestGateway::new(node.socket());
    let page = browser.get("/buy/cat").await;
    assert!(page.shows("can no longer be confirmed here") && page.shows("new invoice for 100 sat"));
    assert_eq!(browser.get("/buy/cat/content").await.status(), 404);

    // Its ticket is replaced only at the buyer's word: not by a button of an older page.
    let ticket = browser.cookies.clone();
    let still = browser.submit("/buy/cat", &purchase()).await;
    assert!(still.shows("can no longer be confirmed here"));
    assert_eq!((&browser.cookies, node.invoices()), (&ticket, 0));
    let anew = format!("new_{}", purchase());
    assert_ne!(browser.submit("/buy/cat", &anew).await.bolt11(), bolt11);
    assert_eq!(
        metric(&browser.gateway.metrics().await, REFUSED_UNCONFIRMED),
        5
    );
}

const REFUSED_UNCONFIRMED: &str = "purrwall_purchases_refused_total{reason=\"unconfirmed\"}";

/// The gateway put the preimage beside the claim when it knew of the payment.
#[tokio::test]
async fn what_was_paid_opens_after_the_node_deleted_the_invoice() {
    let (node, mut browser) = store();
    let bolt11 = browser.buy("cat").await.bolt11().to_owned();
    let preimage = Preimage(node.is_paid(&bolt11)).to_hex();
    assert_eq!(browser.refresh("/buy/cat").await.pre(), CAT);
    let ticket = browser.cookies["purrwall-cat"].clone();
    assert!(ticket.ends_with(&format!(":{preimage}")));

    node.deletes(&bolt11);
    browser.gateway = TestGateway::new(node.socket());
    let asked = node.calls("listinvoices").len();
    let page = browser.get("/buy/cat").await;
    assert_eq!(page.pre(), CAT);
    assert!(!page.shows(&preimage));
    assert_eq!(browser.get("/buy/cat/content").await.text(), CAT);
    assert_eq!(browser.post("/buy/cat", &purchase()).await.status(), 303);
    assert_eq!(browser.cookies["purrwall-cat"], ticket);
    assert_eq!(
        node.calls("listinvoices").len(),
        asked,
        "the node is not needed"
    );
    assert_eq!(node.invoices(), 0);
}

#[tokio::test]
async fn a_buyer_opens_a_lost_payment_with_its_preimage() {
    let (node, mut browser) = store();
    let bolt11 = browser.buy("cat").await.bolt11().to_owned();
    let preimage = Preimage(node.is_paid(&bolt11)).to_hex();
    node.deletes(&bolt11);
    browser.gateway = TestGateway::new(node.socket());
    let page = browser.get("/buy/cat").await;
    assert!(page.shows("name=\"purrwall_preimage\""));

    let ticket = browser.cookies.clone();
    let other = Preimage([7; 32]).to_hex();
    for wrong in ["meow", &other, &preimage[1..]] {
        let form = format!("purrwall_preimage={wrong}");
        let page = browser.post("/buy/cat", &form).await;
        assert_eq!(page.status(), 400);
        assert!(page.shows("preimage") && !page.shows(wrong));
    }
    assert_eq!(browser.cookies, ticket);
    let mut stranger = Browser::new(browser.gateway.clone());
    let form = format!("purrwall_preimage=+{preimage}+");
    assert_eq!(stranger.post("/buy/cat", &form).await.status(), 400);
    assert!(stranger.get("/buy/cat").await.shows("Open the box"));

    assert_eq!(browser.submit("/buy/cat", &form).await.pre(), CAT);
    assert_eq!(browser.get("/buy/cat/content").await.text(), CAT);
}

/// Off the shelf, as after a reload or a restart: the page needs the invoice alone.
#[tokio::test]
async fn what_is_no_longer_sold_still_opens_for_whoever_bought_it() {
    let node = FakeLightningd::start();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("song.txt"), "la la la").unwrap();
    let gateway = |items: Vec<ItemOptions>| {
        let mut options = options(node.socket());
        options.catalogue.file = Some(folder.path().join("purrwall.toml"));
        options.catalogue.versions_dir = folder.path().join("goods");
        options.catalogue.items = items;
        TestGateway::with(options)
    };
    let on_sale = |id: &str, price: &str| sold(id, "A song", "song.txt", price);
    let mut browser = Browser::new(gateway(vec![on_sale("song", "5 sat")]));
    let bolt11 = browser.buy("song").await.bolt11().to_owned();
    let by_api = new_purchase();
    let created = browser.gateway.ask_invoice("song", by_api).await;
    let created = CreatedInvoice {
        rate: None,
        ..created.json()
    };

    // Removed; and on sale for a price that nobody knows since the restart.
    let without_a_rate = on_sale("song", "5 USD");
    for items in [vec![on_sale("other", "1 sat")], vec![without_a_rate]] {
        browser.gateway = gateway(items);
        let invoice = browser.get("/buy/song").await;
        assert_eq!(invoice.bolt11(), bolt11);
        assert!(invoice.shows("5 sat") && invoice.shows("for A song"));
        let mut stranger = Browser::new(browser.gateway.clone());
        assert_ne!(stranger.get("/buy/song").await.status(), 200);

        // By the API, too, the purchase has its invoice.
        let again = browser.gateway.ask_invoice("song", by_api).await;
        assert_eq!(again.status, StatusCode::OK);
        assert_eq!(again.json::<CreatedInvoice>(), created);
        let new = browser.gateway.ask_invoice("song", new_purchase()).await;
        assert!(!new.status.is_success());
    }
    node.is_paid(&bolt11);
    for items in [
        vec![on_sale("other", "1 sat")],
        vec![on_sale("song", "5 USD")],
    ] {
        browser.gateway = gateway(items);
        let paid = browser.refresh("/buy/song").await;
        assert_eq!(paid.pre(), "la la la");
        assert_eq!(browser.get("/buy/song/content").await.text(), "la la la");
    }
}

#[tokio::test]
async fn what_is_not_there_is_said_on_a_page() {
    let (_node, mut browser) = store();
    for path in [
        "/buy/dog",
        "/buy/dog/content",
        "/buy/Not%20an%20id",
        "/buy/cat/a/b",
    ] {
        let page = browser.get(path).await;
        assert_eq!(page.status(), 404, "{path}");
        assert_eq!(page.header(CONTENT_TYPE), Some("text/html; charset=utf-8"));
        assert!(page.text().contains("href=\"/buy\""));
        assert_eq!(page.header(REFRESH), None);
    }
    let slash = browser.get("/buy/").await;
    assert_eq!(slash.header(LOCATION), Some("/buy"));
}

#[tokio::test]
async fn every_page_forbids_scripts_and_storing() {
    let (_node, mut browser) = store();
    browser.buy("cat").await;
    for path in ["/buy", "/buy/cat", "/buy/two-cats", "/buy/dog"] {
        let page = browser.get(path).await;
        let policy = page.header(CONTENT_SECURITY_POLICY).unwrap();
        assert!(policy.starts_with("default-src 'none'; ") && !policy.contains("script"));
        assert_eq!(page.header(CACHE_CONTROL), Some("no-store"));
        assert!(!page.text().contains("<script") && !page.text().contains("style=\""));
    }
    let page = browser.get("/buy").await;
    let (_, style) = page
        .text()
        .split_once("rel=\"stylesheet\" href=\"")
        .unwrap();
    let style = browser.get(style.split_once('"').unwrap().0).await;
    assert_eq!(style.header(CONTENT_TYPE), Some("text/css; charset=utf-8"));
    assert!(style.header(CACHE_CONTROL).unwrap().contains("immutable"));
}

#[tokio::test]
async fn a_store_below_another_path_sells_there() {
    let node = FakeLightningd::start();
    let mut browser = Browser::new(TestGateway::nested(node.socket(), "/deep/shop"));
    browser.base = "/deep/shop";
    let slash = browser.get("/deep/shop/buy/").await;
    assert_eq!(slash.header(LOCATION), Some("/deep/shop/buy"));
    let shelf = browser.get("/deep/shop/buy").await;
    assert!(shelf.shows("href=\"/deep/shop/buy/cat\""));
    assert!(!shelf.shows("\"/buy"), "{}", shelf.text());
    let (_, style) = shelf.text().split_once("stylesheet\" href=\"").unwrap();
    let style = browser.get(style.split_once('"').unwrap().0).await;
    assert_eq!(style.status(), 200);

    let offer = browser.get("/deep/shop/buy/cat").await;
    let invoice = browser.press(&offer).await;
    assert!(invoice.shows("href=\"/deep/shop/buy/cat?still\""));
    node.is_paid(invoice.bolt11());
    let paid = browser.refresh("/deep/shop/buy/cat").await;
    assert_eq!(paid.pre(), CAT);
    let (_, file) = paid
        .text()
        .split_once("data-test=\"save\" href=\"")
        .unwrap();
    let file = browser.get(file.split_once('"').unwrap().0).await;
    assert_eq!(file.text(), CAT);
    let unknown = browser.get("/deep/shop/buy/dog").await;
    assert_eq!(unknown.status(), 404);
    assert!(unknown.shows("href=\"/deep/shop/buy\""));
}

fn store() -> (FakeLightningd, Browser) {
    let node = FakeLightningd::start();
    let gateway = TestGateway::new(node.socket());
    (node, Browser::new(gateway))
}

fn purchase() -> String {
    format!("purchase_id={}", new_purchase().to_hex())
}

/// A browser with scripts switched off.
struct Browser {
    gateway: TestGateway,
    /// By name; sent to the item's own pages alone, as their `Path` says.
    cookies: BTreeMap<String, String>,
    /// Where the store is.
    base: &'static str,
}

impl Browser {
    fn new(gateway: TestGateway) -> Self {
        Self {
            gateway,
            cookies: BTreeMap::new(),
            base: "",
        }
    }

    async fn get(&mut self, path: &str) -> Page {
        self.send(Method::GET, path, "").await
    }

    async fn post(&mut self, path: &str, form: &str) -> Page {
        self.send(Method::POST, path, form).await
    }

    /// Loads the page again as long as it asks for that, only sooner.
    async fn refresh(&mut self, path: &str) -> Page {
        for _ in 0..200 {
            let page = self.get(path).await;
            if page.header(REFRESH).is_none() {
                return page;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("the page refreshes itself for ever");
    }

    /// Posts, and follows where the answer leads.
    async fn submit(&mut self, path: &str, form: &str) -> Page {
        let answer = self.post(path, form).await;
        assert_eq!(answer.status(), 303, "{}", answer.text());
        let to = answer.header(LOCATION).unwrap().to_owned();
        self.get(&to).await
    }

    /// Presses the page's button.
    async fn press(&mut self, page: &Page) -> Page {
        let (_, rest) = page.text().split_once("method=\"post\" action=\"").unwrap();
        let action = rest.split_once('"').unwrap().0.to_owned();
        self.submit(&action, &page.form()).await
    }

    async fn buy(&mut self, id: &str) -> Page {
        let offer = self.get(&format!("/buy/{}", item(id))).await;
        self.press(&offer).await
    }

    async fn send(&mut self, method: Method, path: &str, form: &str) -> Page {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in &self.cookies {
            let scope = self.scope(name);
            let rest = path.strip_prefix(&scope);
            if rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?'])) {
                request = request.header(COOKIE, format!("{name}={value}"));
            }
        }
        if !form.is_empty() {
            request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        }
        let request = request.body(Body::from(form.to_owned())).unwrap();
        let page = Page::new(self.gateway.send(request).await);
        if let Some(cookie) = page.header(SET_COOKIE) {
            let pair = cookie.split_once(';').unwrap().0;
            let (name, value) = pair.split_once('=').unwrap();
            let scope = format!("; Path={}; ", self.scope(name));
            assert!(cookie.contains(&scope), "{cookie}");
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
        page
    }

    fn scope(&self, cookie: &str) -> String {
        cookie.replace("purrwall-", &format!("{}/buy/", self.base))
    }
}

struct Page {
    answer: Answer,
    text: String,
}

impl Page {
    fn new(answer: Answer) -> Self {
        let text = String::from_utf8(answer.body.to_vec()).unwrap();
        Self { answer, text }
    }

    fn status(&self) -> u16 {
        self.answer.status.as_u16()
    }

    fn header(&self, name: axum::http::HeaderName) -> Option<&str> {
        Some(self.answer.headers.get(name)?.to_str().unwrap())
    }

    fn text(&self) -> &str {
        &self.text
    }

    fn shows(&self, text: &str) -> bool {
        self.text.contains(text)
    }

    /// The fields of the page's form.
    #[track_caller]
    fn form(&self) -> String {
        let (_, rest) = self
            .text
            .split_once("name=\"purchase_id\" value=\"")
            .unwrap();
        format!("purchase_id={}", rest.split_once('"').unwrap().0)
    }

    #[track_caller]
    fn bolt11(&self) -> &str {
        let (_, rest) = self.text.split_once("data-bolt11=\"").expect(&self.text);
        rest.split_once('"').unwrap().0
    }

    /// The text that a browser shows in the page's `pre`.
    #[track_caller]
    fn pre(&self) -> String {
        let (_, rest) = self.text.split_once("<pre").expect(&self.text);
        let (_, rest) = rest.split_once('>').unwrap();
        let text = rest.split_once("</pre>").unwrap().0;
        let text = text.strip_prefix('\n').unwrap_or(text);
        [
            ("&lt;", "<"),
            ("&gt;", ">"),
            ("&quot;", "\""),
            ("&amp;", "&"),
        ]
        .iter()
        .fold(text.to_owned(), |text, (entity, character)| {
            text.replace(entity, character)
        })
    }
}

/// Reads the page's QR code as a phone's camera does: draws the SVG's rectangles, then looks for a
/// code in the picture.
#[track_caller]
fn scan(page: &str) -> String {
    const PIXELS: usize = 4;
    let attribute = |text: &str, name: &str| {
        let (_, rest) = text.split_once(&format!(" {name}=\"")).unwrap();
        rest.split_once('"').unwrap().0.to_owned()
    };
    let (_, svg) = page.split_once("<svg class=\"qr\"").unwrap();
    let (svg, _) = svg.split_once("</svg>").unwrap();
    let side: usize = attribute(svg, "viewBox")
        .rsplit_once(' ')
        .unwrap()
        .1
        .parse()
        .unwrap();
    assert_eq!(attribute(svg, "width"), side.to_string());
    assert_eq!(attribute(svg, "fill"), "#fff");

    let mut dark = vec![vec![false; side]; side];
    for run in attribute(svg, "d").split('z').filter(|run| !run.is_empty()) {
        let (corner, extent) = run.strip_prefix('M').unwrap().split_once('h').unwrap();
        let (x, y) = corner.split_once(' ').unwrap();
        let (x, y): (usize, usize) = (x.parse().unwrap(), y.parse().unwrap());
        let (width, back) = extent.split_once("v1h-").unwrap();
        assert_eq!(width, back);
        dark[y][x..x + width.parse::<usize>().unwrap()].fill(true);
    }
    let quiet = |line: &[bool]| line[..4].iter().chain(&line[side - 4..]).all(|dark| !dark);
    assert!(dark.iter().all(|row| quiet(row)), "4 modules are quiet");
    assert!(
        dark[..4]
            .iter()
            .chain(&dark[side - 4..])
            .flatten()
            .all(|dark| !dark)
    );

    let pixels = side * PIXELS;
    let mut picture = rqrr::PreparedImage::prepare_from_greyscale(pixels, pixels, |x, y| {
        if dark[y / PIXELS][x / PIXELS] { 0 } else { 255 }
    });
    let grids = picture.detect_grids();
    let (meta, text) = grids[0].decode().unwrap();
    // The level's two bits as they stand in the code: 00 is M.
    assert_eq!(meta.ecc_level, 0);
    text
}

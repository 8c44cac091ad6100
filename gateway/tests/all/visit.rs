//! A route with a price, visited by a browser without any script. `examples` has the same over real
//! HTTP and real payments.

use std::time::Duration;

use axum::body::Body;
use axum::http::header::{
    ACCEPT, AUTHORIZATION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, COOKIE, LOCATION, REFRESH,
    SET_COOKIE, WWW_AUTHENTICATE,
};
use axum::http::{HeaderName, Method, Request, StatusCode};
use axum::routing::{any, get};
use axum::{Form, Router};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use purrwall_gateway::Gateway;
use purrwall_gateway::Secret;
use shared::claim::Claim;
use shared::content::ContentHash;
use tower::ServiceExt as _;

use testing::fake_lightningd::FakeLightningd;
use testing::tools::{Answer, SECRET, l402, options};

const ACCEPTED: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
const FORM: &str = "application/x-www-form-urlencoded";

/// One visitor of a service whose article costs something.
struct Visitor {
    node: FakeLightningd,
    service: Router,
    /// `name=value`, once the service has set it.
    cookie: Option<String>,
}

impl Visitor {
    fn new() -> Self {
        Self::where_an_invoice_lasts(600)
    }

    fn where_an_invoice_lasts(secs: u32) -> Self {
        let node = FakeLightningd::start();
        let mut options = options(node.socket());
        options.store.invoice_expiry_secs = secs;
        let gateway = Gateway::with(options, &Secret::from_bytes(SECRET)).unwrap();
        let price = gateway
            .price("article", "21 sat".parse().unwrap())
            .unwrap()
            .title("Why <b>cats</b> purr");
        let article =
            async |request: Request<Body>| format!("{} {}", request.method(), request.uri());
        let echo = async |Form(fields): Form<Vec<(String, String)>>| format!("{fields:?}");
        let service = Router::new()
            .route("/article", any(article).layer(price.clone()))
            .route(
                "/picture",
                get(|| async { "a picture" }).layer(price.clone()),
            )
            .route("/form", any(echo).layer(price));
        Self {
            node,
            service: Router::new().nest("/deep", service),
            cookie: None,
        }
    }

    async fn ask(
        &mut self,
        method: Method,
        path: &str,
        headers: &[(HeaderName, &str)],
        body: &str,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(name, *value);
        }
        if let Some(cookie) = &self.cookie {
            request = request.header(COOKIE, cookie);
        }
        if !body.is_empty() {
            request = request
                .header(CONTENT_TYPE, FORM)
                .header("content-length", body.len());
        }
        let request = request.body(Body::from(body.to_owned())).unwrap();
        let answer = self.service.clone().oneshot(request).await.unwrap();
        let (parts, body) = answer.into_parts();
        let answer = Answer {
            status: parts.status,
            headers: parts.headers,
            body: axum::body::to_bytes(body, usize::MAX).await.unwrap(),
        };
        if let Some(set) = answer.headers.get(SET_COOKIE) {
            let (pair, _) = set.to_str().unwrap().split_once("; ").unwrap();
            self.cookie = Some(pair.to_owned());
        }
        answer
    }

    async fn get(&mut self, path: &str) -> Answer {
        self.ask(Method::GET, path, &[(ACCEPT, ACCEPTED)], "").await
    }

    async fn post(&mut self, path: &str, form: &str) -> Answer {
        self.ask(Method::POST, path, &[(ACCEPT, ACCEPTED)], form)
            .await
    }

    /// Presses the button of the page, and follows where that leads.
    async fn press(&mut self, page: &Answer) -> Answer {
        let (action, form) = (between(page, "method=\"post\" action=\"", "\""), form(page));
        let action = action.replace("&amp;", "&");
        let pressed = self.post(&action, &form).await;
        assert_eq!(pressed.status, StatusCode::SEE_OTHER);
        let to = pressed.header("location").to_owned();
        self.get(&to).await
    }

    /// Pays, and looks until the page has become what is sold.
    async fn pays(&mut self, bolt11: &str) {
        self.node.is_paid(bolt11);
        for _ in 0..1000 {
            if self.get("/deep/article").await.status == StatusCode::OK {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the page waits for ever");
    }

    /// Opens the page and presses its button; gives the page of the invoice.
    async fn asks_for_an_invoice(&mut self) -> Answer {
        let offer = self.get("/deep/article").await;
        self.press(&offer).await
    }
}

fn text(answer: &Answer) -> &str {
    std::str::from_utf8(&answer.body).unwrap()
}

#[track_caller]
fn between(page: &Answer, start: &str, end: &str) -> String {
    let page = text(page);
    let (_, rest) = page.split_once(start).expect(page);
    rest.split_once(end).unwrap().0.to_owned()
}

fn form(page: &Answer) -> String {
    format!(
        "purchase_id={}",
        between(page, "name=\"purchase_id\" value=\"", "\"")
    )
}

fn bolt11(page: &Answer) -> String {
    between(page, "data-bolt11=\"", "\"")
}

#[tokio::test]
async fn a_page_leads_to_what_is_sold() {
    let mut visitor = Visitor::new();
    let offer = visitor.get("/deep/article?part=2&of=3").await;
    assert_eq!(offer.status, StatusCode::PAYMENT_REQUIRED);
    assert_eq!(offer.header("content-type"), "text/html; charset=utf-8");
    assert!(text(&offer).contains("21 sat") && text(&offer).contains("&lt;b&gt;cats"));
    assert_eq!(
        visitor.node.invoices(),
        0,
        "nobody makes an invoice by looking"
    );

    let invoice = visitor.press(&offer).await;
    assert_eq!(invoice.status, StatusCode::PAYMENT_REQUIRED);
    assert_eq!(invoice.header("refresh"), "5");
    assert_eq!(invoice.header("cache-control"), "private, no-store");
    let bolt11 = bolt11(&invoice);
    assert!(text(&invoice).contains(&format!("href=\"lightning:{bolt11}\"")));
    assert!(text(&invoice).contains("<svg class=\"qr\""));
    // A program in the browser can pay by itself.
    let (claim, told) =
        purrwall_buyer::challenge::read([invoice.header("www-authenticate")]).unwrap();
    assert_eq!(told, bolt11);

    // Looking again makes no other one, neither does the button of another tab.
    let again = visitor.get("/deep/article?part=2&of=3").await;
    assert_eq!(self::bolt11(&again), bolt11);
    let pressed = visitor.post("/deep/article", &form(&offer)).await;
    assert_eq!(pressed.header("location"), "/deep/article");
    assert_eq!(visitor.node.invoices(), 1);

    visitor.pays(&bolt11).await;
    let paid = visitor.get("/deep/article?part=2&of=3").await;
    assert_eq!(paid.status, StatusCode::OK);
    assert_eq!(text(&paid), "GET /article?part=2&of=3");
    assert!(!paid.headers.contains_key(REFRESH));
    // A late press on the button leads to what was paid for.
    let late = visitor
        .post("/deep/article?part=2&of=3", &form(&offer))
        .await;
    assert_eq!(late.header("location"), "/deep/article?part=2&of=3");

    // What the page loads comes with the same cookie, and with the claim all the same.
    let picture = (ACCEPT, "image/avif,image/*,*/*;q=0.8");
    let picture = visitor
        .ask(Method::GET, "/deep/picture", &[picture], "")
        .await;
    assert_eq!(text(&picture), "a picture");
    visitor.cookie = None;
    let credential = l402(&claim);
    let headers = [(ACCEPT, ACCEPTED), (AUTHORIZATION, credential.as_str())];
    let by_claim = visitor
        .ask(Method::GET, "/deep/article", &headers, "")
        .await;
    assert_eq!(by_claim.status, StatusCode::OK);
    assert_eq!(
        visitor.get("/deep/article").await.status,
        StatusCode::PAYMENT_REQUIRED
    );
}

#[tokio::test]
async fn the_claim_is_in_the_cookie_alone() {
    let mut visitor = Visitor::new();
    let offer = visitor.get("/deep/article").await;
    let pressed = visitor.post("/deep/article", &form(&offer)).await;
    let set = pressed.headers[SET_COOKIE].clone();
    assert!(set.is_sensitive());
    let attributes = "; Path=/; Max-Age=2592000; HttpOnly; SameSite=Lax";
    assert!(set.to_str().unwrap().ends_with(attributes), "{set:?}");
    let cookie = visitor.cookie.clone().unwrap();
    let (name, claim) = cookie.split_once('=').unwrap();
    assert_eq!(name, "purrwall-route.article");
    claim.parse::<Claim>().unwrap();
    assert!(!pressed.headers[LOCATION].to_str().unwrap().contains(claim));
    let page = visitor.get("/deep/article").await;
    assert!(!text(&page).contains(claim));
}

#[tokio::test]
async fn the_page_runs_no_script_and_loads_nothing() {
    let mut visitor = Visitor::new();
    let pages = [
        visitor.get("/deep/article").await,
        visitor.asks_for_an_invoice().await,
    ];
    for page in &pages {
        let policy = page.header("content-security-policy");
        let style = between(page, "<style>", "</style>");
        let hash = ContentHash::of(style.as_bytes());
        let hash = BASE64.encode(hash.0);
        assert!(policy.starts_with("default-src 'none'; "), "{policy}");
        assert!(
            policy.contains(&format!("style-src 'sha256-{hash}'")),
            "{policy}"
        );
        assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
        for forbidden in [
            "<script",
            "<link rel=\"stylesheet\"",
            "style=\"",
            "<b>",
            "/buy",
        ] {
            assert!(!text(page).contains(forbidden), "{forbidden}");
        }
        assert_eq!(page.header("x-content-type-options"), "nosniff");
        assert_eq!(page.header("referrer-policy"), "no-referrer");
    }
}

#[tokio::test]
async fn a_page_that_holds_still_does_not_refresh() {
    let mut visitor = Visitor::new();
    let page = visitor.asks_for_an_invoice().await;
    assert!(text(&page).contains("href=\"/deep/article?purrwall=still\""));
    let still = visitor.get("/deep/article?purrwall=still").await;
    assert!(!still.headers.contains_key(REFRESH));
    assert!(text(&still).contains("href=\"/deep/article\">Look for the payment"));
}

#[tokio::test]
async fn an_expired_invoice_is_replaced_with_a_click() {
    let mut visitor = Visitor::where_an_invoice_lasts(3);
    let expired = bolt11(&visitor.asks_for_an_invoice().await);
    tokio::time::sleep(Duration::from_millis(3100)).await;
    let page = visitor.get("/deep/article").await;
    assert!(text(&page).contains("has expired"));
    assert!(!page.headers.contains_key(WWW_AUTHENTICATE) && !page.headers.contains_key(REFRESH));
    assert_ne!(bolt11(&visitor.press(&page).await), expired);
}

/// The cookie holds the preimage once the payment is known, and the buyer may type it in.
#[tokio::test]
async fn what_was_paid_opens_after_the_node_deleted_the_invoice() {
    let mut visitor = Visitor::new();
    let invoice = bolt11(&visitor.asks_for_an_invoice().await);
    let unpaid = visitor.cookie.clone();
    visitor.pays(&invoice).await;
    assert!(visitor.cookie.clone().unwrap().contains(':'));
    visitor.node.deletes(&invoice);
    let paid = visitor.get("/deep/article").await;
    assert_eq!((paid.status, text(&paid)), (StatusCode::OK, "GET /article"));

    // A gateway that remembers nothing, and a browser that never saw the payment.
    let lost = Visitor::new();
    let mut lost = Visitor {
        cookie: unpaid,
        ..lost
    };
    let page = lost.get("/deep/article?part=2").await;
    assert_eq!(page.status, StatusCode::PAYMENT_REQUIRED);
    assert!(text(&page).contains("can no longer be confirmed here"));
    assert!(!page.headers.contains_key(WWW_AUTHENTICATE));
    let (_, preimage) = visitor.cookie.as_deref().unwrap().split_once(':').unwrap();
    let credential = visitor.cookie.as_deref().unwrap();
    let credential = format!("L402 {}", credential.split_once('=').unwrap().1);
    let program = (AUTHORIZATION, credential.as_str());
    let by_claim = lost.ask(Method::GET, "/deep/article", &[program], "").await;
    assert_eq!(by_claim.status, StatusCode::OK);
    let form = format!("purrwall_preimage={preimage}");
    let proven = lost.post("/deep/article?part=2", &form).await;
    assert_eq!(proven.header("location"), "/deep/article?part=2");
    let paid = lost.get("/deep/article?part=2").await;
    assert_eq!(text(&paid), "GET /article?part=2");
    assert_eq!(lost.node.invoices(), 0);
}

#[tokio::test]
async fn programs_are_answered_as_programs() {
    let mut visitor = Visitor::new();
    for accepted in ["*/*", "application/json", "text/plain, */*"] {
        let answer = visitor
            .ask(Method::GET, "/deep/article", &[(ACCEPT, accepted)], "")
            .await;
        assert_eq!(answer.status, StatusCode::PAYMENT_REQUIRED);
        assert_eq!(answer.header("content-type"), "application/problem+json");
        assert!(
            answer
                .header("www-authenticate")
                .starts_with("L402 macaroon=")
        );
    }
    assert_eq!(visitor.node.invoices(), 3);
    let head = visitor
        .ask(Method::HEAD, "/deep/article", &[(ACCEPT, ACCEPTED)], "")
        .await;
    assert_eq!(head.status, StatusCode::PAYMENT_REQUIRED);
    assert_eq!(visitor.node.invoices(), 3);
}

/// Neither a forged cookie, nor one for something else, nor another site's button.
#[tokio::test]
async fn nobody_else_pays_or_passes() {
    let mut visitor = Visitor::new();
    let page = visitor.asks_for_an_invoice().await;
    let cookie = visitor.cookie.clone().unwrap();
    visitor.node.is_paid(&bolt11(&page));
    let (_, claim) = cookie.split_once('=').unwrap();
    let flipped = claim.replace(
        &claim[100..104],
        if &claim[100..104] == "AAAA" {
            "BBBB"
        } else {
            "AAAA"
        },
    );
    for forged in [
        format!("purrwall-route.article={flipped}"),
        format!("purrwall-route.other={claim}"),
        format!("purrwall-article={claim}"),
        "purrwall-route.article=meow".to_owned(),
    ] {
        visitor.cookie = Some(forged);
        let page = visitor.get("/deep/article").await;
        assert_eq!(page.status, StatusCode::PAYMENT_REQUIRED);
        assert!(text(&page).contains("purchase_id"));
    }

    visitor.cookie = None;
    let offer = visitor.get("/deep/article").await;
    let elsewhere = HeaderName::from_static("sec-fetch-site");
    let headers = [(ACCEPT, ACCEPTED), (elsewhere, "cross-site")];
    let answer = visitor
        .ask(Method::POST, "/deep/article", &headers, &form(&offer))
        .await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert!(!answer.headers.contains_key(SET_COOKIE));
    assert_eq!(visitor.node.invoices(), 1);
}

#[tokio::test]
async fn a_form_of_the_services_own_arrives_whole() {
    let mut visitor = Visitor::new();
    let page = visitor.asks_for_an_invoice().await;
    let fields = format!("name=whiskers&colour={}", "x".repeat(44 - 21));
    assert_eq!(fields.len(), 44, "as long as the button's form");
    let unpaid = visitor.post("/deep/form", &fields).await;
    assert_eq!(unpaid.status, StatusCode::PAYMENT_REQUIRED);
    visitor.pays(&bolt11(&page)).await;
    let paid = visitor.post("/deep/form", &fields).await;
    assert!(text(&paid).contains("whiskers"), "{paid:?}");
    let longer = visitor
        .post(
            "/deep/form",
            "name=a-cat-of-another-length-than-all-the-others",
        )
        .await;
    assert_eq!(longer.status, StatusCode::OK);
}

#[tokio::test]
async fn a_node_that_is_away_is_said_on_a_page_that_tries_again() {
    let mut visitor = Visitor::new();
    let offer = visitor.get("/deep/article").await;
    visitor.node.goes_away().await;
    let sorry = visitor.post("/deep/article", &form(&offer)).await;
    assert_eq!(sorry.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(sorry.header("content-type"), "text/html; charset=utf-8");
    assert_eq!(sorry.header("refresh"), "5; url=/deep/article");
    assert!(sorry.headers.contains_key(CONTENT_SECURITY_POLICY));
    visitor.node.comes_back();
    assert!(bolt11(&visitor.press(&offer).await).starts_with("lnbcrt"));
}

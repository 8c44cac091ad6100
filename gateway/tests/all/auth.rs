//! `/auth/<route>`, as a proxy before a service asks: what passes, what the service is told, and what a
//! visitor gets instead.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::header::WWW_AUTHENTICATE;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use axum::routing::any;
use purrwall_gateway::options::RouteOptions;
use shared::claim::Claim;
use shared::lightning::Preimage;
use shared::mpp::{Challenge, Credential};
use shared::problem::ErrorCode;
use tokio::net::TcpListener;
use tokio::time::timeout;

use testing::fake_lightningd::FakeLightningd;
use testing::tools::{Answer, TestGateway, forecast, l402, options};

const PROXY: &str = "10.0.0.2";
const PASS: &str = "/auth/forecast";
const CHECK: &str = "/auth/forecast/check";
const PAY: &str = "/auth/forecast/pay";

/// A store that a proxy asks about a forecast.
struct Guarded {
    node: FakeLightningd,
    gateway: TestGateway,
}

impl Guarded {
    fn start() -> Self {
        Self::beside(|_| None)
    }

    /// With another route.
    fn beside(other: impl FnOnce(&RouteOptions) -> Option<RouteOptions>) -> Self {
        let node = FakeLightningd::start();
        let mut options = options(node.socket());
        options.limits.trusted_proxies = vec![format!("{PROXY}/32").parse().unwrap()];
        let route = RouteOptions {
            methods: vec![Method::GET, Method::POST],
            signing_key: Some("0123456789abcdef0123456789abcdef".into()),
            ..forecast()
        };
        options.routes.extend(other(&route));
        options.routes.push(route);
        Self {
            gateway: TestGateway::with(options),
            node,
        }
    }

    /// Asks as the proxy does about a request of this method, for this path.
    async fn ask(&self, at: &str, (method, path): (&str, &str), more: &[(&str, &str)]) -> Answer {
        let mut request = Request::get(at)
            .header("x-forwarded-method", method)
            .header("x-forwarded-uri", path)
            .header("x-forwarded-host", "cats.example")
            .header("x-forwarded-for", "203.0.113.7");
        for (name, value) in more {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::empty()).unwrap();
        self.gateway.send_from(PROXY, request).await
    }

    async fn pays(&self) -> (String, Claim) {
        let (claim, bolt11) = challenge(&self.ask(PASS, TODAY, &[]).await);
        let proof = Preimage(self.node.is_paid(&bolt11)).to_hex();
        (format!("{}:{proof}", l402(&claim)), claim)
    }
}

const TODAY: (&str, &str) = ("GET", "/forecast/today?day=1");

#[track_caller]
fn challenge(answer: &Answer) -> (Claim, String) {
    answer.assert_problem(ErrorCode::PaymentRequired);
    purrwall_buyer::challenge::read([answer.header("www-authenticate")]).unwrap()
}

#[track_caller]
fn text(answer: &Answer) -> String {
    String::from_utf8(answer.body.to_vec()).unwrap()
}

#[tokio::test]
async fn who_has_not_paid_is_told_what_to_pay_and_who_has_passes() {
    let guarded = Guarded::start();
    let answer = guarded.ask(PASS, TODAY, &[]).await;
    let (claim, _) = challenge(&answer);
    let items: Vec<_> = claim.caveats("item").collect();
    assert_eq!(items, ["route:forecast"]);
    let lines = answer.headers.get_all(WWW_AUTHENTICATE).iter();
    let charges: Vec<_> = lines
        .flat_map(|line| Challenge::read_all(line.to_str().unwrap()))
        .collect();
    assert_eq!((charges.len(), &*charges[0].realm), (1, "cats.example"));

    let (credential, claim) = guarded.pays().await;
    let more = [
        ("authorization", &*credential),
        ("authorization", "Basic dXNlcg=="),
        ("cookie", "a=b; purrwall-route.forecast=x"),
        ("x-purrwall-item", "route:other"),
        ("x-own", "the proxy has it already"),
    ];
    for at in [PASS, CHECK] {
        let passed = guarded.ask(at, TODAY, &more).await;
        assert_eq!(passed.status, StatusCode::NO_CONTENT, "{at}");
        for (name, value) in [
            ("x-purrwall-payment-hash", &*claim.payment_hash().to_hex()),
            ("x-purrwall-item", "route:forecast"),
            ("authorization", "Basic dXNlcg=="),
            ("cookie", "a=b"),
        ] {
            let values: Vec<_> = passed.headers.get_all(name).iter().collect();
            assert_eq!(values, [value], "{at}: {name}");
        }
        assert_eq!(passed.header("x-purrwall-signature").len(), 64);
        assert!(passed.headers.contains_key("x-purrwall-timestamp"));
        assert!(!passed.headers.contains_key("x-own"));
    }
}

#[tokio::test]
async fn a_charge_passes_with_its_receipt() {
    let guarded = Guarded::start();
    let answer = guarded.ask(PASS, TODAY, &[]).await;
    let lines = answer.headers.get_all(WWW_AUTHENTICATE).iter();
    let charge = lines
        .flat_map(|line| Challenge::read_all(line.to_str().unwrap()))
        .next();
    let proof = Preimage(guarded.node.is_paid(&challenge(&answer).1));
    let credential = Credential::for_charge(charge.unwrap(), proof).to_header();
    for at in [PASS, CHECK] {
        let passed = guarded
            .ask(at, TODAY, &[("authorization", &credential)])
            .await;
        assert_eq!(passed.status, StatusCode::NO_CONTENT);
        assert!(passed.headers.contains_key("payment-receipt"));
        assert_eq!(passed.header("authorization"), "");
    }
}

/// nginx takes 2xx, 401 and 403, and asks before it knows whether anybody wants an invoice.
#[tokio::test]
async fn a_check_says_yes_or_no_and_costs_nothing() {
    let guarded = Guarded::start();
    let page = [("accept", "text/html")];
    for (asked, more) in [
        (TODAY, &[][..]),
        (TODAY, &page),
        (TODAY, &[("authorization", "L402 %%%")]),
        (TODAY, &[("authorization", "Payment e30")]),
        (("DELETE", "/forecast/today"), &[]),
        (("GET", "/forecast/../today"), &[]),
        (("GET", "/other"), &[]),
    ] {
        let answer = guarded.ask(CHECK, asked, more).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{asked:?}");
        assert!(answer.body.is_empty() && !answer.headers.contains_key(WWW_AUTHENTICATE));
    }
    assert_eq!(guarded.node.invoices(), 0);
    let away = [("authorization", "L402 %%%")];
    let answer = guarded.ask(PAY, TODAY, &away).await;
    answer.assert_problem(ErrorCode::InvalidClaim);
    challenge(&guarded.ask(PAY, TODAY, &[]).await);
    assert_eq!(guarded.node.invoices(), 1);
}

#[tokio::test]
async fn nobody_but_a_trusted_proxy_is_answered() {
    let guarded = Guarded::start();
    let (credential, _) = guarded.pays().await;
    for at in [PASS, CHECK, PAY] {
        let request = || {
            Request::get(at)
                .header("x-forwarded-method", "GET")
                .header("x-forwarded-uri", "/forecast/today")
                .header("x-forwarded-for", PROXY)
                .header("authorization", &credential)
        };
        let request = || request().body(Body::empty()).unwrap();
        for answer in [
            guarded.gateway.send_from("203.0.113.7", request()).await,
            guarded.gateway.send(request()).await,
        ] {
            if at == CHECK {
                assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
            } else {
                answer.assert_problem(ErrorCode::NotFound);
                assert!(answer.problem().detail.contains("trusted_proxies"));
            }
            assert!(!answer.headers.contains_key("x-purrwall-item"), "{at}");
        }
    }
    assert_eq!(guarded.node.invoices(), 1);
}

#[tokio::test]
async fn no_other_path_slips_into_a_free_one() {
    let guarded = Guarded::start();
    let about = ("GET", "/forecast/about?x");
    let forged = [("x-purrwall-item", "route:forecast")];
    let answer = guarded.ask(CHECK, about, &forged).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT);
    // Copied by the proxy, it takes the place of what was sent.
    assert_eq!(answer.header("x-purrwall-item"), "");
    for path in [
        "/forecast/about/../today",
        "/forecast/about/%2e%2e/today",
        "/forecast/about%2f..%2ftoday",
        "//forecast/about",
        "/forecast/about#/../today",
        "/other/about",
        "/%66orecast/about",
        "http://cats.example/forecast/about",
    ] {
        let answer = guarded.ask(PASS, ("GET", path), &[]).await;
        assert_eq!(answer.problem().code, ErrorCode::InvalidRequest, "{path}");
    }
    // A proxy that sets one form of the header may pass on the visitor's own in the other.
    let other = [("x-original-uri", "/forecast/about")];
    let answer = guarded.ask(PASS, TODAY, &other).await;
    answer.assert_problem(ErrorCode::InvalidRequest);
    let answer = guarded.ask(PASS, ("DELETE", "/forecast/x"), &[]).await;
    answer.assert_problem(ErrorCode::MethodNotAllowed);
    for path in ["/forecast/About", "/forecast/abou%74", "/forecast/about/"] {
        challenge(&guarded.ask(PASS, ("GET", path), &[]).await);
    }
}

#[tokio::test]
async fn who_was_let_in_by_a_route_is_not_asked_to_pay_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let says_via = any(async |headers: HeaderMap| headers["via"].to_str().unwrap().to_owned());
    tokio::spawn(async { axum::serve(listener, Router::new().fallback(says_via)).await });
    let guarded = Guarded::beside(|asked| {
        let mut route = asked.clone();
        route.name = "news".parse().unwrap();
        route.path = "/news".parse().unwrap();
        route.free = vec!["/news".parse().unwrap()];
        route.upstream = Some(address.parse().unwrap());
        Some(route)
    });
    let via = guarded.gateway.get("/news").await;
    let via = text(&via);
    let answer = guarded.ask(PASS, TODAY, &[("via", &via)]).await;
    answer.assert_problem(ErrorCode::LoopDetected);
    let other = [("via", "1.1 purrwall-0000000000000000")];
    challenge(&guarded.ask(PASS, TODAY, &other).await);
}

#[tokio::test]
async fn a_preflight_does_not_reach_the_service() {
    let guarded = Guarded::start();
    let asked = ("OPTIONS", "/forecast/today");
    let more = [
        ("origin", "https://blog.example"),
        ("access-control-request-method", "GET"),
    ];
    let check = guarded.ask(CHECK, asked, &more).await;
    assert_eq!(check.status, StatusCode::UNAUTHORIZED);
    let pay = guarded.ask(PAY, asked, &more).await;
    assert_eq!(pay.status, StatusCode::NO_CONTENT);
    assert_eq!(pay.header("access-control-allow-origin"), "*");
    let pass = guarded.ask(PASS, asked, &more).await;
    assert_eq!(pass.status, StatusCode::PAYMENT_REQUIRED);
    assert_eq!(guarded.node.invoices(), 0);
}

/// A browser's way: the page, its button, the payment, the service.
#[tokio::test]
async fn people_pay_on_a_page_and_come_back() {
    let guarded = Guarded::start();
    let html = ("accept", "text/html");
    let page = guarded.ask(PAY, TODAY, &[html]).await;
    assert_eq!(page.status, StatusCode::PAYMENT_REQUIRED);
    let page = text(&page);
    // Nothing of it is elsewhere, so the proxy needs no way to it.
    for attribute in ["src=\"", "href=\"/"] {
        assert!(!page.contains(attribute), "{attribute} in {page}");
    }
    let form = page
        .split_once("action=\"/forecast/today?day=1\"")
        .unwrap()
        .1;
    let id = form
        .split_once("value=\"")
        .unwrap()
        .1
        .split_once('"')
        .unwrap()
        .0;
    assert_eq!(guarded.node.invoices(), 0);

    // The proxy sends the whole request.
    let body = format!("purchase_id={id}");
    let pressed = Request::post(PAY)
        .header("x-forwarded-method", "POST")
        .header("x-forwarded-uri", TODAY.1)
        .header("x-forwarded-proto", "https")
        .header("accept", "text/html")
        .header("content-type", "application/x-www-form-urlencoded")
        .header("content-length", body.len())
        .body(Body::from(body));
    let pressed = guarded.gateway.send_from(PROXY, pressed.unwrap()).await;
    assert_eq!(pressed.status, StatusCode::SEE_OTHER);
    assert_eq!(pressed.header("location"), TODAY.1);
    let cookie = pressed.header("set-cookie").to_owned();
    assert!(
        cookie.contains("; Path=/; ") && cookie.ends_with("; Secure"),
        "{cookie}"
    );
    let cookie = ("cookie", cookie.split(';').next().unwrap());

    let waiting = guarded.ask(PAY, TODAY, &[html, cookie]).await;
    assert_eq!(waiting.header("refresh"), "5");
    let bolt11 = text(&waiting)
        .split_once("data-bolt11=\"")
        .unwrap()
        .1
        .to_owned();
    guarded.node.is_paid(bolt11.split_once('"').unwrap().0);
    let known = async {
        loop {
            let checked = guarded.ask(CHECK, TODAY, &[html, cookie]).await;
            if checked.status == StatusCode::NO_CONTENT {
                break checked;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let checked = timeout(Duration::from_mins(1), known).await.unwrap();
    assert!(
        checked
            .header("set-cookie")
            .contains("purrwall-route.forecast=")
    );
    // Between the check and the payment's page, the payment may arrive.
    let back = guarded.ask(PAY, TODAY, &[html, cookie]).await;
    assert_eq!(back.status, StatusCode::TEMPORARY_REDIRECT);
    assert_eq!(back.header("location"), TODAY.1);
    assert!(back.headers.contains_key("set-cookie"));
    assert_eq!(guarded.node.invoices(), 1);
}

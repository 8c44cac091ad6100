//! What an owner can see: metrics, the dashboard, request ids; and what browsers are told.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::Request;
use axum::http::header::ORIGIN;
use serde_json::Value;
use shared::api::{INVOICE_PATH, STORE_PATH, Status};
use shared::lightning::Preimage;
use shared::problem::ErrorCode;
use tokio::task::JoinSet;
use tokio::time::timeout;

use testing::fake_lightningd::{FakeLightningd, Fault};
use testing::tools::{Answer, TestGateway, eventually, l402, metric, options};

/// A purchase from the button to the goods, an invoice that runs out, and a call that fails.
async fn busy(fake: &FakeLightningd) -> TestGateway {
    let mut options = options(fake.socket());
    options.store.invoice_expiry_secs = 1;
    let gateway = TestGateway::with(options);
    eventually("payments to be followed", || {
        gateway.gateway.follows_payments()
    })
    .await;
    let created = gateway.create("cat").await;
    fake.is_paid(&created.invoice.bolt11);
    assert_eq!(
        gateway.status(&created.claim, 30).await.status,
        Status::Paid
    );
    let goods = gateway.content("cat", &[&l402(&created.claim)]).await;
    assert_eq!(goods.status, 200);
    let unpaid = gateway.create("cat").await;
    assert_eq!(
        gateway.status(&unpaid.claim, 30).await.status,
        Status::Expired
    );
    fake.goes_away().await;
    gateway.get("/readyz").await;
    gateway
}

/// The figures of a store that refuses a buyer, and cannot read an entry of lightningd's book.
async fn troubled() -> String {
    let fake = FakeLightningd::start();
    let foreign = fake.makes("foreign", 600);
    fake.garbles(&foreign);
    let mut options = options(fake.socket());
    options.limits.delete_expired = Some(Duration::from_hours(1));
    let gateway = TestGateway::with(options);
    let created = gateway.create("cat").await;
    let preimage = Preimage(fake.is_paid(&created.invoice.bolt11));
    let credential = format!("{}:{}", l402(&created.claim), preimage.to_hex());
    let refused = gateway.content("two-cats", &[&credential]).await;
    refused.assert_problem(ErrorCode::InvalidClaim);
    let limit = Instant::now() + Duration::from_mins(1);
    loop {
        let metrics = gateway.metrics().await;
        if metrics.contains("purrwall_rpc_unreadable_entries_total{") {
            return metrics;
        }
        assert!(Instant::now() < limit, "{metrics}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Operators may ask as often as they like.
#[tokio::test]
async fn who_asks_for_the_node_at_once_shares_a_call() {
    let fake = FakeLightningd::start();
    let gateway = TestGateway::new(fake.socket());
    eventually("payments to be followed", || {
        gateway.gateway.follows_payments()
    })
    .await;
    let before = fake.calls("getinfo").len();
    fake.goes_wrong("getinfo", Fault::Slow(Duration::from_millis(300)));
    let mut crowd = JoinSet::new();
    for _ in 0..100 {
        let gateway = gateway.clone();
        crowd.spawn(async move { gateway.get_as_operator("/readyz").await });
    }
    for answer in crowd.join_all().await {
        assert_eq!(answer.status, 200);
    }
    let calls = fake.calls("getinfo").len() - before;
    assert!(calls <= 3, "{calls}");
}

#[tokio::test]
async fn metrics_count_what_happened() {
    let fake = FakeLightningd::start();
    let gateway = busy(&fake).await;
    let metrics = gateway.metrics().await;
    for (name, value) in [
        ("purrwall_invoices_created_total", 2),
        ("purrwall_invoices_paid_total", 1),
        ("purrwall_invoices_expired_total", 1),
        ("purrwall_earned_msat_total", 100_000),
        ("purrwall_invoices_open", 0),
        ("purrwall_waiters", 0),
        (
            "purrwall_delivered_bytes_total",
            include_str!("../../cats/cat.txt").len() as u64,
        ),
        ("purrwall_rpc_duration_seconds_count{method=\"invoice\"}", 2),
        (
            "purrwall_http_requests_total{method=\"POST\",route=\"/api/v1/items/{item}/invoices\",status=\"201\"}",
            2,
        ),
        (
            "purrwall_http_requests_total{method=\"GET\",route=\"/api/v1/items/{item}/content\",status=\"200\"}",
            1,
        ),
    ] {
        assert_eq!(metric(&metrics, name), value, "{name}\n{metrics}");
    }
    assert!(
        metrics.contains("purrwall_rpc_errors_total{method=\"getinfo\",kind="),
        "{metrics}"
    );
    assert!(
        metrics.contains("# HELP purrwall_watcher_lag_seconds "),
        "{metrics}"
    );
    assert!(
        metrics.contains("# TYPE purrwall_http_duration_seconds histogram"),
        "{metrics}"
    );
}

/// Every query names series that there are, and every series is in a query.
#[tokio::test]
async fn the_dashboard_and_the_metrics_fit() {
    let fake = FakeLightningd::start();
    let metrics = busy(&fake).await.metrics().await + &troubled().await;
    let exported: Vec<&str> = metrics
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE "))
        .map(|line| line.split(' ').next().unwrap())
        .collect();
    let dashboard: Value =
        serde_json::from_str(include_str!("../../../packaging/grafana/purrwall.json")).unwrap();
    let mut asked = Vec::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        for target in panel["targets"].as_array().unwrap() {
            let query = target["expr"].as_str().unwrap();
            let words = query.split(|c: char| !c.is_ascii_lowercase() && c != '_');
            for word in words.filter(|word| word.starts_with("purrwall_")) {
                let name = word.strip_suffix("_bucket").unwrap_or(word);
                assert!(exported.contains(&name), "{name} is in {exported:?}");
                asked.push(name.to_owned());
            }
        }
    }
    for name in exported {
        assert!(
            asked.iter().any(|asked| asked == name),
            "{name} is on no panel"
        );
    }
}

/// Behind Tor or a proxy that adds no header, every stranger seems to ask from this machine.
#[tokio::test]
async fn strangers_learn_no_figures_wherever_they_seem_to_be() {
    let fake = FakeLightningd::start();
    let gateway = TestGateway::new(fake.socket());
    for peer in ["127.0.0.1", "::1", "192.0.2.1"] {
        let ask = |path: &str| {
            let request = Request::get(path).body(Body::empty()).unwrap();
            gateway.send_from(peer, request)
        };
        ask("/metrics").await.assert_problem(ErrorCode::NotFound);
        let ready = ask("/readyz").await;
        assert_eq!(
            (ready.status.as_u16(), &ready.body[..]),
            (200, &b"{\"ready\":true}"[..])
        );
    }
    assert!(gateway.metrics().await.contains("purrwall_watcher_up"));
    assert_eq!(gateway.get_as_operator("/buy").await.status, 404);

    fake.goes_away().await;
    let limit = Instant::now() + Duration::from_mins(1);
    let not_ready = loop {
        let answer = gateway.get("/readyz").await;
        if answer.status == 503 {
            break answer;
        }
        assert!(Instant::now() < limit, "it is never noticed");
    };
    assert_eq!(&not_ready.body[..], b"{\"ready\":false}");
    let report: Value =
        serde_json::from_slice(&gateway.get_as_operator("/readyz").await.body).unwrap();
    let problem = report["problem"].as_str().unwrap();
    assert!(
        problem.contains(fake.socket().to_str().unwrap()),
        "{report}"
    );
}

#[tokio::test]
async fn however_many_ask_lightningd_is_asked_once_a_second() {
    let fake = FakeLightningd::start();
    let gateway = TestGateway::new(fake.socket());
    eventually("payments to be followed", || {
        gateway.gateway.follows_payments()
    })
    .await;
    let before = fake.calls("getinfo").len();
    let started = Instant::now();
    // Some leave before they are answered.
    for _ in 0..50 {
        let left = timeout(Duration::from_micros(200), gateway.get("/readyz")).await;
        assert!(left.is_err() || left.unwrap().status == 200);
    }
    let asks: Vec<_> = (0..200)
        .map(|_| {
            let gateway = gateway.clone();
            tokio::spawn(async move { gateway.get("/readyz").await.status })
        })
        .collect();
    for ask in asks {
        assert_eq!(ask.await.unwrap(), 200);
    }
    let calls = fake.calls("getinfo").len() - before;
    let most = 1 + started.elapsed().as_secs();
    assert!((1..=most).contains(&(calls as u64)), "{calls} of {most}");
}

/// Only the gateway's own TLS knows that nothing else is at the host.
#[tokio::test]
async fn a_proxy_says_for_itself_that_browsers_have_to_come_by_https() {
    let fake = FakeLightningd::start();
    let gateway = TestGateway::new(fake.socket());
    let request = Request::get("/buy").header("x-forwarded-proto", "https");
    let answer = gateway.send(request.body(Body::empty()).unwrap()).await;
    assert!(!answer.headers.contains_key("strict-transport-security"));
}

#[tokio::test]
async fn requests_have_names_and_only_trusted_proxies_give_them() {
    let fake = FakeLightningd::start();
    let mut options = options(fake.socket());
    options.limits.trusted_proxies = vec!["10.0.0.0/8".parse().unwrap()];
    let gateway = TestGateway::with(options);
    let ask = |peer: &str, id: &'static str| {
        let request = Request::get("/healthz").header("x-request-id", id);
        let mut request = request.body(Body::empty()).unwrap();
        let peer: SocketAddr = peer.parse().unwrap();
        request.extensions_mut().insert(ConnectInfo(peer));
        gateway.send(request)
    };
    assert_eq!(
        ask("10.0.0.1:1", "abc-1").await.header("x-request-id"),
        "abc-1"
    );
    for answer in [
        ask("192.0.2.1:1", "abc-1").await,
        ask("10.0.0.1:1", "a b").await,
        ask("10.0.0.1:1", "").await,
    ] {
        let id = answer.header("x-request-id");
        assert!(
            id.len() == 16 && id.bytes().all(|byte| byte.is_ascii_hexdigit()),
            "{id}"
        );
    }
    let [one, other] = [gateway.get("/healthz").await, gateway.get("/healthz").await];
    assert_ne!(one.header("x-request-id"), other.header("x-request-id"));
}

async fn from_site(gateway: &TestGateway, path: &str, origin: &str) -> Answer {
    let request = Request::get(path).header(ORIGIN, origin);
    gateway.send(request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn every_answer_is_guarded() {
    let fake = FakeLightningd::start();
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("index.html"), "<html></html>").unwrap();
    let mut options = options(fake.socket());
    options.page.dir = Some(dir.path().to_owned());
    let gateway = TestGateway::with(options);
    for path in [
        "/",
        "/index.html",
        "/nothing.js",
        "/buy",
        "/buy/cat",
        "/buy/dog",
        "/buy/style.css",
        STORE_PATH,
        INVOICE_PATH,
        "/api/v1/items/cat/content",
        "/api/nothing",
        "/.well-known/l402.json",
        "/healthz",
        "/readyz",
        "/metrics",
    ] {
        let answer = gateway.get(path).await;
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("referrer-policy"), "no-referrer", "{path}");
        let policy = answer.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'"), "{path}: {policy}");
        assert!(
            policy.contains("frame-ancestors 'none'"),
            "{path}: {policy}"
        );
        assert!(!policy.contains("unsafe-inline"), "{path}: {policy}");
    }
    let page = gateway.get("/").await;
    let policy = page.header("content-security-policy");
    assert!(
        policy.contains("script-src 'self' 'wasm-unsafe-eval';"),
        "{policy}"
    );
}

#[tokio::test]
async fn owners_say_who_may_frame_the_pages_and_use_the_api() {
    let fake = FakeLightningd::start();
    let mut options = options(fake.socket());
    options.web.frame_ancestors = "https://blog.example".into();
    options.web.cors_origins = Some(vec!["https://blog.example".parse().unwrap()]);
    let gateway = TestGateway::with(options);
    let page = gateway.get("/buy").await;
    let policy = page.header("content-security-policy");
    assert!(
        policy.ends_with("frame-ancestors https://blog.example"),
        "{policy}"
    );

    let friend = from_site(&gateway, STORE_PATH, "https://blog.example").await;
    assert_eq!(
        friend.header("access-control-allow-origin"),
        "https://blog.example"
    );
    assert_eq!(friend.header("vary"), "origin");
    let stranger = from_site(&gateway, STORE_PATH, "https://other.example").await;
    assert_eq!(stranger.status, 200);
    assert!(!stranger.headers.contains_key("access-control-allow-origin"));
    for (origin, allowed) in [
        ("https://blog.example", true),
        ("https://other.example", false),
    ] {
        let preflight = Request::options("/api/v1/items/cat/invoices")
            .header(ORIGIN, origin)
            .header("access-control-request-method", "POST");
        let answer = gateway.send(preflight.body(Body::empty()).unwrap()).await;
        // Without this one, a browser takes none of the others for permission.
        assert_eq!(
            answer.headers.contains_key("access-control-allow-origin"),
            allowed,
            "{origin}"
        );
        assert!(
            !answer
                .headers
                .contains_key("access-control-allow-credentials")
        );
    }
}

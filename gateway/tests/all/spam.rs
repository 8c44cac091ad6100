//! Invoices by the thousand: who may ask for how many, and what becomes of those that nobody pays.

use std::num::NonZeroU32;
use std::time::Duration;

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{Method, Request};
use purrwall_gateway::options::Options;
use serde_json::json;
use shared::api::{Status, content_path};
use shared::problem::ErrorCode;

use testing::fake_lightningd::FakeLightningd;
use testing::tools::{TestGateway, eventually, item, new_purchase, options};

const PAID: &str = "purrwall/cat/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const EXPIRED: &str =
    "purrwall/cat/eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee";
const OPEN: &str = "purrwall/cat/0000000000000000000000000000000000000000000000000000000000000000";

/// What expired is deleted at once.
fn cleaning(fake: &FakeLightningd) -> Options {
    let mut options = options(fake.socket());
    options.limits.delete_expired = Some(Duration::ZERO);
    options
}

fn limited(fake: &FakeLightningd, per_minute: u32, open: u32) -> Options {
    let mut options = options(fake.socket());
    options.limits.invoices_per_minute = NonZeroU32::new(per_minute);
    options.limits.open_invoices = NonZeroU32::new(open);
    options.limits.trusted_proxies = vec!["127.0.0.1".parse::<std::net::IpAddr>().unwrap().into()];
    options
}

#[tokio::test]
async fn each_client_has_a_share_and_is_told_when_there_is_more() {
    let fake = FakeLightningd::start();
    let gateway = TestGateway::with(limited(&fake, 2, 0));
    let buys = |peer, forwarded_for| gateway.buys_from(peer, forwarded_for, new_purchase());
    for _ in 0..2 {
        assert_eq!(buys("203.0.113.7", "").await.status, 201);
    }
    // What a client says of itself changes nothing …
    let refused = buys("203.0.113.7", "198.51.100.9").await;
    refused.assert_problem(ErrorCode::TooManyRequests);
    assert_eq!(refused.status, 429);
    let secs = refused.problem().retry_after.unwrap();
    assert!((1..=30).contains(&secs), "{secs}");
    assert_eq!(refused.header("retry-after"), secs.to_string());
    assert!(refused.problem().detail.contains(&format!("{secs} second")));
    assert_eq!(fake.invoices(), 2);

    // … and what a trusted proxy says of it counts.
    for _ in 0..2 {
        assert_eq!(buys("127.0.0.1", "2001:db8::1").await.status, 201);
    }
    assert_eq!(buys("127.0.0.1", "2001:db8::2").await.status, 429);
    assert_eq!(buys("127.0.0.1", "2001:db8:1::2").await.status, 201);
}

#[tokio::test]
async fn every_way_to_an_invoice_is_counted() {
    let fake = FakeLightningd::start();
    let gateway = TestGateway::with(limited(&fake, 1, 0));
    let content = || {
        let request = Request::get(content_path(&item("cat")));
        gateway.send_from("203.0.113.7", request.body(Body::empty()).unwrap())
    };
    assert_eq!(content().await.status, 402);
    content().await.assert_problem(ErrorCode::TooManyRequests);

    let form = format!("purchase_id={}", new_purchase().to_hex());
    let request = Request::post("/buy/cat")
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(form.into());
    let page = gateway.send_from("203.0.113.7", request.unwrap()).await;
    assert_eq!(page.status, 429);
    let secs: u64 = page.headers[RETRY_AFTER].to_str().unwrap().parse().unwrap();
    let text = String::from_utf8_lossy(&page.body);
    assert!(
        text.contains(&format!("try again in {secs} second")) || secs < 5,
        "{text}"
    );
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    assert_eq!(
        page.header("refresh"),
        format!("{}; url=/buy/cat", secs.max(5))
    );
    assert_eq!(fake.invoices(), 1);
}

#[tokio::test]
async fn looking_waiting_and_fetching_are_not_counted() {
    let fake = FakeLightningd::start();
    let gateway = TestGateway::with(limited(&fake, 1, 0));
    let created = gateway.buys_from("203.0.113.7", "", new_purchase()).await;
    assert_eq!(created.status, 201);
    for path in ["/api/v1/store", "/buy", "/buy/cat", "/readyz"] {
        for _ in 0..5 {
            let request = Request::get(path).body(Body::empty()).unwrap();
            let answer = gateway.send_from("203.0.113.7", request).await;
            assert_eq!(answer.status, 200, "{path}");
        }
    }
    let head = Request::builder().method(Method::HEAD);
    let head = head.uri(content_path(&item("cat"))).body(Body::empty());
    let answer = gateway.send_from("203.0.113.7", head.unwrap()).await;
    assert_eq!(answer.status, 402);
}

#[tokio::test]
async fn the_store_has_only_so_many_unpaid_invoices() {
    let fake = FakeLightningd::start();
    let gateway = TestGateway::with(limited(&fake, 0, 2));
    let purchase = new_purchase();
    let first = gateway.ask_invoice("cat", purchase).await;
    gateway.create("cat").await;
    let refused = gateway.ask_invoice("cat", new_purchase()).await;
    refused.assert_problem(ErrorCode::TooManyInvoices);
    assert_eq!(refused.status, 503);
    assert_eq!(refused.header("retry-after"), "60");
    assert!(refused.problem().detail.contains("60 seconds"));

    // Who has an invoice gets it, and a payment makes room.
    let again = gateway.ask_invoice("cat", purchase).await;
    assert_eq!(again.status, 200);
    assert_eq!(again.body, first.body);
    let created: shared::api::CreatedInvoice = first.json();
    fake.is_paid(&created.invoice.bolt11);
    assert_eq!(
        gateway.status(&created.claim, 30).await.status,
        Status::Paid
    );
    gateway.create("cat").await;
}

#[tokio::test]
async fn after_a_restart_what_is_open_is_counted_again() {
    let fake = FakeLightningd::start();
    TestGateway::new(fake.socket()).create("cat").await;
    fake.makes("somebody-else", 600);
    let mut options = cleaning(&fake);
    options.limits.open_invoices = NonZeroU32::new(1);
    let gateway = TestGateway::with(options);
    let pages = || {
        fake.calls("listinvoices")
            .iter()
            .any(|call| call["start"] == 3)
    };
    eventually("the book to be read", pages).await;
    let refused = gateway.ask_invoice("cat", new_purchase()).await;
    refused.assert_problem(ErrorCode::TooManyInvoices);
}

#[tokio::test]
async fn only_our_expired_unpaid_invoices_are_deleted() {
    let fake = FakeLightningd::start();
    let paid = fake.makes(PAID, 1);
    fake.is_paid(&paid);
    fake.makes(EXPIRED, 1);
    fake.makes("purrwall-of-somebody-else", 1);
    fake.makes(OPEN, 600);
    let gateway = TestGateway::with(cleaning(&fake));
    let created = gateway.create("cat").await;
    eventually("the expired one to be deleted", || fake.invoices() == 4).await;
    let labels = fake.labels();
    let kept = [PAID, "purrwall-of-somebody-else", OPEN];
    assert_eq!(labels[..3], kept);
    let status = gateway.status(&created.claim, 0).await;
    assert_eq!(status.status, Status::Unpaid);
    let deleted = fake.calls("delinvoice");
    assert_eq!(deleted, [json!({"label": EXPIRED, "status": "expired"})]);
}

#[tokio::test]
async fn an_invoice_is_deleted_no_sooner_than_was_set() {
    let fake = FakeLightningd::start();
    fake.makes(EXPIRED, 1);
    let mut options = cleaning(&fake);
    options.limits.delete_expired = Some(Duration::from_hours(1));
    let _gateway = TestGateway::with(options);
    let looks = || {
        let calls = fake.calls("listinvoices");
        calls.iter().filter(|call| call["start"] == 2).count() > 100
    };
    eventually("many looks", looks).await;
    assert_eq!(fake.calls("delinvoice").len(), 0);
}

#[tokio::test]
async fn cleaning_goes_on_after_lightningd_was_away() {
    let fake = FakeLightningd::start();
    let _gateway = TestGateway::with(cleaning(&fake));
    eventually("the first look", || !fake.calls("listinvoices").is_empty()).await;
    fake.goes_away().await;
    fake.makes(EXPIRED, 0);
    fake.comes_back();
    eventually("the invoice to be deleted", || fake.invoices() == 0).await;
}

#[tokio::test]
async fn deletion_can_be_left_to_lightningd() {
    for autocleans in [false, true] {
        let fake = FakeLightningd::start();
        if autocleans {
            fake.autocleans();
        }
        fake.makes(EXPIRED, 0);
        let mut options = cleaning(&fake);
        options.limits.delete_expired = None;
        let _gateway = TestGateway::with(options);
        let asked = |subsystem: &str| {
            let question = json!({ "subsystem": subsystem });
            fake.calls("autoclean-status").contains(&question)
        };
        eventually("the questions", || {
            asked("expiredinvoices") && asked("paidinvoices")
        })
        .await;
        assert!(fake.calls("listinvoices").is_empty());
        assert_eq!(fake.invoices(), 1);
    }
}

/// Start, creation, status and payment need as many calls as with an empty book, each with a key;
/// all else are bounded pages, which the fake checks.
#[tokio::test]
async fn a_million_invoices_of_others_slow_nothing() {
    let fake = FakeLightningd::start();
    fake.has_strangers(1_000_000);
    let gateway = TestGateway::with(cleaning(&fake));
    let created = gateway.create("cat").await;
    assert_eq!(
        gateway.status(&created.claim, 0).await.status,
        Status::Unpaid
    );
    fake.is_paid(&created.invoice.bolt11);
    assert_eq!(
        gateway.status(&created.claim, 30).await.status,
        Status::Paid
    );
    eventually("some pages to be read", || {
        fake.calls("listinvoices")
            .iter()
            .any(|call| call["start"] == 501)
    })
    .await;
    let keyed = |call: &&serde_json::Value| call.get("index").is_none();
    let calls = fake.calls("listinvoices");
    assert!(calls.iter().filter(keyed).count() <= 3, "{calls:?}");
    assert_eq!(fake.calls("invoice").len(), 1);
    assert!(fake.calls("delinvoice").is_empty());
}

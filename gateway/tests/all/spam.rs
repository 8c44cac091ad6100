//! Invoices by the thousand: who may ask for how many, and what becomes of those that nobody pays.

use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{Method, Request};
use purrwall_gateway::options::Options;
use serde_json::json;
use shared::api::{CreatedInvoice, Status, content_path};
use shared::problem::ErrorCode;
use tokio::task::JoinSet;

use testing::fake_lightningd::{FakeLightningd, Fault};
use testing::tools::{TestGateway, eventually, item, l402, metric, new_purchase, options};

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

/// What a client holds is bounded exactly, also for requests at once; what it has, it finds.
#[tokio::test]
async fn a_client_holds_only_so_many_open_invoices() {
    let fake = FakeLightningd::start();
    let gateway = TestGateway::with(limited(&fake, 0, 0));
    let buys = |peer, purchase| gateway.buys_from(peer, "", purchase);
    let mine = new_purchase();
    assert_eq!(buys("203.0.113.7", mine).await.status, 201);
    fake.goes_wrong("invoice", Fault::Slow(Duration::from_millis(50)));
    let mut crowd = JoinSet::new();
    for _ in 0..20 {
        let gateway = gateway.clone();
        crowd.spawn(async move { gateway.buys_from("203.0.113.7", "", new_purchase()).await });
    }
    let answers = crowd.join_all().await;
    let made: Vec<_> = answers.iter().filter(|one| one.status == 201).collect();
    assert_eq!((made.len(), fake.invoices()), (4, 5));
    fake.recovers();

    let refused = buys("203.0.113.7", new_purchase()).await;
    refused.assert_problem(ErrorCode::TooManyRequests);
    assert!(refused.problem().detail.contains("pay one of them"));
    assert_eq!(refused.header("retry-after"), "60");
    assert_eq!(buys("203.0.113.7", mine).await.status, 200);
    assert_eq!(buys("203.0.113.8", new_purchase()).await.status, 201);

    let created: CreatedInvoice = made[0].json();
    fake.is_paid(&created.invoice.bolt11);
    let paid = gateway.status(&created.claim, 30).await;
    assert_eq!(paid.status, Status::Paid);
    assert_eq!(buys("203.0.113.7", new_purchase()).await.status, 201);
}

#[tokio::test]
async fn a_network_holds_only_so_many_open_invoices() {
    let fake = FakeLightningd::start();
    let gateway = TestGateway::with(limited(&fake, 0, 0));
    let v4 = (0..60).map(|one| format!("203.0.113.{one}"));
    let v6 = (0..60).map(|one| format!("2001:db8:0:ab{one:02x}::1"));
    for (mut clients, outside) in [
        (v4.collect::<Vec<_>>(), "198.51.100.1"),
        (v6.collect(), "2001:db8:0:ac00::1"),
    ] {
        let over = clients.split_off(50);
        for client in clients {
            let answer = gateway.buys_from(&client, "", new_purchase()).await;
            assert_eq!(answer.status, 201, "{client}");
        }
        for client in over {
            let refused = gateway.buys_from(&client, "", new_purchase()).await;
            refused.assert_problem(ErrorCode::TooManyRequests);
            assert!(refused.problem().detail.contains("your network"));
        }
        let answer = gateway.buys_from(outside, "", new_purchase()).await;
        assert_eq!(answer.status, 201);
    }
}

#[tokio::test]
async fn strangers_cannot_fill_the_store_against_who_holds_nothing() {
    let fake = FakeLightningd::start();
    let mut options = limited(&fake, 0, 20);
    options.limits.most_open_invoices = NonZeroU32::new(30).unwrap();
    let gateway = TestGateway::with(options);
    let buys = async |network: usize| {
        let client = format!("198.51.{network}.1");
        gateway.buys_from(&client, "", new_purchase()).await.status
    };
    for network in 0..4 {
        for _ in 0..5 {
            assert_eq!(buys(network).await, 201);
        }
    }
    assert_eq!(buys(0).await, 429);
    for network in 4..14 {
        assert_eq!(buys(network).await, 201, "who holds none comes first");
        assert_eq!(buys(network).await, 503);
    }
    let refused = gateway.buys_from("203.0.113.1", "", new_purchase()).await;
    refused.assert_problem(ErrorCode::TooManyInvoices);
    assert_eq!(fake.invoices(), 30, "the ceiling");
}

#[tokio::test]
async fn a_client_over_its_share_finds_what_it_has() {
    let fake = FakeLightningd::start();
    let gateway = TestGateway::with(limited(&fake, 2, 0));
    let purchase = new_purchase();
    let buys = |purchase| gateway.buys_from("203.0.113.7", "", purchase);
    assert_eq!(buys(purchase).await.status, 201);
    assert_eq!(buys(new_purchase()).await.status, 201);
    let again = buys(purchase).await;
    assert_eq!(again.status, 200);
    let refused = buys(new_purchase()).await;
    refused.assert_problem(ErrorCode::TooManyRequests);
    assert_eq!(fake.invoices(), 2);
    // A search is a call, so searches are counted, too.
    let before = fake.calls("listinvoices").len();
    let mut refused = 0;
    for _ in 0..50 {
        refused += usize::from(buys(purchase).await.status == 429);
    }
    let searches = fake.calls("listinvoices").len() - before;
    // One for the label, and one for that of an earlier gateway.
    assert_eq!(searches, 2 * (50 - refused));
    assert!(refused > 0);
}

/// Proxies that do not say whom they ask for, and Tor, which connects from this machine.
#[tokio::test]
async fn who_shares_an_address_with_many_is_not_counted_as_one_client() {
    let fake = FakeLightningd::start();
    let mut options = limited(&fake, 1, 10);
    options.limits.trusted_proxies = vec!["10.0.0.0/8".parse().unwrap()];
    let gateway = TestGateway::with(options);
    for peer in ["127.0.0.1", "::1", "10.0.0.9"] {
        for _ in 0..3 {
            let answer = gateway.buys_from(peer, "", new_purchase()).await;
            assert_eq!(answer.status, 201, "{peer}");
        }
    }
    // They have a bound of their own, and close nothing for others.
    gateway.buys_from("::1", "", new_purchase()).await;
    let refused = gateway.buys_from("::1", "", new_purchase()).await;
    refused.assert_problem(ErrorCode::TooManyInvoices);
    let other = gateway.buys_from("203.0.113.7", "", new_purchase()).await;
    assert_eq!(other.status, 201);
}

/// lightningd makes the invoice all the same, so it counts.
#[tokio::test]
async fn an_invoice_counts_though_its_buyer_went_away() {
    let fake = FakeLightningd::start();
    let mut options = limited(&fake, 0, 0);
    options.limits.open_invoices_per_client = NonZeroU32::new(1);
    let gateway = TestGateway::with(options);
    fake.goes_wrong("invoice", Fault::Slow(Duration::from_millis(200)));
    let goes_away = gateway.buys_from("203.0.113.7", "", new_purchase());
    let asked = eventually("the invoice to be asked for", || {
        !fake.calls("invoice").is_empty()
    });
    tokio::select! {
        answer = goes_away => panic!("{answer:?}"),
        () = asked => {}
    }
    eventually("the invoice to be made", || fake.invoices() == 1).await;
    fake.recovers();
    let refused = gateway.buys_from("203.0.113.7", "", new_purchase()).await;
    refused.assert_problem(ErrorCode::TooManyRequests);
    assert_eq!(fake.invoices(), 1);
}

/// lightningd may have made the invoice, so its place is held until that is known.
#[tokio::test]
async fn an_invoice_counts_though_lightningd_did_not_answer_in_time() {
    let fake = FakeLightningd::start();
    let mut options = limited(&fake, 0, 0);
    options.limits.open_invoices_per_client = NonZeroU32::new(1);
    options.timing.call_deadline = Duration::from_millis(300);
    let gateway = TestGateway::with(options);
    let buys = async || {
        let answer = gateway.buys_from("203.0.113.7", "", new_purchase()).await;
        answer.status.as_u16()
    };
    let asked = |method| fake.calls(method).len();
    let sells = async || {
        let limit = Instant::now() + Duration::from_mins(1);
        while buys().await != 201 {
            assert!(Instant::now() < limit, "the place does not come free");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };

    // It does what it was asked, and says so too late.
    fake.goes_wrong("invoice", Fault::LateNews(Duration::from_mins(5)));
    assert_eq!(buys().await, 503);
    for _ in 0..3 {
        let before = asked("listinvoices");
        assert_eq!((buys().await, fake.invoices()), (429, 1));
        eventually("a question", || asked("listinvoices") > before).await;
    }
    fake.recovers();
    fake.is_paid(&fake.bolt11s()[0]);
    sells().await;
    assert_eq!(fake.invoices(), 2);
    fake.is_paid(&fake.bolt11s()[1]);

    // It does nothing, and does not say so either.
    fake.goes_wrong("invoice", Fault::Hangs);
    let before = asked("invoice");
    let limit = Instant::now() + Duration::from_mins(1);
    while asked("invoice") == before {
        assert!(Instant::now() < limit, "the payment is not heard of");
        buys().await;
    }
    fake.goes_wrong("listinvoices", Fault::Hangs);
    let before = asked("invoice");
    assert_eq!(buys().await, 503);
    assert_eq!(
        asked("invoice"),
        before,
        "there is no place for a second one"
    );
    fake.recovers();
    sells().await;
    assert_eq!(fake.invoices(), 3);
}

#[tokio::test]
async fn what_others_left_open_is_in_no_buyers_way() {
    let fake = FakeLightningd::start();
    for left in 0..30 {
        fake.makes(&format!("purrwall/cat/{left:064}"), 600);
    }
    let mut options = limited(&fake, 0, 5);
    options.limits.delete_expired = Some(Duration::ZERO);
    let gateway = TestGateway::with(options);
    let is_read = || {
        let calls = fake.calls("listinvoices");
        calls.iter().any(|call| call["start"] == 31)
    };
    eventually("the book to be read", is_read).await;
    let open = metric(&gateway.metrics().await, "purrwall_invoices_open");
    assert_eq!(open, 30);
    for _ in 0..5 {
        let answer = gateway.buys_from("203.0.113.7", "", new_purchase()).await;
        assert_eq!(answer.status, 201);
    }
}

/// Counted at the socket: what strangers send with claims that are good for nothing.
#[tokio::test]
async fn claims_of_strangers_cost_few_calls() {
    let fake = FakeLightningd::start();
    let gateway = TestGateway::new(fake.socket());
    eventually("payments to be followed", || {
        gateway.gateway.follows_payments()
    })
    .await;
    let asked = || fake.questions();

    let unpaid = l402(&gateway.create("cat").await.claim);
    for _ in 0..100 {
        gateway
            .content("cat", &[&unpaid])
            .await
            .assert_problem(ErrorCode::PaymentRequired);
    }
    let copies = vec![unpaid.trim_start_matches("L402 "); 63].join(",");
    let answer = gateway.content("cat", &[&format!("L402 {copies}")]).await;
    answer.assert_problem(ErrorCode::PaymentRequired);
    assert_eq!(asked(), 1);

    let gone = gateway.create("cat").await;
    fake.deletes(&gone.invoice.bolt11);
    for _ in 0..100 {
        let answer = gateway.content("cat", &[&l402(&gone.claim)]).await;
        answer.assert_problem(ErrorCode::UnknownInvoice);
        let answer = gateway.ask_status(&gone.claim, 30).await;
        answer.assert_problem(ErrorCode::UnknownInvoice);
    }
    assert_eq!(asked(), 2);
}

/// One head has room for many claims. What was not looked up may be paid, so nothing is offered.
#[tokio::test]
async fn many_claims_in_one_head_cost_few_calls() {
    let fake = FakeLightningd::start();
    let gateway = TestGateway::new(fake.socket());
    eventually("payments to be followed", || {
        gateway.gateway.follows_payments()
    })
    .await;
    let mut many = Vec::new();
    for _ in 0..45 {
        many.push(gateway.create("cat").await);
    }
    let head: Vec<_> = many.iter().map(|one| one.claim.to_base64()).collect();
    let head = format!("L402 {}", head.join(","));
    for heads in 1..=11 {
        let answer = gateway.content("cat", &[&head]).await;
        answer.assert_problem(ErrorCode::InvalidRequest);
        assert!(answer.problem().detail.contains("preimage"));
        assert_eq!(fake.questions(), 4 * heads);
    }
    let answer = gateway.content("cat", &[&head]).await;
    answer.assert_problem(ErrorCode::PaymentRequired);
    assert_eq!(fake.questions(), 45);

    fake.is_paid(&many[44].invoice.bolt11);
    let paid = gateway.status(&many[44].claim, 30).await;
    assert_eq!(paid.status, Status::Paid);
    assert_eq!(gateway.content("cat", &[&head]).await.status, 200);
    assert_eq!(fake.questions(), 45);
}

#[tokio::test]
async fn after_a_restart_what_is_open_is_counted_again() {
    let fake = FakeLightningd::start();
    TestGateway::new(fake.socket()).create("cat").await;
    fake.makes("somebody-else", 600);
    let mut options = cleaning(&fake);
    options.limits.most_open_invoices = NonZeroU32::new(1).unwrap();
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

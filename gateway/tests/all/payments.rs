//! Payments that arrive before, during and after a question, and a watcher whose node goes away.

use std::time::{Duration, Instant};

use shared::api::{CreatedInvoice, INVOICE_PATH, Status};
use shared::lightning::Preimage;
use shared::problem::ErrorCode;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use testing::fake_lightningd::{FakeLightningd, Fault};
use testing::tools::{TestGateway, eventually, l402, metric, options};

/// A gateway whose watcher has settled.
async fn watching(fake: &FakeLightningd) -> TestGateway {
    let before = fake.calls("waitanyinvoice").len();
    let gateway = TestGateway::new(fake.socket());
    settled(fake, before).await;
    gateway
}

/// The watcher found the newest payment and waits for the next: the first call with a timeout.
async fn settled(fake: &FakeLightningd, before: usize) {
    let waits = || {
        let calls = fake.calls("waitanyinvoice");
        calls[before..].iter().any(|call| call["timeout"] != 0)
    };
    eventually("the watcher to settle", waits).await;
}

#[tokio::test]
async fn a_payment_before_the_question_is_told_at_once() {
    let fake = FakeLightningd::start();
    let gateway = watching(&fake).await;
    let created = gateway.create("cat").await;
    let preimage = fake.is_paid(&created.invoice.bolt11);
    let status = gateway.status(&created.claim, 30).await;
    assert_eq!(status.status, Status::Paid);
    assert_eq!(status.preimage, Some(Preimage(preimage)));
    assert_eq!(status.expires_at, created.invoice.expires_at);
}

#[tokio::test]
async fn a_payment_during_the_question_wakes_it() {
    let fake = FakeLightningd::start();
    let gateway = watching(&fake).await;
    let created = gateway.create("cat").await;
    let (status, took) = tokio::join!(
        gateway.status(&created.claim, 30),
        pays_after(&fake, &created, Duration::from_millis(100)),
    );
    assert_eq!(status.status, Status::Paid);
    assert!(
        took.elapsed() < Duration::from_secs(30),
        "the wait was not ended"
    );
}

#[tokio::test]
async fn a_payment_after_the_question_is_told_by_the_next() {
    let fake = FakeLightningd::start();
    let gateway = watching(&fake).await;
    let created = gateway.create("cat").await;
    assert_eq!(
        gateway.status(&created.claim, 0).await.status,
        Status::Unpaid
    );
    assert_eq!(
        gateway.status(&created.claim, 1).await.status,
        Status::Unpaid
    );
    fake.is_paid(&created.invoice.bolt11);
    assert_eq!(
        gateway.status(&created.claim, 30).await.status,
        Status::Paid
    );
}

/// The payment arrives while lightningd's answer "unpaid" is on its way.
#[tokio::test]
async fn a_payment_that_overtakes_the_answer_is_not_lost() {
    let fake = FakeLightningd::start();
    let gateway = watching(&fake).await;
    let created = gateway.create("cat").await;
    fake.goes_wrong("listinvoices", Fault::LateNews(Duration::from_millis(200)));
    let (status, _) = tokio::join!(
        gateway.status(&created.claim, 30),
        pays_after(&fake, &created, Duration::from_millis(100)),
    );
    assert_eq!(status.status, Status::Paid);
}

#[tokio::test]
async fn two_tabs_on_one_claim_are_both_told() {
    let fake = FakeLightningd::start();
    let gateway = watching(&fake).await;
    let created = gateway.create("cat").await;
    let (one, other, _) = tokio::join!(
        gateway.status(&created.claim, 30),
        gateway.status(&created.claim, 30),
        pays_after(&fake, &created, Duration::from_millis(100)),
    );
    assert_eq!([one.status, other.status], [Status::Paid; 2]);
}

#[tokio::test]
async fn a_payment_of_another_invoice_wakes_nobody() {
    let fake = FakeLightningd::start();
    let gateway = watching(&fake).await;
    let [mine, other] = [gateway.create("cat").await, gateway.create("cat").await];
    let (status, _) = tokio::join!(
        gateway.status(&mine.claim, 1),
        pays_after(&fake, &other, Duration::from_millis(100)),
    );
    assert_eq!(status.status, Status::Unpaid);
}

#[tokio::test]
async fn an_expired_invoice_is_told_a_moment_after_its_time() {
    let fake = FakeLightningd::start();
    let mut options = options(fake.socket());
    options.store.invoice_expiry_secs = 1;
    let gateway = TestGateway::with(options);
    let created = gateway.create("cat").await;
    let started = Instant::now();
    let status = gateway.status(&created.claim, 30).await;
    assert_eq!(status.status, Status::Expired);
    assert!(
        started.elapsed() < Duration::from_secs(30),
        "the wait was not ended"
    );
    assert!(status.server_time >= status.expires_at);
}

#[tokio::test]
async fn a_known_unpaid_invoice_is_asked_about_once() {
    let fake = FakeLightningd::start();
    let gateway = watching(&fake).await;
    let created = gateway.create("cat").await;
    for _ in 0..50 {
        assert_eq!(
            gateway.status(&created.claim, 0).await.status,
            Status::Unpaid
        );
    }
    assert_eq!(fake.questions(), 1);
    fake.is_paid(&created.invoice.bolt11);
    assert_eq!(gateway.status(&created.claim, 5).await.status, Status::Paid);
    assert_eq!(fake.questions(), 1);
}

#[tokio::test]
async fn without_a_watch_lightningd_is_asked_each_time() {
    let fake = FakeLightningd::start();
    fake.goes_wrong("waitanyinvoice", Fault::HangsUp);
    let gateway = TestGateway::new(fake.socket());
    let created = gateway.create("cat").await;
    for _ in 0..3 {
        assert_eq!(
            gateway.status(&created.claim, 0).await.status,
            Status::Unpaid
        );
    }
    assert_eq!(fake.questions(), 3);
    fake.is_paid(&created.invoice.bolt11);
    assert_eq!(gateway.status(&created.claim, 0).await.status, Status::Paid);
}

/// Those who ask at once share a call, also while nothing can be remembered.
#[tokio::test]
async fn who_asks_about_one_invoice_at_once_shares_a_call() {
    let fake = FakeLightningd::start();
    fake.goes_wrong("waitanyinvoice", Fault::HangsUp);
    fake.goes_wrong("listinvoices", Fault::Slow(Duration::from_secs(1)));
    let gateway = TestGateway::new(fake.socket());
    let created = gateway.create("cat").await;
    let mut crowd = JoinSet::new();
    for _ in 0..200 {
        let (gateway, claim) = (gateway.clone(), created.claim.clone());
        crowd.spawn(async move { gateway.status(&claim, 0).await.status });
    }
    assert_eq!(crowd.join_all().await, [Status::Unpaid; 200]);
    // Two on a quick machine: the first one's, and one for all who came while it was under way.
    let calls = fake.calls("listinvoices").len();
    assert!(calls < 50, "{calls} calls");
}

#[tokio::test]
async fn after_a_restart_those_who_wait_cost_one_call_for_each_invoice() {
    let fake = FakeLightningd::start();
    let gateway = watching(&fake).await;
    let mut created = Vec::new();
    for _ in 0..20 {
        created.push(gateway.create("cat").await);
    }
    let mut crowd = JoinSet::new();
    for one in created.iter().cycle().take(400) {
        let (gateway, claim) = (gateway.clone(), one.claim.clone());
        crowd.spawn(async move { gateway.status(&claim, 30).await.status });
    }
    let asked = || fake.questions();
    while metric(&gateway.metrics().await, "purrwall_waiters") < 400 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(asked(), 20);
    let before = fake.calls("waitanyinvoice").len();
    fake.goes_away().await;
    fake.comes_back();
    settled(&fake, before).await;
    eventually("those who wait to ask again", || asked() >= 40).await;
    for one in &created {
        fake.is_paid(&one.invoice.bolt11);
    }
    assert_eq!(crowd.join_all().await, [Status::Paid; 400]);
    assert_eq!(asked(), 40);
}

#[tokio::test]
async fn a_payment_while_lightningd_was_away_reaches_who_waits() {
    let fake = FakeLightningd::start();
    let gateway = watching(&fake).await;
    let created = gateway.create("cat").await;
    let restart = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        fake.goes_away().await;
        fake.is_paid(&created.invoice.bolt11);
        tokio::time::sleep(Duration::from_millis(200)).await;
        fake.comes_back();
    };
    let (status, ()) = tokio::join!(gateway.status(&created.claim, 30), restart);
    assert_eq!(status.status, Status::Paid);
}

#[tokio::test]
async fn after_a_restart_the_watcher_goes_on() {
    let fake = FakeLightningd::start();
    let gateway = watching(&fake).await;
    let created = gateway.create("cat").await;
    assert_eq!(
        gateway.status(&created.claim, 0).await.status,
        Status::Unpaid
    );
    let before = fake.calls("waitanyinvoice").len();
    fake.goes_away().await;
    // As soon as the watch has ended, what was certain is asked for again.
    let mut asked = gateway.ask_status(&created.claim, 0).await;
    while asked.status.is_success() {
        tokio::time::sleep(Duration::from_millis(1)).await;
        asked = gateway.ask_status(&created.claim, 0).await;
    }
    asked.assert_problem(ErrorCode::LightningUnavailable);
    fake.comes_back();
    settled(&fake, before).await;
    let (status, _) = tokio::join!(
        gateway.status(&created.claim, 30),
        pays_after(&fake, &created, Duration::from_millis(100)),
    );
    assert_eq!(status.status, Status::Paid);
}

#[tokio::test]
async fn a_node_with_an_older_book_is_followed_from_where_that_ends() {
    let fake = FakeLightningd::start();
    fake.has_a_past_of(9);
    let gateway = watching(&fake).await;
    let before = fake.calls("waitanyinvoice").len();
    fake.goes_away().await;
    fake.forgets_everything();
    fake.comes_back();
    settled(&fake, before).await;
    let created = gateway.create("cat").await;
    let (status, _) = tokio::join!(
        gateway.status(&created.claim, 30),
        pays_after(&fake, &created, Duration::from_millis(100)),
    );
    assert_eq!(status.status, Status::Paid);
}

#[tokio::test]
async fn nothing_paid_for_long_is_no_error() {
    let fake = FakeLightningd::start();
    let gateway = watching(&fake).await;
    let created = gateway.create("cat").await;
    // The watcher's round is one second, so some end with error 904 meanwhile.
    let (status, _) = tokio::join!(
        gateway.status(&created.claim, 30),
        pays_after(&fake, &created, Duration::from_millis(2500)),
    );
    assert_eq!(status.status, Status::Paid);
    assert_eq!(fake.calls("getinfo").len(), 1, "the watch never ended");
}

#[tokio::test]
async fn a_long_past_is_neither_replayed_nor_listed() {
    for payments in [1, 2, 3, 7, 8, 9, 300] {
        let fake = FakeLightningd::start();
        fake.has_a_past_of(payments);
        let gateway = watching(&fake).await;
        let calls = fake.calls("waitanyinvoice");
        let waits = calls.iter().find(|call| call["timeout"] != 0).unwrap();
        assert_eq!(waits["lastpay_index"], payments);
        assert!(
            calls.len() < 30,
            "{} calls for {payments} payments",
            calls.len()
        );
        assert!(fake.calls("listinvoices").is_empty());

        let created = gateway.create("cat").await;
        let (status, _) = tokio::join!(
            gateway.status(&created.claim, 30),
            pays_after(&fake, &created, Duration::from_millis(20)),
        );
        assert_eq!(status.status, Status::Paid);
    }
}

#[tokio::test]
async fn an_invoice_that_lightningd_forgot_is_named() {
    let fake = FakeLightningd::start();
    let gateway = watching(&fake).await;
    let created = gateway.create("cat").await;
    fake.deletes(&created.invoice.bolt11);
    let answer = gateway.ask_status(&created.claim, 30).await;
    answer.assert_problem(ErrorCode::UnknownInvoice);
}

#[tokio::test]
async fn without_a_valid_claim_nothing_is_told() {
    let fake = FakeLightningd::start();
    let gateway = watching(&fake).await;
    let created = gateway.create("cat").await;
    let preimage = Preimage(fake.is_paid(&created.invoice.bolt11)).to_hex();
    let payment_hash = created.invoice.payment_hash.to_hex();
    let forged = l402(&created.claim).replace("AgJC", "AgJD");
    let strangers = [
        vec![],
        vec![payment_hash.as_str()],
        vec!["L402 "],
        vec!["Basic dXNlcjpwYXNz"],
        vec![forged.as_str()],
    ];
    for credentials in strangers {
        let answer = gateway.get_with(INVOICE_PATH, &credentials).await;
        answer.assert_problem(ErrorCode::InvalidClaim);
        assert_eq!(answer.header("www-authenticate"), "L402");
    }
    for secret in [&preimage, &payment_hash] {
        let answer = gateway
            .get_with(INVOICE_PATH, &[&format!("L402 {secret}")])
            .await;
        answer.assert_problem(ErrorCode::InvalidClaim);
    }
}

#[tokio::test]
async fn of_several_credentials_one_that_verifies_is_enough() {
    let fake = FakeLightningd::start();
    let gateway = watching(&fake).await;
    let created = gateway.create("cat").await;
    let valid = l402(&created.claim);
    for credentials in [
        vec!["Bearer x", "L402 %%%", &valid],
        vec![&format!("L402 AAAA, {valid}")],
    ] {
        let answer = gateway.get_with(INVOICE_PATH, &credentials).await;
        assert_eq!(answer.status, 200, "{answer:?}");
    }
}

#[tokio::test]
async fn a_wait_of_another_form_is_named_and_a_long_one_is_shortened() {
    let fake = FakeLightningd::start();
    let gateway = watching(&fake).await;
    let created = gateway.create("cat").await;
    for wait in ["-1", "soon", "1.5", "99999999999999999999999"] {
        let path = format!("{INVOICE_PATH}?wait={wait}");
        let answer = gateway.get_with(&path, &[&l402(&created.claim)]).await;
        answer.assert_problem(ErrorCode::InvalidRequest);
    }
    let (status, _) = tokio::join!(
        gateway.status(&created.claim, u64::MAX),
        pays_after(&fake, &created, Duration::from_millis(50)),
    );
    assert_eq!(status.status, Status::Paid);
}

#[tokio::test]
async fn who_waits_is_answered_when_the_gateway_ends() {
    let fake = FakeLightningd::start();
    let gateway = watching(&fake).await;
    let created = gateway.create("cat").await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (end, ended) = oneshot::channel::<()>();
    let server = tokio::spawn(gateway.gateway.clone().serve(listener, async {
        ended.await.ok();
    }));
    let started = Instant::now();
    let ends = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        end.send(()).unwrap();
    };
    let (status, ()) = tokio::join!(gateway.status(&created.claim, 30), ends);
    assert_eq!(status.status, Status::Unpaid);
    server.await.unwrap();
    assert!(
        started.elapsed() < Duration::from_secs(30),
        "the wait was not ended"
    );
}

/// Says when the invoice was marked as paid.
async fn pays_after(fake: &FakeLightningd, created: &CreatedInvoice, pause: Duration) -> Instant {
    tokio::time::sleep(pause).await;
    fake.is_paid(&created.invoice.bolt11);
    Instant::now()
}

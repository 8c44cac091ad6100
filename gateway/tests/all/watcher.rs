//! The watcher survives whatever lightningd does, and says how it is.

use std::time::{Duration, Instant};

use serde_json::Value;
use shared::api::Status;
use shared::problem::ErrorCode;

use testing::fake_lightningd::{FakeLightningd, Fault};
use testing::tools::{TestGateway, eventually, metric, options};

async fn following(gateway: &TestGateway) {
    eventually("payments to be followed", || {
        gateway.gateway.follows_payments()
    })
    .await;
}

async fn not_following(gateway: &TestGateway) {
    eventually("the watch to end", || !gateway.gateway.follows_payments()).await;
}

/// A payment comes while the watch is broken, and reaches who waits when it is mended.
async fn survives(fault: Fault) {
    let fake = FakeLightningd::start();
    let mut options = options(fake.socket());
    // A call that hangs is given up well before the buyer's wait ends.
    options.timing.call_deadline = Duration::from_secs(5);
    let gateway = TestGateway::with(options);
    following(&gateway).await;
    let created = gateway.create("cat").await;
    let goes_wrong = async {
        fake.goes_wrong("waitanyinvoice", fault);
        not_following(&gateway).await;
        fake.is_paid(&created.invoice.bolt11);
        fake.recovers();
    };
    let (status, ()) = tokio::join!(gateway.status(&created.claim, 30), goes_wrong);
    assert_eq!(status.status, Status::Paid, "{fault:?}");
    following(&gateway).await;
}

#[tokio::test]
async fn a_lightningd_that_hangs() {
    survives(Fault::Hangs).await;
}

#[tokio::test]
async fn a_lightningd_that_talks_nonsense() {
    survives(Fault::Says("{\"jsonrpc\": 7}\n\n")).await;
    survives(Fault::Says("HTTP/1.1 400 Bad Request\r\n\n\n")).await;
}

#[tokio::test]
async fn a_lightningd_that_closes_in_the_middle_of_its_answer() {
    survives(Fault::HangsUpMidway).await;
    survives(Fault::HangsUp).await;
}

#[tokio::test]
async fn a_lightningd_that_answers_with_errors() {
    survives(Fault::Error(-32603)).await;
}

#[tokio::test]
async fn a_socket_that_vanishes_and_comes_back() {
    let fake = FakeLightningd::start();
    let gateway = TestGateway::new(fake.socket());
    following(&gateway).await;
    let created = gateway.create("cat").await;
    let vanishes = async {
        while metric(&gateway.metrics().await, "purrwall_waiters") == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        fake.vanishes().await;
        not_following(&gateway).await;
        let refused = gateway
            .ask_invoice("cat", testing::tools::new_purchase())
            .await;
        refused.assert_problem(ErrorCode::LightningUnavailable);
        fake.is_paid(&created.invoice.bolt11);
        fake.comes_back();
    };
    let (status, ()) = tokio::join!(gateway.status(&created.claim, 30), vanishes);
    assert_eq!(status.status, Status::Paid);
}

#[tokio::test]
async fn its_state_can_be_seen() {
    let fake = FakeLightningd::start();
    let gateway = TestGateway::new(fake.socket());
    following(&gateway).await;
    let ready: Value = gateway.get_as_operator("/readyz").await.json();
    assert_eq!(ready["payments_followed"], true);
    assert_eq!(metric(&gateway.metrics().await, "purrwall_watcher_up"), 1);

    fake.goes_away().await;
    not_following(&gateway).await;
    let answer = gateway.get_as_operator("/readyz").await;
    assert_eq!(answer.status, 503);
    let not_ready: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(not_ready["payments_followed"], false);
    let metrics = gateway.metrics().await;
    assert_eq!(metric(&metrics, "purrwall_watcher_up"), 0);
    assert!(metric(&metrics, "purrwall_watcher_reconnects_total") >= 1);
}

/// A lightningd that lets itself be followed and closes at once is not asked in a busy loop.
#[tokio::test]
async fn a_lightningd_that_comes_and_goes_is_not_pestered() {
    let fake = FakeLightningd::start();
    fake.goes_wrong("waitanyinvoice", Fault::HangsUp);
    let started = Instant::now();
    let _gateway = TestGateway::new(fake.socket());
    tokio::time::sleep(Duration::from_secs(1)).await;
    let watches = || fake.calls("waitanyinvoice").len();
    eventually("the next watches", || watches() >= 3).await;
    // The pause is half of 50 ms or more, so a second has room for 40 watches. The first pauses are
    // shorter.
    let (watches, most) = (watches(), 20 + 40 * started.elapsed().as_millis() / 1000);
    assert!(watches as u128 <= most, "{watches} watches");
}

/// Who gives up a wait leaves nothing behind.
#[tokio::test]
async fn waits_that_were_given_up_are_forgotten() {
    let fake = FakeLightningd::start();
    let gateway = TestGateway::new(fake.socket());
    following(&gateway).await;
    let created = gateway.create("cat").await;
    gateway.status(&created.claim, 0).await;
    let calls = fake.calls("listinvoices").len();
    for _ in 0..500 {
        let wait = gateway.ask_status(&created.claim, 30);
        let given_up = tokio::time::timeout(Duration::from_millis(1), wait).await;
        assert!(given_up.is_err());
    }
    assert_eq!(metric(&gateway.metrics().await, "purrwall_waiters"), 0);
    assert_eq!(fake.calls("listinvoices").len(), calls);
}

//! Whole purchases: the page's state machine, the router, and a lightningd that comes and goes, or
//! real payments over the devnet.

use std::time::Duration;

use shared::purchase::{Event, State, Trouble};

use testing::fake_lightningd::FakeLightningd;
use testing::nodes::{Nodes, pay};
use testing::page_buyer::Buyer;
use testing::tools::{TestGateway, new_purchase, options};

const CAT: &[u8] = include_bytes!("../../cats/cat.txt");

#[tokio::test]
async fn a_restart_of_lightningd_while_the_buyer_waits_is_survived() {
    let fake = FakeLightningd::start();
    let gateway = TestGateway::new(fake.socket());
    let mut buyer = Buyer::comes(&gateway, "cat").await;
    let bolt11 = buyer.asks_for_the_invoice().await;
    let restart = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        fake.goes_away().await;
        tokio::time::sleep(Duration::from_millis(200)).await;
        fake.comes_back();
        tokio::time::sleep(Duration::from_millis(200)).await;
        fake.is_paid(&bolt11);
    };
    let (goods, ()) = tokio::join!(buyer.gets_the_goods(), restart);
    assert_eq!(goods, CAT);
}

#[tokio::test]
async fn lightningd_away_at_the_click_delays_the_invoice() {
    let fake = FakeLightningd::start();
    let gateway = TestGateway::new(fake.socket());
    let mut buyer = Buyer::comes(&gateway, "cat").await;
    fake.goes_away().await;
    let back = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        fake.comes_back();
    };
    let (bolt11, ()) = tokio::join!(buyer.asks_for_the_invoice(), back);
    fake.is_paid(&bolt11);
    assert_eq!(buyer.gets_the_goods().await, CAT);
    assert_eq!(fake.invoices(), 1);
}

#[tokio::test]
async fn a_restart_of_the_gateway_while_the_buyer_waits_is_survived() {
    let fake = FakeLightningd::start();
    let gateway = TestGateway::new(fake.socket());
    let mut buyer = Buyer::comes(&gateway, "cat").await;
    let bolt11 = buyer.asks_for_the_invoice().await;

    // The question dies with its gateway, and the payment arrives while there is none.
    let job = buyer.purchase.job().unwrap();
    let round = job.round;
    let lost = tokio::time::timeout(Duration::from_millis(500), buyer.runs(job)).await;
    assert!(lost.is_err(), "nothing was paid yet: {lost:?}");
    drop(gateway);
    fake.is_paid(&bolt11);
    buyer.gateway = TestGateway::new(fake.socket());
    let trouble = Trouble::Offline;
    buyer.takes(Event::Failed { round, trouble });
    assert_eq!(buyer.gets_the_goods().await, CAT);
}

#[tokio::test]
async fn a_reload_finds_the_purchase_before_and_after_the_payment() {
    let fake = FakeLightningd::start();
    let gateway = TestGateway::new(fake.socket());
    let mut first = Buyer::comes(&gateway, "cat").await;
    let bolt11 = first.asks_for_the_invoice().await;

    let saved = first.purchase.saved().unwrap();
    let mut second = Buyer::comes_back(&gateway, "cat", saved.clone()).await;
    assert_eq!(second.shown(), bolt11);
    // The claim may be lost as well: the purchase id finds it again.
    let id_alone = shared::purchase::Saved {
        claim: None,
        bolt11: None,
        ..saved
    };
    let mut third = Buyer::comes_back(&gateway, "cat", id_alone).await;
    third
        .goes_on_until(|state| matches!(state, State::AwaitingPayment { .. }))
        .await;
    assert_eq!(third.shown(), bolt11);

    fake.is_paid(&bolt11);
    assert_eq!(second.gets_the_goods().await, CAT);
    let saved = second.purchase.saved().unwrap();
    let mut fourth = Buyer::comes_back(&gateway, "cat", saved).await;
    assert_eq!(fourth.gets_the_goods().await, CAT);
    // Two tabs.
    assert_eq!(first.gets_the_goods().await, CAT);
    assert_eq!(third.gets_the_goods().await, CAT);
    assert_eq!(fake.invoices(), 1);
}

#[tokio::test]
async fn an_expired_invoice_is_replaced_and_the_new_one_paid() {
    let fake = FakeLightningd::start();
    let mut options = options(fake.socket());
    options.store.invoice_expiry_secs = 3;
    let gateway = TestGateway::with(options);
    let mut buyer = Buyer::comes(&gateway, "cat").await;
    let first = buyer.asks_for_the_invoice().await;
    buyer
        .goes_on_until(|state| matches!(state, State::Expired { .. }))
        .await;
    buyer.takes(Event::Replace {
        purchase_id: new_purchase(),
    });
    buyer
        .goes_on_until(|state| matches!(state, State::AwaitingPayment { .. }))
        .await;
    let second = buyer.shown();
    assert_ne!(first, second);
    fake.is_paid(&second);
    assert_eq!(buyer.gets_the_goods().await, CAT);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_payment_before_during_and_after_the_question_delivers_the_cat() {
    let nodes = Nodes::devnet().await;
    let mut options = options(&nodes.store);
    options.timing = purrwall_gateway::options::Timing::default();
    let gateway = TestGateway::with(options);

    let mut before = Buyer::comes(&gateway, "cat").await;
    let bolt11 = before.asks_for_the_invoice().await;
    pay(&nodes.alice, &bolt11).await;
    assert_eq!(before.gets_the_goods().await, CAT);

    let mut during = Buyer::comes(&gateway, "cat").await;
    let bolt11 = during.asks_for_the_invoice().await;
    let payment = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        pay(&nodes.alice, &bolt11).await
    };
    let (goods, _) = tokio::join!(during.gets_the_goods(), payment);
    assert_eq!(goods, CAT);

    let mut after = Buyer::comes(&gateway, "cat").await;
    let bolt11 = after.asks_for_the_invoice().await;
    let State::AwaitingPayment { order, .. } = after.purchase.state() else {
        unreachable!("the invoice is on screen");
    };
    gateway.status(&order.claim.clone(), 0).await;
    let preimage = pay(&nodes.alice, &bolt11).await;
    // The wallet in the page tells the proof, which unlocks without lightningd.
    after.takes(Event::WalletPaid {
        preimage: preimage.parse().unwrap(),
    });
    assert_eq!(after.gets_the_goods().await, CAT);
}

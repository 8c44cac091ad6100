//! A buyer that ends at any point, and is run again: everything is bought once.

use std::fs;
use std::time::Duration;

use purrwall_buyer::BuyError;
use purrwall_buyer::files::Purchase;
use serde_json::json;

use testing::faults::Fault;
use testing::shop::{Shop, run};
use testing::tools::{eventually, unix_now};

/// Buys with what an earlier run left; gives what that was.
async fn finish(shop: &Shop) -> Purchase {
    let left = shop.purchase().expect("the purchase was remembered");
    shop.node.is_well();
    shop.buy().await.unwrap();
    left
}

#[test]
fn a_crash_before_the_invoice_is_remembered_costs_nothing() {
    run(async {
        let shop = Shop::open().await;
        shop.node.goes_wrong("getinfo", Fault::Swallow);
        shop.crash_at("getinfo").await;
        assert_eq!(shop.purchase(), None);
        shop.node.is_well();
        shop.buy().await.unwrap();
        shop.assert_bought();
        assert_eq!(shop.node.payments(), 1);
    });
}

#[test]
fn a_crash_before_paying_goes_on_with_the_same_invoice() {
    run(async {
        let shop = Shop::open().await;
        shop.crash_before_paying().await;
        let left = finish(&shop).await;
        assert_eq!(left.attempted_at, None);
        assert_eq!(shop.assert_bought().bolt11, left.bolt11);
        assert_eq!(shop.node.payments(), 1);
    });
}

/// Whether the node heard the call cannot be known, so its time to pay is waited for first.
#[test]
fn a_crash_while_telling_the_node_to_pay_waits_until_that_cannot_be_under_way() {
    run(async {
        let shop = Shop::open().await;
        shop.node.goes_wrong("xpay", Fault::Swallow);
        shop.crash_at("xpay").await;
        assert_eq!(shop.node.payments(), 0);
        let began = shop.purchase().unwrap().attempted_at.unwrap();
        let left = finish(&shop).await;
        assert_eq!(shop.assert_bought().bolt11, left.bolt11);
        assert_eq!(shop.node.payments(), 1);
        assert!(
            unix_now() >= began + 3,
            "it was told to pay again too early"
        );
    });
}

#[test]
fn a_crash_after_paying_does_not_pay_again() {
    run(async {
        let shop = Shop::open().await;
        shop.node.goes_wrong("xpay", Fault::Mute);
        shop.crash_at("xpay").await;
        assert_eq!(shop.node.payments(), 1);
        let left = finish(&shop).await;
        assert!(left.attempted_at.is_some() && left.preimage.is_none());
        assert_eq!(shop.assert_bought().bolt11, left.bolt11);
        assert_eq!(shop.node.payments(), 1);
    });
}

#[test]
fn an_answer_that_is_lost_is_looked_up() {
    run(async {
        let shop = Shop::open().await;
        shop.node.goes_wrong("xpay", Fault::HangUp);
        shop.buy().await.unwrap();
        shop.assert_bought();
        assert_eq!(shop.node.payments(), 1);
    });
}

#[test]
fn an_answer_that_is_late_is_looked_up() {
    run(async {
        let shop = Shop::open().await;
        shop.node.goes_wrong("xpay", Fault::Mute);
        let mut buyer = shop.buyer();
        buyer.timing.retry_for = Duration::from_secs(1);
        buyer.lightningd = lightningd::Lightningd::new(shop.node.socket(), Duration::from_secs(1));
        buyer.buy().await.unwrap();
        shop.assert_bought();
        assert_eq!(shop.node.payments(), 1);
    });
}

/// lightningd says "failed" though a part of it is not back yet.
#[test]
fn a_failure_that_is_none_yet_is_waited_for() {
    run(async {
        let shop = Shop::open().await;
        shop.crash_before_paying().await;
        let pending = |status| {
            let hash = "ab".repeat(32);
            json!({"pays": [{"status": status, "payment_hash": hash, "created_at": 1}]})
        };
        shop.node
            .goes_wrong("listpays", Fault::Answer(pending("pending")));
        let mut buyer = shop.buyer();
        buyer.timing.patience = Duration::from_millis(300);
        let error = buyer.buy().await.unwrap_err();
        assert!(matches!(error, BuyError::Pending), "{error:?}");
        assert_eq!(shop.node.payments(), 0);

        // All of it came back: now it may be paid.
        shop.node
            .goes_wrong("listpays", Fault::Answer(pending("failed")));
        let task = {
            let buyer = shop.buyer();
            tokio::spawn(async move { buyer.buy().await })
        };
        eventually("the payment", || shop.node.payments() == 1).await;
        shop.node.is_well();
        task.await.unwrap().unwrap();
        shop.assert_bought();
        assert_eq!(shop.node.payments(), 1);
    });
}

#[test]
fn an_invoice_that_expired_unpaid_is_replaced() {
    run(async {
        // Long enough to pay the next one, however busy the machine is.
        let shop = Shop::with_expiry(8).await;
        shop.crash_before_paying().await;
        tokio::time::sleep(Duration::from_secs(9)).await;
        let left = finish(&shop).await;
        assert_ne!(shop.assert_bought().bolt11, left.bolt11);
        assert_eq!(shop.node.payments(), 1);
    });
}

#[test]
fn an_invoice_that_was_paid_before_it_expired_is_not_replaced() {
    run(async {
        let shop = Shop::with_expiry(8).await;
        shop.node.goes_wrong("xpay", Fault::Mute);
        shop.crash_at("xpay").await;
        tokio::time::sleep(Duration::from_secs(9)).await;
        let left = finish(&shop).await;
        assert_eq!(shop.assert_bought().bolt11, left.bolt11);
        assert_eq!(shop.node.payments(), 1);
    });
}

/// A payment on its way may outlive its invoice. A second invoice would be a second payment.
#[test]
fn an_expired_invoice_whose_payment_is_on_its_way_is_not_replaced() {
    run(async {
        let shop = Shop::with_expiry(6).await;
        shop.crash_before_paying().await;
        tokio::time::sleep(Duration::from_secs(8)).await;
        let hash = "ab".repeat(32);
        let pay = json!({"status": "pending", "payment_hash": hash, "created_at": 1});
        let pending = json!({"pays": [pay]});
        shop.node.goes_wrong("listpays", Fault::Answer(pending));
        let before = shop.purchase();
        let mut buyer = shop.buyer();
        buyer.timing.patience = Duration::from_millis(300);
        let error = buyer.buy().await.unwrap_err();
        assert!(matches!(error, BuyError::Pending), "{error:?}");
        assert_eq!(shop.purchase(), before);
        assert_eq!(shop.node.payments(), 0);
    });
}

#[test]
fn a_crash_during_the_download_goes_on_with_it() {
    run(async {
        let shop = Shop::open().await;
        shop.way.changes_goods(|mut answer| {
            let goes_on = answer.starts_with(b"HTTP/1.1 206");
            answer.truncate(testing::shop::body(&answer) + if goes_on { 0 } else { 10 });
            answer
        });
        shop.buy().await.unwrap_err();
        assert!(fs::metadata(shop.beside(".part")).unwrap().len() > 0);
        shop.way.is_well();
        let before = shop.way.requests().len();
        finish(&shop).await;
        shop.assert_bought();
        assert_eq!(shop.node.payments(), 1);
        let requests = &shop.way.requests()[before..];
        assert_eq!(
            requests.len(),
            1,
            "nothing but the goods is asked for: {requests:?}"
        );
    });
}

/// The last steps: the goods are in place; then the receipt is; then the purchase is forgotten.
#[test]
fn a_crash_after_the_goods_came_finishes_without_the_store() {
    run(async {
        let shop = Shop::open().await;
        shop.way.changes_goods(|mut answer| {
            answer.truncate(testing::shop::body(&answer));
            answer
        });
        shop.buy().await.unwrap_err();
        let remembered = fs::read(shop.beside(".purrwall.json")).unwrap();
        shop.way.is_well();
        shop.buy().await.unwrap();
        let before = shop.way.requests().len();

        fs::write(shop.beside(".purrwall.json"), &remembered).unwrap();
        shop.buy().await.unwrap();
        shop.assert_bought();

        fs::remove_file(shop.beside(".receipt.json")).unwrap();
        fs::write(shop.beside(".purrwall.json"), &remembered).unwrap();
        shop.buy().await.unwrap();
        shop.assert_bought();
        assert_eq!(shop.way.requests().len(), before);
        assert_eq!(shop.node.payments(), 1);
    });
}

#[test]
fn a_purchase_that_cannot_be_read_is_not_paid_again() {
    run(async {
        let shop = Shop::open().await;
        fs::write(shop.beside(".purrwall.json"), "{").unwrap();
        let error = shop.buy().await.unwrap_err();
        assert!(matches!(error, BuyError::File(_)), "{error:?}");
        assert_eq!(shop.way.requests().len(), 0);
    });
}

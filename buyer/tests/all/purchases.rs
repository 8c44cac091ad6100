//! What is bought, and what is not paid for.

use std::fs;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use lightningd::Lightningd;
use purrwall_buyer::BuyError;
use purrwall_buyer::store::Store;
use purrwall_buyer::ticket::{Scheme, Ticket};
use serde_json::json;
use shared::content::ContentHash;
use shared::invoice::FailedCheck;
use shared::lightning::Msat;

use testing::faults::Fault;
use testing::nodes::{balance, call};
use testing::shop::{CAT, Shop, body, header, mode, node_id, nodes, run};
use testing::tools::eventually;

#[test]
fn a_cat_is_bought_and_the_receipt_proves_it() {
    run(async {
        let shop = Shop::open().await;
        let bought = shop.buy().await.unwrap();
        let receipt = shop.assert_bought();
        assert_eq!(mode(&bought.receipt), 0o600);
        assert_eq!(receipt.size, CAT.len() as u64);
        assert_eq!(receipt.item.as_str(), "cat");
        let proof = receipt.verify(Some(ContentHash::of(CAT))).unwrap();
        assert_eq!(proof, bought.proof);
        assert_eq!(
            proof.invoice.payee.to_hex(),
            node_id(&nodes().await.store).await
        );
        assert_eq!(shop.node.payments(), 1);
    });
}

#[test]
fn a_cat_is_bought_by_the_scheme_payment_and_once_after_a_crash() {
    run(async {
        let shop = Shop::open().await;
        let mut buyer = shop.buyer();
        let address = shop.url("cat").parse().unwrap();
        buyer.store = Store::new(address, Scheme::Payment);
        // The goods are kept away, so that the purchase is paid and remembered.
        shop.way
            .changes_goods(|_| b"HTTP/1.1 500 No\r\n\r\n".to_vec());
        let error = buyer.buy().await.unwrap_err();
        assert!(matches!(error, BuyError::Undelivered { .. }), "{error:?}");
        let purchase = shop.purchase().unwrap();
        assert!(matches!(purchase.ticket, Ticket::Charge(_)));
        shop.way.is_well();
        buyer.buy().await.unwrap();
        shop.assert_bought();
        assert_eq!(shop.node.payments(), 1);
        let credentials: Vec<_> = shop
            .way
            .requests()
            .iter()
            .filter_map(|head| header(head, "authorization").map(str::to_owned))
            .collect();
        assert!(credentials.iter().all(|sent| sent.starts_with("Payment ")));
        assert!(credentials.len() > 1, "{credentials:?}");
    });
}

#[test]
fn bob_buys_through_alice_for_the_price_and_a_fee() {
    run(async {
        let shop = Shop::open().await;
        let bob = &nodes().await.bob;
        let before = balance(bob).await;
        let mut buyer = shop.buyer();
        buyer.lightningd = Lightningd::new(bob.clone(), Duration::from_secs(5));
        buyer.buy().await.unwrap();
        shop.assert_bought();
        let mut paid = 0;
        while paid == 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
            paid = before - balance(bob).await;
        }
        assert_eq!(paid, 100_002);
    });
}

#[test]
fn a_pinned_payee_is_paid_and_no_other() {
    run(async {
        let shop = Shop::open().await;
        let mut buyer = shop.buyer();
        buyer.limits.payees = Some(node_id(&nodes().await.bob).await.parse().unwrap());
        let error = buyer.buy().await.unwrap_err();
        let check = failed_check(error);
        assert!(matches!(check, FailedCheck::Payee { .. }), "{check:?}");
        assert_nothing_happened(&shop);

        let nodes = nodes().await;
        let (bob, store) = (node_id(&nodes.bob).await, node_id(&nodes.store).await);
        buyer.limits.payees = Some(format!("{bob} {store}").parse().unwrap());
        buyer.buy().await.unwrap();
        shop.assert_bought();
    });
}

#[test]
fn more_than_allowed_is_not_paid() {
    run(async {
        let shop = Shop::open().await;
        let mut buyer = shop.buyer();
        buyer.limits.max_price = Msat(99_999);
        let error = buyer.buy().await.unwrap_err();
        let check = failed_check(error);
        assert!(
            matches!(check, FailedCheck::AboveMaximum { .. }),
            "{check:?}"
        );
        assert_nothing_happened(&shop);
    });
}

#[test]
fn money_of_another_network_is_not_asked_for() {
    run(async {
        let shop = Shop::open().await;
        let id = node_id(&nodes().await.alice).await;
        let elsewhere = json!({
            "id": id, "network": "bitcoin", "version": "v26", "blockheight": 1, "alias": "a",
            "color": "000000", "num_peers": 0, "num_pending_channels": 0, "num_active_channels": 1,
            "num_inactive_channels": 0, "address": [], "binding": [], "lightning-dir": "",
            "fees_collected_msat": 0,
        });
        shop.node.goes_wrong("getinfo", Fault::Answer(elsewhere));
        let error = shop.buy().await.unwrap_err();
        let check = failed_check(error);
        assert!(matches!(check, FailedCheck::Network { .. }), "{check:?}");
        assert_nothing_happened(&shop);
    });
}

/// A store whose challenges name this invoice instead of their own.
async fn with_invoice(bolt11: String) -> FailedCheck {
    let shop = Shop::open().await;
    shop.way.changes(move |_, answer| {
        let text = String::from_utf8(answer).unwrap();
        let Some((before, rest)) = text.split_once("invoice=\"") else {
            return text.into_bytes();
        };
        let (_, after) = rest.split_once('"').unwrap();
        format!("{before}invoice=\"{bolt11}\"{after}").into_bytes()
    });
    let error = shop.buy().await.unwrap_err();
    assert_nothing_happened(&shop);
    failed_check(error)
}

async fn invoice(amount: serde_json::Value, description: &str) -> String {
    let mut label = [0; 8];
    getrandom::fill(&mut label).unwrap();
    let params = json!({
        "amount_msat": amount, "label": format!("{label:?}"), "description": description,
        "expiry": 600,
    });
    let created = call(&nodes().await.store, "invoice", params).await.unwrap();
    created["bolt11"].as_str().unwrap().to_owned()
}

#[test]
fn an_invoice_that_fails_a_check_is_not_paid() {
    run(async {
        let promise = format!("A cat sha256:{}", ContentHash::of(CAT));
        let good = invoice(100_000.into(), &promise).await;
        let check = with_invoice(good.replace("lnbcrt1", "lnbcrt2")).await;
        assert!(matches!(check, FailedCheck::Signature(_)), "{check:?}");
        let check = with_invoice(invoice("any".into(), &promise).await).await;
        assert!(
            matches!(check, FailedCheck::Amount { found: None, .. }),
            "{check:?}"
        );
        let check = with_invoice(invoice(100_000.into(), "A cat").await).await;
        assert!(
            matches!(check, FailedCheck::Commitment { found: None, .. }),
            "{check:?}"
        );
        // All of it is right, but the claim is another payment's.
        let check = with_invoice(good).await;
        assert!(matches!(check, FailedCheck::Claim { .. }), "{check:?}");
    });
}

#[track_caller]
fn failed_check(error: BuyError) -> FailedCheck {
    match error {
        BuyError::Check(check) => check.0,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn assert_nothing_happened(shop: &Shop) {
    assert_eq!(shop.node.payments(), 0);
    assert_eq!(fs::read_dir(shop.dir.path()).unwrap().count(), 0);
}

#[test]
fn where_something_is_already_nothing_is_bought() {
    run(async {
        let shop = Shop::open().await;
        fs::write(shop.out(), "my own notes").unwrap();
        let error = shop.buy().await.unwrap_err();
        assert!(matches!(error, BuyError::Exists(_)), "{error:?}");
        assert_eq!(fs::read(shop.out()).unwrap(), b"my own notes");
        assert_eq!(shop.way.requests().len(), 0);
        assert_eq!(shop.node.payments(), 0);
    });
}

#[test]
fn two_at_once_are_one_purchase() {
    run(async {
        let shop = Shop::open().await;
        shop.node.goes_wrong("getinfo", Fault::Swallow);
        let first = shop.buyer();
        let first = tokio::spawn(async move { first.buy().await });
        eventually("the first to begin", || shop.node.heard("getinfo") > 0).await;
        let second = shop.buy().await.unwrap_err();
        assert!(second.to_string().contains("another process"), "{second}");
        first.abort();
    });
}

#[test]
fn a_node_without_xpay_pays_all_the_same() {
    run(async {
        let shop = Shop::open().await;
        let unknown = json!({"code": -32601, "message": "Unknown command 'xpay'"});
        shop.node.goes_wrong("xpay", Fault::Answer(unknown));
        shop.buy().await.unwrap();
        shop.assert_bought();
        assert_eq!(shop.node.forwarded("pay"), 1);
    });
}

#[test]
fn a_payment_that_fails_is_told_and_can_be_tried_again() {
    run(async {
        let shop = Shop::open().await;
        let no_route = json!({"code": 205, "message": "no route"});
        shop.node.goes_wrong("xpay", Fault::Answer(no_route));
        let error = shop.buy().await.unwrap_err();
        assert!(matches!(error, BuyError::Failed(_)), "{error:?}");
        let kept = shop.purchase().unwrap();
        assert_eq!(kept.attempted_at, None);
        assert_eq!(mode(&shop.beside(".purrwall.json")), 0o600);

        shop.node.is_well();
        shop.buy().await.unwrap();
        assert_eq!(shop.assert_bought().bolt11, kept.bolt11);
        assert_eq!(shop.node.payments(), 1);
    });
}

/// Keeps so many bytes of a body.
fn cut(mut answer: Vec<u8>, length: usize) -> Vec<u8> {
    answer.truncate(body(&answer) + length);
    answer
}

#[test]
fn goods_that_break_off_are_gone_on_with() {
    run(async {
        let shop = Shop::open().await;
        let answers = Arc::new(Mutex::new(Vec::new()));
        let seen = answers.clone();
        shop.way.changes_goods(move |answer| {
            let head = String::from_utf8_lossy(&answer[..body(&answer)]).into_owned();
            let part = header(&head, "content-range").map(str::to_owned);
            let mut seen = seen.lock().unwrap();
            seen.push((head[9..12].to_owned(), part));
            if seen.len() <= 2 {
                cut(answer, 100)
            } else {
                answer
            }
        });
        shop.buy().await.unwrap();
        shop.assert_bought();
        // What came is what the gateway itself gave: all, then the rest, then the rest of that.
        let part = |from| Some(format!("bytes {from}-{}/{}", CAT.len() - 1, CAT.len()));
        let expected = [("200", None), ("206", part(100)), ("206", part(200))];
        let expected = expected.map(|(status, part)| (status.to_owned(), part));
        assert_eq!(*answers.lock().unwrap(), expected);
        let requests = shop.way.requests();
        let ranges: Vec<_> = requests
            .iter()
            .filter_map(|head| header(head, "range"))
            .collect();
        assert_eq!(ranges[0], "bytes=100-");
        let tag = format!("\"{}\"", ContentHash::of(CAT));
        let last = requests.last().unwrap();
        assert_eq!(header(last, "if-range"), Some(&*tag));
    });
}

#[test]
fn goods_that_keep_breaking_off_are_fetched_by_the_next_run() {
    run(async {
        let shop = Shop::open().await;
        shop.way.changes_goods(|answer| {
            // What goes on gets nowhere: whatever does, is asked for again and again.
            let goes_on = answer.starts_with(b"HTTP/1.1 206");
            cut(answer, if goes_on { 0 } else { 10 })
        });
        let error = shop.buy().await.unwrap_err();
        assert!(matches!(error, BuyError::Undelivered { .. }), "{error:?}");
        let kept = shop.purchase().unwrap();
        assert!(kept.preimage.is_some());
        assert!(!shop.out().exists());

        shop.way.is_well();
        shop.buy().await.unwrap();
        assert_eq!(shop.assert_bought().bolt11, kept.bolt11);
        assert_eq!(shop.node.payments(), 1);
    });
}

#[test]
fn other_goods_than_the_promised_ones_are_not_accepted() {
    run(async {
        let shop = Shop::open().await;
        shop.way.changes_goods(|mut answer| {
            let last = answer.len() - 1;
            answer[last] ^= 1;
            answer
        });
        let error = shop.buy().await.unwrap_err();
        let chain = format!("{:#}", anyhow::Error::from(error));
        assert!(chain.contains("promised"), "{chain}");
        assert!(!shop.out().exists());
        assert!(!shop.beside(".receipt.json").exists());

        shop.way.is_well();
        shop.buy().await.unwrap();
        shop.assert_bought();
        assert_eq!(shop.node.payments(), 1);
    });
}

#[test]
fn more_than_was_advertised_is_not_kept() {
    run(async {
        let shop = Shop::open().await;
        shop.way.changes_goods(|answer| {
            let length = |bytes| format!("content-length: {bytes}\r\n");
            let head = String::from_utf8_lossy(&answer[..body(&answer)]);
            let head = head.replace(&length(CAT.len()), &length(CAT.len() + 1));
            [head.as_bytes(), CAT, b"!"].concat()
        });
        let error = shop.buy().await.unwrap_err();
        let chain = format!("{:#}", anyhow::Error::from(error));
        let said = format!("more than the {} bytes that it advertised", CAT.len());
        assert!(chain.contains(&said), "{chain}");
        assert!(!shop.out().exists());

        shop.way.is_well();
        shop.buy().await.unwrap();
        shop.assert_bought();
        assert_eq!(shop.node.payments(), 1);
    });
}

#[test]
fn a_file_with_another_purchase_is_left_alone() {
    run(async {
        let shop = Shop::open().await;
        shop.crash_before_paying().await;
        let before = shop.purchase();
        let mut buyer = shop.buyer();
        buyer.store = Store::new(shop.url("two-cats").parse().unwrap(), Scheme::L402);
        let error = buyer.buy().await.unwrap_err();
        assert!(matches!(error, BuyError::OtherPurchase { .. }), "{error:?}");
        assert_eq!(shop.purchase(), before);
    });
}

//! Two stores at one node, and what an earlier gateway has left there.

use std::path::PathBuf;
use std::time::Duration;

use bitcoin::hex::DisplayHex as _;
use lightningd::Lightningd;
use purrwall_gateway::claims::Claims;
use purrwall_gateway::options::{LimitsOptions, Options};
use purrwall_gateway::{Secret, StoreId, sales};
use serde_json::{Value, json};
use shared::api::{CreatedInvoice, PurchaseId};

use testing::fake_lightningd::FakeLightningd;
use testing::nodes::{Nodes, call, pay};
use testing::tools::{SECRET, TestGateway, eventually, l402, metric, new_purchase, options};

const CAT: &[u8] = include_bytes!("../../cats/cat.txt");

fn store(socket: impl Into<PathBuf>, id: &str) -> Options {
    let mut options = options(socket);
    options.store.id = id.parse().unwrap();
    options
}

/// The label that an earlier gateway gave to this purchase.
fn old_label(purchase: PurchaseId) -> String {
    let claims = Claims::new(&Secret::from_bytes(SECRET));
    let token_id = claims.token_id("cat", purchase);
    format!("purrwall/cat/{}", token_id.to_lower_hex_string())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stores_at_one_node_see_only_their_own_sales() {
    let nodes = Nodes::devnet().await;
    // Even with the same secret.
    let [cats, dogs, first] =
        ["cats", "dogs", "store"].map(|id| TestGateway::with(store(&nodes.store, id)));
    let purchase = new_purchase();
    let cat: CreatedInvoice = cats.ask_invoice("cat", purchase).await.json();
    let dog: CreatedInvoice = dogs.ask_invoice("cat", purchase).await.json();
    assert_ne!(cat.invoice.payment_hash, dog.invoice.payment_hash);
    let before = json!({
        "label": old_label(new_purchase()), "description": "", "amount_msat": 1000, "expiry": 600,
    });
    let before = call(&nodes.store, "invoice", before).await.unwrap();
    let before = before["bolt11"].as_str().unwrap();
    for bolt11 in [&cat.invoice.bolt11, &dog.invoice.bolt11, before] {
        pay(&nodes.alice, bolt11).await;
    }

    for (gateway, sold) in [(&cats, Some(&cat)), (&dogs, Some(&dog)), (&first, None)] {
        let report = gateway.gateway.sales(0).await.unwrap();
        assert_eq!(report.total.sales, 1, "{report:?}");
        if let Some(sold) = sold {
            assert_eq!(report.sales[0].payment_hash, sold.invoice.payment_hash);
        }
    }
    let lightningd = Lightningd::new(nodes.store.clone(), Duration::from_secs(20));
    for (id, begun) in [("cats", true), ("birds", false), ("store", true)] {
        let id: StoreId = id.parse().unwrap();
        assert_eq!(sales::has_begun(&lightningd, &id).await.unwrap(), begun);
    }
}

#[tokio::test]
async fn a_store_counts_and_deletes_only_its_own() {
    let fake = FakeLightningd::start();
    let dogs = TestGateway::with(store(fake.socket(), "dogs"));
    dogs.create("cat").await;
    fake.makes(&old_label(new_purchase()), 0);
    let mut cleaning = store(fake.socket(), "cats");
    cleaning.store.invoice_expiry_secs = 1;
    cleaning.limits = LimitsOptions {
        delete_expired: Some(Duration::from_secs(1)),
        ..cleaning.limits
    };
    let cats = TestGateway::with(cleaning);
    cats.create("cat").await;
    let is_deleted = || !fake.calls("delinvoice").is_empty();
    eventually("the deletion of the cat's invoice", is_deleted).await;
    assert_eq!(fake.invoices(), 2, "{:?}", fake.labels());
    assert_eq!(metric(&cats.metrics().await, "purrwall_invoices_open"), 0);
}

#[tokio::test]
async fn a_purchase_of_an_earlier_gateway_is_found_paid_and_opened() {
    for id in ["store", "cats"] {
        let fake = FakeLightningd::start();
        let purchase = new_purchase();
        let bolt11 = fake.makes(&old_label(purchase), 600);
        let gateway = TestGateway::with(store(fake.socket(), id));
        let answer = gateway.ask_invoice("cat", purchase).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let found: CreatedInvoice = answer.json();
        assert_eq!(found.invoice.bolt11, bolt11);
        assert_eq!(fake.invoices(), 1);
        fake.is_paid(&bolt11);
        let again: CreatedInvoice = gateway.ask_invoice("cat", purchase).await.json();
        assert_eq!(again, found);
        let goods = gateway.content("cat", &[&l402(&found.claim)]).await;
        assert_eq!(goods.body, CAT);
    }
}

/// Looking for labels of before costs a call for each new invoice, so it ends where there are none.
#[tokio::test]
async fn no_old_label_is_looked_for_once_the_book_was_read() {
    let fake = FakeLightningd::start();
    fake.has_strangers(250);
    let mut cleaning = store(fake.socket(), "cats");
    cleaning.limits.delete_expired = Some(Duration::from_hours(1));
    let gateway = TestGateway::with(cleaning);
    let is_read = || {
        let end = |call: &Value| call["start"].as_u64() > Some(250);
        fake.calls("listinvoices").iter().any(end)
    };
    eventually("the end of the book", is_read).await;
    let by_label = || {
        let has_label = |call: &Value| call.get("label").is_some();
        let calls = fake.calls("listinvoices");
        calls.iter().filter(|call| has_label(call)).count()
    };
    // The answer to the last call may still be on its way.
    let mut before = by_label();
    loop {
        gateway.create("cat").await;
        let searches = by_label();
        if searches == before {
            break;
        }
        before = searches;
    }
    gateway.create("cat").await;
    assert_eq!(by_label(), before);
}

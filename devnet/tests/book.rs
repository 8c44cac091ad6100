//! A node's book with a past, and what is deleted from it.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::HashSet;
use std::time::Duration;

use devnet::Network;
use serde_json::{Value, json};

use common::Client;

mod common;

#[tokio::test(flavor = "multi_thread")]
async fn a_book_with_a_past_is_paged_and_goes_on() {
    const COUNT: u64 = 1001;
    let dir = tempfile::tempdir().unwrap();
    let network = Network::story(dir.path()).await.unwrap();
    network.store().add_history(COUNT, "old/").unwrap();
    let mut store = Client::connect(&network.store().rpc_path()).await;

    let params = json!({"index": "created", "start": COUNT - 1, "limit": 9});
    let page = store.call("listinvoices", params).await.unwrap();
    let labels = strings(&page, "label");
    assert_eq!(labels, ["old/999", "old/1000"]);
    let statuses = strings(&page, "status");
    assert_eq!(statuses, ["paid", "expired"]);

    let mut hashes = HashSet::new();
    let mut start = 0;
    loop {
        let params = json!({"index": "updated", "start": start, "limit": 100});
        let page = store.call("listinvoices", params).await.unwrap();
        hashes.extend(strings(&page, "payment_hash"));
        let last = page["invoices"].as_array().unwrap().last();
        let Some(last) = last else { break };
        start = last["updated_index"].as_u64().unwrap() + 1;
    }
    assert_eq!(hashes.len(), 1001);

    let invoice = &page["invoices"][0];
    let decoded = store
        .call("decode", json!([invoice["bolt11"]]))
        .await
        .unwrap();
    assert_eq!(decoded["payment_hash"], invoice["payment_hash"]);
    assert_eq!(decoded["payee"], network.store().node_id());

    let params = json!({"amount_msat": 1000, "label": "new", "description": "d"});
    let made = store.call("invoice", params).await.unwrap();
    assert_eq!(made["created_index"], COUNT + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn autoclean_deletes_paid_and_expired_invoices_by_age() {
    let dir = tempfile::tempdir().unwrap();
    let network = Network::story(dir.path()).await.unwrap();
    network.store().add_history(10, "old/").unwrap();
    let mut store = Client::connect(&network.store().rpc_path()).await;

    let params = json!({"subsystem": "expiredinvoices", "age": 1_000_000});
    let cleaned = store.call("autoclean-once", params).await.unwrap();
    assert_eq!(
        cleaned,
        json!({"autoclean": {"expiredinvoices": {"cleaned": 0, "uncleaned": 5}}})
    );
    let params = json!({"subsystem": "expiredinvoices", "age": 60});
    let cleaned = store.call("autoclean-once", params).await.unwrap();
    assert_eq!(
        cleaned,
        json!({"autoclean": {"expiredinvoices": {"cleaned": 5, "uncleaned": 0}}})
    );
    let params = json!({"label": "old/1", "status": "paid"});
    store.call("delinvoice", params).await.unwrap();
    assert_eq!(count(&mut store).await, 4);

    let params = json!({"config": "autoclean-paidinvoices-age", "val": 60});
    let set = store.call("setconfig", params).await.unwrap();
    assert_eq!(set["config"]["value_int"], 60);
    let waited = async {
        while count(&mut store).await > 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let limit = Duration::from_mins(1);
    tokio::time::timeout(limit, waited).await.unwrap();
    let params = json!({"subsystem": "paidinvoices"});
    let status = store.call("autoclean-status", params).await.unwrap();
    assert_eq!(
        status["autoclean"]["paidinvoices"],
        json!({"enabled": true, "age": 60, "cleaned": 4})
    );
}

async fn count(store: &mut Client) -> usize {
    let listed = store.call("listinvoices", json!({})).await.unwrap();
    listed["invoices"].as_array().unwrap().len()
}

fn strings(page: &Value, field: &str) -> Vec<String> {
    let invoices = page["invoices"].as_array().unwrap().iter();
    invoices
        .map(|invoice| invoice[field].as_str().unwrap().to_owned())
        .collect()
}

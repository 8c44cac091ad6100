//! The story: alice pays the store over her own channel, bob through alice.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::time::{Duration, Instant};

use devnet::{Network, Node};
use serde_json::{Value, json};

use common::Client;

mod common;

const PRICE_MSAT: u64 = 100_000;

/// Starts are printed, and bounded generously: the aim of 5 s is for a machine that does nothing
/// else.
#[tokio::test(flavor = "multi_thread")]
async fn both_buyers_pay_the_store() {
    let dir = tempfile::tempdir().unwrap();
    let start = Instant::now();
    let network = Network::story(dir.path()).await.unwrap();
    println!("the network started in {:?}", start.elapsed());
    assert!(start.elapsed() < Duration::from_mins(2));

    let (store, alice, bob) = (network.store(), network.alice(), network.bob());
    let before = [store, alice, bob].map(|node| node.channel_balance_msat());

    let by_alice = buy(store, alice, "one").await;
    assert_eq!(
        by_alice["amount_sent_msat"], PRICE_MSAT,
        "a direct payment costs no fee"
    );
    let by_bob = buy(store, bob, "two").await;
    let fee = by_bob["amount_sent_msat"].as_u64().unwrap() - PRICE_MSAT;
    assert_eq!(fee, 2, "1 msat and 10 millionths of the amount");

    settled(store, before[0] + 2 * PRICE_MSAT).await;
    settled(alice, before[1] - PRICE_MSAT + fee).await;
    settled(bob, before[2] - PRICE_MSAT - fee).await;
    assert_eq!(alice.fees_collected_msat(), fee);

    let mut client = Client::connect(&bob.rpc_path()).await;
    let channels = client.call("listpeerchannels", json!({})).await.unwrap();
    let peers: Vec<_> = channels["channels"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| &c["peer_id"])
        .collect();
    assert_eq!(
        peers,
        [&Value::from(alice.node_id())],
        "bob has no channel to the store"
    );
}

async fn buy(store: &Node, buyer: &Node, label: &str) -> Value {
    let mut store = Client::connect(&store.rpc_path()).await;
    let mut buyer = Client::connect(&buyer.rpc_path()).await;
    let params = json!({
        "amount_msat": PRICE_MSAT, "label": label, "description": "a cat", "expiry": 600,
    });
    let invoice = store.call("invoice", params).await.unwrap();
    let start = Instant::now();
    let paid = buyer
        .call("pay", json!({"bolt11": invoice["bolt11"]}))
        .await
        .unwrap();
    println!("a payment took {:?}", start.elapsed());

    let found = store
        .call("listinvoices", json!({"label": label}))
        .await
        .unwrap();
    let found = &found["invoices"][0];
    assert_eq!(found["status"], "paid");
    assert_eq!(found["payment_preimage"], paid["payment_preimage"]);
    assert_eq!(found["amount_received_msat"], PRICE_MSAT);

    let sent = buyer
        .call("listpays", json!({"payment_hash": paid["payment_hash"]}))
        .await
        .unwrap();
    assert_eq!(sent["pays"][0]["status"], "complete");
    assert_eq!(sent["pays"][0]["preimage"], paid["payment_preimage"]);
    assert_eq!(sent["pays"].as_array().unwrap().len(), 1);
    paid
}

/// Balances follow a moment after the payment, when both sides have agreed on them.
async fn settled(node: &Node, expected_msat: u64) {
    let limit = Instant::now() + Duration::from_mins(1);
    while node.channel_balance_msat() != expected_msat && Instant::now() < limit {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(
        node.channel_balance_msat(),
        expected_msat,
        "{}",
        node.name()
    );
}

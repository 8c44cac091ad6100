//! The socket's life: who may use it, what ends it, and that a node outlives it.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use devnet::Network;
use serde_json::json;
use tokio::net::UnixStream;

use common::Client;

mod common;

const WAIT: &str =
    r#"{"jsonrpc":"2.0","id":"wait","method":"waitanyinvoice","params":{"lastpay_index":0}}"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_while_the_socket_is_closed_is_found_afterwards() {
    let dir = tempfile::tempdir().unwrap();
    let network = Network::story(dir.path()).await.unwrap();
    let socket = network.store().rpc_path();
    let mode = std::fs::metadata(&socket).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    let mut store = Client::connect(&socket).await;
    let params = json!({"amount_msat": 1000, "label": "missed", "description": "d"});
    let invoice = store.call("invoice", params).await.unwrap();
    store.send(WAIT).await;
    store.is_heard().await;
    network.store().stop_rpc();
    assert_eq!(
        store.receive().await,
        None,
        "a call in flight gets no answer"
    );
    refused(&socket).await;
    assert!(socket.exists(), "the file stays");

    let mut alice = Client::connect(&network.alice().rpc_path()).await;
    let paid = alice
        .call("pay", json!({"bolt11": invoice["bolt11"]}))
        .await
        .unwrap();
    network.store().start_rpc().unwrap();
    let mut store = Client::connect(&socket).await;
    let params = json!({"lastpay_index": 0, "timeout": 60});
    let found = store.call("waitanyinvoice", params).await.unwrap();
    assert_eq!(found["label"], "missed");
    assert_eq!(found["payment_preimage"], paid["payment_preimage"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn stop_answers_and_ends_the_node() {
    let dir = tempfile::tempdir().unwrap();
    let network = Network::story(dir.path()).await.unwrap();
    let socket = network.store().rpc_path();
    let mut waiting = Client::connect(&socket).await;
    waiting.send(WAIT).await;
    waiting.is_heard().await;
    let mut client = Client::connect(&socket).await;
    let stopped = client.call("stop", json!({})).await.unwrap();
    assert_eq!(stopped, json!({"result": "Shutdown complete"}));
    assert_eq!(client.receive().await, None);
    assert_eq!(waiting.receive().await, None);
    refused(&socket).await;
    let limit = Instant::now() + Duration::from_mins(1);
    while network.alice().usable_channels() > 1 {
        assert!(Instant::now() < limit, "alice sees that the store is gone");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_stops_writing_gets_no_answer_but_its_invoice_is_made() {
    let dir = tempfile::tempdir().unwrap();
    let network = Network::story(dir.path()).await.unwrap();
    let socket = network.store().rpc_path();
    let mut client = Client::connect(&socket).await;
    client.send(WAIT).await;
    client
        .send(
            r#"{"jsonrpc":"2.0","id":1,"method":"invoice",
            "params":{"amount_msat":1000,"label":"left","description":"d"}}"#,
        )
        .await;
    client.stop_writing().await;
    while let Some(answer) = client.receive().await {
        assert!(
            !answer.contains(r#""wait""#),
            "the call in flight is dropped"
        );
    }
    let mut client = Client::connect(&socket).await;
    let listed = client
        .call("listinvoices", json!({"label": "left"}))
        .await
        .unwrap();
    assert_eq!(listed["invoices"][0]["status"], "unpaid");
}

async fn refused(socket: &Path) {
    let limit = Instant::now() + Duration::from_mins(1);
    loop {
        match UnixStream::connect(socket).await {
            Err(error) => return assert_eq!(error.kind(), ErrorKind::ConnectionRefused),
            Ok(_) => assert!(Instant::now() < limit, "the socket still answers"),
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

//! A node that is as unkind as lightningd: a short queue, one request after the other.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::io::ErrorKind;
use std::path::Path;
use std::time::{Duration, Instant};

use devnet::{Network, Pace};
use serde_json::json;
use socket2::{Domain, SockAddr, Socket, Type};
use tokio::task::JoinSet;

use common::Client;

mod common;

/// What lightningd's main loop takes for an invoice, rounded down.
const INVOICE: Duration = Duration::from_millis(2);

/// Nothing is accepted meanwhile: the test and the node share a thread.
#[tokio::test]
async fn the_queue_is_lightningds_and_one_more_connection_gets_eagain() {
    let dir = tempfile::tempdir().unwrap();
    let network = Network::story(dir.path()).await.unwrap();
    let socket = network.store().rpc_path();
    let mut queued = Vec::new();
    let error = loop {
        match connect(&socket) {
            Ok(connection) => queued.push(connection),
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), ErrorKind::WouldBlock);
    // Linux lets one more than the backlog in.
    assert_eq!(queued.len(), 129);

    // Those who wait are served, and then there is room again.
    let mut client = loop {
        match connect(&socket) {
            Ok(connection) => break Client::from(connection),
            Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    };
    client.call("getinfo", json!({})).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_pile_up_while_lightningd_makes_invoices() {
    let dir = tempfile::tempdir().unwrap();
    let network = Network::story(dir.path()).await.unwrap();
    let socket = network.store().rpc_path();
    network.store().set_pace(Pace::Lightningd);
    let mut busy = Vec::new();
    for client in 0..8 {
        let mut connection = Client::connect(&socket).await;
        let requests: String = (0..200)
            .map(|number| invoice(&format!("{client}/{number}")))
            .collect();
        connection.send(&requests).await;
        busy.push(connection);
    }
    let mut connected = Vec::new();
    let error = loop {
        assert!(connected.len() < 600, "the queue never fills");
        match connect(&socket) {
            Ok(connection) => connected.push(connection),
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), ErrorKind::WouldBlock);
    for mut connection in busy {
        for _ in 0..200 {
            let answer = connection.receive().await.unwrap();
            assert!(answer.contains("bolt11"), "{answer}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn invoices_are_made_one_after_the_other() {
    const CLIENTS: u32 = 8;
    const EACH: u32 = 25;
    let dir = tempfile::tempdir().unwrap();
    let network = Network::story(dir.path()).await.unwrap();
    network.store().set_pace(Pace::Lightningd);
    let start = Instant::now();
    let mut clients = JoinSet::new();
    for client in 0..CLIENTS {
        let socket = network.store().rpc_path();
        clients.spawn(async move {
            let mut connection = Client::connect(&socket).await;
            for number in 0..EACH {
                connection
                    .exchange(&invoice(&format!("{client}/{number}")))
                    .await;
            }
        });
    }
    clients.join_all().await;
    let elapsed = start.elapsed();
    println!("{} invoices took {elapsed:?}", CLIENTS * EACH);
    assert!(elapsed >= INVOICE * CLIENTS * EACH);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_holds_nobody_up() {
    let dir = tempfile::tempdir().unwrap();
    let network = Network::story(dir.path()).await.unwrap();
    network.store().set_pace(Pace::Lightningd);
    let mut client = Client::connect(&network.store().rpc_path()).await;
    let made: serde_json::Value = client.exchange(&invoice("waited for")).await;
    for (method, params) in [
        ("waitanyinvoice", json!({"lastpay_index": 0})),
        ("waitinvoice", json!({"label": "waited for"})),
        (
            "wait",
            json!({"subsystem": "invoices", "indexname": "updated", "nextvalue": 1}),
        ),
    ] {
        let request = json!({"jsonrpc": "2.0", "id": method, "method": method, "params": params});
        client.send(&request.to_string()).await;
    }
    assert_eq!(client.is_heard().await, None);

    let mut alice = Client::connect(&network.alice().rpc_path()).await;
    let bolt11 = &made["result"]["bolt11"];
    alice.call("pay", json!({"bolt11": bolt11})).await.unwrap();
    for _ in 0..3 {
        let answer = client.receive().await.unwrap();
        assert!(answer.contains("waited for"), "{answer}");
    }
}

fn connect(socket: &Path) -> std::io::Result<std::os::unix::net::UnixStream> {
    let connection = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    connection.set_nonblocking(true)?;
    connection.connect(&SockAddr::unix(socket)?)?;
    Ok(connection.into())
}

fn invoice(label: &str) -> String {
    let params = json!({"amount_msat": 1000, "label": label, "description": "d"});
    json!({"jsonrpc": "2.0", "id": label, "method": "invoice", "params": params}).to_string()
}

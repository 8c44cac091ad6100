//! The HTTP side, as a page uses it.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::Arc;

use devnet::{Network, http};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use common::Client;
use common::http::request;

mod common;

#[tokio::test(flavor = "multi_thread")]
async fn a_page_pays_from_either_buyer_and_reads_why_it_cannot() {
    let dir = tempfile::tempdir().unwrap();
    let network = Arc::new(Network::story(dir.path()).await.unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn({
        let network = Arc::clone(&network);
        async move { axum::serve(listener, http::router(network)).await }
    });

    let script = request(address, "GET", "/webln.js?node=alice", None).await;
    assert!(script.head.contains("text/javascript"), "{}", script.head);
    assert!(script.body.contains("window.webln"));

    let info = request(address, "GET", "/info/bob", None).await;
    let info: Value = serde_json::from_str(&info.body).unwrap();
    assert_eq!(info["node"]["pubkey"], network.bob().node_id());

    let mut store = Client::connect(&network.store().rpc_path()).await;
    for buyer in ["alice", "bob"] {
        let params = json!({"amount_msat": 1000, "label": buyer, "description": "d"});
        let invoice = store.call("invoice", params).await.unwrap();
        let body = json!({"bolt11": invoice["bolt11"]});
        let paid = request(address, "POST", &format!("/pay/{buyer}"), Some(&body)).await;
        let paid: Value = serde_json::from_str(&paid.body).unwrap();
        let label = json!({"label": buyer});
        let listed = store.call("listinvoices", label).await.unwrap();
        assert_eq!(paid["preimage"], listed["invoices"][0]["payment_preimage"]);
    }

    let nonsense = json!({"bolt11": "lnbcrt1nonsense"});
    let refused = request(address, "POST", "/pay/alice", Some(&nonsense)).await;
    assert!(refused.head.starts_with("HTTP/1.1 422"), "{}", refused.head);
    assert!(refused.head.contains("access-control-allow-origin: *"));
    let refused: Value = serde_json::from_str(&refused.body).unwrap();
    let message = refused["message"].as_str().unwrap();
    assert!(message.starts_with("Invalid bolt11"), "{message}");
    let unknown = request(address, "POST", "/pay/carol", Some(&nonsense)).await;
    assert!(unknown.head.starts_with("HTTP/1.1 404"), "{}", unknown.head);

    let before = network.mine(0);
    let mined = request(address, "POST", "/mine", None).await;
    let mined: Value = serde_json::from_str(&mined.body).unwrap();
    assert_eq!(mined["height"], before + 1);
    server.abort();
}

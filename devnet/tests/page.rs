//! The network's own page, as the page itself uses it: the picture, and what can happen.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use devnet::{Network, Plan, http};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;

use common::http::{Answer, request};

mod common;

/// A busy machine takes its time.
const PATIENCE: Duration = Duration::from_mins(1);

#[tokio::test(flavor = "multi_thread")]
async fn the_pages_files_come_with_their_types() {
    let page = Page::open(&Plan::story()).await;
    let types = [
        ("/", "text/html"),
        ("/network.css", "text/css"),
        ("/network.js", "text/javascript"),
        ("/map.js", "text/javascript"),
        ("/layout.js", "text/javascript"),
        ("/walk.js", "text/javascript"),
    ];
    for (path, content_type) in types {
        let file = page.ask("GET", path, None).await;
        assert!(
            file.head.starts_with("HTTP/1.1 200"),
            "{path}: {}",
            file.head
        );
        assert!(file.head.contains(content_type), "{path}: {}", file.head);
        assert!(!file.body.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_picture_shows_the_walk_of_a_payment_and_what_it_cost() {
    let page = Page::open(&Plan::story()).await;
    let before = page.picture().await;
    assert_eq!(names(&before["nodes"]), ["store", "alice", "bob"]);
    assert_eq!(before["payment"], Value::Null);
    let ends: Vec<_> = array(&before["channels"])
        .iter()
        .map(|channel| {
            (
                channel["from"].as_str().unwrap(),
                channel["to"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(ends, [("alice", "store"), ("bob", "alice")]);
    for node in array(&before["nodes"]) {
        assert_eq!(array(&node["knows"]).len(), 2, "{node}");
    }

    let bolt11 = page.invoice("store", 100_000).await;
    let read = page
        .post("/decode", &json!({ "bolt11": bolt11 }))
        .await
        .unwrap();
    assert_eq!(read["payee"], "store");
    assert_eq!(read["amount_msat"], 100_000);
    assert_eq!(read["description"], "a cat");
    page.post("/pay/bob", &json!({ "bolt11": bolt11 }))
        .await
        .unwrap();

    let after = page
        .until(|picture| picture["nodes"][1]["earned_msat"] == 2)
        .await;
    let payment = &after["payment"];
    assert_eq!(payment["status"], "complete");
    assert_eq!(
        (&payment["payer"], &payment["payee"]),
        (&json!("bob"), &json!("store"))
    );
    assert_eq!(array(&payment["attempts"]).len(), 1);
    let attempt = &payment["attempts"][0];
    assert_eq!(attempt["fee_msat"], 2);
    let channel = |index: usize| &after["channels"][index]["short_channel_id"];
    let hops = json!([
        {"short_channel_id": channel(1), "from": "bob", "to": "alice",
         "amount_msat": 100_002, "fee_msat": 2},
        {"short_channel_id": channel(0), "from": "alice", "to": "store",
         "amount_msat": 100_000, "fee_msat": 0},
    ]);
    assert_eq!(attempt["hops"], hops);
    // Each end enters what it sent or got in its own time.
    let balances = json!([[999_900_000, 100_000, 0], [999_899_998, 100_002, 0]]);
    page.until(|picture| {
        let channels = array(&picture["channels"]).iter();
        let seen = channels.map(|channel| {
            ["from_msat", "to_msat", "locked_msat"].map(|field| channel[field].clone())
        });
        json!(seen.collect::<Vec<_>>()) == balances
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_alice_there_is_no_route_for_bob_until_she_is_back() {
    let page = Page::open(&Plan::story()).await;
    let bolt11 = page.invoice("store", 100_000).await;
    page.change("alice", &json!({ "online": false })).await;
    let refused = page
        .post("/pay/bob", &json!({ "bolt11": bolt11 }))
        .await
        .unwrap_err();
    assert!(
        refused.contains("could not find a usable set of paths"),
        "{refused}"
    );
    let picture = page.picture().await;
    assert_eq!(picture["payment"]["status"], "failed");
    assert_eq!(picture["payment"]["reason"], refused);
    assert_eq!(picture["payment"]["attempts"], json!([]));
    assert_eq!(picture["nodes"][1]["online"], false);
    page.until(|picture| all(&picture["channels"], |channel| channel["usable"] == false))
        .await;

    page.change("alice", &json!({ "online": true })).await;
    page.until(|picture| all(&picture["channels"], |channel| channel["usable"] == true))
        .await;
    page.post("/pay/bob", &json!({ "bolt11": bolt11 }))
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_is_stuck_while_the_store_keeps_still() {
    let page = Page::open(&Plan::story()).await;
    let bolt11 = page.invoice("store", 100_000).await;
    page.change("store", &json!({ "holding": true })).await;
    let pay = json!({ "bolt11": bolt11 });
    let (paid, ()) = tokio::join!(page.post("/pay/bob", &pay), async {
        let locked = |channel: &Value| channel["locked_msat"].as_u64().unwrap() >= 100_000;
        let stuck = page
            .until(|picture| all(&picture["channels"], locked))
            .await;
        assert_eq!(stuck["payment"]["status"], "pending");
        assert_eq!(stuck["payment"]["attempts"][0]["failed"], false);
        page.change("store", &json!({ "holding": false })).await;
    });
    assert_eq!(paid.unwrap()["preimage"].as_str().unwrap().len(), 64);
    page.until(|picture| all(&picture["channels"], |channel| channel["locked_msat"] == 0))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_channel_is_a_shorter_way_once_it_has_a_block() {
    let page = Page::open(&Plan::story()).await;
    let wish = json!({ "from": "bob", "to": "store", "sats": 300_000 });
    page.post("/channels", &wish).await.unwrap();
    let opening = page.picture().await;
    let new = array(&opening["channels"]).last().unwrap();
    assert_eq!((&new["from"], &new["to"]), (&json!("bob"), &json!("store")));
    assert_eq!(new["opening"], true);

    page.post("/mine?blocks=6", &json!(null)).await.unwrap();
    let knows = |node: &Value| array(&node["knows"]).len() == 3;
    page.until(|picture| all(&picture["nodes"], knows)).await;
    let bolt11 = page.invoice("store", 100_000).await;
    page.post("/pay/bob", &json!({ "bolt11": bolt11 }))
        .await
        .unwrap();
    let attempt = &page.picture().await["payment"]["attempts"][0];
    assert_eq!(array(&attempt["hops"]).len(), 1);
    assert_eq!(attempt["fee_msat"], 0);

    let absurd = json!({ "from": "bob", "to": "store", "sats": 1 });
    let refused = page.post("/channels", &absurd).await.unwrap_err();
    assert!(
        refused.contains("cannot open a channel from bob to store"),
        "{refused}"
    );
    let unknown = json!({ "from": "bob", "to": "nobody", "sats": 1 });
    let refused = page.post("/channels", &unknown).await.unwrap_err();
    assert_eq!(
        refused,
        "no node is called nobody; there are store, alice, bob"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_random_network_bobs_payment_finds_its_way_to_the_store() {
    let page = Page::open(&Plan::random(12, 7)).await;
    let picture = page.picture().await;
    assert_eq!(array(&picture["nodes"]).len(), 12);
    let channels = array(&picture["channels"]).len();
    assert!(all(&picture["nodes"], |node| array(&node["knows"]).len()
        == channels));
    let bolt11 = page.invoice("store", 100_000).await;
    page.post("/pay/bob", &json!({ "bolt11": bolt11 }))
        .await
        .unwrap();
    let picture = page.picture().await;
    let hops = array(&picture["payment"]["attempts"][0]["hops"]);
    assert!(hops.len() > 1, "bob has no channel to the store: {hops:?}");
    assert_eq!(hops[0]["from"], "bob");
    assert_eq!(hops.last().unwrap()["to"], "store");
}

/// A network whose page is open.
struct Page {
    address: SocketAddr,
    _server: tokio::task::JoinHandle<std::io::Result<()>>,
    _dir: TempDir,
}

impl Page {
    async fn open(plan: &Plan) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let network = Arc::new(Network::start(dir.path(), plan).await.unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self {
            address: listener.local_addr().unwrap(),
            _server: tokio::spawn(axum::serve(listener, http::router(network)).into_future()),
            _dir: dir,
        }
    }

    async fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        request(self.address, method, path, body).await
    }

    async fn picture(&self) -> Value {
        serde_json::from_str(&self.ask("GET", "/network", None).await.body).unwrap()
    }

    /// The first picture for which the condition holds.
    async fn until(&self, condition: impl Fn(&Value) -> bool) -> Value {
        let limit = Instant::now() + PATIENCE;
        loop {
            let picture = self.picture().await;
            if condition(&picture) {
                return picture;
            }
            assert!(Instant::now() < limit, "it never came about: {picture:#}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// What the network answers, or in which words it refuses.
    async fn post(&self, path: &str, body: &Value) -> Result<Value, String> {
        let answer = self.ask("POST", path, Some(body)).await;
        let content: Value = serde_json::from_str(&answer.body).unwrap();
        if answer.head.starts_with("HTTP/1.1 200") {
            Ok(content)
        } else {
            Err(content["message"].as_str().unwrap().to_owned())
        }
    }

    async fn change(&self, node: &str, change: &Value) {
        let answer = self
            .ask("PATCH", &format!("/nodes/{node}"), Some(change))
            .await;
        assert!(answer.head.starts_with("HTTP/1.1 200"), "{}", answer.body);
    }

    async fn invoice(&self, node: &str, amount_msat: u64) -> Value {
        let wish = json!({ "amount_msat": amount_msat, "description": "a cat" });
        let made = self.post(&format!("/invoice/{node}"), &wish).await.unwrap();
        made["bolt11"].clone()
    }
}

fn array(value: &Value) -> &[Value] {
    value.as_array().unwrap()
}

fn all(value: &Value, condition: impl Fn(&Value) -> bool) -> bool {
    array(value).iter().all(condition)
}

fn names(nodes: &Value) -> Vec<&str> {
    array(nodes)
        .iter()
        .map(|node| node["name"].as_str().unwrap())
        .collect()
}

//! clnrest: the methods of a store over HTTPS with a rune, as recorded of a real one.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use devnet::{Network, Rest};
use serde::Deserialize;
use serde_json::{Value, json};
use tempfile::TempDir;

use common::{Client, https};
use shape::differences;

mod common;
#[path = "replay/shape.rs"]
mod shape;

const ANY_PORT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

#[derive(Deserialize)]
struct Record {
    note: String,
    request: Request,
    status: u16,
    answer: Value,
}

#[derive(Deserialize)]
struct Request {
    method: String,
    path: String,
    body: String,
}

fn records(text: &str) -> Vec<Record> {
    let fixture: Value = serde_json::from_str(text).unwrap();
    serde_json::from_value(fixture["records"].clone()).unwrap()
}

struct Stage {
    network: Network,
    rest: Rest,
    socket: Client,
    _dir: TempDir,
}

impl Stage {
    async fn set() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let network = Network::story(dir.path()).await.unwrap();
        let rest = network.store().start_rest(ANY_PORT).unwrap();
        let socket = Client::connect(&network.store().rpc_path()).await;
        Self {
            network,
            rest,
            socket,
            _dir: dir,
        }
    }

    async fn rune(&mut self, restrictions: Value) -> String {
        let params = json!({"restrictions": restrictions});
        let made = self.socket.call("createrune", params).await.unwrap();
        made["rune"].as_str().unwrap().to_owned()
    }

    /// A rune with the restrictions that were recorded for a store.
    async fn store_rune(&mut self) -> String {
        let recorded: Value =
            serde_json::from_str(include_str!("fixtures/rest/runes.json")).unwrap();
        self.rune(recorded["restrictions"].clone()).await
    }

    async fn invoice(&mut self, label: &str) -> Value {
        let params = json!({"amount_msat": 100_000, "label": label, "description": "d"});
        self.socket.call("invoice", params).await.unwrap()
    }

    async fn pay(&self, bolt11: &Value) {
        let mut alice = Client::connect(&self.network.alice().rpc_path()).await;
        alice.call("pay", json!({"bolt11": bolt11})).await.unwrap();
    }
}

#[track_caller]
fn assert_same(record: &Record, status: u16, answer: &Value) {
    assert_eq!(status, record.status, "{}: {answer}", record.note);
    let name = if status < 400 { "result" } else { "error" };
    let (recorded, actual) = (json!({name: record.answer}), json!({name: answer}));
    let found = differences(&record.note, &recorded, &actual, &[]);
    assert!(found.is_empty(), "{}: {found:#?}\n{answer}", record.note);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_store_asks_is_answered_as_recorded() {
    let mut stage = Stage::set().await;
    let rune = stage.store_rune().await;
    // The book had two paid invoices before.
    for label in ["first", "second"] {
        let made = stage.invoice(label).await;
        stage.pay(&made["bolt11"]).await;
    }
    let mut bought = Value::Null;
    let mut recorded_hash = String::new();
    for record in records(include_str!("fixtures/rest/store.json")) {
        let mut body = record.request.body.clone();
        if let Some(hash) = bought["payment_hash"].as_str() {
            body = body.replace(&recorded_hash, hash);
        }
        // Two payments went before, where it was recorded after 72.
        body = body.replace(r#""lastpay_index": 72"#, r#""lastpay_index": 2"#);
        let ask = https::request(
            &stage.rest,
            &record.request.method,
            &record.request.path,
            Some(&rune),
            &body,
        );
        let (status, answer) = match record.note.as_str() {
            "a payment arrives while waiting" => tokio::join!(ask, stage.pay(&bought["bolt11"])).0,
            "delete it once it expired" => {
                let label = json!({"label": "purrwall/cat/a7a1a61d-s"});
                while stage
                    .socket
                    .call("listinvoices", label.clone())
                    .await
                    .unwrap()["invoices"][0]["status"]
                    != "expired"
                {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                ask.await
            }
            _ => ask.await,
        };
        assert_same(&record, status, &answer);
        if record.note == "an invoice" {
            recorded_hash = record.answer["payment_hash"].as_str().unwrap().to_owned();
            bought = answer;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_refused_is_refused() {
    let mut stage = Stage::set().await;
    let store_rune = stage.store_rune().await;
    let unlimited = stage.rune(json!([])).await;
    let limited = stage.rune(json!([["rate=1"]])).await;
    let changed = store_rune.replacen(&store_rune[..4], "AAAA", 1);
    for record in records(include_str!("fixtures/rest/refused.json")) {
        let rune = match record.note.as_str() {
            "no rune" => None,
            "a rune that is none" => Some("AAAA"),
            "a rune of another node, or changed" => Some(changed.as_str()),
            "a limited rune, first" | "a limited rune, at once again" => Some(limited.as_str()),
            "a rune that was blacklisted" => {
                let range = json!({"start": 2, "end": 2});
                stage.socket.call("blacklistrune", range).await.unwrap();
                Some(limited.as_str())
            }
            "an unlimited rune and an unknown method"
            | "GET"
            | "a body that is no JSON"
            | "an empty body"
            | "a list in place of an object"
            | "another path" => Some(unlimited.as_str()),
            _ => Some(store_rune.as_str()),
        };
        let Request { method, path, body } = &record.request;
        let (status, answer) = https::request(&stage.rest, method, path, rune, body).await;
        assert_same(&record, status, &answer);
    }
    let listed = stage.socket.call("listinvoices", json!({})).await.unwrap();
    assert_eq!(listed, json!({"invoices": []}), "nothing was done");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_comes_back_with_the_same_certificates_and_runes() {
    let mut stage = Stage::set().await;
    let rune = stage.store_rune().await;
    let ask = |rest: Rest| {
        let rune = rune.clone();
        async move { https::request(&rest, "POST", "/v1/getinfo", Some(&rune), "").await }
    };
    assert_eq!(ask(stage.rest.clone()).await.0, 201);
    let ca = std::fs::read(&stage.rest.ca).unwrap();
    let key = stage.network.store().dir().join("server-key.pem");
    let mode = std::fs::metadata(key).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    stage.network.store().stop_rest();
    let limit = Duration::from_mins(1);
    let closed = async { while https::connect(&stage.rest).await.is_ok() {} };
    tokio::time::timeout(limit, closed).await.unwrap();

    let again = stage.network.store().start_rest(stage.rest.address);
    let again = again.unwrap();
    assert_eq!(again, stage.rest);
    assert_eq!(std::fs::read(&again.ca).unwrap(), ca);
    assert_eq!(ask(again).await.0, 201);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_listens_on_loopback_alone() {
    let stage = Stage::set().await;
    let everywhere = SocketAddr::from(([0, 0, 0, 0], 0));
    let error = stage.network.store().start_rest(everywhere).unwrap_err();
    assert!(error.to_string().contains("127.0.0.1"), "{error}");
}

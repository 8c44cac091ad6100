//! Requests recorded with a real lightningd, sent to the devnet: the answers must have the same
//! shape. `fixtures/` holds the records; long lists in them are cut to two items.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::HashMap;
use std::time::Duration;

use devnet::{Network, Node};
use serde::Deserialize;
use serde_json::{Value, json};
use tempfile::TempDir;

use common::Client;
use shape::{Difference, differences};

#[path = "../common/mod.rs"]
mod common;
mod shape;

/// The deliberate differences.
const DIFFERENCES: &[Difference] = &[
    Difference {
        record: "amount 21e14*1000 msat (all bitcoin)",
        path: "",
        why: "BOLT 11 counts picobitcoin in 64 bits here; lightningd cannot decode it itself",
    },
    Difference {
        record: "amount 2^64-1 msat",
        path: "",
        why: "BOLT 11 counts picobitcoin in 64 bits here; lightningd cannot decode it itself",
    },
    Difference {
        record: "exposeprivatechannels [scid] of the public channel: route hint forced",
        path: "",
        why: "the recorded channel id is no channel of this network",
    },
    Difference {
        record: "the node's own invoice for 21M BTC: its own decode refuses it (overflow)",
        path: "/error/message",
        why: "the words are those of lightning-invoice",
    },
    Difference {
        record: "the node's own invoice for 2^64-1 msat",
        path: "/error/message",
        why: "the words are those of lightning-invoice",
    },
    Difference {
        record: "expiry 0",
        path: "/result/payee",
        why: "lightning-invoice shortens a zero before it hashes, so it recovers another key",
    },
    Difference {
        record: "pay more than the channel holds",
        path: "/error/message",
        why: "it tells the capacity of other channels",
    },
    Difference {
        record: "pay an expired invoice: error before anything is sent",
        path: "/error/message",
        why: "it counts the seconds since",
    },
    Difference {
        record: "xpay an expired invoice",
        path: "/error/message",
        why: "it counts the seconds since",
    },
    Difference {
        record: "listfunds",
        path: "/result/outputs",
        why: "every node of this network begins with a coin",
    },
    Difference {
        record: "extra comma after the object: accepted",
        path: "",
        why: "no client relies on it; it is refused as the broken JSON that it is",
    },
];

/// Members of `listpeerchannels` that LDK has no figure for.
const UNKNOWN_TO_LDK: &[&str] = &[
    "alias",
    "close_to",
    "close_to_addr",
    "dust_limit_msat",
    "ignore_fee_limits",
    "in_offered_msat",
    "in_payments_offered",
    "last_tx_fee_msat",
    "max_accepted_htlcs",
    "max_to_us_msat",
    "maximum_htlc_out_msat",
    "min_to_us_msat",
    "our_max_htlc_value_in_flight_msat",
    "our_to_self_delay",
    "out_offered_msat",
    "out_payments_offered",
    "scratch_txid",
    "state_changes",
    "status",
    "their_max_htlc_value_in_flight_msat",
    "their_to_self_delay",
];

#[derive(Deserialize)]
struct Record {
    note: String,
    request_wire: String,
    #[serde(default)]
    response: Value,
    #[serde(default)]
    responses: Vec<Value>,
    next_is_answered: Option<bool>,
}

impl Record {
    /// The invoices in the recorded answer.
    fn invoices(&self) -> Vec<&Value> {
        let result = &self.response["result"];
        match result["invoices"].as_array() {
            Some(invoices) => invoices.iter().collect(),
            None => [result, &self.response["error"]["data"]]
                .into_iter()
                .filter(|invoice| invoice["bolt11"].is_string() && invoice["label"].is_string())
                .collect(),
        }
    }
}

/// A network, and what its answers have in place of the recorded ones' hashes and invoices.
struct Stage {
    network: Network,
    store: Client,
    replacements: HashMap<String, String>,
    _dir: TempDir,
}

impl Stage {
    async fn set() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let network = Network::story(dir.path()).await.unwrap();
        let store = Client::connect(&network.store().rpc_path()).await;
        Self {
            network,
            store,
            replacements: HashMap::new(),
            _dir: dir,
        }
    }

    fn records(topic: &str) -> Vec<Record> {
        #[derive(Deserialize)]
        struct Fixture {
            records: Vec<Record>,
        }
        let path = format!("{}/tests/fixtures/{topic}.json", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(path).unwrap();
        serde_json::from_str::<Fixture>(&text).unwrap().records
    }

    async fn invoice(&mut self, label: &str, expiry: u64) {
        let params = json!({
            "amount_msat": 1000, "label": label, "description": "d", "expiry": expiry,
        });
        self.store.call("invoice", params).await.unwrap();
    }

    /// Makes an invoice like the recorded one, paid or expired if that was.
    async fn make_like(&mut self, recorded: &Value) {
        let label = recorded["label"].as_str().unwrap();
        if !self.status(label).await.is_empty() {
            return;
        }
        let is_hashed = recorded["description"]
            .as_str()
            .is_some_and(|text| text.len() > 639);
        let expiry = if recorded["status"] == "expired" {
            1
        } else {
            3600
        };
        let params = json!({
            "amount_msat": recorded.get("amount_msat").unwrap_or(&json!("any")),
            "label": label,
            "description": recorded.get("description").unwrap_or(&json!("")),
            "expiry": expiry,
            "deschashonly": is_hashed,
        });
        let made = self.store.call("invoice", params).await.unwrap();
        self.replace(&recorded["bolt11"], &made["bolt11"]);
        self.replace(&recorded["payment_hash"], &made["payment_hash"]);
    }

    async fn finish_like(&mut self, recorded: &Value) {
        let label = recorded["label"].as_str().unwrap();
        match recorded["status"].as_str().unwrap() {
            "paid" if self.status(label).await == "unpaid" => {
                pay(self.network.store(), self.network.alice(), label, recorded).await;
            }
            "expired" => {
                while self.status(label).await != "expired" {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }
            _ => {}
        }
    }

    async fn status(&mut self, label: &str) -> String {
        let listed = self
            .store
            .call("listinvoices", json!({"label": label}))
            .await
            .unwrap();
        listed["invoices"][0]["status"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    fn replace(&mut self, recorded: &Value, actual: &Value) {
        let (Some(from), Some(to)) = (recorded.as_str(), actual.as_str()) else {
            return;
        };
        self.replacements
            .insert(from.to_uppercase(), to.to_uppercase());
        self.replacements.insert(from.to_owned(), to.to_owned());
    }

    fn translate(&self, request: &str) -> String {
        self.replacements
            .iter()
            .fold(request.to_owned(), |text, (from, to)| {
                text.replace(from, to)
            })
    }

    async fn check(&mut self, record: &Record) {
        let request = self.translate(&record.request_wire);
        let actual = self.store.exchange(&request).await;
        assert_same(record, &record.response, &actual);
    }
}

#[track_caller]
fn assert_same(record: &Record, recorded: &Value, actual: &Value) {
    let found = differences(&record.note, recorded, actual, DIFFERENCES);
    assert!(
        found.is_empty(),
        "{}: {found:#?}\nrequest {}\nanswer {actual}",
        record.note,
        record.request_wire
    );
}

/// Pays the store's invoice of that label, an open one with what was recorded.
async fn pay(store: &Node, payer: &Node, label: &str, recorded: &Value) {
    let mut store = Client::connect(&store.rpc_path()).await;
    let listed = store
        .call("listinvoices", json!({"label": label}))
        .await
        .unwrap();
    let mut params = json!({"bolt11": listed["invoices"][0]["bolt11"]});
    if recorded.get("amount_msat").is_none() {
        params["amount_msat"] = recorded["amount_received_msat"].clone();
    }
    let mut payer = Client::connect(&payer.rpc_path()).await;
    payer.call("pay", params).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn getinfo_and_invoice_answer_as_recorded() {
    let mut stage = Stage::set().await;
    for topic in ["getinfo", "invoice"] {
        for record in Stage::records(topic) {
            stage.check(&record).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn listinvoices_and_its_pages_answer_as_recorded() {
    let mut stage = Stage::set().await;
    // The pages were recorded with 70 invoices in the book, 17 of them changed.
    for number in 0..64 {
        let label = format!("filler {number}");
        let made = json!({"amount_msat": 1000, "label": label, "description": "d"});
        stage.store.call("invoice", made).await.unwrap();
        if number < 20 {
            let delete = json!({"label": label, "status": "unpaid", "desconly": true});
            stage.store.call("delinvoice", delete).await.unwrap();
        }
    }
    let paged = Stage::records("paging");
    for number in 0..6 {
        let made = json!({
            "amount_msat": 1000, "label": format!("t07a8-pg{number}"), "description": "page item",
        });
        stage.store.call("invoice", made).await.unwrap();
    }
    for record in &paged {
        // What was last changed was paid when this was recorded.
        if !record.note.starts_with("index updated") {
            stage.check(record).await;
        }
    }
    let records = Stage::records("listinvoices");
    for invoice in records.iter().flat_map(Record::invoices) {
        stage.make_like(invoice).await;
    }
    for invoice in records.iter().flat_map(Record::invoices) {
        stage.finish_like(invoice).await;
    }
    for record in &records {
        stage.check(record).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_for_invoices_answers_as_recorded() {
    let mut stage = Stage::set().await;
    for topic in ["waitinvoice", "waitanyinvoice"] {
        for record in Stage::records(topic) {
            if record.note.starts_with("paid invoice deleted") {
                let delete = json!({"label": "t07a8-wa-q0", "status": "paid"});
                stage.store.call("delinvoice", delete).await.unwrap();
            }
            // Six payments precede the first that is waited for; two were in waitinvoice.
            if record.note.starts_with("at the newest index") {
                for number in ["a", "b"] {
                    let like = json!({"label": number, "status": "paid", "amount_msat": 1000});
                    stage.make_like(&like).await;
                    stage.finish_like(&like).await;
                }
            }
            replay_waiting(&mut stage, &record).await;
        }
    }
}

/// Sends the request first where the record says that it waited, and then does what it waited for.
async fn replay_waiting(stage: &mut Stage, record: &Record) {
    let invoice = record.invoices().first().map(|invoice| (*invoice).clone());
    if let Some(invoice) = &invoice {
        stage.make_like(invoice).await;
    }
    let is_deletion = record.note == "invoice deleted while waiting";
    if is_deletion {
        let like = json!({"label": "t07a8-wi-del", "amount_msat": 1000});
        stage.make_like(&like).await;
    }
    if record.note.starts_with("already") {
        stage.finish_like(invoice.as_ref().unwrap()).await;
    }
    let mut waiter = Client::connect(&stage.network.store().rpc_path()).await;
    waiter.send(&stage.translate(&record.request_wire)).await;
    let early = waiter.is_heard().await;
    if let Some(invoice) = &invoice {
        stage.finish_like(invoice).await;
    }
    if is_deletion {
        let delete = json!({"label": "t07a8-wi-del", "status": "unpaid"});
        stage.store.call("delinvoice", delete).await.unwrap();
    }
    let actual = match early {
        Some(answer) => answer,
        None => serde_json::from_str(&waiter.receive().await.unwrap()).unwrap(),
    };
    assert_same(record, &record.response, &actual);
}

#[tokio::test(flavor = "multi_thread")]
async fn wait_answers_as_recorded() {
    let mut stage = Stage::set().await;
    stage.invoice("paid", 3600).await;
    for record in Stage::records("wait") {
        if !record.note.contains("blocked") {
            stage.check(&record).await;
            continue;
        }
        let mut request: Value = serde_json::from_str(&record.request_wire).unwrap();
        let params = &mut request["params"];
        params["nextvalue"] = json!(0);
        let kind = params["indexname"].as_str().unwrap().to_owned();
        let now = stage.store.call("wait", params.clone()).await.unwrap();
        params["nextvalue"] = json!(now[&kind].as_u64().unwrap() + 1);
        let mut waiter = Client::connect(&stage.network.store().rpc_path()).await;
        waiter.send(&request.to_string()).await;
        waiter.is_heard().await;
        match record.note.as_str() {
            note if note.starts_with("created") => stage.invoice("created", 3600).await,
            note if note.contains("is paid") => {
                let like = json!({"label": "paid", "amount_msat": 1000});
                pay(stage.network.store(), stage.network.alice(), "paid", &like).await;
            }
            note if note.contains("expires") => stage.invoice("expiring", 1).await,
            _ => {
                let params = json!({"label": "expiring", "status": "expired"});
                stage.store.call("delinvoice", params).await.unwrap();
            }
        }
        let actual = serde_json::from_str(&waiter.receive().await.unwrap()).unwrap();
        assert_same(&record, &record.response, &actual);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn delinvoice_answers_as_recorded() {
    let mut stage = Stage::set().await;
    let records = Stage::records("delinvoice");
    for invoice in records.iter().flat_map(Record::invoices) {
        stage.make_like(invoice).await;
    }
    for invoice in records.iter().flat_map(Record::invoices) {
        stage.finish_like(invoice).await;
    }
    for record in &records {
        stage.check(record).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pay_and_xpay_answer_as_recorded() {
    let mut stage = Stage::set().await;
    for (topic, buyer) in [("pay", "alice"), ("pay_bob", "bob")] {
        let socket = stage.network.node(buyer).unwrap().rpc_path();
        let mut buyer = Client::connect(&socket).await;
        for record in Stage::records(topic) {
            let request: Value = serde_json::from_str(&record.request_wire).unwrap();
            let params = &request["params"];
            let bolt11 = params.get("bolt11").unwrap_or(&params["invstring"]);
            make_payable_like(&mut stage, bolt11, &record.note).await;
            let actual = buyer.exchange(&stage.translate(&record.request_wire)).await;
            assert_same(&record, &record.response, &actual);
        }
    }
}

/// Makes an invoice like the recorded one, and what had become of it when it was paid.
async fn make_payable_like(stage: &mut Stage, bolt11: &Value, note: &str) {
    if stage.replacements.contains_key(bolt11.as_str().unwrap()) {
        return;
    }
    let decoded = stage.store.call("decode", json!([bolt11])).await.unwrap();
    let params = json!({
        "amount_msat": decoded.get("amount_msat").unwrap_or(&json!("any")),
        "label": note, "description": decoded["description"], "expiry": decoded["expiry"],
    });
    let made = stage.store.call("invoice", params).await.unwrap();
    stage.replace(bolt11, &made["bolt11"]);
    if note.contains("deleted") {
        let delete = json!({"label": note, "status": "unpaid"});
        stage.store.call("delinvoice", delete).await.unwrap();
    }
    if note.contains("expired") {
        stage
            .finish_like(&json!({"label": note, "status": "expired"}))
            .await;
    }
}

/// Decoding depends on nothing but its input, so here the values are compared too.
#[tokio::test(flavor = "multi_thread")]
async fn decode_answers_exactly_as_recorded() {
    let mut stage = Stage::set().await;
    for record in Stage::records("decode") {
        let actual = stage.store.exchange(&record.request_wire).await;
        assert_same(&record, &record.response, &actual);
        if !DIFFERENCES.iter().any(|known| known.record == record.note) {
            let recorded = &record.response["result"];
            assert_eq!(&actual["result"], recorded, "{}", record.note);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn absurd_numbers_are_answered_as_recorded_and_crash_nothing() {
    let mut stage = Stage::set().await;
    for record in Stage::records("crash") {
        let actual = stage.store.exchange(&record.request_wire).await;
        // The records of the longest expiries have no answer, only that lightningd lived.
        if !record.response.is_null() {
            assert_same(&record, &record.response, &actual);
        }
    }
    // These end a lightningd.
    for expiry in [json!(-5), json!(-1), json!(1_u64 << 60), json!(u64::MAX)] {
        let label = expiry.to_string();
        let params =
            json!({"amount_msat": 1, "label": label, "description": "d", "expiry": expiry});
        let error = stage.store.call("invoice", params).await.unwrap_err();
        assert_eq!(error["code"], -32602, "{error}");
    }
    stage.store.call("getinfo", json!({})).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_framed_as_recorded() {
    let stage = Stage::set().await;
    for record in Stage::records("framing") {
        let mut client = Client::connect(&stage.network.store().rpc_path()).await;
        client.send(&record.request_wire).await;
        for recorded in &record.responses {
            let actual = serde_json::from_str(&client.receive().await.unwrap()).unwrap();
            assert_same(&record, recorded, &actual);
        }
        let is_different = DIFFERENCES.iter().any(|known| known.record == record.note);
        if let (Some(expected), false) = (record.next_is_answered, is_different) {
            client
                .send(r#"{"jsonrpc":"2.0","id":"after","method":"getinfo","params":{}}"#)
                .await;
            let limit = Duration::from_millis(if expected { 60_000 } else { 300 });
            let next = tokio::time::timeout(limit, client.receive()).await;
            let text = next.ok().flatten().unwrap_or_default();
            assert_eq!(text.contains(r#""after""#), expected, "{}", record.note);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn listpeerchannels_has_the_recorded_fields_that_ldk_knows() {
    let mut stage = Stage::set().await;
    for mut record in Stage::records("misc") {
        if record.note != "listpeerchannels" {
            continue;
        }
        let channel = record.response["result"]["channels"][0]
            .as_object_mut()
            .unwrap();
        for name in UNKNOWN_TO_LDK {
            assert!(channel.remove(*name).is_some(), "{name} is recorded");
        }
        // Whether an input is withheld has no meaning for channels of one funder.
        channel["funding"]
            .as_object_mut()
            .unwrap()
            .remove("withheld");
        stage.check(&record).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_ask_for_is_as_recorded() {
    let mut stage = Stage::set().await;
    let notes = [
        "autoclean-status",
        "listfunds",
        "help invoice",
        "listconfigs rpc-file-mode",
    ];
    for note in notes {
        let mut records = Stage::records("misc").into_iter();
        let record = records.find(|record| record.note == note);
        stage.check(&record.unwrap()).await;
    }
}

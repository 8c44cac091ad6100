//! Runes answer as a real lightningd's did.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use devnet::Network;
use serde_json::{Value, json};

use common::Client;

mod common;

#[tokio::test(flavor = "multi_thread")]
async fn runes_answer_as_recorded() {
    let dir = tempfile::tempdir().unwrap();
    let network = Network::story(dir.path()).await.unwrap();
    let mut store = Client::connect(&network.store().rpc_path()).await;
    let fixture: Value = serde_json::from_str(include_str!("fixtures/runes.json")).unwrap();
    let mut runes: Vec<(String, String)> = Vec::new();
    for record in fixture["records"].as_array().unwrap() {
        let note = record["note"].as_str().unwrap();
        let mut text = record["request"].to_string();
        for (recorded, ours) in &runes {
            text = text.replace(recorded, ours);
        }
        if note == "checkrune with tampered rune" {
            text = text.replace("AUplDItY", "_UplDItY");
        }
        let mut actual = store.exchange(&text).await;
        let mut expected = record["response"].clone();
        if let Some(recorded) = expected["result"]["rune"].as_str() {
            let ours = actual["result"]["rune"].as_str().unwrap();
            runes.push((recorded.to_owned(), ours.to_owned()));
        }
        let mut text = expected.to_string();
        for (recorded, ours) in &runes {
            text = text.replace(recorded, ours);
        }
        expected = serde_json::from_str(&text).unwrap();
        for answer in [&mut actual, &mut expected] {
            hide_what_differs(answer);
        }
        assert_eq!(actual, expected, "{note}");
    }
    assert_eq!(runes.len(), 3);
}

/// The authentication code in `decode`, and when a rune was used: only that they are there counts.
fn hide_what_differs(answer: &mut Value) {
    if let Some(text) = answer["result"].get_mut("string") {
        let (code, restrictions) = text.as_str().unwrap().split_once(':').unwrap();
        *text = json!(format!("{} digits:{restrictions}", code.len()));
    }
    let runes = answer["result"]
        .get_mut("runes")
        .and_then(Value::as_array_mut);
    for rune in runes.into_iter().flatten() {
        if let Some(last_used) = rune.get_mut("last_used") {
            assert!(last_used.take().as_f64().unwrap() > 0.0);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rune_can_be_restricted_and_shown_by_whoever_has_it() {
    let dir = tempfile::tempdir().unwrap();
    let network = Network::story(dir.path()).await.unwrap();
    let mut store = Client::connect(&network.store().rpc_path()).await;
    let wide = store.call("createrune", json!({})).await.unwrap();
    let params = json!({"rune": wide["rune"], "restrictions": [["method=getinfo"]]});
    let narrow = store.call("createrune", params).await.unwrap();
    assert_eq!(narrow["unique_id"], "0");

    let check = json!({"rune": narrow["rune"], "method": "pay"});
    let error = store.call("checkrune", check).await.unwrap_err();
    assert_eq!(error["code"], 1502);
    let check = json!({"rune": narrow["rune"], "method": "getinfo"});
    store.call("checkrune", check).await.unwrap();

    let shown = json!({"rune": narrow["rune"]});
    let shown = store.call("showrunes", shown).await.unwrap();
    assert_eq!(shown["runes"][0]["stored"], false);
    assert_eq!(shown["runes"][0].get("our_rune"), None);

    // Blacklisting a rune takes what derives from it with it.
    let range = json!({"start": 0});
    store.call("blacklistrune", range).await.unwrap();
    let check = json!({"rune": narrow["rune"], "method": "getinfo"});
    let error = store.call("checkrune", check).await.unwrap_err();
    assert_eq!(error["code"], 1503);
}

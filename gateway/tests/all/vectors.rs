//! The webhooks that the modules for other languages are tested on (`modules/`).

use purrwall_gateway::Secret;
use purrwall_gateway::webhooks::signing::SigningKey;
use serde_json::{Value, json};
use written::assert_written;

#[path = "../../../shared/tests/common/vectors.rs"]
mod written;

const VECTORS: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../shared/tests/vectors/webhooks.json"
);
const URL: &str = "https://shop.example/purrwall";
const ID: &str = "66687aadf862bd776c8fc18b8e9f8e20089714856ee233b3902a591d0d5f2925";
const SENT_AT: u64 = 1_800_000_000;
const BODY: &str = r#"{"type":"invoice.paid","timestamp":"2027-01-15T08:00:00Z","data":{"payment_hash":"66687aadf862bd776c8fc18b8e9f8e20089714856ee233b3902a591d0d5f2925","item":"cat","amount_msat":100000,"amount_received_msat":100000,"paid_at":1799999999}}"#;

/// The key of a store whose secret has these keys, the current one first.
fn key(digits: &[&str]) -> SigningKey {
    let keys: Vec<_> = digits.iter().map(|digits| digits.repeat(32)).collect();
    let secret: Secret = keys.join("\n").parse().unwrap();
    SigningKey::of_url(&secret, URL)
}

/// What each of them is. `fails` is the code of the modules' error.
fn vectors() -> Value {
    let current = key(&["01"]);
    let secret = current.to_text();
    let signature = current.sign(ID, SENT_AT, BODY.as_bytes());
    let rotated = key(&["02", "01"]).sign(ID, SENT_AT, BODY.as_bytes());
    let webhook = |name: &str, changes: Value| {
        let mut vector = json!({
            "name": name,
            "secrets": [secret],
            "headers": {
                "webhook-id": ID,
                "webhook-timestamp": SENT_AT.to_string(),
                "webhook-signature": signature,
            },
            "body": BODY,
            "now": SENT_AT,
        });
        for (key, value) in changes.as_object().unwrap() {
            match value.as_object() {
                Some(headers) => headers.iter().for_each(|(header, value)| {
                    vector[key][header] = value.clone();
                }),
                None => vector[key] = value.clone(),
            }
        }
        vector
    };
    let unsigned = |signature: &str, fails: &str| {
        let headers = json!({ "webhook-signature": signature });
        json!({"headers": headers, "fails": fails})
    };
    let timed = |timestamp: &str| json!({"webhook-timestamp": timestamp});
    json!([
        webhook("as it was sent", json!({})),
        webhook("at the end of its time", json!({"now": SENT_AT + 300})),
        webhook("of a clock that is ahead", json!({"now": SENT_AT - 300})),
        webhook(
            "after a rotation, for the old secret",
            json!({"headers": {"webhook-signature": rotated}})
        ),
        webhook(
            "for one of two secrets",
            json!({"secrets": [key(&["03"]).to_text(), secret]})
        ),
        webhook(
            "too late",
            json!({"now": SENT_AT + 301, "fails": "webhook-time"})
        ),
        webhook(
            "too early",
            json!({"now": SENT_AT - 301, "fails": "webhook-time"})
        ),
        webhook(
            "with another body",
            json!({"body": BODY.replace("cat", "dog"), "fails": "webhook-signature"})
        ),
        webhook(
            "with another id",
            json!({"headers": {"webhook-id": "x"}, "fails": "webhook-signature"})
        ),
        webhook(
            "of another secret",
            json!({"secrets": [key(&["03"]).to_text()], "fails": "webhook-signature"})
        ),
        webhook(
            "of another version",
            unsigned(&signature.replace("v1,", "v1a,"), "webhook-signature")
        ),
        webhook(
            "with half a signature",
            unsigned(&signature[..20], "webhook-signature")
        ),
        webhook("without a signature", unsigned("", "webhook-signature")),
        webhook(
            "without a time",
            json!({"headers": timed("soon"), "fails": "malformed-webhook"})
        ),
        webhook(
            "without a secret",
            json!({"secrets": ["secret"], "fails": "secret"})
        ),
        webhook(
            "that is no object",
            json!({
                "body": "[1]",
                "headers": {"webhook-signature": current.sign(ID, SENT_AT, b"[1]")},
                "fails": "malformed-webhook",
            })
        ),
        webhook(
            "that is no JSON",
            json!({
                "body": "miau",
                "headers": {"webhook-signature": current.sign(ID, SENT_AT, b"miau")},
                "fails": "malformed-webhook",
            })
        ),
    ])
}

#[test]
fn the_modules_are_tested_on_these_webhooks() {
    assert_written(VECTORS, &vectors());
}

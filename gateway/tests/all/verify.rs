//! The question of an owner's own server: is this receipt or claim good?

use std::time::Duration;

use axum::body::Body;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{Request, StatusCode};
use bitcoin::hashes::{Hash as _, sha256};
use bitcoin::secp256k1::{Secp256k1, SecretKey};
use lightning_invoice::{Currency, InvoiceBuilder, PaymentSecret};
use purrwall_gateway::Secret;
use purrwall_gateway::claims::{Claims, Terms};
use serde_json::{Value, json};
use shared::api::{CreatedInvoice, Status};
use shared::content::commitment;
use shared::lightning::Preimage;
use shared::problem::ErrorCode;
use shared::verdict::VERIFY_PATH;

use testing::fake_lightningd::FakeLightningd;
use testing::tools::{Answer, SECRET, TestGateway, l402, options, unix_now};

const KEY: &str = "0123456789abcdef0123456789abcdef";

fn gateway(fake: &FakeLightningd) -> TestGateway {
    let mut options = options(fake.socket());
    options.verify_key = Some(KEY.parse().unwrap());
    TestGateway::with(options)
}

fn request(key: &str, body: impl Into<Body>) -> Request<Body> {
    Request::post(VERIFY_PATH)
        .header(AUTHORIZATION, format!("Bearer {key}"))
        .header(CONTENT_TYPE, "application/json")
        .body(body.into())
        .unwrap()
}

async fn ask(gateway: &TestGateway, evidence: Value) -> Answer {
    gateway.send(request(KEY, evidence.to_string())).await
}

async fn verdict(gateway: &TestGateway, evidence: Value) -> Value {
    ask(gateway, evidence).await.json()
}

/// The verdict on a claim.
async fn claimed(gateway: &TestGateway, claim: impl Into<String>) -> Value {
    verdict(gateway, json!({ "claim": claim.into() })).await
}

fn receipt(created: &CreatedInvoice, preimage: [u8; 32]) -> Value {
    let sha256 = commitment(&created.invoice.description).unwrap();
    json!({
        "bolt11": created.invoice.bolt11, "preimage": Preimage(preimage).to_hex(), "item": "cat",
        "sha256": sha256, "size": 1,
    })
}

#[track_caller]
fn assert_bad(verdict: &Value, reason: &str) {
    assert_eq!(
        (&verdict["good"], &verdict["reason"]),
        (&false.into(), &reason.into())
    );
    assert!(!verdict["detail"].as_str().unwrap().is_empty());
    assert_eq!(verdict.as_object().unwrap().len(), 3, "{verdict}");
}

#[tokio::test]
async fn a_claim_is_good_once_it_is_paid() {
    let fake = FakeLightningd::start();
    let gateway = gateway(&fake);
    let created = gateway.create("cat").await;
    let claim = created.claim.to_base64();
    assert_bad(&claimed(&gateway, &claim).await, "unpaid");

    let preimage = fake.is_paid(&created.invoice.bolt11);
    let before = unix_now();
    // Until the payment is heard of, the invoice is known to be unpaid.
    let status = gateway.status(&created.claim, 25).await;
    assert_eq!(status.status, Status::Paid);
    let mut good = claimed(&gateway, &claim).await;
    let paid_at = good["paid_at"].take().as_u64().unwrap();
    assert!(paid_at.abs_diff(before) < 60, "{paid_at}");
    let expected = json!({
        "good": true, "item": "cat", "payment_hash": created.invoice.payment_hash,
        "amount_msat": 100_000, "paid_at": null,
    });
    assert_eq!(good, expected);
    let questions = fake.questions();
    for text in [
        l402(&created.claim),
        format!("{claim}:{}", Preimage(preimage).to_hex()),
        format!("LSAT {claim}:{}", Preimage(preimage).to_hex()),
    ] {
        assert_eq!(claimed(&gateway, text).await["good"], true);
    }
    assert_eq!(fake.questions(), questions, "it is known");
}

#[tokio::test]
async fn a_claim_that_is_not_good_says_why() {
    let fake = FakeLightningd::start();
    let gateway = gateway(&fake);
    let created = gateway.create("cat").await;
    let claim = created.claim.to_base64();
    for text in [
        "",
        "cat",
        "L402",
        "Basic dXNlcjpwYXNz",
        &format!("{claim}:00ff"),
    ] {
        assert_bad(&claimed(&gateway, text).await, "unreadable");
    }
    let other = format!("{claim}:{}", "00".repeat(32));
    assert_bad(&claimed(&gateway, other).await, "other_preimage");

    let preimage = fake.is_paid(&created.invoice.bolt11);
    let minted = |secret: &str, valid_until| {
        let claims = Claims::new(&secret.parse::<Secret>().unwrap());
        let terms = Terms {
            valid_until: Some(valid_until),
            ..Terms::default()
        };
        claims
            .mint("route:forecast", *created.claim.identifier(), terms)
            .to_base64()
    };
    let ours = SECRET.map(|byte| format!("{byte:02x}")).concat();
    let now = unix_now();
    assert_bad(
        &claimed(&gateway, minted(&ours, now - 1)).await,
        "time_is_over",
    );
    assert_bad(
        &claimed(&gateway, minted(&ours, now * 1000)).await,
        "odd_time",
    );
    assert_bad(
        &claimed(&gateway, minted(&"77".repeat(32), now + 99)).await,
        "not_issued",
    );
    let good = claimed(&gateway, minted(&ours, now + 99)).await;
    assert_eq!(good["good"], true);
    assert_eq!(
        (&good["item"], &good["valid_until"]),
        (&"route:forecast".into(), &(now + 99).into())
    );

    // Another gateway of the store's, which has heard of nothing.
    let gateway = self::gateway(&fake);
    fake.deletes(&created.invoice.bolt11);
    assert_bad(&claimed(&gateway, &claim).await, "unconfirmed");
    let proven = claimed(&gateway, format!("{claim}:{}", Preimage(preimage).to_hex())).await;
    assert_eq!(
        (&proven["good"], &proven["paid_at"]),
        (&true.into(), &Value::Null)
    );
}

#[tokio::test]
async fn a_receipt_is_good_if_the_stores_node_signed_it() {
    let fake = FakeLightningd::start();
    let gateway = gateway(&fake);
    let created = gateway.create("cat").await;
    let preimage = fake.is_paid(&created.invoice.bolt11);
    let ours = receipt(&created, preimage);
    let good = verdict(&gateway, json!({ "receipt": ours })).await;
    assert_eq!(
        (&good["good"], &good["item"]),
        (&true.into(), &"cat".into())
    );
    assert_eq!(good["payment_hash"], created.invoice.payment_hash.to_hex());
    assert_eq!(good["amount_msat"], 100_000);
    assert!(good["paid_at"].is_u64());

    let changed = |name: &str, value: Value| {
        let mut receipt = ours.clone();
        receipt[name] = value;
        json!({ "receipt": receipt })
    };
    for (name, value, reason) in [
        ("preimage", json!("00".repeat(32)), "other_preimage"),
        ("sha256", json!("00".repeat(32)), "other_version"),
        ("item", json!("two-cats"), "other_item"),
        ("item", json!("dog"), "other_item"),
        ("bolt11", json!("lnbc1"), "unreadable"),
        (
            "bolt11",
            json!(by_another_node(&created, preimage)),
            "not_issued",
        ),
    ] {
        assert_bad(&verdict(&gateway, changed(name, value)).await, reason);
    }
}

/// The same invoice, of a node that is not the store's.
fn by_another_node(created: &CreatedInvoice, preimage: [u8; 32]) -> String {
    InvoiceBuilder::new(Currency::Regtest)
        .description(created.invoice.description.clone())
        .amount_milli_satoshis(100_000)
        .payment_hash(sha256::Hash::hash(&preimage))
        .payment_secret(PaymentSecret([1; 32]))
        .duration_since_epoch(Duration::from_secs(unix_now()))
        .min_final_cltv_expiry_delta(18)
        .build_signed(|hash| {
            let key = SecretKey::from_slice(&[9; 32]).unwrap();
            Secp256k1::new().sign_ecdsa_recoverable(hash, &key)
        })
        .unwrap()
        .to_string()
}

#[tokio::test]
async fn without_lightningd_proofs_are_good_and_nothing_else_is_told() {
    let fake = FakeLightningd::start();
    let gateway = gateway(&fake);
    let created = gateway.create("cat").await;
    let preimage = fake.is_paid(&created.invoice.bolt11);
    fake.goes_away().await;
    let claim = created.claim.to_base64();
    let unproven = ask(&gateway, json!({ "claim": claim })).await;
    unproven.assert_problem(ErrorCode::LightningUnavailable);
    let proven = claimed(&gateway, format!("{claim}:{}", Preimage(preimage).to_hex())).await;
    assert_eq!(proven["good"], true);
    let receipt = json!({ "receipt": receipt(&created, preimage) });
    assert_eq!(verdict(&gateway, receipt).await["good"], true);
}

#[tokio::test]
async fn nobody_asks_without_the_owners_key() {
    let fake = FakeLightningd::start();
    let gateway = gateway(&fake);
    let created = gateway.create("cat").await;
    let body = || json!({ "claim": created.claim.to_base64() }).to_string();
    for key in [
        "",
        "secret",
        &KEY[1..],
        &format!("{KEY}0"),
        &KEY.to_uppercase(),
    ] {
        let refused = gateway.send(request(key, body())).await;
        refused.assert_problem(ErrorCode::InvalidKey);
        assert_eq!(refused.header("www-authenticate"), "Bearer");
    }
    let claim = l402(&created.claim);
    let refused = gateway
        .ask(axum::http::Method::POST, VERIFY_PATH, &[&claim])
        .await;
    refused.assert_problem(ErrorCode::InvalidKey);
    let keyless = TestGateway::new(fake.socket());
    let refused = keyless.send(request(KEY, body())).await;
    refused.assert_problem(ErrorCode::InvalidKey);
    assert_eq!(fake.questions(), 0);
}

#[tokio::test]
async fn wrong_keys_have_a_limit_and_the_right_one_has_none() {
    let fake = FakeLightningd::start();
    let gateway = gateway(&fake);
    let tries =
        async |key: &'static str| gateway.send_from("198.51.100.7", request(key, "{}")).await;
    for _ in 0..30 {
        tries("wrong").await.assert_problem(ErrorCode::InvalidKey);
    }
    let refused = tries("wrong").await;
    refused.assert_problem(ErrorCode::TooManyRequests);
    assert!(
        refused.problem().detail.contains("wrong keys"),
        "{refused:?}"
    );
    assert_eq!(tries(KEY).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_body_that_is_no_question_is_refused_and_not_repeated() {
    let fake = FakeLightningd::start();
    let gateway = gateway(&fake);
    let secret = "c2VjcmV0";
    for body in [
        String::new(),
        "[]".to_owned(),
        secret.to_owned(),
        json!({ "claim": secret, "receipt": secret }).to_string(),
        json!({ "receipt": secret }).to_string(),
        json!({ "claim": [secret] }).to_string(),
    ] {
        let refused = gateway.send(request(KEY, body)).await;
        refused.assert_problem(ErrorCode::InvalidRequest);
        let detail = refused.problem().detail;
        assert!(
            detail.contains("\"receipt\"") && !detail.contains(secret),
            "{detail}"
        );
    }
    let long = json!({ "claim": "A".repeat(5000) }).to_string();
    gateway
        .send(request(KEY, long))
        .await
        .assert_problem(ErrorCode::TooLarge);
}

//! The JSON of every type on the wire, written out: others build on it.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::fmt::Debug;

use common::{CREATED_AT, EXPIRES_AT, claim, node_id, payment_hash, preimage, purchase_id, sample};
use purrwall_shared::api::{
    CreateInvoice, CreatedInvoice, InvoiceStatus, Item, ItemId, Scene, Status, Store, Word,
};
use purrwall_shared::content::ContentHash;
use purrwall_shared::digest::Digest;
use purrwall_shared::fiat::{FiatPrice, Rate};
use purrwall_shared::lightning::{Msat, Network};
use purrwall_shared::receipt::Receipt;
use purrwall_shared::sealed::{Manifest, SealedGoods, SealedSale, SecretId, WrappedKey};
use purrwall_shared::verdict::{Evidence, Verdict};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

#[track_caller]
fn check<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T, expected: &Value) {
    assert_eq!(&serde_json::to_value(value).unwrap(), expected);
    assert_eq!(
        &serde_json::from_value::<T>(expected.clone()).unwrap(),
        value
    );
    let text = expected.to_string();
    assert_eq!(&serde_json::from_str::<T>(&text).unwrap(), value);
}

#[test]
fn store() {
    let store = Store {
        name: "Purrwall".into(),
        network: Network::Regtest,
        node_id: node_id([42; 32]),
        node_ids: Vec::new(),
        items: vec![Item {
            id: "two-cats".parse().unwrap(),
            title: "Two cats".into(),
            teaser: "They like each other".into(),
            price_msat: Msat(100_000),
            fiat_price: None,
            rate: None,
            valid_for_secs: None,
            content_type: "text/plain; charset=utf-8".into(),
            size: 8,
            sha256: ContentHash::of(b"two cats"),
            sealed: None,
            scene: Scene::Box,
            button: Vec::new(),
        }],
    };
    let expected = json!({
        "name": "Purrwall",
        "network": "regtest",
        "node_id": "035be5e9478209674a96e60f1f037f6176540fd001fa1d64694770c56a7709c42c",
        "items": [{
            "id": "two-cats",
            "title": "Two cats",
            "teaser": "They like each other",
            "price_msat": 100_000,
            "content_type": "text/plain; charset=utf-8",
            "size": 8,
            "sha256": ContentHash::of(b"two cats").to_hex(),
            "scene": "box",
        }],
    });
    check(&store, &expected);
}

#[test]
fn an_item_whose_price_follows_a_rate() {
    let item = Item {
        id: "song".parse().unwrap(),
        title: "A song".into(),
        teaser: String::new(),
        price_msat: Msat(384_616),
        fiat_price: Some(FiatPrice {
            amount: "0.25".parse().unwrap(),
            currency: "USD".parse().unwrap(),
        }),
        rate: Some(rate()),
        valid_for_secs: Some(86_400),
        content_type: "audio/mpeg".into(),
        size: 8,
        sha256: ContentHash::of(b"two cats"),
        sealed: None,
        scene: Scene::Preview,
        button: vec![Word {
            language: "de".into(),
            text: "Anhören".into(),
        }],
    };
    let expected = json!({
        "id": "song",
        "title": "A song",
        "teaser": "",
        "price_msat": 384_616,
        "fiat_price": {"amount": "0.25", "currency": "USD"},
        "rate": {"currency": "USD", "per_btc": "65000", "at": CREATED_AT},
        "valid_for_secs": 86_400,
        "content_type": "audio/mpeg",
        "size": 8,
        "sha256": ContentHash::of(b"two cats").to_hex(),
        "scene": "preview",
        "button": [{"language": "de", "text": "Anhören"}],
    });
    check(&item, &expected);
    assert_eq!(item.price_text(), "0.25 USD ≈\u{a0}385 sat");
}

fn rate() -> Rate {
    Rate {
        currency: "USD".parse().unwrap(),
        per_btc: "65000".parse().unwrap(),
        at: CREATED_AT,
    }
}

#[test]
fn create() {
    let request = CreateInvoice {
        purchase_id: purchase_id(0xab),
    };
    check(
        &request,
        &json!({"purchase_id": "abababababababababababababababab"}),
    );
    let created = sample(1).created();
    let expected = json!({
        "claim": claim(1).to_base64(),
        "invoice": {
            "bolt11": sample(1).bolt11(),
            "payment_hash": payment_hash(1).to_hex(),
            "amount_msat": 100_000,
            "description": sample(1).description,
            "created_at": CREATED_AT,
            "expires_at": EXPIRES_AT,
        },
    });
    check(&created, &expected);

    let created = CreatedInvoice {
        rate: Some(rate()),
        ..created
    };
    let mut expected = expected;
    expected["rate"] = json!({"currency": "USD", "per_btc": "65000", "at": CREATED_AT});
    check(&created, &expected);

    let manifest = Manifest {
        format: 1,
        ct: Digest([1; 32]),
        size: 8,
        chunk: 1_048_576,
        key: WrappedKey([2; 32]),
        secret: SecretId([3; 4]),
        token: Digest([4; 32]),
    };
    let created = CreatedInvoice {
        sealed: Some(SealedSale {
            manifest,
            urls: vec!["https://cdn.example/goods/x".into()],
        }),
        ..created
    };
    expected["sealed"] = json!({
        "manifest": {
            "format": 1, "ct": "01".repeat(32), "size": 8, "chunk": 1_048_576, "key": "02".repeat(32),
            "secret": "03030303", "token": "04".repeat(32),
        },
        "urls": ["https://cdn.example/goods/x"],
    });
    check(&created, &expected);
    let goods = SealedGoods {
        ct: Digest([1; 32]),
        chunk: 1_048_576,
        urls: Vec::new(),
    };
    let expected = json!({"ct": "01".repeat(32), "chunk": 1_048_576, "urls": []});
    check(&goods, &expected);
}

#[test]
fn status() {
    for (status, name) in [(Status::Unpaid, "unpaid"), (Status::Expired, "expired")] {
        let answer = InvoiceStatus {
            status,
            expires_at: 20,
            server_time: 10,
            preimage: None,
        };
        let expected = json!({"status": name, "expires_at": 20, "server_time": 10});
        check(&answer, &expected);
    }
    let paid = InvoiceStatus {
        status: Status::Paid,
        expires_at: 20,
        server_time: 10,
        preimage: Some(preimage(1)),
    };
    let expected = json!({
        "status": "paid",
        "expires_at": 20,
        "server_time": 10,
        "preimage": "01".repeat(32),
    });
    check(&paid, &expected);
}

#[test]
fn an_item_id_is_checked_where_it_enters() {
    for wrong in ["", "Two Cats", "../cat", &"a".repeat(49)] {
        let error = wrong.parse::<ItemId>().unwrap_err().to_string();
        assert!(error.contains("is not an item id"), "{error}");
        assert!(serde_json::from_value::<ItemId>(json!(wrong)).is_err());
    }
}

#[test]
fn evidence() {
    let claim = Evidence::Claim("AgJC:00".into());
    check(&claim, &json!({"claim": "AgJC:00"}));
    let receipt = Receipt {
        bolt11: sample(1).bolt11(),
        preimage: preimage(1),
        item: "two-cats".parse().unwrap(),
        sha256: ContentHash::of(b"two cats"),
        size: 8,
        metadata: None,
    };
    let expected = json!({"receipt": {
        "bolt11": sample(1).bolt11(),
        "preimage": "01".repeat(32),
        "item": "two-cats",
        "sha256": ContentHash::of(b"two cats").to_hex(),
        "size": 8,
    }});
    check(&Evidence::Receipt(receipt), &expected);
}

#[test]
fn verdict() {
    let good = Verdict {
        good: true,
        item: Some("two-cats".into()),
        payment_hash: Some(payment_hash(1)),
        amount_msat: Some(Msat(100_000)),
        paid_at: Some(CREATED_AT),
        valid_until: Some(EXPIRES_AT),
        ..Verdict::default()
    };
    let expected = json!({
        "good": true,
        "item": "two-cats",
        "payment_hash": payment_hash(1).to_hex(),
        "amount_msat": 100_000,
        "paid_at": CREATED_AT,
        "valid_until": EXPIRES_AT,
    });
    check(&good, &expected);
    let bad = Verdict {
        reason: Some("unpaid".into()),
        detail: Some("its invoice is not paid".into()),
        ..Verdict::default()
    };
    let expected = json!({"good": false, "reason": "unpaid", "detail": "its invoice is not paid"});
    check(&bad, &expected);
}

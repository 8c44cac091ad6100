//! A receipt holds only if all of it holds.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod common;
#[path = "common/vectors.rs"]
mod written;

use common::{GOODS, Sample, claim, node_id, preimage, purchase_id, sample};
use lightning_invoice::Currency;
use purrwall_shared::content::{ContentHash, describe};
use purrwall_shared::invoice::Invoice;
use purrwall_shared::lnurl::metadata;
use purrwall_shared::purchase::{Order, Wallet};
use purrwall_shared::receipt::{Receipt, ReceiptError};
use serde_json::{Value, json};
use written::assert_written;

fn receipt() -> Receipt {
    let order = Order {
        size: None,
        wallet: Wallet::Untold,
        manifest: None,
        purchase_id: purchase_id(1),
        claim: claim(1),
        invoice: Invoice::decode(&sample(1).bolt11()).expect("a sample invoice is valid"),
    };
    let item = "two-cats".parse().expect("an item id");
    Receipt::new(&order, preimage(1), item, 8).expect("a sample invoice promises content")
}

#[test]
fn a_receipt_says_who_promised_what_and_that_it_was_paid() {
    let proof = receipt().verify(Some(ContentHash::of(GOODS))).unwrap();
    assert_eq!(
        proof.to_string(),
        format!(
            "The node 035be5e9478209674a96e60f1f037f6176540fd001fa1d64694770c56a7709c42c promised \
             the content with SHA-256 {} for 100 sat on the network regtest, and the invoice was \
             paid; the content is the promised one.",
            ContentHash::of(GOODS)
        )
    );
    let without_content = receipt().verify(None).unwrap().to_string();
    assert!(without_content.ends_with("and the invoice was paid."));
}

#[test]
fn each_part_that_does_not_hold_is_named() {
    let mut other_preimage = receipt();
    other_preimage.preimage = preimage(2);
    assert!(matches!(
        other_preimage.verify(None),
        Err(ReceiptError::Preimage { .. })
    ));

    let mut other_promise = receipt();
    other_promise.sha256 = ContentHash::of(b"a dog");
    assert!(matches!(
        other_promise.verify(None),
        Err(ReceiptError::Commitment { .. })
    ));

    let other_content = receipt().verify(Some(ContentHash::of(b"a dog")));
    assert!(matches!(other_content, Err(ReceiptError::Content { .. })));

    let mut forged = receipt();
    forged.bolt11 = forged.bolt11.replace("lnbcrt", "lnbc");
    assert!(matches!(forged.verify(None), Err(ReceiptError::Invoice(_))));
}

#[test]
fn a_receipt_is_kept_as_json() {
    let text = serde_json::to_string(&receipt()).unwrap();
    assert_eq!(serde_json::from_str::<Receipt>(&text).unwrap(), receipt());
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    let keys: Vec<_> = value.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["bolt11", "item", "preimage", "sha256", "size"]);
}

/// The receipts that the modules for other languages are tested on, too (`modules/`).
const VECTORS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/receipts.json");

fn of(sample: &Sample) -> Receipt {
    Receipt {
        bolt11: sample.bolt11(),
        ..receipt()
    }
}

fn holds(name: &str, receipt: &Receipt, content: Option<&str>) -> Value {
    let found = content.map(|content| ContentHash::of(content.as_bytes()));
    let invoice = receipt.verify(found).unwrap().invoice;
    json!({
        "name": name, "receipt": receipt, "content": content, "payee": invoice.payee,
        "proof": {
            "payee": invoice.payee,
            "network": invoice.network,
            "amount_msat": invoice.amount_msat,
            "payment_hash": invoice.payment_hash,
            "description": invoice.description,
            "created_at": invoice.created_at,
            "sha256": receipt.sha256,
            "item": receipt.item,
            "size": receipt.size,
        },
    })
}

fn fails(name: &str, receipt: &Receipt, content: Option<&str>, code: &str) -> Value {
    let found = content.map(|content| ContentHash::of(content.as_bytes()));
    let verified = receipt.verify(found);
    let is_stated = match code {
        "malformed-invoice" => matches!(verified, Err(ReceiptError::Invoice(_))),
        "metadata" => matches!(verified, Err(ReceiptError::Metadata { .. })),
        "preimage" => matches!(verified, Err(ReceiptError::Preimage { .. })),
        "commitment" => matches!(verified, Err(ReceiptError::Commitment { .. })),
        "content" => matches!(verified, Err(ReceiptError::Content { .. })),
        // Who has to have signed is for whoever reads the proof.
        "payee" => verified.unwrap().invoice.payee != node_id([42; 32]),
        _ => false,
    };
    assert!(is_stated, "{name}");
    let payee = node_id([42; 32]);
    json!({"name": name, "receipt": receipt, "content": content, "payee": payee, "fails": code})
}

/// Of purchases by a code, whose invoices carry a hash.
fn by_codes() -> Vec<Value> {
    let code = |metadata: &str| Receipt {
        metadata: Some(metadata.to_owned()),
        ..of(&Sample {
            description: metadata.to_owned(),
            is_hashed: true,
            ..sample(1)
        })
    };
    let promise = describe("Zwei \"Kätzchen\" \\o/", ContentHash::of(GOODS));
    let by_code = code(&metadata(&promise, Some("two-cats@cats.example")));
    let without_metadata = Receipt {
        metadata: None,
        ..by_code.clone()
    };
    let other_metadata = Receipt {
        metadata: Some(metadata(&promise, None)),
        ..by_code.clone()
    };
    let of_another_form = code(&format!("[[\"text/plain\", \"{promise}\"]]"));
    let of_a_dog = code(&metadata(
        &describe("A dog", ContentHash::of(b"a dog")),
        None,
    ));
    let needless = Receipt {
        metadata: Some("[]".to_owned()),
        ..receipt()
    };
    let goods = str::from_utf8(GOODS).unwrap();
    vec![
        holds("by a code", &by_code, Some(goods)),
        holds("with metadata that nobody needs", &needless, None),
        fails(
            "by a code, without metadata",
            &without_metadata,
            None,
            "metadata",
        ),
        fails(
            "by a code, with other metadata",
            &other_metadata,
            None,
            "metadata",
        ),
        fails(
            "by a code, of another form",
            &of_another_form,
            None,
            "commitment",
        ),
        fails(
            "by a code, with another promise",
            &of_a_dog,
            None,
            "commitment",
        ),
    ]
}

/// What each of them is. `fails` is the code of the modules' error.
fn vectors() -> Value {
    let other_node = of(&Sample {
        key: [43; 32],
        ..sample(1)
    });
    let on_bitcoin = of(&Sample {
        currency: Currency::Bitcoin,
        ..sample(1)
    });
    let limited = of(&Sample {
        description: format!(
            "Zwei Kätzchen valid:86400 sha256:{}",
            ContentHash::of(GOODS)
        ),
        ..sample(1)
    });
    let open_amount = of(&Sample {
        amount_msat: None,
        ..sample(1)
    });
    let no_promise = of(&Sample {
        description: format!("{} and more", describe("Two cats", ContentHash::of(GOODS))),
        ..sample(1)
    });
    let other_promise = Receipt {
        sha256: ContentHash::of(b"a dog"),
        ..receipt()
    };
    let other_preimage = Receipt {
        preimage: preimage(2),
        ..receipt()
    };
    let forged = Receipt {
        bolt11: receipt().bolt11.replace("lnbcrt", "lnbc"),
        ..receipt()
    };
    let goods = str::from_utf8(GOODS).unwrap();
    let mut vectors = vec![
        holds("with its content", &receipt(), Some(goods)),
        holds("without its content", &receipt(), None),
        holds("on bitcoin", &on_bitcoin, None),
        holds("limited in time", &limited, Some(goods)),
        holds("of an open amount", &open_amount, None),
        holds("of the other node", &other_node, None),
        fails("of another node", &other_node, None, "payee"),
        fails("with another content", &receipt(), Some("a dog"), "content"),
        fails("without a promise", &no_promise, None, "commitment"),
        fails("with another promise", &other_promise, None, "commitment"),
        fails("with another preimage", &other_preimage, None, "preimage"),
        fails("with a forged invoice", &forged, None, "malformed-invoice"),
    ];
    vectors.extend(by_codes());
    Value::from(vectors)
}

#[test]
fn the_modules_are_tested_on_these_receipts() {
    assert_written(VECTORS, &vectors());
}

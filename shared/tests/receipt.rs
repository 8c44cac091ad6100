//! A receipt holds only if all of it holds.

mod common;

use common::{GOODS, claim, preimage, purchase_id, sample};
use purrwall_shared::content::ContentHash;
use purrwall_shared::invoice::Invoice;
use purrwall_shared::purchase::Order;
use purrwall_shared::receipt::{Receipt, ReceiptError};

fn receipt() -> Receipt {
    let order = Order {
        size: None,
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

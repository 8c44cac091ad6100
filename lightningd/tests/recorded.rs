//! Answers recorded from a real lightningd (v26.06.6, regtest), read by the gateway's client.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::path::PathBuf;
use std::time::Duration;

use purrwall_lightningd::{LightningError, Lightningd, NewInvoice};
use serde_json::Value;
use shared::api::Status;
use shared::invoice::Invoice;
use shared::lightning::{Msat, Network, PaymentHash, Preimage};
use tempfile::TempDir;

use testing::fake_lightningd::plays_back;

struct Playback {
    _dir: TempDir,
    lightningd: Lightningd,
}

fn recorded(name: &str) -> Value {
    let recorded: Value = serde_json::from_str(include_str!("recorded.json")).unwrap();
    recorded[name].clone()
}

fn playback(name: &str) -> Playback {
    played(recorded(name))
}

fn played(answer: Value) -> Playback {
    let dir = tempfile::tempdir().unwrap();
    let socket: PathBuf = plays_back(dir.path(), answer);
    Playback {
        _dir: dir,
        lightningd: Lightningd::new(socket, Duration::from_mins(1)),
    }
}

#[tokio::test]
async fn getinfo() {
    let node = playback("getinfo").lightningd.node().await.unwrap();
    assert!(node.id.to_hex().starts_with("03ddeaec"));
    assert_eq!(node.network, Network::Regtest);
    assert_eq!(node.syncing, None);
}

fn any_invoice() -> NewInvoice {
    NewInvoice {
        label: "x".into(),
        amount_msat: Msat(1),
        description: "x".into(),
        hash_description: false,
        preimage: None,
        expiry_secs: 1,
    }
}

#[tokio::test]
async fn invoice() {
    let recorded = playback("invoice");
    let created = recorded.lightningd.create_invoice(any_invoice()).await;
    let created = created.unwrap().unwrap();
    let invoice = Invoice::decode(created.bolt11.as_deref().unwrap()).unwrap();
    assert_eq!(created.payment_hash, invoice.payment_hash);
    assert_eq!(created.standing.status, Status::Unpaid);
    assert_eq!(created.standing.expires_at, invoice.expires_at);
    let recorded = playback("invoice_duplicate_label");
    let created = recorded.lightningd.create_invoice(any_invoice()).await;
    assert!(created.unwrap().is_none());
    let recorded = playback("invoice_preimage_reuse");
    let refused = recorded.lightningd.create_invoice(NewInvoice {
        preimage: Some(Preimage([1; 32])),
        ..any_invoice()
    });
    let refused = refused.await.unwrap_err();
    assert!(matches!(refused, LightningError::Rpc { code: 901, .. }));
}

#[tokio::test]
async fn listinvoices() {
    for (name, status) in [
        ("listinvoices_unpaid", Status::Unpaid),
        ("listinvoices_paid", Status::Paid),
        ("listinvoices_expired", Status::Expired),
    ] {
        let recorded = playback(name);
        let found = recorded.lightningd.find_by_label("x".into()).await;
        let found = found.unwrap().unwrap();
        assert_eq!(found.standing.status, status);
        let invoice = Invoice::decode(found.bolt11.as_deref().unwrap()).unwrap();
        assert_eq!(found.standing.amount_msat, invoice.amount_msat);
        assert_eq!(found.standing.paid_at.is_some(), status == Status::Paid);
        assert_eq!(Some(found.description), invoice.description);
        assert_eq!(found.standing.preimage.is_some(), status == Status::Paid);
        if let Some(preimage) = found.standing.preimage {
            assert_eq!(preimage.payment_hash(), found.payment_hash);
        }
    }
    let recorded = playback("listinvoices_unknown");
    let found = recorded
        .lightningd
        .find_by_payment_hash(PaymentHash([0; 32]));
    assert!(found.await.unwrap().is_none());
}

#[tokio::test]
async fn a_page_of_listinvoices() {
    let recorded = playback("listinvoices_page");
    let page = recorded.lightningd.page(1, 2).await.unwrap();
    assert_eq!((page.unreadable, page.next), (0, Some(3)));
    let page = page.entries;
    let indexes: Vec<_> = page.iter().map(|listed| listed.created_index).collect();
    assert_eq!(indexes, [1, 2]);
    assert!(page[0].label.starts_with("nettest-alice-"));
    assert_eq!(page[0].invoice.standing.status, Status::Paid);
}

/// A real page with one entry changed, as a later version of lightningd might have it.
#[tokio::test]
async fn an_entry_that_cannot_be_read_hides_no_other() {
    let unreadable = |entry: usize, field: &'static str| async move {
        let mut page = recorded("listinvoices_page");
        let entry = &mut page["result"]["invoices"][entry];
        entry["status"] = "held".into();
        entry[field] = "?".into();
        played(page).lightningd.page(1, 2).await.unwrap()
    };
    let last = unreadable(1, "status").await;
    assert_eq!(
        (last.entries.len(), last.unreadable, last.next),
        (1, 1, Some(3))
    );
    assert_eq!(last.entries[0].created_index, 1);
    let first = unreadable(0, "created_index").await;
    assert_eq!(
        (first.entries.len(), first.unreadable, first.next),
        (1, 1, Some(3))
    );
    let last = unreadable(1, "created_index").await;
    assert_eq!((last.unreadable, last.next), (1, Some(3)));
}

/// It is there, and must not be told as unknown.
#[tokio::test]
async fn an_invoice_that_cannot_be_read_is_not_unknown() {
    let mut found = recorded("listinvoices_paid");
    found["result"]["invoices"][0]["status"] = "held".into();
    let found = played(found).lightningd.find_by_label("x".into()).await;
    assert!(
        matches!(found, Err(LightningError::Decode { .. })),
        "{found:?}"
    );
}

#[tokio::test]
async fn delinvoice() {
    for (name, expected) in [
        ("delinvoice_expired", true),
        ("delinvoice_unknown", false),
        ("delinvoice_wrong_status", false),
    ] {
        let deleted = playback(name).lightningd.delete_expired("x".into()).await;
        assert_eq!(deleted.unwrap(), expected, "{name}");
    }
}

#[tokio::test]
async fn autoclean_status() {
    let recorded = playback("autoclean_status");
    assert!(!recorded.lightningd.cleans_expired().await.unwrap());
    let recorded = playback("autoclean_status");
    assert_eq!(recorded.lightningd.cleans_paid().await.unwrap(), None);
}

#[tokio::test]
async fn waitanyinvoice() {
    let recorded = playback("waitanyinvoice");
    let mut watch = recorded.lightningd.watch().await.unwrap();
    let payment = watch
        .next_payment(6, Duration::from_secs(1))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(payment.pay_index, 7);
    assert_eq!(payment.standing.status, Status::Paid);
    assert_eq!(
        payment.standing.preimage.unwrap().payment_hash(),
        payment.payment_hash
    );

    let recorded = playback("waitanyinvoice_timeout");
    let mut watch = recorded.lightningd.watch().await.unwrap();
    let nothing = watch.next_payment(6, Duration::from_secs(1)).await;
    assert!(nothing.unwrap().is_none());
}

#[tokio::test]
async fn an_answer_to_another_call_is_not_taken() {
    let recorded = playback("getinfo");
    let found = recorded.lightningd.find_by_label("x".into()).await;
    assert!(
        matches!(found, Err(LightningError::Decode { .. })),
        "{found:?}"
    );
}

//! What was paid opens without lightningd's word, and the owner hears of payments that open nothing.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use shared::api::{INVOICE_PATH, InvoiceStatus, Status};
use shared::claim::Claim;
use shared::lightning::Preimage;
use shared::problem::ErrorCode;
use testing::fake_lightningd::FakeLightningd;
use testing::tools::{TestGateway, l402, metric, options, sold};

async fn refused(gateway: &TestGateway, reason: &str) -> u64 {
    let name = format!("purrwall_purchases_refused_total{{reason=\"{reason}\"}}");
    let metrics = gateway.metrics().await;
    if metrics.contains(&name) {
        metric(&metrics, &name)
    } else {
        0
    }
}

/// Deleted by autoclean or `delinvoice`, or missing in a restored database.
#[tokio::test]
async fn claim_and_preimage_open_after_the_node_deleted_the_invoice() {
    let fake = FakeLightningd::start();
    let created = TestGateway::new(fake.socket()).create("cat").await;
    let bolt11 = &created.invoice.bolt11;
    let preimage = Preimage(fake.is_paid(bolt11));
    fake.deletes(bolt11);

    let gateway = TestGateway::new(fake.socket());
    let claim = l402(&created.claim);
    let alone = gateway.content("cat", &[&claim]).await;
    alone.assert_problem(ErrorCode::UnknownInvoice);
    let detail = alone.problem().detail;
    assert!(
        detail.contains("can no longer be confirmed here"),
        "{detail}"
    );
    let status = gateway.ask_status(&created.claim, 0).await;
    status.assert_problem(ErrorCode::UnknownInvoice);
    assert_eq!(refused(&gateway, "unconfirmed").await, 2);
    assert_eq!(fake.invoices(), 0, "nothing is offered anew");

    let both = format!("{claim}:{}", preimage.to_hex());
    for method in [Method::GET, Method::HEAD] {
        let path = "/api/v1/items/cat/content";
        assert_eq!(
            gateway.ask(method, path, &[&both]).await.status,
            StatusCode::OK
        );
    }
    let status: InvoiceStatus = gateway.get_with(INVOICE_PATH, &[&both]).await.json();
    assert_eq!(
        (status.status, status.preimage),
        (Status::Paid, Some(preimage))
    );
    assert_eq!(refused(&gateway, "unconfirmed").await, 2);
}

/// The macaroon with its signature's last byte changed, as after a change of the secret.
fn forged(claim: &Claim) -> Claim {
    let mut macaroon = claim.macaroon().clone();
    macaroon.signature[31] ^= 1;
    Claim::new(macaroon).unwrap()
}

/// Made with a key that was removed from the secret since, or that was never in it.
#[tokio::test]
async fn a_key_that_was_removed_is_told_apart_from_forgeries_to_the_owner_alone() {
    let fake = FakeLightningd::start();
    let gateway = TestGateway::new(fake.socket());
    let created = gateway.create("cat").await;
    let preimage = Preimage(fake.is_paid(&created.invoice.bolt11)).to_hex();
    let own = format!("{}:{preimage}", l402(&created.claim));
    let rotated = format!("{}\n{}", "22".repeat(32), "11".repeat(32));
    gateway.gateway.replace_secret(&rotated.parse().unwrap());
    assert_eq!(gateway.content("cat", &[&own]).await.status, StatusCode::OK);
    gateway
        .gateway
        .replace_secret(&"22".repeat(32).parse().unwrap());
    let removed = gateway.content("cat", &[&own]).await;
    removed.assert_problem(ErrorCode::InvalidClaim);
    assert_eq!(refused(&gateway, "unknown_key").await, 1);

    gateway.gateway.replace_secret(&rotated.parse().unwrap());
    let forged = format!("{}:{preimage}", l402(&forged(&created.claim)));
    let forged = gateway.content("cat", &[&forged]).await;
    assert_eq!(
        (forged.status, &forged.body),
        (removed.status, &removed.body)
    );
    assert_eq!(refused(&gateway, "not_issued").await, 1);
    assert_eq!(refused(&gateway, "unknown_key").await, 1);
}

#[tokio::test]
async fn the_owner_hears_of_payments_that_are_refused() {
    let fake = FakeLightningd::start();
    let gateway = TestGateway::new(fake.socket());
    let created = gateway.create("cat").await;
    let preimage = Preimage(fake.is_paid(&created.invoice.bolt11)).to_hex();
    let foreign = l402(&forged(&created.claim));
    let own = l402(&created.claim);

    // Nothing says that these were paid.
    for (item, credential) in [("cat", &foreign), ("two-cats", &own)] {
        let answer = gateway.content(item, &[credential]).await;
        answer.assert_problem(ErrorCode::InvalidClaim);
    }
    assert_eq!(refused(&gateway, "not_issued").await, 0);
    assert_eq!(refused(&gateway, "other_item").await, 0);

    for (item, credential) in [("cat", &foreign), ("two-cats", &own)] {
        let credential = format!("{credential}:{preimage}");
        let answer = gateway.content(item, &[&credential]).await;
        answer.assert_problem(ErrorCode::InvalidClaim);
    }
    assert_eq!(refused(&gateway, "not_issued").await, 1);
    assert_eq!(refused(&gateway, "other_item").await, 1);

    // Beside one that opens, no other is refused.
    let both = [format!("{foreign}:{preimage}"), own];
    let both = both.each_ref().map(String::as_str);
    assert_eq!(gateway.content("cat", &both).await.status, StatusCode::OK);
    assert_eq!(refused(&gateway, "not_issued").await, 1);
}

#[tokio::test]
async fn the_owner_hears_of_goods_that_are_gone() {
    let fake = FakeLightningd::start();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("song.txt"), "la la la").unwrap();
    let mut options = options(fake.socket());
    options.catalogue.file = Some(folder.path().join("purrwall.toml"));
    options.catalogue.versions_dir = folder.path().join("goods");
    options.catalogue.items = vec![sold("song", "A song", "song.txt", "5 sat")];
    let gateway = TestGateway::with(options.clone());
    let created = gateway.create("song").await;
    fake.is_paid(&created.invoice.bolt11);
    std::fs::write(folder.path().join("song.txt"), "another song").unwrap();
    std::fs::remove_dir_all(folder.path().join("goods")).unwrap();

    let gateway = TestGateway::with(options);
    let claim = l402(&created.claim);
    let answer = gateway.content("song", &[&claim]).await;
    answer.assert_problem(ErrorCode::Gone);
    let cookie = format!("purrwall-song={}", created.claim.to_base64());
    let page = Request::get("/buy/song").header("cookie", cookie);
    let page = gateway.send(page.body(Body::empty()).unwrap()).await;
    assert_eq!(page.status, StatusCode::GONE);
    assert_eq!(refused(&gateway, "gone").await, 2);
}

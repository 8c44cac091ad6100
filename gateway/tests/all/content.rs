//! The goods, for those who paid, and what everybody else is told.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use shared::api::{CreatedInvoice, content_path};
use shared::claim::Claim;
use shared::content::ContentHash;
use shared::invoice::Invoice;
use shared::lightning::Preimage;
use shared::macaroon::Macaroon;
use shared::problem::ErrorCode;

use testing::fake_lightningd::FakeLightningd;
use testing::tools::{Answer, SECRET, TestGateway, item, l402, new_purchase, options};

const TWO_CATS: &[u8] = include_bytes!("../../cats/two-cats.txt");

/// The macaroon and the invoice of a challenge, whose form is checked to the letter.
#[track_caller]
fn challenge(answer: &Answer) -> (Claim, String) {
    answer.assert_problem(ErrorCode::PaymentRequired);
    let value = answer.header("www-authenticate");
    let rest = value.strip_prefix("L402 macaroon=\"").unwrap();
    let (macaroon, rest) = rest.split_once("\", invoice=\"").unwrap();
    let (bolt11, rest) = rest.split_once("\", ").unwrap();
    assert_eq!(rest, format!("version=\"0\", token=\"{macaroon}\""));
    (macaroon.parse().unwrap(), bolt11.to_owned())
}

#[track_caller]
fn assert_two_cats(answer: &Answer) {
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    assert_eq!(answer.body, TWO_CATS);
}

#[tokio::test]
async fn without_a_credential_the_answer_is_what_to_pay() {
    let fake = FakeLightningd::start();
    let gateway = TestGateway::new(fake.socket());
    let (claim, bolt11) = challenge(&gateway.content("two-cats", &[]).await);
    let invoice = Invoice::decode(&bolt11).unwrap();
    assert_eq!(claim.payment_hash(), invoice.payment_hash);

    let proof = Preimage(fake.is_paid(&bolt11)).to_hex();
    let credential = format!("L402 {}:{proof}", claim.to_base64());
    assert_two_cats(&gateway.content("two-cats", &[&credential]).await);
}

#[tokio::test]
async fn each_question_without_a_credential_has_an_invoice_of_its_own() {
    let fake = FakeLightningd::start();
    let gateway = TestGateway::new(fake.socket());
    let (one, _) = challenge(&gateway.content("cat", &[]).await);
    let (other, _) = challenge(&gateway.content("cat", &["Basic dXNlcjpwYXNz"]).await);
    assert_ne!(one, other);
}

#[tokio::test]
async fn only_get_creates_an_invoice() {
    let fake = FakeLightningd::start();
    let gateway = TestGateway::new(fake.socket());
    let path = content_path(&item("cat"));
    let head = gateway.ask(Method::HEAD, &path, &[]).await;
    assert_eq!(head.status, StatusCode::PAYMENT_REQUIRED);
    assert!(head.body.is_empty());
    gateway.ask(Method::OPTIONS, &path, &[]).await;
    gateway
        .ask(Method::POST, &path, &[])
        .await
        .assert_problem(ErrorCode::MethodNotAllowed);
    gateway
        .content("dog", &[])
        .await
        .assert_problem(ErrorCode::UnknownItem);
    assert_eq!(fake.invoices(), 0);
}

/// No visitor of a foreign page asked for what its pictures, scripts and frames load.
#[tokio::test]
async fn foreign_pages_make_no_invoice_by_what_they_load() {
    let fake = FakeLightningd::start();
    let gateway = TestGateway::new(fake.socket());
    let loads = |mode: &'static str, dest: &'static str| {
        let request = Request::get(content_path(&item("cat")))
            .header("sec-fetch-site", "cross-site")
            .header("sec-fetch-mode", mode)
            .header("sec-fetch-dest", dest)
            .body(Body::empty());
        gateway.send_from("203.0.113.7", request.unwrap())
    };
    for _ in 0..31 {
        let answer = loads("no-cors", "image").await;
        answer.assert_problem(ErrorCode::PaymentRequired);
        assert!(answer.headers.get("www-authenticate").is_none());
    }
    let framed = loads("navigate", "iframe").await;
    framed.assert_problem(ErrorCode::PaymentRequired);
    assert_eq!(fake.invoices(), 0);

    // The visitor's share is whole, and a page that may read the answer has one as well.
    let own = gateway.buys_from("203.0.113.7", "", new_purchase()).await;
    assert_eq!(own.status, StatusCode::CREATED);
    challenge(&loads("cors", "empty").await);
}

#[tokio::test]
async fn the_goods_come_with_what_caches_and_programs_need() {
    let fake = FakeLightningd::start();
    let gateway = TestGateway::new(fake.socket());
    let created = gateway.create("two-cats").await;
    fake.is_paid(&created.invoice.bolt11);
    let answer = gateway.content("two-cats", &[&l402(&created.claim)]).await;
    assert_two_cats(&answer);
    assert_eq!(answer.header("content-type"), "text/plain; charset=utf-8");
    assert_eq!(answer.header("cache-control"), "private, no-store");
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert_eq!(answer.header("content-length"), TWO_CATS.len().to_string());
    let sha256 = ContentHash::of(TWO_CATS);
    assert_eq!(answer.header("etag"), format!("\"{sha256}\""));

    let path = content_path(&item("two-cats"));
    let head = gateway
        .ask(Method::HEAD, &path, &[&l402(&created.claim)])
        .await;
    assert_eq!(head.status, StatusCode::OK);
    assert_eq!(head.header("content-length"), TWO_CATS.len().to_string());
    assert!(head.body.is_empty());
}

#[tokio::test]
async fn an_unpaid_claim_is_told_its_own_invoice_again() {
    let fake = FakeLightningd::start();
    let gateway = TestGateway::new(fake.socket());
    let created = gateway.create("cat").await;
    let (claim, bolt11) = challenge(&gateway.content("cat", &[&l402(&created.claim)]).await);
    assert_eq!(claim, created.claim);
    assert_eq!(bolt11, created.invoice.bolt11);
    assert_eq!(fake.invoices(), 1);
}

#[tokio::test]
async fn an_expired_claim_is_offered_a_new_invoice() {
    let fake = FakeLightningd::start();
    let mut options = options(fake.socket());
    options.store.invoice_expiry_secs = 1;
    let gateway = TestGateway::with(options);
    let created = gateway.create("cat").await;
    gateway.status(&created.claim, 30).await;
    let (_, bolt11) = challenge(&gateway.content("cat", &[&l402(&created.claim)]).await);
    assert_ne!(bolt11, created.invoice.bolt11);
}

/// Who asks for headers alone cannot want an invoice, and several expired claims want but one.
#[tokio::test]
async fn expired_claims_make_no_more_invoices_than_are_asked_for() {
    let fake = FakeLightningd::start();
    let mut options = options(fake.socket());
    options.store.invoice_expiry_secs = 1;
    let gateway = TestGateway::with(options);
    let (one, other) = (gateway.create("cat").await, gateway.create("cat").await);
    gateway.status(&one.claim, 30).await;
    gateway.status(&other.claim, 30).await;

    let expired = [&*l402(&one.claim), &*l402(&other.claim)];
    let path = content_path(&item("cat"));
    let head = gateway.ask(Method::HEAD, &path, &expired).await;
    assert_eq!(head.status, StatusCode::PAYMENT_REQUIRED);
    assert_eq!(fake.invoices(), 2);
    challenge(&gateway.content("cat", &expired).await);
    assert_eq!(fake.invoices(), 3);
}

#[tokio::test]
async fn an_invoice_to_pay_says_more_than_a_claim_that_is_none() {
    let fake = FakeLightningd::start();
    let gateway = TestGateway::new(fake.socket());
    let unpaid = gateway.create("cat").await;
    let credentials = [&*l402(&unpaid.claim), "L402 %%%"];
    let (claim, bolt11) = challenge(&gateway.content("cat", &credentials).await);
    assert_eq!((claim, bolt11), (unpaid.claim, unpaid.invoice.bolt11));
}

#[tokio::test]
async fn claim_and_preimage_need_no_word_of_lightningds() {
    let fake = FakeLightningd::start();
    let gateway = TestGateway::new(fake.socket());
    let created = gateway.create("two-cats").await;
    let proof = Preimage(fake.is_paid(&created.invoice.bolt11)).to_hex();
    fake.goes_away().await;
    for scheme in ["L402", "LSAT", "lsat"] {
        let credential = format!("{scheme} {}:{proof}", created.claim.to_base64());
        assert_two_cats(&gateway.content("two-cats", &[&credential]).await);
    }
    let alone = gateway.content("two-cats", &[&l402(&created.claim)]).await;
    alone.assert_problem(ErrorCode::LightningUnavailable);
}

#[tokio::test]
async fn a_deleted_invoice_still_unlocks_with_its_preimage() {
    let fake = FakeLightningd::start();
    let gateway = TestGateway::new(fake.socket());
    let created = gateway.create("two-cats").await;
    let proof = Preimage(fake.is_paid(&created.invoice.bolt11)).to_hex();
    fake.deletes(&created.invoice.bolt11);
    let alone = gateway.content("two-cats", &[&l402(&created.claim)]).await;
    alone.assert_problem(ErrorCode::UnknownInvoice);
    assert!(alone.problem().detail.contains("preimage"));
    let credential = format!("{}:{proof}", l402(&created.claim));
    assert_two_cats(&gateway.content("two-cats", &[&credential]).await);
}

/// Everyone who saw the QR code knows the payment hash, and routing nodes know the preimage.
#[tokio::test]
async fn payment_hash_and_preimage_unlock_nothing() {
    let fake = FakeLightningd::start();
    let gateway = TestGateway::new(fake.socket());
    let created = gateway.create("two-cats").await;
    let proof = Preimage(fake.is_paid(&created.invoice.bolt11)).to_hex();
    let payment_hash = created.invoice.payment_hash.to_hex();
    for stranger in [
        format!("L402 {payment_hash}"),
        format!("L402 {proof}"),
        format!("L402 :{proof}"),
        format!("L402 {payment_hash}:{proof}"),
        format!("L402 {}:{proof}", forged(&created).to_base64()),
    ] {
        let answer = gateway.content("two-cats", &[&stranger]).await;
        answer.assert_problem(ErrorCode::InvalidClaim);
    }
    let answer = gateway.content("two-cats", &[&proof]).await;
    answer.assert_problem(ErrorCode::PaymentRequired);
}

/// The right identifier and caveats, but signed by somebody without the secret.
fn forged(created: &CreatedInvoice) -> Claim {
    Claim::new(Macaroon {
        signature: SECRET,
        ..created.claim.macaroon().clone()
    })
    .unwrap()
}

#[tokio::test]
async fn a_claim_for_another_item_unlocks_nothing() {
    let fake = FakeLightningd::start();
    let gateway = TestGateway::new(fake.socket());
    let created = gateway.create("cat").await;
    let proof = Preimage(fake.is_paid(&created.invoice.bolt11)).to_hex();
    for credential in [
        l402(&created.claim),
        format!("{}:{proof}", l402(&created.claim)),
    ] {
        let answer = gateway.content("two-cats", &[&credential]).await;
        answer.assert_problem(ErrorCode::InvalidClaim);
    }
    assert_eq!(fake.invoices(), 1);
}

#[tokio::test]
async fn a_preimage_of_another_payment_unlocks_nothing() {
    let fake = FakeLightningd::start();
    let gateway = TestGateway::new(fake.socket());
    let [paid, unpaid] = [gateway.create("cat").await, gateway.create("cat").await];
    let proof = Preimage(fake.is_paid(&paid.invoice.bolt11)).to_hex();
    let mixed = format!("{}:{proof}", l402(&unpaid.claim));
    gateway
        .content("cat", &[&mixed])
        .await
        .assert_problem(ErrorCode::InvalidClaim);
}

#[tokio::test]
async fn of_several_credentials_one_that_is_paid_is_enough() {
    let fake = FakeLightningd::start();
    let gateway = TestGateway::new(fake.socket());
    let unpaid = l402(&gateway.create("two-cats").await.claim);
    let other_item = l402(&gateway.create("cat").await.claim);
    let created = gateway.create("two-cats").await;
    fake.is_paid(&created.invoice.bolt11);
    let paid = l402(&created.claim);
    for credentials in [
        vec![unpaid.as_str(), &other_item, &paid],
        vec!["L402 %%%", &paid],
        vec![&format!("{unpaid}, {paid}")],
        vec![&format!("{paid}, {unpaid}")],
    ] {
        assert_two_cats(&gateway.content("two-cats", &credentials).await);
    }
}

//! Programs that hold one credential for a host, and programs that speak the scheme `Payment`.

use axum::Router;
use axum::body::Body;
use axum::http::header::WWW_AUTHENTICATE;
use axum::http::{Method, Request, StatusCode};
use axum::routing::any;
use purrwall_gateway::{Gateway, Secret};
use shared::api::{content_path, goods_path};
use shared::claim::Claim;
use shared::lightning::Preimage;
use shared::macaroon::Macaroon;
use shared::mpp::{self, Challenge, Receipt};
use shared::problem::ErrorCode;
use tower::ServiceExt as _;

use testing::fake_lightningd::FakeLightningd;
use testing::tools::{Answer, SECRET, TestGateway, item, l402, options, unix_now};

const TWO_CATS: &[u8] = include_bytes!("../../cats/two-cats.txt");

/// What an answer asks for: the claim of its first line, the invoice, and the charge of its second.
#[track_caller]
fn asked(answer: &Answer) -> (Claim, String, Option<Challenge>) {
    answer.assert_problem(ErrorCode::PaymentRequired);
    let lines = answer.headers.get_all(WWW_AUTHENTICATE).iter();
    let lines: Vec<_> = lines.map(|line| line.to_str().unwrap()).collect();
    assert!(lines[0].starts_with("L402 macaroon=\""), "{lines:?}");
    let (claim, bolt11) = purrwall_buyer::challenge::read(lines.iter().copied()).unwrap();
    let charges = lines.iter().flat_map(|line| Challenge::read_all(line));
    let charges: Vec<_> = charges.collect();
    assert_eq!(charges.len(), lines.len() - 1);
    (claim, bolt11, charges.into_iter().next())
}

fn goods(id: &str) -> String {
    goods_path(&item(id))
}

#[tokio::test]
async fn a_claim_for_another_item_is_told_what_to_pay_at_the_goods_own_address() {
    let fake = FakeLightningd::start();
    let gateway = TestGateway::new(fake.socket());
    let (claim, bolt11, _) = asked(&gateway.get(&goods("cat")).await);
    let proof = Preimage(fake.is_paid(&bolt11)).to_hex();
    let paid = format!("{}:{proof}", l402(&claim));
    let cat = gateway.get_with(&goods("cat"), &[&paid]).await;
    assert_eq!(cat.status, StatusCode::OK);

    for credential in [&paid, &l402(&claim)] {
        let answer = gateway.get_with(&goods("two-cats"), &[credential]).await;
        let (other, _, _) = asked(&answer);
        assert_eq!(other.caveats("item").collect::<Vec<_>>(), ["two-cats"]);
        let detail = answer.problem().detail;
        assert!(detail.contains("it is for another item"), "{detail}");
        assert!(detail.contains("/goods/two-cats"), "{detail}");
    }
    assert_eq!(fake.invoices(), 3);
    let metrics = gateway.metrics().await;
    assert!(
        !metrics.contains("purrwall_purchases_refused_total"),
        "{metrics}"
    );

    // At the address of before, such programs would pay again for what they have.
    let before = gateway.content("two-cats", &[&paid]).await;
    before.assert_problem(ErrorCode::InvalidClaim);
    let head = gateway
        .ask(Method::HEAD, &goods("two-cats"), &[&paid])
        .await;
    assert_eq!(head.status, StatusCode::PAYMENT_REQUIRED);
    assert_eq!(fake.invoices(), 3);
}

#[tokio::test]
async fn what_this_store_never_issued_stays_refused() {
    let fake = FakeLightningd::start();
    let gateway = TestGateway::new(fake.socket());
    let (claim, bolt11, _) = asked(&gateway.get(&goods("cat")).await);
    let proof = Preimage(fake.is_paid(&bolt11)).to_hex();
    let forged = Claim::new(Macaroon {
        signature: SECRET,
        ..claim.macaroon().clone()
    });
    let other = format!("{}:{}", l402(&claim), "00".repeat(32));
    let forged = format!("{}:{proof}", l402(&forged.unwrap()));
    for stranger in [&*forged, &other, "L402 %%%"] {
        let answer = gateway.get_with(&goods("cat"), &[stranger]).await;
        answer.assert_problem(ErrorCode::InvalidClaim);
    }
    assert_eq!(fake.invoices(), 1);
    gateway
        .get(&goods("dog"))
        .await
        .assert_problem(ErrorCode::UnknownItem);
}

#[tokio::test]
async fn a_charge_opens_what_its_invoice_was_for_again_and_again() {
    let fake = FakeLightningd::start();
    let gateway = TestGateway::new(fake.socket());
    let ask = Request::get(goods("two-cats")).header("host", "cats.example");
    let answer = gateway.send(ask.body(Body::empty()).unwrap()).await;
    let (claim, bolt11, charge) = asked(&answer);
    let charge = charge.unwrap();
    assert_eq!(charge.realm, "cats.example");
    let request = charge.charge().unwrap();
    assert_eq!((&*request.amount, &*request.currency), ("100", "sat"));
    assert_eq!(request.method_details.invoice, bolt11);
    assert_eq!(request.method_details.payment_hash, claim.payment_hash());

    let proof = Preimage(fake.is_paid(&bolt11));
    let credential = mpp::Credential::for_charge(charge.clone(), proof).to_header();
    // The preimage proves the payment, whatever becomes of the node.
    fake.goes_away().await;
    for path in [goods("two-cats"), content_path(&item("two-cats"))] {
        for scheme in ["Payment", "payment"] {
            let credential = credential.replacen("Payment", scheme, 1);
            let answer = gateway.get_with(&path, &[&credential]).await;
            assert_eq!((answer.status, &*answer.body), (StatusCode::OK, TWO_CATS));
            let receipt = Receipt::read(answer.header("payment-receipt")).unwrap();
            assert_eq!(receipt.challenge_id.as_ref(), Some(&charge.id));
            assert_eq!(receipt.reference, claim.payment_hash().to_hex());
            assert_eq!(
                (&*receipt.status, &*receipt.method),
                ("success", "lightning")
            );
        }
    }
    let l402 = format!("{}:{}", l402(&claim), proof.to_hex());
    let answer = gateway.get_with(&goods("two-cats"), &[&l402]).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(!answer.headers.contains_key("payment-receipt"));
}

#[tokio::test]
async fn a_charge_that_fails_is_always_told_what_to_pay() {
    let fake = FakeLightningd::start();
    let gateway = TestGateway::new(fake.socket());
    let (claim, bolt11, charge) = asked(&gateway.get(&goods("cat")).await);
    let charge = charge.unwrap();
    let proof = Preimage(fake.is_paid(&bolt11));
    let header = |charge: &Challenge, preimage| {
        mpp::Credential::for_charge(charge.clone(), preimage).to_header()
    };
    let cat = header(&charge, proof);
    let unpaid = header(&charge, Preimage([9; 32]));
    let mut forged = charge.clone();
    forged.realm = "elsewhere.example".to_owned();
    let forged = header(&forged, proof);
    let malformed = "Payment e30".to_owned();
    for path in [goods("two-cats"), content_path(&item("two-cats"))] {
        for credential in [
            &cat,
            &unpaid,
            &forged,
            &malformed,
            &"Payment %%%".to_owned(),
        ] {
            let answer = gateway.get_with(&path, &[credential]).await;
            let (fresh, _, _) = asked(&answer);
            assert_ne!(fresh.payment_hash(), claim.payment_hash());
            let detail = answer.problem().detail;
            assert!(detail.contains("does not open them: "), "{detail}");
        }
    }
    // Whatever else is sent beside it, in one header or in two.
    let garbage = format!("L402 %%%, {unpaid}");
    for credentials in [&["L402 %%%", &*unpaid][..], &[&*garbage]] {
        asked(&gateway.get_with(&goods("cat"), credentials).await);
    }
    for credentials in [&["L402 %%%", &*cat][..], &[&*unpaid, &*cat]] {
        let answer = gateway.get_with(&goods("cat"), credentials).await;
        assert_eq!(answer.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn another_sites_script_may_read_the_receipt() {
    let fake = FakeLightningd::start();
    let gateway = TestGateway::new(fake.socket());
    let ask = Request::get(goods("cat")).header("origin", "https://blog.example");
    let answer = gateway.send(ask.body(Body::empty()).unwrap()).await;
    let exposed = answer.header("access-control-expose-headers");
    for name in ["www-authenticate", "payment-receipt"] {
        assert!(exposed.contains(name), "{exposed}");
    }
}

/// A route with a price, over the same node as a store.
fn route(node: &FakeLightningd, price: &str, valid_secs: u64) -> Router {
    let mut options = options(node.socket());
    options.store.invoice_expiry_secs = 2;
    let gateway = Gateway::with(options, &Secret::from_bytes(SECRET)).unwrap();
    let price = gateway.price("words", price.parse().unwrap()).unwrap();
    let price = price.valid_for(std::time::Duration::from_secs(valid_secs));
    Router::new().route("/words", any(|| async { "wise" }).layer(price))
}

async fn ask(route: &Router, credential: Option<&str>) -> Answer {
    let request = Request::get("/words").header("host", "words.example");
    let request = match credential {
        Some(credential) => request.header("authorization", credential),
        None => request,
    };
    let response = route.clone().oneshot(request.body(Body::empty()).unwrap());
    let (parts, body) = response.await.unwrap().into_parts();
    Answer {
        status: parts.status,
        headers: parts.headers,
        body: axum::body::to_bytes(body, usize::MAX).await.unwrap(),
    }
}

#[tokio::test]
async fn a_route_takes_either_scheme_until_its_time_is_over() {
    let node = FakeLightningd::start();
    let route = route(&node, "21 sat", 3);
    let (claim, bolt11, charge) = asked(&ask(&route, None).await);
    let proof = Preimage(node.is_paid(&bolt11));
    let charge = mpp::Credential::for_charge(charge.unwrap(), proof).to_header();
    let l402 = format!("{}:{}", l402(&claim), proof.to_hex());
    for credential in [&l402, &charge] {
        assert_eq!(ask(&route, Some(credential)).await.body, "wise");
    }
    let paid = ask(&route, Some(&charge)).await;
    assert!(paid.headers.contains_key("payment-receipt"));
    let exposed = paid.headers.get_all("access-control-expose-headers");
    assert!(exposed.iter().any(|name| name == "payment-receipt"));

    let until = claim.valid_until().unwrap();
    testing::tools::eventually("the end of the claim", || unix_now() > until).await;
    for credential in [&l402, &charge] {
        let (fresh, _, _) = asked(&ask(&route, Some(credential)).await);
        assert_ne!(fresh, claim);
    }
    // A claim for an item is this gateway's, too, but it is for something else.
    let store = TestGateway::new(node.socket());
    let item = store.create("cat").await;
    asked(&ask(&route, Some(&testing::tools::l402(&item.claim))).await);
}

#[tokio::test]
async fn a_part_of_a_satoshi_is_asked_for_by_l402_alone() {
    let node = FakeLightningd::start();
    let route = route(&node, "1500 msat", 60);
    let (_, _, charge) = asked(&ask(&route, None).await);
    assert_eq!(charge, None);
}

#[tokio::test]
async fn programs_find_what_to_pay_at_the_page_for_people() {
    let node = FakeLightningd::start();
    let gateway = TestGateway::nested(node.socket(), "/shop");
    let ask = |accept: &'static str, credential: Option<String>| {
        let mut request = Request::get("/shop/buy/two-cats").header("accept", accept);
        if let Some(credential) = credential {
            request = request.header("authorization", credential);
        }
        gateway.send(request.body(Body::empty()).unwrap())
    };
    let page = ask("text/html,application/xhtml+xml,*/*;q=0.8", None).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.header("content-type").starts_with("text/html"));
    let page = String::from_utf8_lossy(&page.body).into_owned();
    assert!(page.contains("<link rel=\"service-desc\" href=\"/shop/openapi.json\">"));
    assert_eq!(node.invoices(), 0);

    let answer = ask("*/*", None).await;
    assert!(
        answer.problem().detail.contains(" /shop/goods/two-cats"),
        "{answer:?}"
    );
    let (claim, bolt11, _) = asked(&answer);
    let proof = Preimage(node.is_paid(&bolt11)).to_hex();
    let paid = ask("*/*", Some(format!("{}:{proof}", l402(&claim)))).await;
    assert_eq!((paid.status, &*paid.body), (StatusCode::OK, TWO_CATS));
}

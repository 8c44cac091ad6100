//! Making invoices, and what the gateway does while lightningd goes wrong.

use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use serde_json::json;
use shared::api::{CreatedInvoice, PurchaseId, STORE_PATH, Store, invoices_path};
use shared::content::commitment;
use shared::invoice::{Invoice, Terms, check};
use shared::lightning::{Msat, Network};
use shared::problem::ErrorCode;

use testing::fake_lightningd::{FakeLightningd, Fault};
use testing::tools::{TestGateway, item, new_purchase, options};

#[tokio::test]
async fn the_store_says_who_it_is_and_what_it_sells() {
    let fake = FakeLightningd::start();
    let gateway = TestGateway::new(fake.socket());
    let store: Store = gateway.get(STORE_PATH).await.json();
    assert_eq!(store.name, "Test store");
    assert_eq!(store.network, Network::Regtest);
    let ids: Vec<_> = store.items.iter().map(|item| item.id.as_str()).collect();
    assert_eq!(ids, ["cat", "two-cats"]);
    assert!(
        store
            .items
            .iter()
            .all(|item| item.price_msat == Msat(100_000))
    );
}

#[tokio::test]
async fn a_new_invoice_passes_every_check_of_the_buyers() {
    let fake = FakeLightningd::start();
    let gateway = TestGateway::new(fake.socket());
    let store: Store = gateway.get(STORE_PATH).await.json();
    let two_cats = &store.items[1];
    let created = gateway.create("two-cats").await;

    let invoice = Invoice::decode(&created.invoice.bolt11).unwrap();
    check(
        &invoice,
        created.claim.payment_hash(),
        &Terms::of(&store, two_cats).expected(),
    )
    .unwrap();
    let details = &created.invoice;
    assert_eq!(details.payment_hash, invoice.payment_hash);
    assert_eq!(details.amount_msat, Msat(100_000));
    assert_eq!(commitment(&details.description), Some(two_cats.sha256));
    assert_eq!(details.expires_at - details.created_at, 600);
    assert_eq!(details.expires_at, invoice.expires_at);
}

#[tokio::test]
async fn lightningd_is_told_label_and_expiry() {
    let fake = FakeLightningd::start();
    let gateway = TestGateway::new(fake.socket());
    gateway.create("two-cats").await;
    let calls = fake.calls("invoice");
    let label = calls[0]["label"].as_str().unwrap();
    let token_id = label.strip_prefix("purrwall/store/two-cats/").unwrap();
    let is_base64url = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    assert!(token_id.len() == 43 && token_id.bytes().all(is_base64url));
    assert_eq!(calls[0]["expiry"], 600);
}

#[tokio::test]
async fn the_same_purchase_finds_its_invoice_whatever_became_of_it() {
    let fake = FakeLightningd::start();
    let gateway = TestGateway::new(fake.socket());
    let purchase_id = new_purchase();
    let first = gateway.ask_invoice("cat", purchase_id).await;
    assert_eq!(first.status, StatusCode::CREATED);
    let created: CreatedInvoice = first.json();
    let again = gateway.ask_invoice("cat", purchase_id).await;
    assert_eq!(again.status, StatusCode::OK);
    assert_eq!(again.json::<CreatedInvoice>(), created);

    fake.is_paid(&created.invoice.bolt11);
    let paid = gateway.ask_invoice("cat", purchase_id).await;
    assert_eq!(paid.status, StatusCode::OK);
    assert_eq!(paid.json::<CreatedInvoice>(), created);
    assert_eq!(fake.invoices(), 1);
}

#[tokio::test]
async fn two_requests_at_once_for_one_purchase_make_one_invoice() {
    let fake = FakeLightningd::start();
    let gateway = TestGateway::new(fake.socket());
    let purchase_id = new_purchase();
    let (one, other) = tokio::join!(
        gateway.ask_invoice("cat", purchase_id),
        gateway.ask_invoice("cat", purchase_id),
    );
    let mut statuses = [one.status, other.status];
    statuses.sort();
    assert_eq!(statuses, [StatusCode::OK, StatusCode::CREATED]);
    assert_eq!(one.json::<CreatedInvoice>(), other.json());
    assert_eq!(fake.invoices(), 1);
}

#[tokio::test]
async fn another_item_or_purchase_is_another_invoice() {
    let fake = FakeLightningd::start();
    let gateway = TestGateway::new(fake.socket());
    let purchase_id = PurchaseId([7; 16]);
    let cat: CreatedInvoice = gateway.ask_invoice("cat", purchase_id).await.json();
    let cats: CreatedInvoice = gateway.ask_invoice("two-cats", purchase_id).await.json();
    let other: CreatedInvoice = gateway.ask_invoice("cat", PurchaseId([8; 16])).await.json();
    assert_ne!(cat.claim, cats.claim);
    assert_ne!(cat.claim, other.claim);
    assert_eq!(fake.invoices(), 3);
}

#[tokio::test]
async fn a_restarted_gateway_finds_the_same_invoice_and_claim() {
    let fake = FakeLightningd::start();
    let purchase_id = new_purchase();
    let ask = async || {
        let gateway = TestGateway::new(fake.socket());
        gateway
            .ask_invoice("cat", purchase_id)
            .await
            .json::<CreatedInvoice>()
    };
    assert_eq!(ask().await, ask().await);
}

#[tokio::test]
async fn requests_of_another_form_are_named() {
    let fake = FakeLightningd::start();
    let gateway = TestGateway::new(fake.socket());
    let path = invoices_path(&item("cat"));
    let bad = [
        "",
        "{}",
        "[]",
        r#"{"purchase_id": 5}"#,
        r#"{"purchase_id": "00ff"}"#,
        r#"{"purchase_id": "zz0102030405060708090a0b0c0d0e0f"}"#,
    ];
    for body in bad {
        let answer = gateway.post(&path, body).await;
        answer.assert_problem(ErrorCode::InvalidRequest);
    }
    let as_text = Request::post(&path).body(Body::from("{}")).unwrap();
    let answer = gateway.send(as_text).await;
    answer.assert_problem(ErrorCode::InvalidRequest);
    assert!(answer.problem().detail.contains("Content-Type"));

    let large = gateway.post(&path, " ".repeat(5000)).await;
    large.assert_problem(ErrorCode::TooLarge);
    let dog = gateway.ask_invoice("dog", new_purchase()).await;
    dog.assert_problem(ErrorCode::UnknownItem);
    let odd = gateway.post("/api/v1/items/%FF/invoices", "{}").await;
    odd.assert_problem(ErrorCode::NotFound);
    let wrong_method = gateway.get(&path).await;
    wrong_method.assert_problem(ErrorCode::MethodNotAllowed);
    gateway
        .get("/api/v1/nothing")
        .await
        .assert_problem(ErrorCode::NotFound);
    assert_eq!(fake.invoices(), 0);
}

#[tokio::test]
async fn while_lightningd_is_away_the_answer_is_503_and_then_all_is_well() {
    let fake = FakeLightningd::start();
    let gateway = TestGateway::new(fake.socket());
    gateway.create("cat").await;
    fake.goes_away().await;
    let answer = gateway.ask_invoice("cat", new_purchase()).await;
    answer.assert_problem(ErrorCode::LightningUnavailable);
    assert_eq!(answer.header("retry-after"), "2");
    let text = String::from_utf8(answer.body.to_vec()).unwrap();
    assert!(
        !text.contains("lightning-rpc"),
        "strangers see no paths: {text}"
    );

    fake.comes_back();
    gateway.create("cat").await;
}

#[tokio::test]
async fn a_gateway_may_start_before_lightningd() {
    let fake = FakeLightningd::start();
    fake.goes_away().await;
    let gateway = TestGateway::new(fake.socket());
    gateway
        .get(STORE_PATH)
        .await
        .assert_problem(ErrorCode::LightningUnavailable);
    fake.comes_back();
    assert_eq!(gateway.get(STORE_PATH).await.status, StatusCode::OK);
}

#[tokio::test]
async fn connections_that_a_restart_cut_are_not_used_again() {
    let fake = FakeLightningd::start();
    let gateway = TestGateway::new(fake.socket());
    let many = (0..8).map(|_| gateway.create("cat"));
    for created in many {
        created.await;
    }
    fake.goes_away().await;
    fake.comes_back();
    gateway.create("cat").await;
    gateway.create("cat").await;
}

#[tokio::test]
async fn a_lightningd_that_hangs_is_given_up_at_the_deadline() {
    let fake = FakeLightningd::start();
    fake.goes_wrong("invoice", Fault::Hangs);
    let mut options = options(fake.socket());
    options.timing.call_deadline = Duration::from_millis(500);
    let gateway = TestGateway::with(options);
    let answer = gateway.ask_invoice("cat", new_purchase()).await;
    answer.assert_problem(ErrorCode::LightningUnavailable);
}

#[tokio::test]
async fn a_slow_call_delays_no_other() {
    let fake = FakeLightningd::start();
    let gateway = TestGateway::new(fake.socket());
    let created = gateway.create("cat").await;
    fake.goes_wrong("invoice", Fault::Slow(Duration::from_secs(5)));
    let slow = {
        let gateway = gateway.clone();
        tokio::spawn(async move { gateway.create("cat").await })
    };
    gateway.status(&created.claim, 0).await;
    assert!(!slow.is_finished());
    slow.await.unwrap();
}

#[tokio::test]
async fn answers_that_make_no_sense_are_no_invoices() {
    let faults = [
        Fault::Says("hello}\n\n"),
        Fault::Says(
            "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32600,\"message\":\"?\"}}\n\n",
        ),
        Fault::Says("{\"jsonrpc\":\"2.0\",\"id\":\"another\",\"result\":{}}\n\n"),
        Fault::Says("{\"jsonrpc\":\"2.0\"}\n\n"),
        Fault::Says("\u{0}\u{1}\n\n"),
        Fault::HangsUp,
        Fault::Error(-1),
        Fault::Error(-32601),
    ];
    let fake = FakeLightningd::start();
    let gateway = TestGateway::new(fake.socket());
    for fault in faults {
        fake.goes_wrong("invoice", fault);
        let answer = gateway.ask_invoice("cat", new_purchase()).await;
        answer.assert_problem(ErrorCode::LightningUnavailable);
        fake.recovers();
        gateway.create("cat").await;
    }
}

#[tokio::test]
async fn a_label_that_exists_but_is_not_found_is_our_mistake() {
    let fake = FakeLightningd::start();
    fake.goes_wrong("invoice", Fault::Error(900));
    let gateway = TestGateway::new(fake.socket());
    let answer = gateway.ask_invoice("cat", new_purchase()).await;
    answer.assert_problem(ErrorCode::Internal);
}

#[tokio::test]
async fn readiness_says_what_is_wrong_and_how_to_mend_it() {
    let fake = FakeLightningd::start();
    let mut options = options(fake.socket());
    // The remedies are those for a socket.
    options.nodes = vec![fake.socket().into()];
    options.timing.call_deadline = Duration::from_secs(5);
    let gateway = TestGateway::with(options);
    let ready = gateway.get_as_operator("/readyz").await;
    let ready: serde_json::Value = ready.json();
    assert_eq!(ready["ready"], true);
    assert_eq!(ready["network"], "regtest");
    assert_eq!(ready["node_id"].as_str().unwrap().len(), 66);

    fake.goes_away().await;
    check_not_ready(&gateway, "refused", "still starting").await;
    std::fs::remove_file(fake.socket()).unwrap();
    check_not_ready(&gateway, "No such file", "--lightning-rpc").await;
    fake.comes_back();
    fake.goes_wrong("getinfo", Fault::Hangs);
    check_not_ready(&gateway, "did not answer `getinfo`", "log").await;
    fake.goes_wrong("getinfo", Fault::Says("hello\n\n"));
    check_not_ready(&gateway, "another form", "Core Lightning").await;
    assert_eq!(gateway.get("/healthz").await.status, StatusCode::OK);
}

#[tokio::test]
async fn another_network_than_the_configured_one_sells_nothing() {
    let fake = FakeLightningd::start();
    fake.is_on("signet");
    let mut options = options(fake.socket());
    options.network = Some(Network::Bitcoin);
    let gateway = TestGateway::with(options);
    check_not_ready(&gateway, "lightningd is on signet", "restart").await;
    let answer = gateway.ask_invoice("cat", new_purchase()).await;
    answer.assert_problem(ErrorCode::LightningUnavailable);
    gateway
        .get(STORE_PATH)
        .await
        .assert_problem(ErrorCode::LightningUnavailable);
    assert_eq!(fake.invoices(), 0);
}

async fn check_not_ready(gateway: &TestGateway, problem: &str, remedy: &str) {
    let answer = gateway.get_as_operator("/readyz").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    let told: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(told["ready"], json!(false));
    assert!(
        told["problem"].as_str().unwrap().contains(problem),
        "{told}"
    );
    assert!(told["remedy"].as_str().unwrap().contains(remedy), "{told}");
}

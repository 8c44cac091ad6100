//! What programs are told that know nothing but the store's address.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use serde_json::{Value, json};
use shared::problem::ErrorCode;

use testing::fake_lightningd::FakeLightningd;
use testing::tools::{TestGateway, options, sold};

const PATH: &str = "/.well-known/l402.json";

fn service(item: &str, title: &str) -> Value {
    json!({
        "name": item,
        "description": title,
        "resources": [{
            "path": format!("/goods/{item}"),
            "method": "GET",
            "pricing": {"model": "fixed", "price_msat": 100_000},
        }],
    })
}

#[tokio::test]
async fn the_manifest_names_the_store_and_what_it_sells() {
    let fake = FakeLightningd::start();
    let gateway = TestGateway::new(fake.socket());
    let request = Request::get(PATH).header("host", "cats.example");
    let answer = gateway.send(request.body(Body::empty()).unwrap()).await;
    let mut manifest: Value = answer.json();
    let store: Value = gateway.get("/api/v1/store").await.json();
    for (service, item) in manifest["services"]
        .as_array_mut()
        .unwrap()
        .iter_mut()
        .zip(store["items"].as_array().unwrap())
    {
        let (title, teaser) = (&item["title"], &item["teaser"]);
        let description = service["description"].take();
        let expected = format!("{}: {}", title.as_str().unwrap(), teaser.as_str().unwrap());
        assert_eq!(description, expected);
        service["description"] = title.clone();
    }
    let caveats = manifest.as_object_mut().unwrap().remove("caveats").unwrap();
    assert_eq!(
        manifest,
        json!({
            "version": "1.0",
            "provider": {
                "name": "Test store",
                "uri": "http://cats.example",
                "node_pubkey": store["node_id"],
            },
            "currencies": ["msat"],
            "macaroon_versions": [0],
            "payment_methods": ["bolt11"],
            "openapi": "/api/openapi.json",
            "services": [service("cat", "A cat"), service("two-cats", "Two cats")],
        })
    );
    assert_eq!(caveats["item"]["type"], "string");
    assert_eq!(caveats["valid_until"]["type"], "timestamp");
    assert_eq!(fake.invoices(), 0);
}

#[tokio::test]
async fn paths_begin_where_the_store_is() {
    let fake = FakeLightningd::start();
    let nested = TestGateway::nested(fake.socket(), "/deep/shop");
    let request = Request::get(["/deep/shop", PATH].concat()).header("host", "cats.example");
    let answer = nested.send(request.body(Body::empty()).unwrap()).await;
    check_place(
        &answer.json(),
        "http://cats.example/deep/shop",
        "/deep/shop",
    );

    let mut options = options(fake.socket());
    options.store.public_url = Some("https://cats.example/shop".into());
    let proxied = TestGateway::with(options).get(PATH).await;
    check_place(&proxied.json(), "https://cats.example/shop", "/shop");
}

#[track_caller]
fn check_place(manifest: &Value, uri: &str, base: &str) {
    assert_eq!(manifest["provider"]["uri"], uri);
    let openapi = format!("{base}/api/openapi.json");
    assert_eq!(manifest["openapi"], openapi);
    let goods = format!("{base}/goods/cat");
    assert_eq!(manifest["services"][0]["resources"][0]["path"], goods);
}

#[tokio::test]
async fn the_manifest_is_for_every_origin_and_for_caches() {
    let fake = FakeLightningd::start();
    let gateway = TestGateway::new(fake.socket());
    let request = Request::get(PATH).header("origin", "https://blog.example");
    let answer = gateway.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("cache-control"), "public, max-age=60");
    assert!(
        answer
            .headers
            .get_all("vary")
            .iter()
            .any(|vary| vary == "Host")
    );
    let post = gateway.ask(Method::POST, PATH, &[]).await;
    assert_eq!(post.status, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn without_a_node_there_is_nothing_to_sell() {
    let gateway = TestGateway::new("/nonexistent");
    let answer = gateway.get(PATH).await;
    answer.assert_problem(ErrorCode::LightningUnavailable);
    assert!(!answer.headers.contains_key("cache-control"));
}

#[tokio::test]
async fn an_item_without_a_teaser_has_its_title_alone() {
    let fake = FakeLightningd::start();
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("song.txt"), "la").unwrap();
    let mut options = options(fake.socket());
    options.catalogue.file = Some(dir.path().join("purrwall.toml"));
    options.catalogue.versions_dir = dir.path().join("kept");
    options
        .catalogue
        .items
        .push(sold("song", "A song", "song.txt", "1500 msat"));
    let gateway = TestGateway::with(options);
    let manifest: Value = gateway.get(PATH).await.json();
    assert_eq!(manifest["services"][0]["description"], "A song");
    let directory: Value = gateway.get("/.well-known/l402-services").await.json();
    let pricing = json!({"amount": 1500, "currency": "msat", "type": "fixed"});
    assert_eq!(directory["services"][0]["pricing"], pricing);
    let document: Value = gateway.get("/openapi.json").await.json();
    let offers = &document["paths"]["/goods/song"]["get"]["x-payment-info"]["offers"];
    let l402 = json!([{
        "scheme": "L402",
        "intent": "charge",
        "method": "lightning",
        "amount": "1500",
        "currency": "msat",
        "description": "A song",
    }]);
    assert_eq!(*offers, l402);
}

#[tokio::test]
async fn the_directory_and_the_words_lead_to_the_goods() {
    let fake = FakeLightningd::start();
    let gateway = TestGateway::nested(fake.socket(), "/shop");
    let ask = |path: &str| {
        let request = Request::get(path).header("host", "cats.example");
        gateway.send(request.body(Body::empty()).unwrap())
    };
    let directory: Value = ask("/shop/.well-known/l402-services").await.json();
    assert_eq!(directory["homepage"], "http://cats.example/shop");
    let two_cats = &directory["services"][1];
    let address = "http://cats.example/shop/goods/two-cats";
    assert_eq!(
        (&two_cats["id"], &two_cats["endpoint"]),
        (&json!("two-cats"), &json!(address))
    );
    let pricing = json!({"amount": 100, "currency": "sat", "type": "fixed"});
    assert_eq!(two_cats["pricing"], pricing);

    let words = ask("/shop/llms.txt").await;
    assert_eq!(words.header("content-type"), "text/markdown; charset=utf-8");
    let words = String::from_utf8(words.body.to_vec()).unwrap();
    for told in [
        "# Test store\n",
        "`GET http://cats.example/shop/goods/ITEM` answers `402`",
        "`Authorization: L402 <macaroon>:<preimage>`",
        "(http://cats.example/shop/goods/two-cats): 100 sat, text/plain",
        "(http://cats.example/shop/openapi.json)",
    ] {
        assert!(words.contains(told), "{told} in {words}");
    }
    assert_eq!(fake.invoices(), 0);
}

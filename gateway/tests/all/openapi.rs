//! The API's description of itself, held against the routes and against live answers.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use axum::http::Method;
use purrwall_gateway::options::{RouteOptions, Timing};
use serde_json::{Value, json};
use shared::problem::ErrorCode;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use testing::fake_lightningd::FakeLightningd;
use testing::nodes::{nodes, pay, run};
use testing::tools::{TestGateway, forecast, l402, npm, options, python, skipped};

const SETTINGS: &str = include_str!("../schemathesis.toml");
const PATH: &str = "/api/openapi.json";

/// Every route that programs use; the plain page and the files are for browsers.
const ROUTES: [(&str, &str); 20] = [
    ("get", "/.well-known/l402-services"),
    ("get", "/.well-known/l402.json"),
    ("get", "/.well-known/lnurlp/{item}"),
    ("get", PATH),
    ("get", "/api/v1/invoice"),
    ("get", "/api/v1/items/{item}/codes/{metadata}"),
    ("get", "/api/v1/items/{item}/content"),
    ("get", "/api/v1/items/{item}/payments/{tag}"),
    ("get", "/api/v1/items/{item}/preview"),
    ("get", "/api/v1/manifest"),
    ("get", "/api/v1/sealed/{ct}"),
    ("get", "/api/v1/store"),
    ("get", "/goods/cat"),
    ("get", "/goods/two-cats"),
    ("get", "/goods/{item}"),
    ("get", "/healthz"),
    ("get", "/llms.txt"),
    ("get", "/readyz"),
    ("post", "/api/v1/items/{item}/invoices"),
    ("post", "/api/v1/verify"),
];

async fn document() -> Value {
    let fake = FakeLightningd::start();
    TestGateway::new(fake.socket()).get(PATH).await.json()
}

#[tokio::test]
async fn every_route_of_the_api_is_described() {
    let document = document().await;
    assert_eq!(document["openapi"], "3.1.0");
    let described: BTreeSet<_> = document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, methods)| {
            let methods = methods.as_object().unwrap().keys();
            methods.map(move |method| (method.as_str(), path.as_str()))
        })
        .collect();
    assert_eq!(described, BTreeSet::from(ROUTES));
}

#[tokio::test]
async fn what_is_described_is_served() {
    let fake = FakeLightningd::start();
    let gateway = TestGateway::new(fake.socket());
    for (method, path) in ROUTES {
        let method = method.to_uppercase().parse().unwrap();
        let path = path.replace("{item}", "cat");
        let status = gateway.ask(method, &path, &[]).await.status.as_u16();
        // The built-in cats have no preview, and are not sealed.
        let is_there = path.ends_with("/preview") || path.contains("/sealed/") || status != 404;
        assert!(is_there && status != 405, "{path}: {status}");
    }
}

#[tokio::test]
async fn every_kind_of_problem_is_described_and_so_is_the_credential() {
    let document = document().await;
    let components = &document["components"];
    let responses = components["responses"].as_object().unwrap();
    let mut told: String = responses
        .values()
        .map(|response| response["description"].as_str().unwrap())
        .collect();
    told.push_str(document["info"]["description"].as_str().unwrap());
    for code in ErrorCode::ALL {
        assert!(told.contains(&format!("`{}`", code.name())), "{code:?}");
    }
    let scheme = &components["securitySchemes"]["L402"];
    assert_eq!(scheme["name"], "Authorization");
    let content = &document["paths"]["/api/v1/items/{item}/content"]["get"];
    assert_eq!(
        content["security"],
        json!([{}, {"L402": []}, {"Payment": []}])
    );
}

#[tokio::test]
async fn its_addresses_begin_where_the_store_is_nested() {
    let fake = FakeLightningd::start();
    let gateway = TestGateway::nested(fake.socket(), "/deep/shop");
    let document: Value = gateway.get("/deep/shop/api/openapi.json").await.json();
    assert_eq!(document["servers"], json!([{"url": "/deep/shop"}]));
    assert_eq!(self::document().await["servers"], json!([{"url": "/"}]));
}

#[tokio::test]
async fn each_item_says_what_has_to_be_paid_and_how() {
    let document = document().await;
    let goods = &document["paths"]["/goods/two-cats"]["get"];
    let offers = goods["x-payment-info"]["offers"].as_array().unwrap();
    let told: Vec<_> = offers
        .iter()
        .map(|offer| ["scheme", "method", "intent", "amount", "currency"].map(|key| &offer[key]))
        .collect();
    let expected = ["Payment", "L402"]
        .map(|scheme| [scheme, "lightning", "charge", "100", "sat"].map(Value::from));
    assert_eq!(told, expected.each_ref().map(<[Value; 5]>::each_ref));
    assert!(goods["responses"].get("402").is_some());
    for path in ["/goods/{item}", "/api/v1/items/{item}/content"] {
        let info = &document["paths"][path]["get"]["x-payment-info"];
        assert_eq!(info["offers"][0]["amount"], Value::Null);
    }
    assert!(document["x-service-info"]["docs"]["llms"].is_string());
    let fake = FakeLightningd::start();
    let root: Value = TestGateway::new(fake.socket())
        .get("/openapi.json")
        .await
        .json();
    assert_eq!(root, document);
}

/// Programs that make clients, and those that judge, read the description as well.
#[test]
fn other_programs_accept_the_description() {
    let fake_document = run_document();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("openapi.json");
    fs::write(&path, fake_document).unwrap();
    let Some(validator) = python("openapi-spec-validator") else {
        return skipped("there is no openapi-spec-validator");
    };
    accepts(Command::new(validator).arg(&path));
    for (name, arguments) in [
        // What every operation may answer is said once, at the top; and an item's own operation is one of
        // those that `/goods/{item}` means.
        (
            "redocly",
            &[
                "lint",
                "--extends",
                "recommended-strict",
                "--skip-rule",
                "operation-4xx-response",
                "--skip-rule",
                "no-ambiguous-paths",
            ][..],
        ),
        ("openapi-typescript", &["--output", "api.ts"]),
    ] {
        let Some(program) = npm(name) else {
            return skipped(&format!("there is no {name}"));
        };
        let mut command = Command::new(program);
        let (verb, options) = arguments.split_at(usize::from(name == "redocly"));
        command
            .args(verb)
            .arg(&path)
            .args(options)
            .current_dir(dir.path());
        // It would ask its maker for a newer version.
        accepts(
            command
                .env("REDOCLY_SUPPRESS_UPDATE_NOTICE", "true")
                .env("REDOCLY_TELEMETRY", "off"),
        );
    }
    let types = fs::read_to_string(dir.path().join("api.ts")).unwrap();
    for path in ["/goods/two-cats", "/forecast", "/forecast/{below}"] {
        assert!(types.contains(&format!("\"{path}\"")), "{types}");
    }
}

/// Of a store that sells a service, too.
fn run_document() -> Vec<u8> {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let answer = runtime.block_on(async {
        let fake = FakeLightningd::start();
        let mut options = options(fake.socket());
        options.routes.push(RouteOptions {
            methods: vec![Method::GET, Method::POST],
            free: Vec::new(),
            ..forecast()
        });
        TestGateway::with(options).get(PATH).await
    });
    answer.body.to_vec()
}

#[track_caller]
fn accepts(command: &mut Command) {
    let done = command.output().unwrap();
    let said = [&*done.stdout, &*done.stderr].concat();
    assert!(
        done.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&said)
    );
}

/// Schemathesis makes requests of every kind that the description allows, and many that it forbids,
/// and checks each answer against it. Once as a stranger, once as somebody who has paid for the cat.
#[test]
fn live_answers_are_as_described() {
    let Some(program) = python("schemathesis") else {
        return skipped("there is no schemathesis");
    };
    run(async {
        let nodes = nodes().await;
        let mut options = options(&nodes.store);
        options.timing = Timing::default();
        let gateway = TestGateway::with(options);
        let created = gateway.create("cat").await;
        pay(&nodes.alice, &created.invoice.bolt11).await;

        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (close, closed) = oneshot::channel::<()>();
        let server = tokio::spawn(gateway.gateway.serve(listener, async {
            closed.await.ok();
        }));
        let claim = format!("Authorization: {}", l402(&created.claim));
        let of_the_cat = "\n[parameters]\nitem = \"cat\"\n";
        let dir = tempfile::tempdir().unwrap();
        let settings = dir.path().join("schemathesis.toml");
        for (more, credential) in [("", &[][..]), (of_the_cat, &["--header", &claim])] {
            fs::write(&settings, [SETTINGS, more].concat()).unwrap();
            let checked = tokio::process::Command::new(&program)
                .arg("--config-file")
                .arg(&settings)
                .args(["run", "--no-color", "--generation-deterministic"])
                .args(["--max-examples", "20", "--request-timeout", "60"])
                .args(credential)
                // Where it keeps what it found.
                .current_dir(dir.path())
                .arg([&url, PATH].concat())
                .output()
                .await
                .unwrap();
            let said = String::from_utf8_lossy(&checked.stdout);
            assert!(checked.status.success(), "{said}{checked:?}");
            // All but the description itself.
            let tested = format!("Tested: {}", ROUTES.len() - 1);
            assert!(said.contains(&tested), "{said}");
        }
        close.send(()).unwrap();
        server.await.unwrap();
    });
}

//! What browsers load, and what other sites may use.

use std::fs;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use shared::api::{INVOICE_PATH, STORE_PATH};
use shared::problem::ErrorCode;
use tempfile::TempDir;

use testing::fake_lightningd::FakeLightningd;
use testing::tools::{Answer, TestGateway, options};

const INDEX: &str = "<!doctype html><html><head><title>t</title></head></html>";

struct Page {
    _dir: TempDir,
    gateway: TestGateway,
}

fn page(webln_script: Option<&str>) -> Page {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("index.html"), INDEX).unwrap();
    for (name, content) in [
        ("app-0123456789abcdef_bg.wasm", "wasm"),
        ("app-0123456789abcdef.js", "script"),
        ("app-0123456789abcdef.js.br", "brotli"),
        ("app-0123456789abcdef.js.gz", "gzip"),
    ] {
        fs::write(dir.path().join(name), content).unwrap();
    }
    let mut options = options("/nonexistent");
    // A page of this name is served as it was built.
    "Purrwall".clone_into(&mut options.store.name);
    options.page.dir = Some(dir.path().to_owned());
    options.page.webln_script = webln_script.map(str::to_owned);
    Page {
        gateway: TestGateway::with(options),
        _dir: dir,
    }
}

impl Page {
    async fn load(&self, path: &str, encodings: &str) -> Answer {
        let request = Request::get(path).header("accept-encoding", encodings);
        self.gateway
            .send(request.body(Body::empty()).unwrap())
            .await
    }
}

#[tokio::test]
async fn the_page_is_asked_for_each_time_and_its_parts_once() {
    let page = page(None);
    for path in ["/", "/index.html"] {
        let index = page.load(path, "").await;
        assert_eq!(index.body, INDEX);
        assert_eq!(index.header("content-type"), "text/html");
        assert_eq!(index.header("cache-control"), "no-cache");
    }
    let wasm = page.load("/app-0123456789abcdef_bg.wasm", "").await;
    assert_eq!(wasm.header("content-type"), "application/wasm");
    let forever = "public, max-age=31536000, immutable";
    assert_eq!(wasm.header("cache-control"), forever);
    assert_eq!(wasm.header("x-content-type-options"), "nosniff");
    assert_eq!(wasm.header("referrer-policy"), "no-referrer");
    assert_eq!(wasm.header("access-control-allow-origin"), "*");

    let none = page.load("/app-fedcba9876543210.js", "").await;
    none.assert_problem(ErrorCode::NotFound);
    assert_eq!(none.header("cache-control"), "no-cache");
}

#[tokio::test]
async fn compressed_copies_are_sent_to_who_can_read_them() {
    let page = page(None);
    for (encodings, body) in [("", "script"), ("gzip", "gzip"), ("gzip, br", "brotli")] {
        let script = page.load("/app-0123456789abcdef.js", encodings).await;
        assert_eq!(script.body, body);
        assert_eq!(script.header("content-type"), "text/javascript");
    }
}

#[tokio::test]
async fn a_wallet_for_development_is_put_before_everything_else() {
    let page = page(Some("http://127.0.0.1:1/webln.js?node=\"alice\"&x"));
    for path in ["/", "/index.html"] {
        let index = page.load(path, "br").await;
        let text = String::from_utf8(index.body.to_vec()).unwrap();
        let script = "<head><script src=\"http://127.0.0.1:1/webln.js?node=&quot;alice&quot;&amp;x\"></script><title>";
        assert!(text.contains(script), "{text}");
        assert_eq!(index.header("cache-control"), "no-cache");
    }
}

#[tokio::test]
async fn nothing_outside_the_folder_is_served() {
    let page = page(None);
    for path in [
        "/../Cargo.toml",
        "/%2e%2e/Cargo.toml",
        "/..%2fCargo.toml",
        "//etc/passwd",
    ] {
        let answer = page.load(path, "").await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn without_a_page_the_gateway_says_how_to_build_it() {
    for dir in [None, Some("/nonexistent/dist".into())] {
        let mut options = options("/nonexistent");
        options.page.dir = dir;
        let gateway = TestGateway::with(options);
        let answer = gateway.get("/").await;
        assert_eq!(answer.header("content-type"), "text/plain; charset=utf-8");
        assert!(String::from_utf8_lossy(&answer.body).contains("cargo xtask build"));
        gateway
            .get("/app.js")
            .await
            .assert_problem(ErrorCode::NotFound);
    }
}

#[tokio::test]
async fn other_sites_may_use_the_api() {
    let fake = FakeLightningd::start();
    let gateway = TestGateway::new(fake.socket());
    let preflight = Request::options("/api/v1/items/cat/invoices")
        .header("origin", "https://blog.example")
        .header("access-control-request-method", "POST")
        .header(
            "access-control-request-headers",
            "authorization,content-type,range,if-range",
        );
    let answer = gateway.send(preflight.body(Body::empty()).unwrap()).await;
    assert!(answer.status.is_success(), "{answer:?}");
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    assert_eq!(
        answer.header("access-control-allow-headers"),
        "authorization,content-type,range,if-range"
    );
    assert_eq!(
        answer.header("access-control-allow-methods"),
        "GET,POST,HEAD"
    );
    assert_eq!(answer.header("access-control-max-age"), "86400");
    assert!(
        !answer
            .headers
            .contains_key("access-control-allow-credentials")
    );

    // Problems too: a widget has to be able to read why.
    for path in [
        STORE_PATH,
        INVOICE_PATH,
        "/api/v1/items/cat/content",
        "/api/v1/nothing",
    ] {
        let request = Request::get(path).header("origin", "https://blog.example");
        let answer = gateway.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.header("access-control-allow-origin"), "*", "{path}");
        assert_eq!(
            answer.header("access-control-expose-headers"),
            "www-authenticate,payment-receipt,date,etag,accept-ranges,content-range,\
             content-disposition,link,retry-after,x-request-id"
        );
    }
    let operators = gateway.get("/readyz").await;
    assert!(
        !operators
            .headers
            .contains_key("access-control-allow-origin")
    );
}

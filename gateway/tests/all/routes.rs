//! Routes with a price before a service that knows nothing of it, over a lightningd that goes wrong.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::header::WWW_AUTHENTICATE;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use hmac::{Hmac, KeyInit as _, Mac as _};
use purrwall_gateway::options::{Options, RouteOptions};
use serde_json::{Value, json};
use sha2::Sha256;
use shared::claim::Claim;
use shared::lightning::Preimage;
use shared::mpp::{Challenge, Credential};
use shared::problem::ErrorCode;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::io::ReaderStream;
use tokio_util::sync::{CancellationToken, DropGuard};

use testing::fake_lightningd::FakeLightningd;
use testing::tools::{Answer, TestGateway, forecast, l402, options, unix_now};

const KEY: &str = "0123456789abcdef0123456789abcdef";

/// A service, and a store with a route before it.
struct Sold {
    node: FakeLightningd,
    gateway: TestGateway,
    reached: Arc<AtomicU32>,
    _end: DropGuard,
}

impl Sold {
    async fn start(change: impl FnOnce(&mut RouteOptions)) -> Self {
        let reached = Arc::new(AtomicU32::new(0));
        let counter = reached.clone();
        let service = Router::new()
            .route(
                "/forecast/paid-too",
                any(async || StatusCode::PAYMENT_REQUIRED),
            )
            .fallback(any(move |request: Request| {
                counter.fetch_add(1, Ordering::SeqCst);
                echo(request)
            }));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let end = CancellationToken::new();
        let ended = end.clone().cancelled_owned();
        tokio::spawn(async move {
            let serving = axum::serve(listener, service).with_graceful_shutdown(ended);
            serving.await.unwrap();
        });
        let mut route = route(&address);
        change(&mut route);
        let node = FakeLightningd::start();
        let mut options = options(node.socket());
        options.routes.push(route);
        Self {
            gateway: TestGateway::with(options),
            node,
            reached,
            _end: end.drop_guard(),
        }
    }

    async fn ask(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.gateway
            .send(request.body(body.to_owned().into()).unwrap())
            .await
    }

    async fn get(&self, path: &str) -> Answer {
        self.ask(Method::GET, path, &[], "").await
    }

    /// Pays what the path costs; gives the credential and its payment.
    async fn pays(&self, path: &str) -> (String, Claim) {
        let (claim, bolt11) = challenge(&self.get(path).await);
        let proof = Preimage(self.node.is_paid(&bolt11)).to_hex();
        (format!("{}:{proof}", l402(&claim)), claim)
    }

    #[track_caller]
    fn assert_reached(&self, times: u32) {
        assert_eq!(self.reached.load(Ordering::SeqCst), times);
    }
}

fn route(address: &str) -> RouteOptions {
    RouteOptions {
        upstream: Some(address.parse().unwrap()),
        signing_key: Some(KEY.into()),
        ..forecast()
    }
}

/// Tells what reached the service.
async fn echo(request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let headers: Vec<_> = parts
        .headers
        .iter()
        .map(|(name, value)| json!([name.as_str(), value.to_str().unwrap()]))
        .collect();
    let told = json!({
        "method": parts.method.as_str(),
        "target": parts.uri.to_string(),
        "headers": headers,
        "body": String::from_utf8_lossy(&body),
    });
    (
        [
            ("x-own", "kept"),
            ("connection", "x-own-hop"),
            ("x-own-hop", "1"),
        ],
        told.to_string(),
    )
        .into_response()
}

fn told(answer: &Answer) -> Value {
    answer.json()
}

fn header(told: &Value, name: &str) -> Option<String> {
    let headers = told["headers"].as_array().unwrap();
    let found = headers.iter().find(|header| header[0] == name)?;
    Some(found[1].as_str().unwrap().to_owned())
}

#[track_caller]
fn challenge(answer: &Answer) -> (Claim, String) {
    answer.assert_problem(ErrorCode::PaymentRequired);
    purrwall_buyer::challenge::read([answer.header("www-authenticate")]).unwrap()
}

#[tokio::test]
async fn a_service_is_reached_by_who_paid_and_told_of_the_payment() {
    let sold = Sold::start(|_| ()).await;
    let (claim, _) = challenge(&sold.get("/forecast/a%20b?day=1&day=2").await);
    assert_eq!(
        claim.caveats("item").collect::<Vec<_>>(),
        ["route:forecast"]
    );
    sold.assert_reached(0);

    let (credential, claim) = sold.pays("/forecast").await;
    let headers = [
        ("authorization", &*credential),
        ("authorization", "Basic dXNlcg=="),
        ("cookie", "a=b; purrwall-route.forecast=x"),
        ("host", "cats.example"),
        ("x-purrwall-item", "route:other"),
        ("x-purrwall-admin", "1"),
        ("x-forwarded-for", "10.0.0.1"),
        ("connection", "x-secret"),
        ("x-secret", "1"),
        ("x-own", "kept"),
    ];
    let path = "/forecast/a%20b?day=1&day=2";
    let answer = sold.ask(Method::PUT, path, &headers, "hello").await;
    assert_eq!(answer.header("x-own"), "kept");
    assert!(!answer.headers.contains_key("x-own-hop"));
    assert_eq!(answer.header("cache-control"), "private, no-store");
    let told = told(&answer);
    assert_eq!(
        (&told["method"], &told["target"], &told["body"]),
        (&json!("PUT"), &json!(path), &json!("hello"))
    );
    let payment_hash = claim.payment_hash().to_hex();
    let timestamp = header(&told, "x-purrwall-timestamp").unwrap();
    assert!(timestamp.parse::<u64>().unwrap().abs_diff(unix_now()) < 600);
    let mut mac = Hmac::<Sha256>::new_from_slice(KEY.as_bytes()).unwrap();
    mac.update(format!("{timestamp}\nPUT\n{path}\n{payment_hash}\nroute:forecast").as_bytes());
    let signed: String = {
        use bitcoin::hex::DisplayHex as _;
        mac.finalize().into_bytes().to_lower_hex_string()
    };
    for (name, value) in [
        ("x-purrwall-payment-hash", Some(&*payment_hash)),
        ("x-purrwall-item", Some("route:forecast")),
        ("x-purrwall-signature", Some(&*signed)),
        ("x-purrwall-admin", None),
        ("authorization", Some("Basic dXNlcg==")),
        ("cookie", Some("a=b")),
        ("x-forwarded-for", None),
        ("x-forwarded-host", Some("cats.example")),
        ("x-forwarded-proto", Some("http")),
        ("x-secret", None),
        ("x-own", Some("kept")),
    ] {
        assert_eq!(header(&told, name).as_deref(), value, "{name}");
    }
    assert!(!told.to_string().contains(&claim.to_base64()));
    sold.assert_reached(1);
}

#[tokio::test]
async fn the_scheme_payment_opens_it_as_well() {
    let sold = Sold::start(|_| ()).await;
    let answer = sold.get("/forecast/today").await;
    let lines = answer.headers.get_all(WWW_AUTHENTICATE).iter();
    let charge = lines
        .flat_map(|line| Challenge::read_all(line.to_str().unwrap()))
        .next()
        .unwrap();
    let proof = Preimage(sold.node.is_paid(&challenge(&answer).1));
    let credential = Credential::for_charge(charge, proof).to_header();
    let headers = [("authorization", &*credential)];
    let paid = sold.ask(Method::GET, "/forecast/today", &headers, "").await;
    assert!(paid.headers.contains_key("payment-receipt"));
    let told = told(&paid);
    assert_eq!(header(&told, "authorization"), None);
    assert_eq!(
        header(&told, "x-purrwall-payment-hash"),
        Some(proof.payment_hash().to_hex())
    );
}

#[tokio::test]
async fn a_free_path_costs_nothing_and_no_other_slips_into_it() {
    let sold = Sold::start(|route| route.free.push("/forecast/free/*".parse().unwrap())).await;
    for path in [
        "/forecast/about",
        "/forecast/about?x",
        "/forecast/free/a",
        "/forecast/free",
    ] {
        let answer = sold
            .ask(Method::GET, path, &[("x-purrwall-item", "x")], "")
            .await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        assert_eq!(header(&told(&answer), "x-purrwall-item"), None);
    }
    sold.assert_reached(4);
    for path in [
        "/forecast/free/../secret",
        "/forecast/free/%2e%2e/secret",
        "/forecast/free/..%2fsecret",
        "/forecast/free/%2E%2E%2Fsecret",
        "/forecast//free",
        "//forecast/free",
        "/forecast/free/..;/secret",
        "/forecast/free/%5c../secret",
    ] {
        let answer = sold.get(path).await;
        assert_eq!(answer.problem().code, ErrorCode::InvalidRequest, "{path}");
    }
    for path in [
        "/forecast/About",
        "/forecast/about/",
        "/forecast/abou%74",
        "/forecast/freedom",
    ] {
        challenge(&sold.get(path).await);
    }
    sold.assert_reached(4);
}

#[tokio::test]
async fn other_methods_are_not_sold() {
    let sold = Sold::start(|route| route.methods = vec![Method::GET]).await;
    let answer = sold.ask(Method::DELETE, "/forecast/x", &[], "").await;
    answer.assert_problem(ErrorCode::MethodNotAllowed);
    challenge(&sold.get("/forecast/x").await);
    assert_eq!(sold.node.invoices(), 1);
}

#[tokio::test]
async fn credentials_that_mean_nothing_have_a_clear_answer() {
    let sold = Sold::start(|_| ()).await;
    let (claim, _) = challenge(&sold.get("/forecast").await);
    let forged = format!("{}:{}", l402(&claim), "00".repeat(32));
    for (sent, code) in [
        ("L402 %%%", ErrorCode::InvalidClaim),
        (&forged, ErrorCode::InvalidClaim),
        ("Payment %%%", ErrorCode::PaymentRequired),
        ("Payment e30", ErrorCode::PaymentRequired),
        ("L402 %%%, Payment e30", ErrorCode::PaymentRequired),
        ("Bearer x", ErrorCode::PaymentRequired),
    ] {
        let headers = [("authorization", sent)];
        let answer = sold.ask(Method::GET, "/forecast/x", &headers, "").await;
        assert_eq!(answer.problem().code, code, "{sent}");
        assert!(answer.headers.contains_key("www-authenticate"), "{sent}");
    }
    let (paid, _) = sold.pays("/forecast").await;
    let mixed = format!("Payment e30, {paid}");
    let headers = [("authorization", &*mixed)];
    let answer = sold.ask(Method::GET, "/forecast/x", &headers, "").await;
    assert_eq!(answer.status, StatusCode::OK);
    sold.assert_reached(1);
}

/// It breaks off before it has answered: once, and then it is there again.
#[tokio::test]
async fn a_service_that_hangs_up_takes_no_claim_with_it() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        until(&mut stream, "\r\n\r\n").await;
        drop(stream);
        axum::serve(listener, Router::new().fallback(async || "back")).await
    });
    let sold = Sold::start(|route| route.upstream = Some(address.parse().unwrap())).await;
    let (credential, _) = sold.pays("/forecast").await;
    let headers = [("authorization", &*credential)];
    let answer = sold.ask(Method::GET, "/forecast/x", &headers, "").await;
    answer.assert_problem(ErrorCode::UpstreamUnavailable);
    let answer = sold.ask(Method::GET, "/forecast/x", &headers, "").await;
    assert_eq!(
        (answer.status, &*answer.body),
        (StatusCode::OK, &b"back"[..])
    );
    assert_eq!(sold.node.invoices(), 1);
}

#[tokio::test]
async fn a_service_that_is_away_takes_no_claim_with_it() {
    let sold = Sold::start(|_| ()).await;
    let (credential, _) = sold.pays("/forecast").await;
    let away = Sold::start(|route| route.upstream = Some("127.0.0.1:9".parse().unwrap())).await;
    let headers = [("authorization", &*credential)];
    for _ in 0..2 {
        let answer = away.ask(Method::GET, "/forecast/x", &headers, "").await;
        answer.assert_problem(ErrorCode::UpstreamUnavailable);
        assert_eq!(answer.status, StatusCode::BAD_GATEWAY);
        assert!(answer.problem().detail.contains("stays good"));
    }
    assert_eq!(away.node.invoices(), 0);
    let back = sold.ask(Method::GET, "/forecast/x", &headers, "").await;
    assert_eq!(back.status, StatusCode::OK);
}

#[tokio::test]
async fn nothing_is_paid_for_twice_where_the_service_has_a_price_of_its_own() {
    let sold = Sold::start(|_| ()).await;
    let (credential, _) = sold.pays("/forecast").await;
    let headers = [("authorization", &*credential)];
    let answer = sold
        .ask(Method::GET, "/forecast/paid-too", &headers, "")
        .await;
    answer.assert_problem(ErrorCode::UpstreamUnavailable);
    assert!(!answer.headers.contains_key("www-authenticate"));
}

#[tokio::test]
async fn a_request_that_comes_back_ends() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let itself = listener.local_addr().unwrap();
    let node = FakeLightningd::start();
    let mut options = options(node.socket());
    options.routes.push(route(&itself.to_string()));
    let gateway = TestGateway::with(options);
    tokio::spawn(
        gateway
            .gateway
            .clone()
            .serve(listener, std::future::pending()),
    );
    let answer = gateway.get("/forecast/about").await;
    answer.assert_problem(ErrorCode::LoopDetected);
}

#[tokio::test]
async fn programs_find_it_in_the_manifest() {
    let sold = Sold::start(|route| route.methods = vec![Method::GET, Method::POST]).await;
    let manifest: Value = sold.get("/.well-known/l402.json").await.json();
    let service = manifest["services"].as_array().unwrap().last().unwrap();
    let resource = |method: &str| {
        let pricing = json!({"model": "fixed", "price_msat": 10_000});
        json!({"path": "/forecast/*", "method": method, "pricing": pricing})
    };
    let expected = json!({
        "name": "route:forecast",
        "description": "The forecast",
        "resources": [resource("GET"), resource("POST")],
    });
    assert_eq!(*service, expected);
}

#[tokio::test]
async fn programs_find_it_in_every_list() {
    let sold = Sold::start(|route| {
        route.methods = vec![Method::GET, Method::POST];
        route.valid_for = Some(Duration::from_hours(24));
    })
    .await;
    let ask = |path| sold.ask(Method::GET, path, &[("host", "cats.example")], "");
    let directory: Value = ask("/.well-known/l402-services").await.json();
    let listed = directory["services"].as_array().unwrap().last().unwrap();
    let expected = json!({
        "id": "route:forecast",
        "name": "The forecast",
        "description": "The forecast",
        "endpoint": "http://cats.example/forecast",
        "method": "GET",
        "pricing": {"amount": 10, "currency": "sat", "type": "fixed"},
    });
    assert_eq!(*listed, expected);

    let words = String::from_utf8(ask("/llms.txt").await.body.to_vec()).unwrap();
    let line = "- [The forecast](http://cats.example/forecast): 10 sat, GET and POST, and all paths \
                below, for 1day\n";
    assert!(words.contains(line), "{words}");

    let document: Value = ask("/openapi.json").await.json();
    for path in ["/forecast", "/forecast/{below}"] {
        for method in ["get", "post"] {
            let operation = &document["paths"][path][method];
            let offers = operation["x-payment-info"]["offers"].as_array().unwrap();
            let told: Vec<_> = offers
                .iter()
                .map(|offer| [&offer["scheme"], &offer["amount"], &offer["currency"]])
                .collect();
            let expected = ["Payment", "L402"].map(|scheme| [scheme, "10", "sat"]);
            assert_eq!(
                told,
                expected
                    .map(|offer| offer.map(Value::from))
                    .each_ref()
                    .map(<[Value; 3]>::each_ref)
            );
            assert!(operation["responses"].get("402").is_some(), "{operation}");
        }
    }
    assert_eq!(sold.node.invoices(), 0);
}

#[tokio::test]
async fn a_store_without_goods_sells_its_services_alone() {
    let node = FakeLightningd::start();
    let mut options = options(node.socket());
    options.catalogue.cats = false;
    options.routes.push(route("127.0.0.1:9"));
    let gateway = TestGateway::with(options);
    let store: Value = gateway.get("/api/v1/store").await.json();
    assert_eq!(store["items"], json!([]));
    gateway
        .get("/goods/cat")
        .await
        .assert_problem(ErrorCode::UnknownItem);
    let words = gateway.get("/llms.txt").await;
    let words = String::from_utf8(words.body.to_vec()).unwrap();
    assert!(words.contains("> Services, sold for"), "{words}");
    assert!(words.contains("`GET /forecast` answers `402`"), "{words}");
    assert!(!words.contains("/goods/"), "{words}");
    let page = gateway.get("/buy").await;
    let page = String::from_utf8(page.body.to_vec()).unwrap();
    assert!(page.contains("href=\"/forecast\""), "{page}");
    assert!(!page.contains("The shelves are empty"), "{page}");
}

#[tokio::test]
async fn people_pay_on_a_page() {
    let sold = Sold::start(|_| ()).await;
    let page = sold
        .ask(
            Method::GET,
            "/forecast/today",
            &[("accept", "text/html")],
            "",
        )
        .await;
    assert_eq!(page.status, StatusCode::PAYMENT_REQUIRED);
    assert!(page.header("content-type").starts_with("text/html"));
    let text = String::from_utf8_lossy(&page.body).into_owned();
    assert!(text.contains("The forecast"), "{text}");
    assert_eq!(sold.node.invoices(), 0);
}

/// A service whose answers come in pieces, and a gateway before it, on sockets.
struct Streaming {
    gateway: SocketAddr,
    credential: String,
    _node: FakeLightningd,
}

impl Streaming {
    async fn before(service: Router) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let upstream = listener.local_addr().unwrap();
        tokio::spawn(async { axum::serve(listener, service).await });
        Self::before_socket(upstream, |_| ()).await
    }

    async fn before_socket(upstream: SocketAddr, change: impl FnOnce(&mut Options)) -> Self {
        let node = FakeLightningd::start();
        let mut options = options(node.socket());
        change(&mut options);
        options.routes.push(route(&upstream.to_string()));
        let gateway = TestGateway::with(options);
        let (claim, bolt11) = challenge(&gateway.get("/forecast").await);
        let proof = Preimage(node.is_paid(&bolt11)).to_hex();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(
            gateway
                .gateway
                .clone()
                .serve(listener, std::future::pending()),
        );
        Self {
            gateway: address,
            credential: format!("{}:{proof}", l402(&claim)),
            _node: node,
        }
    }

    /// Sends a request's head.
    async fn begin(&self, line: &str, headers: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.gateway).await.unwrap();
        let credential = &self.credential;
        let head =
            format!("{line} HTTP/1.1\r\nhost: x\r\nauthorization: {credential}\r\n{headers}\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        stream
    }
}

/// Reads until these bytes have come.
async fn until(stream: &mut TcpStream, wanted: &str) -> String {
    let mut read = Vec::new();
    let reading = async {
        while !String::from_utf8_lossy(&read).contains(wanted) {
            let count = stream.read_buf(&mut read).await.unwrap();
            assert!(count > 0, "ended: {}", String::from_utf8_lossy(&read));
        }
    };
    timeout(Duration::from_mins(1), reading).await.unwrap();
    String::from_utf8(read).unwrap()
}

/// The second event is made only when the first has arrived.
#[tokio::test]
async fn events_pass_as_they_are_made() {
    let (mut events, source) = tokio::io::duplex(64);
    let source = Arc::new(Mutex::new(Some(source)));
    let service = any(move || async move {
        let source = source.lock().unwrap().take().unwrap();
        let kind = [("content-type", "text/event-stream")];
        (kind, Body::from_stream(ReaderStream::new(source)))
    });
    let streaming = Streaming::before(Router::new().fallback(service)).await;
    let mut stream = streaming.begin("GET /forecast/events", "").await;
    for event in ["data: one\n\n", "data: two\n\n"] {
        events.write_all(event.as_bytes()).await.unwrap();
        until(&mut stream, event).await;
    }
}

/// The service answers the first piece of a body before the second is sent.
#[tokio::test]
async fn uploads_pass_as_they_come() {
    let service = any(|request: Request| async move { Body::new(request.into_body()) });
    let streaming = Streaming::before(Router::new().fallback(service)).await;
    let chunked = "transfer-encoding: chunked\r\n";
    let mut stream = streaming.begin("POST /forecast/upload", chunked).await;
    for piece in ["first", "again"] {
        let chunk = format!("5\r\n{piece}\r\n");
        stream.write_all(chunk.as_bytes()).await.unwrap();
        until(&mut stream, piece).await;
    }
    stream.write_all(b"0\r\n\r\n").await.unwrap();
    until(&mut stream, "0\r\n\r\n").await;
}

/// A service with one WebSocket; gives the head that has reached it.
async fn live() -> (SocketAddr, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let head = until(&mut stream, "\r\n\r\n").await;
        let switched = "HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\n\
                        upgrade: websocket\r\nsec-websocket-accept: x\r\n\r\n";
        stream.write_all(switched.as_bytes()).await.unwrap();
        until(&mut stream, "ping").await;
        stream.write_all(b"pong").await.unwrap();
        until(&mut stream, "end").await;
        head
    });
    (address, service)
}

const UPGRADE: &str = "connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-key: x\r\n\
                       sec-websocket-version: 13\r\n";

#[tokio::test]
async fn a_websocket_opens_for_who_paid_and_for_nobody_else() {
    let (upstream, service) = live().await;
    let streaming = Streaming::before_socket(upstream, |_| ()).await;
    let mut stranger = TcpStream::connect(streaming.gateway).await.unwrap();
    let head = format!("GET /forecast/live HTTP/1.1\r\nhost: x\r\n{UPGRADE}\r\n");
    stranger.write_all(head.as_bytes()).await.unwrap();
    assert!(
        until(&mut stranger, "\r\n\r\n")
            .await
            .starts_with("HTTP/1.1 402")
    );

    let mut stream = streaming.begin("GET /forecast/live", UPGRADE).await;
    let answer = until(&mut stream, "\r\n\r\n").await.to_lowercase();
    assert!(answer.starts_with("http/1.1 101"), "{answer}");
    assert!(answer.contains("upgrade: websocket"), "{answer}");
    assert!(answer.contains("sec-websocket-accept: x"), "{answer}");
    stream.write_all(b"ping").await.unwrap();
    until(&mut stream, "pong").await;
    stream.write_all(b"end").await.unwrap();
    let head = service.await.unwrap().to_lowercase();
    assert!(head.contains("upgrade: websocket") && head.contains("sec-websocket-key: x"));
    assert!(head.contains("x-purrwall-payment-hash: "), "{head}");
}

/// Nobody has said anything on it for longer than on the connection that makes room.
#[tokio::test]
async fn an_open_websocket_is_not_idle() {
    let (upstream, _service) = live().await;
    let streaming = Streaming::before_socket(upstream, |options| {
        options.connections.total = 2;
        options.connections.per_client = 2;
    })
    .await;
    let mut open = streaming.begin("GET /forecast/live", UPGRADE).await;
    until(&mut open, "\r\n\r\n").await;
    let mut idle = TcpStream::connect(streaming.gateway).await.unwrap();
    let mut another = TcpStream::connect(streaming.gateway).await.unwrap();
    another
        .write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    until(&mut another, "HTTP/1.1 200").await;
    let mut nothing = Vec::new();
    let end = timeout(Duration::from_mins(1), idle.read_to_end(&mut nothing)).await;
    assert!(
        end.is_ok() && nothing.is_empty(),
        "the idle connection ends"
    );
    open.write_all(b"ping").await.unwrap();
    until(&mut open, "pong").await;
}

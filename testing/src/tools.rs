//! A gateway in this process, asked through its router.

use std::io::Write as _;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use std::{iter, process};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::ConnectInfo;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, Method, Request, StatusCode};
use purrwall_gateway::options::{
    ItemOptions, LimitsOptions, Options, RouteOptions, StoreOptions, Timing,
};
use purrwall_gateway::{Gateway, Secret};
use serde::de::DeserializeOwned;
use serde_json::json;
use shared::api::{
    CreatedInvoice, INVOICE_PATH, InvoiceStatus, ItemId, PurchaseId, content_path, invoices_path,
};
use shared::claim::Claim;
use shared::problem::{ErrorCode, Problem};
use tower::ServiceExt as _;

use crate::rest;

pub const SECRET: [u8; 32] = [0x11; 32];

/// A gateway whose waits are short.
#[derive(Clone)]
pub struct TestGateway {
    pub gateway: Gateway,
    router: Router,
}

/// What it answered.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// A forecast for 10 sat, for which a proxy asks.
pub fn forecast() -> RouteOptions {
    RouteOptions {
        name: "forecast".parse().unwrap(),
        path: "/forecast/*".parse().unwrap(),
        title: "The forecast".into(),
        price: "10 sat".parse().unwrap(),
        valid_for: None,
        upstream: None,
        methods: Vec::new(),
        free: vec!["/forecast/about".parse().unwrap()],
        signing_key: None,
    }
}

/// What tests run with: the node at this socket, or clnrest before it (see [`rest`]).
pub fn options(socket: impl Into<PathBuf>) -> Options {
    Options {
        store: StoreOptions {
            name: "Test store".into(),
            ..StoreOptions::default()
        },
        limits: LimitsOptions {
            // Tests count the calls that they cause.
            delete_expired: None,
            ..LimitsOptions::default()
        },
        timing: Timing {
            // Long, because a busy machine is no fault; tests of what hangs shorten it.
            call_deadline: Duration::from_secs(20),
            watch_round: Duration::from_secs(1),
            reconnect_min: Duration::from_millis(10),
            reconnect_max: Duration::from_millis(50),
            cleaning_pause: Duration::from_millis(1),
            cleaning_round: Duration::from_millis(20),
            last_requests: Duration::from_secs(2),
            ..Timing::default()
        },
        ..Options::new(rest::endpoint(&socket.into()))
    }
}

impl TestGateway {
    pub fn new(socket: impl Into<PathBuf>) -> Self {
        Self::with(options(socket))
    }

    pub fn with(options: Options) -> Self {
        let gateway = Gateway::with(options, &Secret::from_bytes(SECRET)).unwrap();
        let router = gateway.router();
        Self { gateway, router }
    }

    /// A gateway below a path of another program, which has a state of its own.
    pub fn nested(socket: impl Into<PathBuf>, path: &str) -> Self {
        let gateway = Gateway::with(options(socket), &Secret::from_bytes(SECRET)).unwrap();
        let around = Router::new().nest(path, gateway.router());
        let router = around.with_state("the other program's");
        Self { gateway, router }
    }

    /// Sends a request as it is.
    pub async fn send(&self, request: Request<Body>) -> Answer {
        Answer::of(self.router.clone(), request).await
    }

    /// What Prometheus gets.
    pub async fn metrics(&self) -> String {
        let answer = self.get_as_operator("/metrics").await;
        String::from_utf8(answer.body.to_vec()).unwrap()
    }

    /// `GET` on the address of the metrics.
    pub async fn get_as_operator(&self, path: &str) -> Answer {
        let request = Request::get(path).body(Body::empty()).unwrap();
        Answer::of(self.gateway.metrics_router(), request).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.get_with(path, &[]).await
    }

    /// `GET` with these values of `Authorization`.
    pub async fn get_with(&self, path: &str, authorization: &[&str]) -> Answer {
        self.ask(Method::GET, path, authorization).await
    }

    pub async fn ask(&self, method: Method, path: &str, authorization: &[&str]) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        for value in authorization {
            request = request.header(AUTHORIZATION, *value);
        }
        self.send(request.body(Body::empty()).unwrap()).await
    }

    pub async fn post(&self, path: &str, body: impl Into<Body>) -> Answer {
        let request = Request::post(path).header(CONTENT_TYPE, "application/json");
        self.send(request.body(body.into()).unwrap()).await
    }

    /// Asks for the purchase's invoice.
    pub async fn ask_invoice(&self, item_id: &str, purchase_id: PurchaseId) -> Answer {
        let body = json!({ "purchase_id": purchase_id }).to_string();
        self.post(&invoices_path(&item(item_id)), body).await
    }

    /// Makes a new purchase's invoice.
    pub async fn create(&self, item_id: &str) -> CreatedInvoice {
        let answer = self.ask_invoice(item_id, new_purchase()).await;
        assert_eq!(answer.status, StatusCode::CREATED);
        answer.json()
    }

    pub async fn ask_status(&self, claim: &Claim, wait: u64) -> Answer {
        let path = format!("{INVOICE_PATH}?wait={wait}");
        self.get_with(&path, &[&l402(claim)]).await
    }

    pub async fn status(&self, claim: &Claim, wait: u64) -> InvoiceStatus {
        self.ask_status(claim, wait).await.json()
    }

    pub async fn content(&self, item_id: &str, authorization: &[&str]) -> Answer {
        self.get_with(&content_path(&item(item_id)), authorization)
            .await
    }
}

impl TestGateway {
    /// Sends a request as the server would hand it over.
    pub async fn send_from(&self, peer: &str, request: Request<Body>) -> Answer {
        let mut request = request;
        let peer = SocketAddr::new(peer.parse().unwrap(), 4711);
        request.extensions_mut().insert(ConnectInfo(peer));
        self.send(request).await
    }

    /// Asks for a cat's invoice from an address, behind a proxy that names another one.
    pub async fn buys_from(&self, peer: &str, forwarded_for: &str, purchase: PurchaseId) -> Answer {
        let request = Request::post(invoices_path(&item("cat")))
            .header(CONTENT_TYPE, "application/json")
            .header("x-forwarded-for", forwarded_for)
            .body(json!({ "purchase_id": purchase }).to_string().into());
        self.send_from(peer, request.unwrap()).await
    }
}

impl Answer {
    async fn of(router: Router, request: Request<Body>) -> Self {
        let response = router.oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        Self {
            status: parts.status,
            headers: parts.headers,
            body: axum::body::to_bytes(body, usize::MAX).await.unwrap(),
        }
    }

    /// The body of a request that went well.
    #[track_caller]
    pub fn json<T: DeserializeOwned>(&self) -> T {
        assert!(self.status.is_success(), "{self:?}");
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The problem of a request that did not.
    #[track_caller]
    pub fn problem(&self) -> Problem {
        assert_eq!(
            self.headers[CONTENT_TYPE], "application/problem+json",
            "{self:?}"
        );
        let problem: Problem = serde_json::from_slice(&self.body).unwrap();
        assert_eq!(problem.status, self.status.as_u16());
        problem
    }

    #[track_caller]
    pub fn assert_problem(&self, code: ErrorCode) {
        assert_eq!(self.problem().code, code, "{self:?}");
    }

    #[track_caller]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).expect(name).to_str().unwrap()
    }
}

/// The value of a series, with its labels as they are exported.
#[track_caller]
pub fn metric(metrics: &str, name: &str) -> u64 {
    let value = |line: &str| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok();
    let found = metrics.lines().find_map(value);
    found.unwrap_or_else(|| panic!("there is no {name}:\n{metrics}"))
}

pub fn item(id: &str) -> ItemId {
    id.parse().unwrap()
}

/// An item of a store's, as its file would have it.
pub fn sold(id: &str, title: &str, file: &str, price: &str) -> ItemOptions {
    ItemOptions {
        id: item(id),
        title: title.to_owned(),
        teaser: String::new(),
        file: file.into(),
        place: "item 1".to_owned(),
        price: price.parse().unwrap(),
        valid_for: None,
        content_type: None,
        sealed_at: None,
        scene: None,
        preview: None,
        button: Vec::new(),
    }
}

pub fn l402(claim: &Claim) -> String {
    format!("L402 {}", claim.to_base64())
}

pub fn new_purchase() -> PurchaseId {
    let mut id = PurchaseId([0; 16]);
    getrandom::fill(&mut id.0).unwrap();
    id
}

pub fn unix_now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs()
}

/// A port for programs that cannot take any. It is below those that the system gives out, so that no other test gets
/// it meanwhile, and tests that run side by side do not get the same.
pub fn free_port() -> u16 {
    static NEXT: OnceLock<AtomicU32> = OnceLock::new();
    let next = NEXT.get_or_init(|| AtomicU32::new(process::id()));
    let is_free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
    let ports = iter::repeat_with(|| 20_000 + next.fetch_add(1, Ordering::Relaxed) % 12_000);
    let mut ports = ports.take(12_000).map(|port| u16::try_from(port).unwrap());
    ports.find(is_free).expect("a free port")
}

/// Waits for a condition, with a limit.
pub async fn eventually(what: &str, condition: impl Fn() -> bool) {
    let limit = Instant::now() + Duration::from_mins(1);
    while Instant::now() < limit {
        if condition() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("waited in vain for {what}");
}

/// Says that a test did not run because this machine lacks something. In CI the test fails: there,
/// `cargo xtask setup` has installed whatever tests need.
#[track_caller]
pub fn skipped(why: &str) {
    let is_ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
    assert!(!is_ci, "this test cannot run: {why}");
    say(&format!("skipped: {why}; `cargo xtask setup` installs it"));
}

/// Prints a line past the test runner's capture.
pub fn say(line: &str) {
    let line = format!("{line}\n");
    std::io::stderr().write_all(line.as_bytes()).unwrap();
}

/// A program of the Python environment that `cargo xtask setup` makes; `None` if it is not there.
pub fn python(program: &str) -> Option<PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.tools/python/bin");
    Some(dir.join(program)).filter(|path| path.is_file())
}

/// A program of the npm packages that `cargo xtask setup` installs; `None` if it is not there.
pub fn npm(program: &str) -> Option<PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../e2e/node_modules/.bin");
    Some(dir.join(program)).filter(|path| path.is_file())
}

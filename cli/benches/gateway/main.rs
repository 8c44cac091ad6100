//! How fast the gateway is, beside what it stands on, in one run.
//!
//! - Invoices: through the gateway over HTTP, straight on the node's socket, and through the least that can stand
//!   between the two, an Axum handler that makes one for each request; on the devnet also with the node slowed
//!   down to the pace that was recorded of lightningd.
//! - Invoices through a gateway with one, two and three nodes at that pace, in turns, and straight on as
//!   many sockets.
//! - Status answers for a known unpaid invoice, and a bare Axum handler with an answer of the same
//!   size, with the number of calls that the node sees meanwhile.
//!   A profile of 11,097 answers (callgrind, 78,180 instructions for each) says what they are made of:
//!
//!   | | instructions |
//!   |---|---:|
//!   | the claim's hash, by which a verified one is known again; a processor with instructions for SHA-256 needs a twentieth | 18,984 |
//!   | the `Authorization` header, of which base64 is half | 8,725 |
//!   | the request's id, span and visitor | 6,151 |
//!   | the head, read by hyper | 5,681 |
//!   | what every answer has: headers, metrics, the line in the log, which is switched off for status answers | 5,292 |
//!   | bytes that are moved | 4,459 |
//!   | memory | 3,660 |
//!   | which connections are idle | 2,466 |
//!   | the answer's JSON | 2,342 |
//!   | cross-origin headers | 1,655 |
//!
//!   Before, 168,987: the five HMACs of a claim were computed for each request.
//! - What the gateway adds between the node's word of a payment and the waiting buyer's answer.
//! - What a price adds to a request for a service (`route.rs`).
//! - What a sale of a large film costs, delivered and sealed (`sealed.rs`).
//! - Ten thousand buyers who wait (`waiters.rs`).
//! - What grows with the node's book (`growth.rs`), on the devnet alone.
//! - With `--peers` none of these, but other programs that sell (`peers.rs`).
//!
//! Named parts are measured alone: `cargo xtask bench status waiters`.
//!
//! The gateway and the bare handler are programs of their own; rounds alternate, so that both sides
//! have the same weather. The node is the devnet's store, or the one of `PURRWALL_STORE_RPC`, paid
//! by that of `PURRWALL_ALICE_RPC`.

#![expect(
    clippy::unwrap_used,
    reason = "what cannot be measured ends the measurement"
)]

mod growth;
mod peers;
mod route;
mod sealed;
mod waiters;

use std::env;
use std::fs;
use std::future::ready;
use std::io;
use std::io::{BufRead as _, BufReader, Read as _, Seek as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use axum::serve::ListenerExt as _;
use axum::{Json, Router};
use devnet::Pace;
use serde_json::{Value, json};
use shared::api::CreatedInvoice;
use shared::content::{ContentHash, describe};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

const ROUNDS: usize = 11;
/// At the devnet's pace, where no store may come to its 100,000 open invoices.
const QUICK_ROUNDS: usize = 7;
const ROUND: Duration = Duration::from_secs(1);
const STATUS_CONNECTIONS: usize = 8;
const PAYMENTS: usize = 1000;
/// The nodes of a store with several, and the connections for each.
const STORES: usize = 3;
const EACH_NODE: usize = 8;

/// What can be measured alone.
const PARTS: [&str; 7] = [
    "status", "route", "sealed", "waiters", "delay", "invoices", "growth",
];

fn main() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    // cargo says --bench.
    let arguments = env::args().skip(1).filter(|argument| argument != "--bench");
    let arguments: Vec<_> = arguments.collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        [BARE, ..] => runtime.block_on(serve_bare()),
        [BRIDGE, ..] => runtime.block_on(serve_bridge()),
        [route::PROXY, ..] => runtime.block_on(route::serve_proxy()),
        ["--peers", "--rounds", rounds] => {
            runtime.block_on(peers::measure(rounds.parse().unwrap()));
        }
        ["--peers"] => runtime.block_on(peers::measure(ROUNDS)),
        [] => runtime.block_on(measure(&PARTS)),
        ref parts => {
            let unknown = parts.iter().find(|part| !PARTS.contains(part));
            assert_eq!(unknown, None, "the parts are {}", PARTS.join(", "));
            runtime.block_on(measure(parts));
        }
    }
}

async fn measure(parts: &[&str]) {
    let dir = tempfile::tempdir().unwrap();
    let nodes = Nodes::find(&dir).await;
    println!("the node: {}", nodes.kind);
    // Invoices come last: a gateway that starts beside a hundred thousand of them reads them in the
    // background, page by page, which would show in every other figure.
    for part in parts {
        match *part {
            "status" => measure_status(&nodes, &dir).await,
            "route" => route::measure(&nodes, &dir).await,
            "sealed" => sealed::measure(&nodes, &dir).await,
            "waiters" => waiters::measure(&nodes, &dir).await,
            "delay" => measure_delay(&nodes, &start_gateway(&nodes.store, &dir)).await,
            "invoices" => measure_all_invoices(&nodes, &dir).await,
            _ => {}
        }
    }
    drop(nodes);
    if parts.contains(&"growth") && env::var_os("PURRWALL_STORE_RPC").is_none() {
        let dir = tempfile::tempdir().unwrap();
        let plan = devnet::Plan::stores(1);
        let network = devnet::Network::start(dir.path(), &plan).await.unwrap();
        growth::measure(&network, &dir).await;
    }
}

async fn measure_all_invoices(nodes: &Nodes, dir: &TempDir) {
    let quick = [1, 8].map(|concurrency| {
        let flags = ["--store-id", &format!("quick-{concurrency}")];
        (concurrency, start_gateway_with(&nodes.store, dir, &flags))
    });
    if let Some(devnet) = &nodes.devnet {
        // The devnet makes an invoice in a twentieth of lightningd's time.
        devnet.store().set_pace(Pace::Lightningd);
        let gateway = start_gateway(&nodes.store, dir);
        for concurrency in [1, 8] {
            let often = (concurrency, ROUNDS);
            let what = "invoices at lightningd's pace";
            measure_invoices(what, &nodes.store, &gateway, often, 0.95).await;
        }
        measure_nodes(devnet, dir).await;
        devnet.store().set_pace(Pace::Quick);
    }
    for (concurrency, gateway) in &quick {
        let often = (*concurrency, QUICK_ROUNDS);
        // A real node is slower than the devnet.
        let aim = if nodes.devnet.is_some() { 0.6 } else { 0.95 };
        measure_invoices("invoices", &nodes.store, gateway, often, aim).await;
    }
}

async fn measure_invoices(
    name: &str,
    node: &Path,
    gateway: &Program,
    (concurrency, count): (usize, usize),
    aim: f64,
) {
    let mut bridge = Command::new(env::current_exe().unwrap());
    bridge.arg(BRIDGE).arg(node);
    let bridge = Program::start(bridge);
    let (mut rounds, mut least) = (Vec::new(), Vec::new());
    for _ in 0..count {
        let socket = rate(concurrency, || SocketInvoices::new(node)).await;
        let bridged = rate(concurrency, || HttpInvoices::new(&bridge)).await;
        let ours = rate(concurrency, || HttpInvoices::new(gateway)).await;
        rounds.push((ours, socket));
        least.push((bridged, socket));
    }
    let what = format!("{name}, {concurrency} at once");
    print_rounds(&what, ("gateway", "socket"), &rounds, aim);
    print_rounds("  beside it", ("bare bridge", "socket"), &least, 1.0);
    if concurrency == 1 {
        // Against a node that takes longer for an invoice, this weighs less.
        let added = |(ours, socket): &(f64, f64)| (1.0 / ours - 1.0 / socket) * 1000.0;
        let [ours, least] = [&rounds, &least].map(|all| median(all.iter().map(added)));
        println!("  the gateway adds {ours:.2} ms to each, the bridge {least:.2} ms");
    }
}

/// How many invoices a second there are with more nodes. Each round takes its turn with each number of
/// them.
async fn measure_nodes(devnet: &devnet::Network, dir: &TempDir) {
    let stores: Vec<_> = devnet.stores().collect();
    for store in &stores {
        store.set_pace(Pace::Lightningd);
    }
    let sockets: Vec<_> = stores.iter().map(|store| store.rpc_path()).collect();
    let gateways: Vec<_> = (1..=sockets.len())
        .map(|count| start_gateway_before(&sockets[..count], dir))
        .collect();
    let mut rounds = vec![Vec::new(); sockets.len()];
    for _ in 0..ROUNDS {
        for (at, gateway) in gateways.iter().enumerate() {
            let nodes = &sockets[..=at];
            let connections = EACH_NODE * nodes.len();
            let turn = AtomicUsize::new(0);
            let next = || &nodes[turn.fetch_add(1, Ordering::Relaxed) % nodes.len()];
            let bare = rate(connections, || SocketInvoices::new(next())).await;
            let ours = rate(connections, || HttpInvoices::new(gateway)).await;
            rounds[at].push((ours, bare));
        }
    }
    for (at, counted) in rounds.iter().enumerate() {
        let what = format!("invoices at lightningd's pace, {} nodes", at + 1);
        print_rounds(&what, ("gateway", "sockets"), counted, 0.85);
        let growth = counted
            .iter()
            .zip(&rounds[0])
            .map(|(now, one)| now.0 / one.0);
        println!("  times one node's: {:.2}", median(growth));
    }
    for store in stores {
        store.set_pace(Pace::Quick);
    }
}

async fn measure_status(nodes: &Nodes, dir: &TempDir) {
    let calls = Arc::new(AtomicUsize::new(0));
    let path = dir.path().join("counted-rpc");
    let proxy = count_calls(&nodes.store, path, calls.clone());
    let gateway = start_gateway(&proxy, dir);
    let created = gateway.create().await;
    let claim = created.claim.to_base64();
    let mut client = Http::connect(&gateway.address).await;
    let question = get_request(
        "/api/v1/invoice",
        &format!("authorization: L402 {claim}\r\n"),
    );
    // The first answer is asked of the node; the watcher settles meanwhile.
    for _ in 0..50 {
        client.ask(&question).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let answer = client.ask(&question).await;
    let mut bare = Command::new(env::current_exe().unwrap());
    bare.args([BARE, &String::from_utf8(answer).unwrap()]);
    let bare = Program::start(bare);

    let before = calls.load(Ordering::Relaxed);
    let ticks = [&gateway, &bare].map(Program::processor_ticks);
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        let theirs = rate(STATUS_CONNECTIONS, || Repeated::new(&bare, &question)).await;
        let ours = rate(STATUS_CONNECTIONS, || Repeated::new(&gateway, &question)).await;
        rounds.push((ours, theirs));
    }
    let calls = calls.load(Ordering::Relaxed) - before;
    let what = format!("status answers, {STATUS_CONNECTIONS} at once");
    print_rounds(&what, ("gateway", "bare handler"), &rounds, 0.6);
    let answers = rounds
        .iter()
        .fold((0.0, 0.0), |sum, round| (sum.0 + round.0, sum.1 + round.1));
    let of_each = |program: &Program, before: u64, answers: f64| {
        let ticks = u32::try_from(program.processor_ticks() - before).unwrap();
        f64::from(ticks) * 10_000.0 / (answers * ROUND.as_secs_f64())
    };
    println!(
        "  processor time of each: gateway {:.1} µs, bare handler {:.1} µs",
        of_each(&gateway, ticks[0], answers.0),
        of_each(&bare, ticks[1], answers.1)
    );
    println!("  calls to the node meanwhile: {calls}");
}

async fn measure_delay(nodes: &Nodes, gateway: &Program) {
    let mut added = Vec::new();
    let mut last = newest_pay_index(&nodes.store).await;
    for _ in 0..PAYMENTS {
        let created = gateway.create().await;
        let claim = created.claim.to_base64();
        let question = get_request(
            "/api/v1/invoice?wait=30",
            &format!("authorization: L402 {claim}\r\n"),
        );
        let mut client = Http::connect(&gateway.address).await;
        let buyer = async move {
            let answer = client.ask(&question).await;
            assert!(String::from_utf8(answer).unwrap().contains("\"paid\""));
            Instant::now()
        };
        let delay;
        (delay, last) = pay(nodes, &created.invoice.bolt11, last, buyer).await;
        added.push(delay);
    }
    let worst = added.iter().copied().fold(0.0, f64::max);
    let median = median(added.into_iter());
    println!("delay added to a payment: median {median:.2} ms, worst {worst:.2} ms of {PAYMENTS}");
}

/// Pays an invoice; gives how many milliseconds later than the node says it the buyer knows, and the
/// payment's number.
async fn pay(
    nodes: &Nodes,
    bolt11: &str,
    last: u64,
    buyer: impl Future<Output = Instant> + Send + 'static,
) -> (f64, u64) {
    let buyer = tokio::spawn(buyer);
    let mut watch = Socket::connect(&nodes.store).await;
    let node = tokio::spawn(async move {
        let params = json!({ "lastpay_index": last });
        let paid = watch.call("waitanyinvoice", &params).await;
        (Instant::now(), paid)
    });
    tokio::time::sleep(Duration::from_millis(50)).await;
    let mut payer = Socket::connect(&nodes.alice).await;
    payer.call("xpay", &json!({ "invstring": bolt11 })).await;
    let (node_said, paid) = node.await.unwrap();
    let delay = buyer.await.unwrap().saturating_duration_since(node_said);
    let number = paid["result"]["pay_index"].as_u64().unwrap();
    (delay.as_secs_f64() * 1000.0, number)
}

/// The rates of both sides, and the median of each round's own ratio: two neighbours in time had
/// the same weather.
fn print_rounds(what: &str, (us, them): (&str, &str), rounds: &[(f64, f64)], aim: f64) {
    let ours = median(rounds.iter().map(|round| round.0));
    let theirs = median(rounds.iter().map(|round| round.1));
    let ratio = median(rounds.iter().map(|round| round.0 / round.1));
    println!("{what}: {us} {ours:.0}/s, {them} {theirs:.0}/s, ratio {ratio:.2} (aim: {aim})");
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<_> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// What is done again and again on one connection.
trait Work: Send + 'static {
    fn connect(&mut self) -> impl Future<Output = ()> + Send;
    fn once(&mut self) -> impl Future<Output = ()> + Send;
}

/// How often per second the work is done, on `concurrency` connections.
async fn rate<W: Work>(concurrency: usize, work: impl Fn() -> W) -> f64 {
    let workers: Vec<_> = (0..concurrency)
        .map(|_| {
            let mut work = work();
            tokio::spawn(async move {
                work.connect().await;
                let started = Instant::now();
                let mut done = 0.0;
                while started.elapsed() < ROUND {
                    work.once().await;
                    done += 1.0;
                }
                done / started.elapsed().as_secs_f64()
            })
        })
        .collect();
    let mut sum = 0.0;
    for worker in workers {
        sum += worker.await.unwrap();
    }
    sum
}

/// The same invoices as the gateway's, without the gateway.
struct SocketInvoices {
    path: PathBuf,
    socket: Option<Socket>,
    description: String,
}

impl SocketInvoices {
    fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            socket: None,
            description: describe("A cat", ContentHash::of(b"")),
        }
    }

    async fn make(&mut self) -> Value {
        let label = format!("purrwall/cat/{}{}", random_hex(), random_hex());
        let params = json!({
            "label": label, "amount_msat": 100_000, "description": self.description, "expiry": 600,
        });
        let socket = self.socket.as_mut().unwrap();
        let mut answer = socket.call("invoice", &params).await;
        assert!(answer["result"]["bolt11"].is_string(), "{answer}");
        answer["result"].take()
    }
}

impl Work for SocketInvoices {
    async fn connect(&mut self) {
        self.socket = Some(Socket::connect(&self.path).await);
    }

    async fn once(&mut self) {
        self.make().await;
    }
}

/// The request that makes an invoice, once more at each call.
type Creation = Arc<dyn Fn() -> String + Send + Sync>;

struct HttpInvoices {
    address: String,
    creation: Creation,
    http: Option<Http>,
}

impl HttpInvoices {
    fn new(gateway: &Program) -> Self {
        Self::at(gateway, Arc::new(create_request))
    }

    fn at(program: &Program, creation: Creation) -> Self {
        Self {
            address: program.address.clone(),
            creation,
            http: None,
        }
    }
}

impl Work for HttpInvoices {
    async fn connect(&mut self) {
        self.http = Some(Http::connect(&self.address).await);
    }

    async fn once(&mut self) {
        self.http.as_mut().unwrap().ask(&(self.creation)()).await;
    }
}

/// One question over and over.
struct Repeated {
    address: String,
    question: String,
    http: Option<Http>,
}

impl Repeated {
    fn new(program: &Program, question: &str) -> Self {
        Self {
            address: program.address.clone(),
            question: question.to_owned(),
            http: None,
        }
    }
}

impl Work for Repeated {
    async fn connect(&mut self) {
        self.http = Some(Http::connect(&self.address).await);
    }

    async fn once(&mut self) {
        self.http.as_mut().unwrap().ask(&self.question).await;
    }
}

fn get_request(path: &str, headers: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: x\r\n{headers}\r\n")
}

/// `headers` are more of its own, each with its end of line.
fn post_request(path: &str, headers: &str, body: &Value) -> String {
    let body = body.to_string();
    format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n{headers}\
         content-length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn create_request() -> String {
    create_request_for("cat")
}

fn create_request_for(item: &str) -> String {
    let path = format!("/api/v1/items/{item}/invoices");
    post_request(&path, "", &json!({ "purchase_id": random_hex() }))
}

fn random_hex() -> String {
    use bitcoin::hex::DisplayHex as _;
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).unwrap();
    bytes.to_lower_hex_string()
}

/// A connection that is kept, and the least that a client of HTTP/1.1 has to do.
struct Http {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Http {
    async fn connect(address: &str) -> Self {
        Self::over(TcpStream::connect(address).await.unwrap())
    }

    fn over(stream: TcpStream) -> Self {
        stream.set_nodelay(true).unwrap();
        let buffer = Vec::new();
        Self { stream, buffer }
    }

    /// Gives the body of a successful answer.
    async fn ask(&mut self, request: &str) -> Vec<u8> {
        let (head, body) = self.exchange(request).await;
        assert!(head.starts_with("HTTP/1.1 20"), "{head}");
        body
    }

    /// Gives an answer's head and body.
    async fn exchange(&mut self, request: &str) -> (String, Vec<u8>) {
        self.try_exchange(request).await.unwrap()
    }

    /// The same where the other side may hang up.
    async fn try_exchange(&mut self, request: &str) -> io::Result<(String, Vec<u8>)> {
        self.stream.write_all(request.as_bytes()).await?;
        self.buffer.clear();
        loop {
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let end = self.buffer.windows(4).position(|four| four == b"\r\n\r\n");
            let Some(end) = end else { continue };
            let head = str::from_utf8(&self.buffer[..end]).unwrap();
            if self.buffer.len() >= end + 4 + content_length(head) {
                return Ok((head.to_owned(), self.buffer[end + 4..].to_vec()));
            }
        }
    }
}

fn content_length(head: &str) -> usize {
    let mut headers = head.lines().filter_map(|line| line.split_once(": "));
    let length = headers.find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    length.map_or(0, |(_, value)| value.parse().unwrap())
}

/// A connection to a node.
struct Socket {
    stream: UnixStream,
    buffer: Vec<u8>,
}

impl Socket {
    async fn connect(path: &Path) -> Self {
        let stream = UnixStream::connect(path).await.unwrap();
        let buffer = Vec::new();
        Self { stream, buffer }
    }

    async fn call(&mut self, method: &str, params: &Value) -> Value {
        let request = json!({"jsonrpc": "2.0", "id": "bench", "method": method, "params": params});
        self.stream
            .write_all(request.to_string().as_bytes())
            .await
            .unwrap();
        self.buffer.clear();
        while !self.buffer.ends_with(b"\n\n") {
            let read = self.stream.read_buf(&mut self.buffer).await.unwrap();
            assert!(read > 0, "the node hung up");
        }
        serde_json::from_slice(&self.buffer).unwrap()
    }
}

/// Follows the payments to the newest.
async fn newest_pay_index(store: &Path) -> u64 {
    let mut socket = Socket::connect(store).await;
    let mut newest = 0;
    loop {
        let params = json!({ "lastpay_index": newest, "timeout": 0 });
        match socket.call("waitanyinvoice", &params).await["result"]["pay_index"].as_u64() {
            Some(next) => newest = next,
            None => return newest,
        }
    }
}

/// A socket at `path` that leads to the node's and counts the requests.
fn count_calls(node: &Path, path: PathBuf, counter: Arc<AtomicUsize>) -> PathBuf {
    proxy(node, path, move |_| {
        counter.fetch_add(1, Ordering::Relaxed);
        ready(())
    })
}

/// A socket at `path` that leads to the node's; each request passes after what `before` does.
fn proxy<F>(
    node: &Path,
    path: PathBuf,
    before: impl Fn(&[u8]) -> F + Send + Sync + 'static,
) -> PathBuf
where
    F: Future<Output = ()> + Send,
{
    let listener = UnixListener::bind(&path).unwrap();
    let (node, before) = (node.to_owned(), Arc::new(before));
    tokio::spawn(async move {
        loop {
            let (client, _) = listener.accept().await.unwrap();
            let server = UnixStream::connect(&node).await.unwrap();
            let (mut from_client, mut to_client) = client.into_split();
            let (mut from_server, mut to_server) = server.into_split();
            let before = before.clone();
            tokio::spawn(async move {
                let mut buffer = vec![0; 65_536];
                while let Ok(read @ 1..) = from_client.read(&mut buffer).await {
                    before(&buffer[..read]).await;
                    to_server.write_all(&buffer[..read]).await.unwrap();
                }
            });
            tokio::spawn(async move { copy(&mut from_server, &mut to_client).await });
        }
    });
    path
}

/// The nodes of the story, as far as they are needed here.
struct Nodes {
    kind: String,
    store: PathBuf,
    alice: PathBuf,
    devnet: Option<devnet::Network>,
}

impl Nodes {
    async fn find(dir: &TempDir) -> Self {
        let named = |variable| env::var_os(variable).map(PathBuf::from);
        if let (Some(store), Some(alice)) =
            (named("PURRWALL_STORE_RPC"), named("PURRWALL_ALICE_RPC"))
        {
            return Self {
                kind: format!("the one at {}", store.display()),
                store,
                alice,
                devnet: None,
            };
        }
        let plan = devnet::Plan::stores(STORES);
        let network = devnet::Network::start(dir.path(), &plan).await.unwrap();
        let socket = |name: &str| dir.path().join(name).join("lightning-rpc");
        Self {
            kind: "the devnet's".into(),
            store: socket("store"),
            alice: socket("alice"),
            devnet: Some(network),
        }
    }
}

/// A program that listens; it ends with its value.
struct Program {
    child: Child,
    address: String,
}

impl Program {
    fn start(mut command: Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let stdout = child.stdout.take().unwrap();
        BufReader::new(stdout).read_line(&mut line).unwrap();
        let (_, address) = line.trim().split_once("http://").unwrap();
        let address = address.to_owned();
        Self { child, address }
    }

    /// Starts one that does not say where it listens, and waits until it does.
    async fn start_at(mut command: Command, address: String) -> Self {
        let log = tempfile::tempfile().unwrap();
        let spawned = command
            .stdout(log.try_clone().unwrap())
            .stderr(log.try_clone().unwrap())
            .spawn();
        let child = spawned.unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
        let mut program = Self { child, address };
        while TcpStream::connect(&program.address).await.is_err() {
            if let Some(status) = program.child.try_wait().unwrap() {
                let mut said = String::new();
                (&log).rewind().unwrap();
                (&log).read_to_string(&mut said).unwrap();
                panic!("{command:?} ended ({status}):\n{said}");
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        program
    }

    async fn create(&self) -> CreatedInvoice {
        let mut client = Http::connect(&self.address).await;
        serde_json::from_slice(&client.ask(&create_request()).await).unwrap()
    }
}

impl Program {
    /// What it has used of processors until now, in hundredths of a second.
    fn processor_ticks(&self) -> u64 {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        let (_, fields) = stat.rsplit_once(") ").unwrap();
        let fields: Vec<_> = fields.split(' ').collect();
        [11, 12]
            .map(|at| fields[at].parse::<u64>().unwrap())
            .iter()
            .sum()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn start_gateway(socket: &Path, dir: &TempDir) -> Program {
    start_gateway_with(socket, dir, &[])
}

fn start_gateway_with(socket: &Path, dir: &TempDir, flags: &[&str]) -> Program {
    let mut gateway = gateway(dir);
    gateway.arg("--lightning-rpc").arg(socket).args(flags);
    Program::start(gateway)
}

/// A gateway of a store with these nodes.
fn start_gateway_before(sockets: &[PathBuf], dir: &TempDir) -> Program {
    let file = dir.path().join(format!("{}-nodes.toml", sockets.len()));
    let node = |socket: &PathBuf| format!("[[node]]\nlightning = \"{}\"\n", socket.display());
    fs::write(&file, sockets.iter().map(node).collect::<String>()).unwrap();
    let mut gateway = gateway(dir);
    gateway.arg("--config").arg(file);
    Program::start(gateway)
}

fn purrwall() -> Command {
    Command::new(env!("CARGO_BIN_EXE_purrwall"))
}

/// The program, without its nodes.
fn gateway(dir: &TempDir) -> Command {
    let secret = dir.path().join("secret");
    if !secret.exists() {
        // Other stores may have sold at this node, so a new one has to be called that.
        let new = ["secret", "new", "--secret-file"];
        let made = purrwall().args(new).arg(&secret).output().unwrap();
        assert!(made.status.success(), "{made:?}");
    }
    let mut gateway = purrwall();
    gateway
        .arg("--secret-file")
        .arg(secret)
        .args(["--listen", "127.0.0.1:0"])
        .args(["--invoices-per-minute", "0", "--open-invoices", "0"]);
    gateway
}

/// The first argument of the program that is the bare handler; the second is its answer.
const BARE: &str = "bare-handler";

async fn serve_bare() {
    let answer: &'static str = env::args().nth(2).unwrap().leak();
    let handler = get(move || async move { ([(CONTENT_TYPE, "application/json")], answer) });
    listen(Router::new().fallback_service(handler)).await;
}

/// The first argument of the program that is the least that can stand between HTTP and a node; the second is the
/// node's socket.
const BRIDGE: &str = "bare-bridge";

/// Makes an invoice for each request, whoever sends it and whatever it says.
async fn serve_bridge() {
    let node = PathBuf::from(env::args().nth(2).unwrap());
    let idle = Arc::new(Mutex::new(Vec::new()));
    let handler = move || {
        let (node, idle) = (node.clone(), idle.clone());
        async move {
            let kept = idle.lock().unwrap().pop();
            let mut invoices = kept.unwrap_or_else(|| SocketInvoices::new(&node));
            if invoices.socket.is_none() {
                invoices.connect().await;
            }
            let made = invoices.make().await;
            idle.lock().unwrap().push(invoices);
            Json(made)
        }
    };
    listen(Router::new().fallback(handler)).await;
}

async fn listen(app: Router) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!(
        "bare: listening on http://{}",
        listener.local_addr().unwrap()
    );
    let listener = listener.tap_io(|stream| stream.set_nodelay(true).unwrap());
    axum::serve(listener, app).await.unwrap();
}

//! Ten thousand buyers who wait: the memory that each takes, the calls to the node meanwhile, and how long
//! after the node's word one of them knows of a payment.

use std::fs;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::sleep;

use crate::{
    Arc, AtomicUsize, Http, Nodes, Ordering, Program, count_calls, create_request, get_request,
    median, newest_pay_index, pay, start_gateway_with,
};

/// How many wait, unless the system allows fewer files.
const WAITERS: usize = 10_000;
/// What each may take, in bytes.
const AIM: f64 = 16_384.0;
/// How many of them pay.
const PAYERS: usize = 20;
/// Buyers with one address: a gateway grants each client a share of its connections.
pub(crate) const OF_ONE_ADDRESS: usize = 250;

pub(crate) async fn measure(nodes: &Nodes, dir: &TempDir) {
    let calls = Arc::new(AtomicUsize::new(0));
    let path = dir.path().join("waited-for-rpc");
    let gateway = start_gateway_with(&count_calls(&nodes.store, path, calls.clone()), dir, &[]);
    // What the first requests leave behind is not the waiters'.
    for _ in 0..100 {
        gateway.create().await;
    }
    let alone = resident(&gateway);
    let count = WAITERS.min(room());
    let mut client = Http::connect(&gateway.address).await;
    let mut created = Vec::new();
    for _ in 0..count {
        created.push(client.ask(&create_request()).await);
    }
    let mut waiters = Vec::new();
    for (at, created) in created.iter().enumerate() {
        waiters.push(Waiter::start(&gateway, at / OF_ONE_ADDRESS, created).await);
    }
    // Each asks the node once at most; then nobody does.
    let mut before = calls.load(Ordering::Relaxed);
    loop {
        sleep(Duration::from_secs(1)).await;
        let now = calls.load(Ordering::Relaxed);
        if now == before {
            break;
        }
        before = now;
    }
    let each = (resident(&gateway) - alone) / f64::from(u32::try_from(count).unwrap());
    sleep(Duration::from_secs(5)).await;
    let calls = calls.load(Ordering::Relaxed) - before;
    println!("{count} waiting buyers: {each:.0} bytes each, all in (aim: at most {AIM})");
    println!("  calls to the node in 5 s: {calls}");

    let mut last = newest_pay_index(&nodes.store).await;
    let mut added = Vec::new();
    // All the others go on waiting.
    let pays = |(at, _): &(usize, Waiter)| at % (count / PAYERS) == 0;
    let (payers, _waiting): (Vec<_>, Vec<_>) = waiters.into_iter().enumerate().partition(pays);
    for (_, Waiter { stream, bolt11 }) in payers.into_iter().take(PAYERS) {
        let delay;
        (delay, last) = pay(nodes, &bolt11, last, Waiter::paid(stream)).await;
        added.push(delay);
    }
    let worst = added.iter().copied().fold(0.0, f64::max);
    let median = median(added.into_iter());
    println!(
        "  one of them knows after: median {median:.2} ms, worst {worst:.2} ms of {PAYERS} (aim: 5)"
    );
}

/// The program's resident memory, in bytes.
pub(crate) fn resident(program: &Program) -> f64 {
    let status = fs::read_to_string(format!("/proc/{}/status", program.child.id())).unwrap();
    let (_, size) = status.split_once("VmRSS:").unwrap();
    let kilobytes: f64 = size.split_whitespace().next().unwrap().parse().unwrap();
    kilobytes * 1024.0
}

/// A buyer whose question waits.
struct Waiter {
    stream: TcpStream,
    bolt11: String,
}

impl Waiter {
    async fn start(gateway: &Program, address: usize, created: &[u8]) -> Self {
        let created: Value = serde_json::from_slice(created).unwrap();
        let claim = created["claim"].as_str().unwrap();
        let question = get_request(
            "/api/v1/invoice?wait=30",
            &format!("authorization: L402 {claim}\r\n"),
        );
        let mut stream = connect(&gateway.address, address).await;
        stream.write_all(question.as_bytes()).await.unwrap();
        Self {
            stream,
            bolt11: created["invoice"]["bolt11"].as_str().unwrap().to_owned(),
        }
    }

    /// When the answer comes that it is paid.
    async fn paid(mut stream: TcpStream) -> Instant {
        let mut answer = [0; 4096];
        let read = stream.read(&mut answer).await.unwrap();
        let answer = String::from_utf8_lossy(&answer[..read]);
        assert!(answer.contains("\"paid\""), "{answer}");
        Instant::now()
    }
}

/// Connects from one of the loopback addresses.
pub(crate) async fn connect(to: &str, address: usize) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    let [high, low] = u16::try_from(address + 2).unwrap().to_be_bytes();
    socket.bind(([127, 0, high, low], 0).into()).unwrap();
    socket.connect(to.parse().unwrap()).await.unwrap()
}

/// How many connections a gateway takes that may open as many files as this process: of half of them it
/// makes connections, and a few stay free.
fn room() -> usize {
    let limits = fs::read_to_string("/proc/self/limits").unwrap();
    let (_, files) = limits.split_once("Max open files").unwrap();
    let hard = files.split_whitespace().nth(1).unwrap();
    hard.parse::<usize>()
        .map_or(WAITERS, |files| files / 2 - 500)
}

//! The program while it runs, as its owner and systemd see it: what it costs, what it is told, how
//! it ends.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use shared::api::CreatedInvoice;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::process::{Observed, Program, ask, ask_on, purrwall};
use testing::fake_lightningd::FakeLightningd;
use testing::tools::{TestGateway, eventually, new_purchase, options, skipped};

impl Program {
    /// The processor time that it has used.
    fn cpu(&self) -> Duration {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        let fields = stat.rsplit(')').next().unwrap().split_whitespace();
        let ticks = fields
            .skip(11)
            .take(2)
            .map(|ticks| ticks.parse::<u64>().unwrap());
        // Linux counts a hundred a second for programs, whatever the kernel does.
        Duration::from_millis(10 * ticks.sum::<u64>())
    }

    /// Its memory, in bytes.
    fn memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:"));
        let kilobytes = line.unwrap().split_whitespace().nth(1).unwrap();
        1024 * kilobytes.parse::<u64>().unwrap()
    }
}

/// While lightningd is away, trying again costs next to nothing.
#[test]
fn waiting_for_lightningd_is_not_work() {
    let dir = tempfile::tempdir().unwrap();
    let mut command = purrwall(&dir.path().join("nobody"), &dir.path().join("secret"));
    command.env("PURRWALL_SECRET", "ab".repeat(32));
    let program = Program::start(command);
    let before = program.cpu();
    let started = Instant::now();
    std::thread::sleep(Duration::from_secs(3));
    let used = program.cpu().saturating_sub(before);
    let share = used.as_secs_f64() / started.elapsed().as_secs_f64();
    println!("lightningd is away: {:.1} % of a processor", 100.0 * share);
    assert!(share < 0.2, "{used:?}");
}

/// A page that is closed closes its connection: the wait ends, and what it took is used again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn buyers_who_leave_cost_nothing() {
    let fake = FakeLightningd::start();
    let dir = tempfile::tempdir().unwrap();
    let mut command = purrwall(&fake.socket(), &dir.path().join("secret"));
    command.env("PURRWALL_LOG", "purrwall::commands=info");
    let observed = Observed::start(command, dir.path());
    let program = &observed.program;
    // One claim has 64 places.
    let claims: Vec<_> = (0..4)
        .map(|_| program.create(&new_purchase().to_hex()).claim.to_base64())
        .collect();
    let become_waiters = |expected: u16| {
        let limit = Instant::now() + Duration::from_mins(1);
        while observed.metric("purrwall_waiters") != u64::from(expected) {
            assert!(Instant::now() < limit, "never {expected} waiters");
            std::thread::sleep(Duration::from_millis(10));
        }
    };
    let come_and_leave = |count: u16| {
        let comes = |number: u16| {
            let claim = &claims[usize::from(number) % claims.len()];
            let mut stream = TcpStream::connect(&program.address).unwrap();
            stream.write_all(wait(claim).as_bytes()).unwrap();
            stream
        };
        let waits: Vec<_> = (0..count).map(comes).collect();
        become_waiters(count);
        drop(waits);
        become_waiters(0);
    };
    // The allocator takes what a crowd needs, and keeps it.
    for _ in 0..5 {
        come_and_leave(200);
    }
    let before = program.memory();
    for _ in 0..5 {
        come_and_leave(200);
    }
    let grown = program.memory().saturating_sub(before);
    println!("1000 waits that were given up: {} kB", grown / 1000);
    assert!(grown < 8_000_000, "{grown} bytes");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn systemd_is_told_of_start_life_and_end() {
    let fake = FakeLightningd::start();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("notify");
    let notify = UnixDatagram::bind(&path).unwrap();
    let patience = Some(Duration::from_mins(1));
    notify.set_read_timeout(patience).unwrap();
    let next = || {
        let mut buffer = [0; 512];
        let length = notify.recv(&mut buffer).expect("a message in time");
        String::from_utf8_lossy(&buffer[..length]).trim().to_owned()
    };
    let mut command = purrwall(&fake.socket(), &dir.path().join("secret"));
    command
        .env("NOTIFY_SOCKET", &path)
        .env("WATCHDOG_USEC", "300000");
    let mut program = Program::start(command);
    assert_eq!(next(), "READY=1");
    assert_eq!(next(), "WATCHDOG=1");
    program.signal("INT");
    let mut last = next();
    while last == "WATCHDOG=1" {
        last = next();
    }
    assert_eq!(last, "STOPPING=1");
    assert_eq!(program.child.wait().unwrap().code(), Some(0));
}

/// A transfer under way is finished, while nobody new is let in.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_its_end_it_finishes_transfers() {
    const SIZE: usize = 8_000_000;
    let fake = FakeLightningd::start();
    let dir = tempfile::tempdir().unwrap();
    let (mut program, mut transfer) = transfers(&fake, dir.path(), SIZE);
    program.signal("TERM");
    let closed = || TcpStream::connect(&program.address).is_err();
    eventually("the door to be closed", closed).await;
    let mut rest = Vec::new();
    transfer.read_to_end(&mut rest).unwrap();
    assert_eq!(rest.len(), SIZE);
    assert_eq!(program.child.wait().unwrap().code(), Some(0));
}

/// Its reader stands still, so that the end would never come.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_its_end_it_cuts_what_takes_too_long() {
    // More than the sockets' buffers hold.
    const SIZE: usize = 32_000_000;
    let fake = FakeLightningd::start();
    let dir = tempfile::tempdir().unwrap();
    let (mut program, mut transfer) = transfers(&fake, dir.path(), SIZE);
    program.signal("TERM");
    assert_eq!(program.child.wait().unwrap().code(), Some(0));
    let mut rest = Vec::new();
    // What was under way when the process ended may end in an error, too.
    transfer.read_to_end(&mut rest).ok();
    assert!(rest.len() < SIZE, "nothing was cut");
}

/// A gateway that sells a file of this size, and a transfer of it whose head has arrived.
fn transfers(fake: &FakeLightningd, dir: &Path, size: usize) -> (Program, TcpStream) {
    fs::write(dir.join("song.bin"), vec![7; size]).unwrap();
    let file = dir.join("purrwall.toml");
    let text = "[[item]]\nid = \"cat\"\ntitle = \"x\"\nfile = \"song.bin\"\nprice = \"1 sat\"\n";
    fs::write(&file, text).unwrap();
    let mut command = purrwall(&fake.socket(), &dir.join("secret"));
    command.arg("--config").arg(&file);
    let program = Program::start(command);
    let created = program.create(&new_purchase().to_hex());
    fake.is_paid(&created.invoice.bolt11);
    let claim = created.claim.to_base64();
    let mut transfer = TcpStream::connect(&program.address).unwrap();
    write!(
        transfer,
        "GET /api/v1/items/cat/content HTTP/1.1\r\nhost: x\r\nauthorization: L402 {claim}\r\n\r\n"
    )
    .unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        transfer.read_exact(&mut byte).unwrap();
        head.extend(byte);
    }
    assert!(head.starts_with(b"HTTP/1.1 200"));
    (program, transfer)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn heads_addresses_and_bodies_have_a_limit() {
    let fake = FakeLightningd::start();
    let dir = tempfile::tempdir().unwrap();
    let program = Program::start(purrwall(&fake.socket(), &dir.path().join("secret")));
    let long = "x".repeat(18_000);
    for head in [
        format!("GET /healthz HTTP/1.1\r\nx-long: {long}"),
        format!("GET /healthz?{long} HTTP/1.1"),
    ] {
        let (status, _) = program.ask(&head, "");
        assert!([414, 431].contains(&status), "{status}");
    }
    let head = "POST /api/v1/items/cat/invoices HTTP/1.1\r\ncontent-type: application/json";
    let (status, _) = program.ask(head, &format!("{{\"purchase_id\": \"{long}\"}}"));
    assert_eq!(status, 413);
    assert_eq!(program.ask("GET /healthz HTTP/1.1", "").0, 200);
}

/// Over a real connection: the head arrives, and its body never does.
#[tokio::test]
async fn a_request_has_to_arrive_in_time() {
    let fake = FakeLightningd::start();
    let mut options = options(fake.socket());
    options.timing.request = Duration::from_millis(200);
    let gateway = TestGateway::with(options).gateway;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(gateway.serve(listener, std::future::pending()));
    for (path, kind) in [
        ("/api/v1/items/cat/invoices", "application/json"),
        ("/buy/cat", "application/x-www-form-urlencoded"),
    ] {
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: x\r\ncontent-type: {kind}\r\n\
             content-length: 50\r\n\r\n{{\"purchase_id\": \""
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
        assert!(answer.contains("request-timeout"), "{answer}");
    }
    assert_eq!(fake.invoices(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_operators_see_has_an_address_of_its_own() {
    let fake = FakeLightningd::start();
    let dir = tempfile::tempdir().unwrap();
    let command = purrwall(&fake.socket(), &dir.path().join("secret"));
    let observed = Observed::start(command, dir.path());
    let program = &observed.program;
    assert_eq!(program.ask("GET /metrics HTTP/1.1", "").0, 404);
    let (_, metrics) = ask(&observed.metrics, "GET /metrics HTTP/1.1", "");
    assert!(metrics.contains("purrwall_watcher_up"), "{metrics}");
    let (_, told) = program.ask("GET /readyz HTTP/1.1", "");
    assert_eq!(told, "{\"ready\":true}");
    let (_, report) = ask(&observed.metrics, "GET /readyz HTTP/1.1", "");
    assert!(report.contains("node_id"), "{report}");

    let program = Program::start(purrwall(&fake.socket(), &dir.path().join("secret")));
    assert_eq!(program.ask("GET /metrics HTTP/1.1", "").0, 404);
}

/// A request for the payment of this claim, which is not made.
fn wait(claim: &str) -> String {
    format!(
        "GET /api/v1/invoice?wait=30 HTTP/1.1\r\nhost: x\r\nauthorization: L402 {claim}\r\n\r\n"
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_claim_has_a_bounded_number_of_waits() {
    let fake = FakeLightningd::start();
    let dir = tempfile::tempdir().unwrap();
    let command = purrwall(&fake.socket(), &dir.path().join("secret"));
    let observed = Observed::start(command, dir.path());
    let program = &observed.program;
    let created = program.create(&new_purchase().to_hex());
    let claim = created.claim.to_base64();
    let waits: Vec<_> = (0..64)
        .map(|_| {
            let mut stream = TcpStream::connect(&program.address).unwrap();
            stream.write_all(wait(&claim).as_bytes()).unwrap();
            stream
        })
        .collect();
    eventually("all to wait", || observed.metric("purrwall_waiters") == 64).await;
    let status = |wait: u8, claim: &str| {
        let head =
            format!("GET /api/v1/invoice?wait={wait} HTTP/1.1\r\nauthorization: L402 {claim}");
        program.ask(&head, "")
    };
    let (refused, problem) = status(30, &claim);
    assert_eq!(refused, 429, "{problem}");
    assert!(problem.contains("waiting for this payment"), "{problem}");
    let (asked, answer) = status(0, &claim);
    assert_eq!(asked, 200, "a question that waits for nothing: {answer}");
    // A buyer who pays is let in all the same.
    fake.is_paid(&created.invoice.bolt11);
    drop(waits);
    eventually("the payment", || status(30, &claim).0 == 200).await;
}

/// The program under so many descriptors.
fn with_descriptors(count: u32, command: &Command) -> Command {
    let mut limited = Command::new("/bin/sh");
    limited
        .args(["-c", "ulimit -n \"$0\" && exec \"$@\"", &count.to_string()])
        .arg(command.get_program())
        .args(command.get_args())
        .env_clear()
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    for (name, value) in command.get_envs() {
        limited.env(name, value.unwrap());
    }
    limited
}

/// A connection from an address of this machine.
async fn connect_from(client: &str, program: &Program) -> TcpStream {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind(format!("{client}:0").parse().unwrap()).unwrap();
    let stream = socket.connect(program.address.parse().unwrap()).await;
    let stream = stream.unwrap().into_std().unwrap();
    stream.set_nonblocking(false).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_mins(1)))
        .unwrap();
    stream
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stranger_with_many_connections_keeps_nobody_out() {
    if raise_descriptors() < 4096 {
        return skipped("3,000 connections need as many open files (ulimit -H -n)");
    }
    let fake = FakeLightningd::start();
    let dir = tempfile::tempdir().unwrap();
    let mut command = purrwall(&fake.socket(), &dir.path().join("secret"));
    command
        .env("PURRWALL_LOG", "info,purrwall_lightningd::client=error")
        .args(["--invoices-per-minute", "0"]);
    let observed = Observed::start(with_descriptors(1024, &command), dir.path());
    let program = &observed.program;
    let claims: Vec<_> = (0..20)
        .map(|_| program.create(&new_purchase().to_hex()).claim.to_base64())
        .collect();
    let mut strangers = Vec::new();
    for _ in 0..2000 {
        strangers.push(TcpStream::connect(&program.address).unwrap());
    }
    for number in 0..1000 {
        let mut stream = TcpStream::connect(&program.address).unwrap();
        let claim = &claims[number % claims.len()];
        // One that has been closed already takes nothing.
        stream.write_all(wait(claim).as_bytes()).ok();
        strangers.push(stream);
    }
    let open = fs::read_dir(format!("/proc/{}/fd", program.child.id())).unwrap();
    assert!(
        open.count() < 1024 / 2,
        "half of them are for everything else"
    );

    let ask =
        async |head: &str, body: &str| ask_on(connect_from("127.0.0.2", program).await, head, body);
    let head = "POST /api/v1/items/cat/invoices HTTP/1.1\r\ncontent-type: application/json";
    let body = format!("{{\"purchase_id\": \"{}\"}}", new_purchase().to_hex());
    let (_, created) = ask(head, &body).await;
    let created: CreatedInvoice = serde_json::from_str(&created).unwrap();
    fake.is_paid(&created.invoice.bolt11);
    let claim = created.claim.to_base64();
    let (_, status) = ask(
        &format!("GET /api/v1/invoice?wait=30 HTTP/1.1\r\nauthorization: L402 {claim}"),
        "",
    )
    .await;
    assert!(status.contains("\"paid\""), "{status}");
    let head = format!("GET /api/v1/items/cat/content HTTP/1.1\r\nauthorization: L402 {claim}");
    assert_eq!(ask(&head, "").await.0, 200);
    assert!(observed.metric("purrwall_connections_shed_total") > 1000);
    drop(strangers);
    let (log, ended_well) = observed.end();
    assert!(ended_well);
    assert!(!log.contains("WARN") && !log.contains("ERROR"), "{log}");
}

/// Raises this process's own limit, and gives it.
pub(crate) fn raise_descriptors() -> u64 {
    let maximum = getrlimit(Resource::Nofile).maximum;
    let raised = Rlimit {
        current: maximum,
        maximum,
    };
    setrlimit(Resource::Nofile, raised).unwrap();
    maximum.unwrap_or(u64::MAX)
}

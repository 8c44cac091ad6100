//! The program itself: how it starts and refuses to start, what it logs, how it ends.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use shared::api::CreatedInvoice;
use shared::lightning::Preimage;

use testing::fake_lightningd::FakeLightningd;
use testing::tools::{eventually, metric, new_purchase};

/// A running gateway; killed if the test ends before it does.
pub(crate) struct Program {
    pub(crate) child: Child,
    pub(crate) address: String,
}

/// A running gateway whose figures can be asked for. Its log goes to a file.
pub(crate) struct Observed {
    pub(crate) program: Program,
    pub(crate) log: PathBuf,
    pub(crate) metrics: String,
}

impl Observed {
    /// `dir` gets the log.
    pub(crate) fn start(mut command: Command, dir: &Path) -> Self {
        let log = dir.join("log");
        command
            .args(["--metrics-listen", "127.0.0.1:0"])
            .stderr(fs::File::create(&log).unwrap());
        let program = Program::start(command);
        let metrics = metrics_address(|| fs::read_to_string(&log).unwrap());
        Self {
            program,
            log,
            metrics,
        }
    }

    /// Asks it to end; gives its log and whether it ended well.
    pub(crate) fn end(mut self) -> (String, bool) {
        self.program.signal("TERM");
        let status = self.program.child.wait().unwrap();
        (fs::read_to_string(&self.log).unwrap(), status.success())
    }

    pub(crate) fn metric(&self, name: &str) -> u64 {
        let (status, metrics) = ask(&self.metrics, "GET /metrics HTTP/1.1", "");
        assert_eq!(status, 200, "{metrics}");
        metric(&metrics, name)
    }
}

/// The address of a gateway's figures, which it says in its log.
pub(crate) fn metrics_address(log: impl Fn() -> String) -> String {
    let limit = Instant::now() + Duration::from_mins(1);
    loop {
        let text = log();
        let rest = text.split_once("metrics are at http://");
        if let Some((address, _)) = rest.and_then(|(_, rest)| rest.split_once("/metrics")) {
            return address.to_owned();
        }
        assert!(Instant::now() < limit, "the log has no address: {text}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

pub(crate) fn purrwall(socket: &Path, secret: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_purrwall"));
    command
        .env_clear()
        .arg("--lightning-rpc")
        .arg(socket)
        .arg("--secret-file")
        .arg(secret)
        .env("PURRWALL_LISTEN", "127.0.0.1:0")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

impl Program {
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        stdout.read_line(&mut line).unwrap();
        let address = line.trim().split_once("://").map(|(_, address)| address);
        let address = address.unwrap_or_else(|| panic!("{line:?}")).to_owned();
        Self { child, address }
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.rsplit(':').next().unwrap().parse().unwrap()
    }

    /// One request on a connection of its own; status and body.
    pub(crate) fn ask(&self, head: &str, body: &str) -> (u16, String) {
        ask(&self.address, head, body)
    }

    pub(crate) fn create(&self, purchase_id: &str) -> CreatedInvoice {
        let head = "POST /api/v1/items/cat/invoices HTTP/1.1\r\ncontent-type: application/json";
        let (_, body) = self.ask(head, &format!("{{\"purchase_id\": \"{purchase_id}\"}}"));
        serde_json::from_str(&body).unwrap_or_else(|error| panic!("{error}: {body}"))
    }

    pub(crate) fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", signal, &pid]).status();
        assert!(sent.unwrap().success());
    }

    /// Asks it to end; gives its log and whether it ended well.
    pub(crate) fn end(mut self) -> (String, bool) {
        self.signal("TERM");
        let mut log = String::new();
        self.child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut log)
            .unwrap();
        let status = self.child.wait().unwrap();
        (log, status.success())
    }
}

/// One request on a connection of its own; status and body.
pub(crate) fn ask(address: &str, head: &str, body: &str) -> (u16, String) {
    ask_on(TcpStream::connect(address).unwrap(), head, body)
}

/// One request on this connection, which ends with the answer; status and body.
pub(crate) fn ask_on(mut stream: TcpStream, head: &str, body: &str) -> (u16, String) {
    let length = body.len();
    write!(
        stream,
        "{head}\r\nhost: x\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    (head[9..12].parse().unwrap(), body.to_owned())
}

impl Drop for Program {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

#[track_caller]
fn assert_refuses(output: &Output, named: &[&str]) {
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(error.lines().count(), 1, "{error}");
    for name in named {
        assert!(error.contains(name), "{error}");
    }
}

#[test]
fn a_port_in_use_is_named_with_the_remedy() {
    let dir = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let mut command = purrwall(Path::new("/nonexistent"), &dir.path().join("secret"));
    command
        .env("PURRWALL_LOG", "warn")
        .args(["--listen", &address]);
    assert_refuses(
        &command.output().unwrap(),
        &[&address, "--listen", "in use"],
    );
}

#[test]
fn an_unusable_secret_is_named_with_the_remedy() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("secret");
    let start = || purrwall(Path::new("/nonexistent"), &file).output().unwrap();
    fs::write(&file, "too short").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    assert_refuses(&start(), &[file.to_str().unwrap(), "64 hex digits"]);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    assert_refuses(&start(), &[file.to_str().unwrap(), "chmod 600"]);

    let mut command = purrwall(Path::new("/nonexistent"), &file);
    command.env("PURRWALL_SECRET", "abc");
    assert_refuses(
        &command.output().unwrap(),
        &["PURRWALL_SECRET", "64 hex digits"],
    );
}

#[test]
fn no_home_and_no_path_is_named() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_purrwall"));
    command
        .env_clear()
        .args(["--lightning-rpc", "/nonexistent"]);
    // The home of this user may be known without HOME; then the default is used.
    command
        .env("XDG_DATA_HOME", "/proc/nonexistent")
        .args(["--listen", "127.0.0.1:0"]);
    assert_refuses(
        &command.output().unwrap(),
        &["/proc/nonexistent", "--secret-file"],
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_environment_configures_and_flags_win() {
    let fake = FakeLightningd::start();
    let dir = tempfile::tempdir().unwrap();
    let mut command = purrwall(&fake.socket(), &dir.path().join("secret"));
    command
        .env("PURRWALL_STORE_NAME", "From the environment")
        .env("PURRWALL_INVOICE_EXPIRY", "60")
        .args(["--invoice-expiry", "90"]);
    let program = Program::start(command);
    let (status, store) = program.ask("GET /api/v1/store HTTP/1.1", "");
    assert_eq!(status, 200);
    let store: Value = serde_json::from_str(&store).unwrap();
    assert_eq!(store["name"], "From the environment");
    let invoice = program.create(&new_purchase().to_hex()).invoice;
    assert_eq!(invoice.expires_at - invoice.created_at, 90);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_secret_outlives_the_program() {
    let fake = FakeLightningd::start();
    let dir = tempfile::tempdir().unwrap();
    let secret = dir.path().join("new/secret");
    let purchase_id = new_purchase().to_hex();
    let buy = || {
        let program = Program::start(purrwall(&fake.socket(), &secret));
        program.create(&purchase_id)
    };
    assert_eq!(buy(), buy());
    let mode = fs::metadata(&secret).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_its_end_it_answers_who_waits() {
    let fake = FakeLightningd::start();
    let dir = tempfile::tempdir().unwrap();
    let program = Program::start(purrwall(&fake.socket(), &dir.path().join("secret")));
    let claim = program.create(&new_purchase().to_hex()).claim.to_base64();
    let mut waits = TcpStream::connect(&program.address).unwrap();
    write!(
        waits,
        "GET /api/v1/invoice?wait=30 HTTP/1.1\r\nhost: x\r\nauthorization: L402 {claim}\r\n\r\n"
    )
    .unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    let started = Instant::now();
    let (_, ended_well) = program.end();
    assert!(ended_well);
    assert!(
        started.elapsed() < Duration::from_secs(30),
        "the wait was not ended"
    );
    let mut answer = String::new();
    waits.read_to_string(&mut answer).unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 200") && answer.contains("unpaid"),
        "{answer}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_warns_where_nobody_deletes_expired_invoices() {
    for (when, autocleans, warns) in [
        ("never", false, true),
        ("never", true, false),
        ("1h", false, false),
    ] {
        let fake = FakeLightningd::start();
        if autocleans {
            fake.autocleans();
        }
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("log");
        let mut command = purrwall(&fake.socket(), &dir.path().join("secret"));
        command
            .args(["--delete-expired", when])
            .stderr(fs::File::create(&log).unwrap());
        let _program = Program::start(command);
        let asks = if when == "never" {
            "autoclean-status"
        } else {
            "listinvoices"
        };
        eventually("the question", || !fake.calls(asks).is_empty()).await;
        let says = |text| fs::read_to_string(&log).unwrap().contains(text);
        eventually("the start", || says("payments are followed")).await;
        let warning = "nobody deletes expired invoices";
        if warns {
            eventually("the warning", || says(warning)).await;
        }
        assert_eq!(says(warning), warns);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_warns_where_lightningd_deletes_paid_invoices() {
    for autocleans in [false, true] {
        let fake = FakeLightningd::start();
        if autocleans {
            fake.autocleans_paid();
        }
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("log");
        let mut command = purrwall(&fake.socket(), &dir.path().join("secret"));
        command.stderr(fs::File::create(&log).unwrap());
        let _program = Program::start(command);
        let asks = || !fake.calls("autoclean-status").is_empty();
        eventually("the question", asks).await;
        let says = |text| fs::read_to_string(&log).unwrap().contains(text);
        eventually("the start", || says("payments are followed")).await;
        let warning = "lightningd deletes paid invoices";
        if autocleans {
            eventually("the warning", || says(warning)).await;
        }
        assert_eq!(says(warning), autocleans);

        let checked = Command::new(env!("CARGO_BIN_EXE_purrwall"))
            .env_clear()
            .args(["check", "--lightning-rpc"])
            .arg(fake.socket())
            .arg("--secret-file")
            .arg(dir.path().join("secret"))
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&checked.stdout);
        assert!(checked.status.success(), "{checked:?}");
        assert_eq!(
            told.contains("autoclean-paidinvoices-age"),
            autocleans,
            "{told}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn as_text_the_log_keeps_secrets() {
    the_log_keeps_secrets("text").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn as_json_the_log_keeps_secrets() {
    the_log_keeps_secrets("json").await;
}

/// Buys, fails, is attacked; then looks for anything in the log that only the buyer should know.
async fn the_log_keeps_secrets(format: &str) {
    let fake = FakeLightningd::start();
    let dir = tempfile::tempdir().unwrap();
    let secret = dir.path().join("secret");
    let mut command = purrwall(&fake.socket(), &secret);
    command
        .env("PURRWALL_LOG", "trace")
        .args(["--log-format", format])
        .args(["--invoices-per-minute", "6"])
        .args(["--trusted-proxies", "127.0.0.1"]);
    let observed = Observed::start(command, dir.path());
    let program = &observed.program;
    let purchase_id = new_purchase().to_hex();
    let created = program.create(&purchase_id);
    let again = program.create(&purchase_id);
    assert_eq!(created, again);
    let claim = created.claim.to_base64();
    let preimage = Preimage(fake.is_paid(&created.invoice.bolt11)).to_hex();
    let is_known = || observed.metric("purrwall_invoices_paid_total") > 0;
    eventually("the payment to be heard of", is_known).await;

    let paths = [
        "/api/v1/invoice?wait=0&claim=inquery",
        "/api/v1/items/cat/content?preimage=inquery",
        "/inpath/file.js",
        "/api/v1/items/INPATH/content",
    ];
    for path in paths {
        for credential in [
            format!("L402 {claim}"),
            format!("L402 {claim}:{preimage}"),
            format!("L402 {claim}:{preimage}00"),
            format!("L402 {preimage}"),
        ] {
            program.ask(
                &format!("GET {path} HTTP/1.1\r\nauthorization: {credential}"),
                "",
            );
        }
    }
    for path in ["/buy/cat", "/buy/cat/content", "/buy/two-cats?inquery"] {
        let cookie = format!("purrwall-cat={claim}; purrwall-two-cats={claim}");
        program.ask(&format!("GET {path} HTTP/1.1\r\ncookie: {cookie}"), "");
    }
    let form = "POST /buy/cat HTTP/1.1\r\ncontent-type: application/x-www-form-urlencoded";
    program.ask(form, &format!("purchase_id={purchase_id}"));
    let head = "POST /api/v1/items/cat/invoices HTTP/1.1\r\ncontent-type: application/json";
    program.ask(head, &format!("{{\"purchase_id\": \"{purchase_id}00\"}}"));
    fake.goes_away().await;
    let (status, _) = program.ask(head, &format!("{{\"purchase_id\": \"{purchase_id}\"}}"));
    assert_eq!(status, 503);
    let refused = || {
        let head = format!("{head}\r\nx-forwarded-for: 203.0.113.7");
        let (status, _) = program.ask(&head, &format!("{{\"purchase_id\": \"{purchase_id}\"}}"));
        status == 429
    };
    eventually("the client's share to be used", refused).await;

    let label = fake.calls("invoice")[0]["label"]
        .as_str()
        .unwrap()
        .to_owned();
    let token_id = label.rsplit('/').next().unwrap();
    let root = fs::read_to_string(&secret).unwrap();
    let (log, ended_well) = observed.end();
    assert!(ended_well);
    let statuses = [303, 200, 401, 429, 503].map(|status| match format {
        "json" => format!("\"status\":{status}"),
        _ => format!("status={status}"),
    });
    let routes = ["/api/v1/items/{item}/content", "/buy/{item}"].map(str::to_owned);
    for known in statuses.iter().chain(&routes) {
        assert!(log.contains(known), "the log has no {known}:\n{log}");
    }
    if format == "json" {
        check_lines(&log, &created);
    }
    assert!(log.contains("doubts that the invoice can be paid"), "{log}");
    for hidden in [
        claim.as_str(),
        &claim[20..40],
        &preimage,
        &purchase_id,
        token_id,
        root.trim(),
        &created.invoice.bolt11,
        "inquery",
        "inpath",
        "INPATH",
    ] {
        assert!(!log.contains(hidden), "the log has {hidden:?}:\n{log}");
    }
}

/// One line for the payment and for each request, which reads alone.
fn check_lines(log: &str, created: &CreatedInvoice) {
    let read = |line: &str| serde_json::from_str(line).unwrap();
    let lines: Vec<Value> = log.lines().map(read).collect();
    let paid: Vec<_> = lines
        .iter()
        .filter(|line| line["message"] == "paid")
        .collect();
    assert_eq!(paid.len(), 1);
    assert_eq!(paid[0]["item"], "cat");
    assert_eq!(paid[0]["amount_msat"], 100_000);
    let payment_hash = created.invoice.payment_hash.to_hex();
    assert_eq!(paid[0]["payment_hash"], payment_hash);
    let is_form = |line: &&Value| line["path"] == "/buy/{item}" && line["method"] == "POST";
    assert_eq!(lines.iter().filter(is_form).count(), 1);
    for line in lines.iter().filter(|line| line["status"].is_u64()) {
        let id = line["span"]["request_id"].as_str().unwrap();
        assert_eq!(id.len(), 16, "{line}");
        assert!(line["duration_ms"].is_number(), "{line}");
    }
}

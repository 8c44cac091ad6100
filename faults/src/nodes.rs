//! The Lightning nodes: the devnet's, or running ones that the environment names.

use std::env;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::SocketAddr;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};
use shared::lightning::PaymentHash;
use tempfile::TempDir;

use crate::http::Request;

/// Longer than a payment may take, or a devnet that other programs keep from running.
const PATIENCE: Duration = Duration::from_mins(5);

/// The store's node and that of the buyers.
pub(crate) struct Nodes {
    pub(crate) store: PathBuf,
    pub(crate) alice: PathBuf,
    devnet: Option<Devnet>,
}

struct Devnet {
    child: Child,
    http: SocketAddr,
    /// Held open: it may have more to say.
    _stdout: BufReader<ChildStdout>,
    _dir: TempDir,
}

impl Nodes {
    /// Those of `PURRWALL_STORE_RPC` and `PURRWALL_ALICE_RPC`, else a new devnet whose store begins
    /// with `book` old invoices.
    pub(crate) fn start(book: usize) -> Result<Self> {
        let named = |variable| env::var_os(variable).map(PathBuf::from);
        match (named("PURRWALL_STORE_RPC"), named("PURRWALL_ALICE_RPC")) {
            (Some(store), Some(alice)) => Ok(Self {
                store,
                alice,
                devnet: None,
            }),
            (None, None) => Self::devnet(book),
            _ => bail!("set both PURRWALL_STORE_RPC and PURRWALL_ALICE_RPC, or neither"),
        }
    }

    fn devnet(book: usize) -> Result<Self> {
        let dir = tempfile::tempdir().context("cannot make a folder for the nodes")?;
        let mut child = Command::new(program("DEVNET", "devnet")?)
            .args(["--http", "127.0.0.1:0", "--book", &book.to_string()])
            .arg("--dir")
            .arg(dir.path())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start the devnet")?;
        let stdout = child.stdout.take().context("the devnet has no output")?;
        let mut stdout = BufReader::new(stdout);
        let mut said = String::new();
        while !said.ends_with("ready\n") {
            if stdout.read_line(&mut said)? == 0 {
                bail!("the devnet did not start: {said}");
            }
        }
        let http = said
            .lines()
            .find_map(|line| line.strip_prefix("http http://"));
        let http = http.context("the devnet names no address")?.parse()?;
        let socket = |name: &str| dir.path().join(name).join("lightning-rpc");
        Ok(Self {
            store: socket("store"),
            alice: socket("alice"),
            devnet: Some(Devnet {
                child,
                http,
                _stdout: stdout,
                _dir: dir,
            }),
        })
    }

    pub(crate) fn is_devnet(&self) -> bool {
        self.devnet.is_some()
    }

    /// Takes the store's node away from its peers or back to them. A real one stays.
    pub(crate) fn set_online(&self, online: bool) -> Result<()> {
        if let Some(devnet) = &self.devnet {
            let change = Request::new("PATCH", "/nodes/store").json(&json!({ "online": online }));
            let answer = change.within(PATIENCE).send(devnet.http);
            let answer = answer.context("the devnet does not change its node")?;
            anyhow::ensure!(answer.status == 200, "{}", answer.text());
        }
        Ok(())
    }

    /// Has alice pay; `None` where she could not or does not know yet.
    pub(crate) fn pay(&self, bolt11: &str, payment_hash: PaymentHash) -> Result<Option<String>> {
        let params = json!({ "invstring": bolt11, "retry_for": 15 });
        if let Ok(paid) = call(&self.alice, "xpay", &params) {
            return Ok(paid["payment_preimage"].as_str().map(str::to_owned));
        }
        let params = json!({ "payment_hash": payment_hash.to_hex() });
        let listed = call(&self.alice, "listpays", &params)?;
        let pays = listed["pays"].as_array().into_iter().flatten();
        let mut proofs = pays.filter_map(|pay| pay["preimage"].as_str());
        Ok(proofs.next().map(str::to_owned))
    }

    /// Has alice pay an invoice that has nothing in its way.
    pub(crate) fn pay_surely(&self, bolt11: &str, payment_hash: PaymentHash) -> Result<String> {
        let paid = self.pay(bolt11, payment_hash)?;
        paid.context("alice could not pay")
    }

    /// The store's entry of an invoice, if it has one.
    pub(crate) fn invoice(&self, payment_hash: PaymentHash) -> Result<Option<Value>> {
        let params = json!({ "payment_hash": payment_hash.to_hex() });
        let mut listed = call(&self.store, "listinvoices", &params)?;
        let invoices = listed["invoices"].as_array_mut();
        Ok(invoices.and_then(Vec::pop))
    }

    /// Whether the store's node was paid this.
    pub(crate) fn is_paid(&self, payment_hash: PaymentHash) -> Result<bool> {
        let invoice = self.invoice(payment_hash)?;
        Ok(invoice.is_some_and(|invoice| invoice["status"] == "paid"))
    }
}

impl Drop for Devnet {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// The program that the variable names, else the one beside this.
pub(crate) fn program(variable: &str, name: &str) -> Result<PathBuf> {
    if let Some(named) = env::var_os(variable) {
        return Ok(named.into());
    }
    let this = env::current_exe().context("cannot find the path of this program")?;
    Ok(this.with_file_name(name))
}

/// Calls a method of lightningd's.
pub(crate) fn call(socket: &Path, method: &str, params: &Value) -> Result<Value> {
    let mut stream = UnixStream::connect(socket)
        .with_context(|| format!("cannot reach lightningd at {}", socket.display()))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let request = json!({"jsonrpc": "2.0", "id": "faults", "method": method, "params": params});
    stream.write_all(request.to_string().as_bytes())?;
    let mut answer = Vec::new();
    let mut piece = [0; 16_384];
    while !answer.ends_with(b"\n\n") {
        let length = stream.read(&mut piece)?;
        anyhow::ensure!(length > 0, "{method}: lightningd hung up");
        answer.extend_from_slice(&piece[..length]);
    }
    let mut answer: Value = serde_json::from_slice(&answer)?;
    match answer.get_mut("result") {
        Some(result) => Ok(result.take()),
        None => bail!("{method}: {}", answer["error"]),
    }
}

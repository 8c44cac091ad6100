//! A lightningd for faults: it speaks real bytes on a real socket, keeps a book of real invoices,
//! and goes wrong on request. Payments between nodes are the devnet's business; here an invoice is
//! paid by saying so.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use bitcoin::hashes::{Hash as _, sha256};
use bitcoin::hex::{DisplayHex as _, FromHex as _};
use bitcoin::secp256k1::{PublicKey, Secp256k1, SecretKey};
use lightning_invoice::{
    Bolt11InvoiceDescription, Currency, Description, InvoiceBuilder, PaymentSecret, Sha256,
};
use serde_json::{Map, Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};

use crate::rpc::next_request;
use crate::tools::unix_now;

/// Ends with its value.
pub struct FakeLightningd {
    dir: TempDir,
    node: Arc<FakeNode>,
    server: Mutex<Option<AbortHandle>>,
}

/// What a fake does instead of answering a method.
#[derive(Clone, Copy, Debug)]
pub enum Fault {
    /// Answers with this error.
    Error(i64),
    /// Answers with this text.
    Says(&'static str),
    /// Never answers.
    Hangs,
    /// Answers late.
    Slow(Duration),
    /// Answers late with what was true before.
    LateNews(Duration),
    /// Closes the connection.
    HangsUp,
    /// Closes the connection in the middle of its answer.
    HangsUpMidway,
}

struct FakeNode {
    key: SecretKey,
    network: Mutex<&'static str>,
    book: Mutex<Book>,
    newest_pay_index: watch::Sender<u64>,
    faults: Mutex<HashMap<&'static str, Fault>>,
    requests: Mutex<Vec<Value>>,
    autocleans: AtomicBool,
    autocleans_paid: AtomicBool,
    /// A `listinvoices` that would list all there is.
    unbounded: AtomicBool,
}

#[derive(Default)]
struct Book {
    /// Invoices of others, before all the others.
    strangers: u64,
    invoices: Vec<FakeInvoice>,
    created: u64,
    payments: u64,
}

struct FakeInvoice {
    created_index: u64,
    label: String,
    bolt11: String,
    description: String,
    preimage: [u8; 32],
    amount_msat: u64,
    expires_at: u64,
    pay_index: Option<u64>,
    /// In UNIX seconds, once it is paid.
    paid_at: u64,
    /// In a form that no client knows.
    is_garbled: bool,
}

impl FakeLightningd {
    /// Starts one that works.
    pub fn start() -> Self {
        Self::with_key(0x5a)
    }

    /// Starts one that works, as the node whose key is made of this byte.
    pub fn with_key(byte: u8) -> Self {
        let fake = Self {
            dir: tempfile::tempdir().unwrap(),
            node: Arc::new(FakeNode {
                key: SecretKey::from_slice(&[byte; 32]).unwrap(),
                network: Mutex::new("regtest"),
                book: Mutex::default(),
                newest_pay_index: watch::Sender::new(0),
                faults: Mutex::default(),
                requests: Mutex::default(),
                autocleans: AtomicBool::new(false),
                autocleans_paid: AtomicBool::new(false),
                unbounded: AtomicBool::new(false),
            }),
            server: Mutex::default(),
        };
        fake.comes_back();
        fake
    }

    /// The socket's path.
    pub fn socket(&self) -> PathBuf {
        self.dir.path().join("lightning-rpc")
    }

    /// Ends all connections, and refuses new ones: the socket's file stays, as lightningd's does.
    pub async fn goes_away(&self) {
        let server = self.server.lock().unwrap().take();
        server.unwrap().abort();
        while UnixStream::connect(self.socket()).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Goes away, and its socket's file with it.
    pub async fn vanishes(&self) {
        self.goes_away().await;
        std::fs::remove_file(self.socket()).unwrap();
    }

    /// Listens again, with the book that it had.
    pub fn comes_back(&self) {
        let _ = std::fs::remove_file(self.socket());
        let listener = UnixListener::bind(self.socket()).unwrap();
        let server = tokio::spawn(serve(listener, self.node.clone()));
        *self.server.lock().unwrap() = Some(server.abort_handle());
    }

    /// From now on, `method` goes wrong.
    pub fn goes_wrong(&self, method: &'static str, fault: Fault) {
        self.node.faults.lock().unwrap().insert(method, fault);
    }

    /// Everything works again.
    pub fn recovers(&self) {
        self.node.faults.lock().unwrap().clear();
    }

    /// Says that it is on another network.
    pub fn is_on(&self, network: &'static str) {
        *self.node.network.lock().unwrap() = network;
    }

    /// The parameters of every call of `method` so far.
    pub fn calls(&self, method: &str) -> Vec<Value> {
        let requests = self.node.requests.lock().unwrap();
        let calls = requests
            .iter()
            .filter(|request| request["method"] == method);
        calls.map(|request| request["params"].clone()).collect()
    }

    /// How often an invoice was asked about by its payment_hash.
    pub fn questions(&self) -> usize {
        let calls = self.calls("listinvoices");
        let of_one = calls
            .iter()
            .filter(|call| call.get("payment_hash").is_some());
        of_one.count()
    }

    /// How many invoices there are.
    pub fn invoices(&self) -> usize {
        self.node.book().invoices.len()
    }

    /// The BOLT11 strings of all invoices, the newest last.
    pub fn bolt11s(&self) -> Vec<String> {
        let book = self.node.book();
        book.invoices
            .iter()
            .map(|invoice| invoice.bolt11.clone())
            .collect()
    }

    /// The labels of all invoices.
    pub fn labels(&self) -> Vec<String> {
        let book = self.node.book();
        book.invoices
            .iter()
            .map(|invoice| invoice.label.clone())
            .collect()
    }

    /// Has so many invoices of others, made before anything else.
    pub fn has_strangers(&self, count: u64) {
        let mut book = self.node.book();
        book.strangers = count;
        book.created = count;
    }

    /// Makes an invoice that a gateway did not ask for now; gives its BOLT11 string.
    pub fn makes(&self, label: &str, expiry: u64) -> String {
        let params = json!({
            "label": label, "description": "", "amount_msat": 1, "expiry": expiry,
        });
        let made = self.node.invoice(&params).unwrap();
        made["bolt11"].as_str().unwrap().to_owned()
    }

    /// Deletes expired invoices by itself, as far as it says.
    pub fn autocleans(&self) {
        self.node.autocleans.store(true, Ordering::Relaxed);
    }

    /// Deletes paid invoices by itself, as far as it says.
    pub fn autocleans_paid(&self) {
        self.node.autocleans_paid.store(true, Ordering::Relaxed);
    }

    /// Marks the invoice as paid, as if a payment had arrived; gives the preimage.
    pub fn is_paid(&self, bolt11: &str) -> [u8; 32] {
        self.was_paid(bolt11, unix_now())
    }

    /// Marks an invoice as paid at this time, in UNIX seconds; its preimage.
    pub fn was_paid(&self, bolt11: &str, paid_at: u64) -> [u8; 32] {
        let mut book = self.node.book();
        book.payments += 1;
        let pay_index = book.payments;
        let invoice = book.invoices.iter_mut().find(|one| one.bolt11 == bolt11);
        let invoice = invoice.unwrap();
        invoice.pay_index = Some(pay_index);
        invoice.paid_at = paid_at;
        let preimage = invoice.preimage;
        drop(book);
        self.node.newest_pay_index.send_replace(pay_index);
        preimage
    }

    /// Makes `count` invoices of somebody else's and marks them as paid an hour ago.
    pub fn has_a_past_of(&self, count: usize) {
        for _ in 0..count {
            let bolt11 = self.makes(&format!("other-{}", self.invoices()), 600);
            self.was_paid(&bolt11, unix_now() - 3600);
        }
    }

    /// Has a new, empty book.
    pub fn forgets_everything(&self) {
        *self.node.book() = Book::default();
        self.node.newest_pay_index.send_replace(0);
    }

    /// Tells the invoice in a form that no client knows from now on.
    pub fn garbles(&self, bolt11: &str) {
        let mut book = self.node.book();
        let invoice = book.invoices.iter_mut().find(|one| one.bolt11 == bolt11);
        invoice.unwrap().is_garbled = true;
    }

    /// Forgets the invoice.
    pub fn deletes(&self, bolt11: &str) {
        let invoices = &mut self.node.book().invoices;
        invoices.retain(|invoice| invoice.bolt11 != bolt11);
    }
}

/// Every test with a fake lightningd is one that nothing unbounded is asked of it.
impl Drop for FakeLightningd {
    fn drop(&mut self) {
        let unbounded = self.node.unbounded.load(Ordering::Relaxed);
        assert!(
            !unbounded || std::thread::panicking(),
            "an unbounded listinvoices"
        );
    }
}

async fn serve(listener: UnixListener, node: Arc<FakeNode>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        connections.spawn(talk(stream, node.clone()));
    }
}

async fn talk(mut stream: UnixStream, node: Arc<FakeNode>) {
    while let Some(request) = next_request(&mut stream).await {
        let method = request["method"].as_str().unwrap().to_owned();
        node.requests.lock().unwrap().push(request.clone());
        let fault = node.faults.lock().unwrap().get(method.as_str()).copied();
        let answer = match fault {
            Some(Fault::Hangs) => std::future::pending().await,
            Some(Fault::HangsUp) => return,
            Some(Fault::Says(text)) => {
                stream.write_all(text.as_bytes()).await.unwrap();
                continue;
            }
            Some(Fault::Error(code)) => Err(code),
            Some(Fault::Slow(pause)) => {
                tokio::time::sleep(pause).await;
                node.answer(&method, &request["params"]).await
            }
            Some(Fault::LateNews(pause)) => {
                let news = node.answer(&method, &request["params"]).await;
                tokio::time::sleep(pause).await;
                news
            }
            None | Some(Fault::HangsUpMidway) => node.answer(&method, &request["params"]).await,
        };
        let (jsonrpc, id) = ("2.0", &request["id"]);
        let answer = match answer {
            Ok(result) => json!({"jsonrpc": jsonrpc, "id": id, "result": result}),
            Err(code) => json!({
                "jsonrpc": jsonrpc, "id": id, "error": {"code": code, "message": "as it was asked to"},
            }),
        };
        let text = format!("{answer}\n\n");
        if matches!(fault, Some(Fault::HangsUpMidway)) {
            let half = &text.as_bytes()[..text.len() / 2];
            stream.write_all(half).await.ok();
            return;
        }
        // In two parts, as large answers come.
        let (first, second) = text.split_at(text.len() - 1);
        if stream.write_all(first.as_bytes()).await.is_err() {
            return;
        }
        tokio::task::yield_now().await;
        let _ = stream.write_all(second.as_bytes()).await;
    }
}

impl FakeNode {
    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap()
    }

    async fn answer(&self, method: &str, params: &Value) -> Result<Value, i64> {
        match method {
            "getinfo" => Ok(self.getinfo()),
            "invoice" => self.invoice(params),
            "listinvoices" => Ok(self.listinvoices(params)),
            "delinvoice" => self.delinvoice(params),
            "autoclean-status" => {
                let enabled = self.autocleans.load(Ordering::Relaxed);
                let expired = json!({"enabled": enabled, "cleaned": 0});
                let enabled = self.autocleans_paid.load(Ordering::Relaxed);
                let mut paid = json!({"enabled": enabled, "cleaned": 0});
                if enabled {
                    paid["age"] = 2_592_000.into();
                }
                let all = json!({"expiredinvoices": expired, "paidinvoices": paid});
                let Some(subsystem) = params["subsystem"].as_str() else {
                    return Ok(json!({ "autoclean": all }));
                };
                Ok(json!({"autoclean": {subsystem: all[subsystem]}}))
            }
            "waitanyinvoice" => self.waitanyinvoice(params).await,
            _ => Err(-32601),
        }
    }

    fn getinfo(&self) -> Value {
        json!({
            "id": PublicKey::from_secret_key(&Secp256k1::new(), &self.key).to_string(),
            "alias": "fake", "color": "5a5a5a", "num_peers": 0, "num_pending_channels": 0,
            "num_active_channels": 0, "num_inactive_channels": 0, "address": [], "binding": [],
            "version": "v26.06.6", "blockheight": 123, "fees_collected_msat": 0,
            "network": *self.network.lock().unwrap(), "lightning-dir": "/home/user/.lightning/regtest",
        })
    }

    fn invoice(&self, params: &Value) -> Result<Value, i64> {
        let mut book = self.book();
        let label = params["label"].as_str().unwrap();
        if book.invoices.iter().any(|invoice| invoice.label == label) {
            return Err(900);
        }
        let amount = &params["amount_msat"];
        let amount_msat = amount.as_u64().unwrap_or_else(|| {
            let text = amount.as_str().unwrap();
            text.strip_suffix("msat").unwrap().parse().unwrap()
        });
        let expiry = params["expiry"].as_u64().unwrap();
        let mut preimage = [0; 32];
        match params.get("preimage").and_then(Value::as_str) {
            Some(given) => preimage = <[u8; 32]>::from_hex(given).unwrap(),
            None => getrandom::fill(&mut preimage).unwrap(),
        }
        if book
            .invoices
            .iter()
            .any(|invoice| invoice.preimage == preimage)
        {
            return Err(901);
        }
        let payment_hash = sha256::Hash::hash(&preimage);
        let description = params["description"].as_str().unwrap();
        let is_hashed = params.get("deschashonly").is_some_and(|only| only == true);
        let said = if is_hashed {
            Bolt11InvoiceDescription::Hash(Sha256(sha256::Hash::hash(description.as_bytes())))
        } else {
            Bolt11InvoiceDescription::Direct(Description::new(description.to_owned()).unwrap())
        };
        let created_at = unix_now();
        let invoice = InvoiceBuilder::new(Currency::Regtest)
            .invoice_description(said)
            .amount_milli_satoshis(amount_msat)
            .payment_hash(payment_hash)
            .payment_secret(PaymentSecret([1; 32]))
            .duration_since_epoch(Duration::from_secs(created_at))
            .expiry_time(Duration::from_secs(expiry))
            .min_final_cltv_expiry_delta(18)
            .build_signed(|hash| Secp256k1::new().sign_ecdsa_recoverable(hash, &self.key))
            .unwrap();
        let bolt11 = invoice.to_string();
        book.created += 1;
        let created_index = book.created;
        book.invoices.push(FakeInvoice {
            created_index,
            label: label.to_owned(),
            bolt11: bolt11.clone(),
            description: description.to_owned(),
            preimage,
            amount_msat,
            expires_at: created_at + expiry,
            pay_index: None,
            paid_at: 0,
            is_garbled: false,
        });
        Ok(json!({
            "payment_hash": payment_hash.to_string(), "expires_at": created_at + expiry,
            "bolt11": bolt11, "payment_secret": "01".repeat(32),
            "created_index": created_index,
            "warning_capacity": "Insufficient incoming channel capacity to pay invoice",
        }))
    }

    fn listinvoices(&self, params: &Value) -> Value {
        let params = params.as_object().unwrap();
        if params.get("index").is_some_and(|index| index == "created") {
            return self.page(params);
        }
        if !params.contains_key("label") && !params.contains_key("payment_hash") {
            self.unbounded.store(true, Ordering::Relaxed);
        }
        let chosen = |invoice: &&FakeInvoice| {
            let payment_hash = sha256::Hash::hash(&invoice.preimage).to_string();
            params
                .get("label")
                .is_some_and(|label| *label == invoice.label)
                || params
                    .get("payment_hash")
                    .is_some_and(|hash| *hash == payment_hash)
        };
        let book = self.book();
        let found: Vec<_> = book
            .invoices
            .iter()
            .filter(chosen)
            .map(FakeInvoice::listed)
            .collect();
        json!({ "invoices": found })
    }

    fn page(&self, params: &Map<String, Value>) -> Value {
        let start = params["start"].as_u64().unwrap();
        let limit = params.get("limit").and_then(Value::as_u64);
        let limit = limit.filter(|limit| *limit <= 1000).unwrap_or_else(|| {
            self.unbounded.store(true, Ordering::Relaxed);
            0
        });
        let book = self.book();
        let strangers = (start..=book.strangers).map(stranger);
        let ours = book
            .invoices
            .iter()
            .filter(|invoice| invoice.created_index >= start)
            .map(FakeInvoice::listed);
        let limit = usize::try_from(limit).unwrap();
        let page: Vec<_> = strangers.chain(ours).take(limit).collect();
        json!({ "invoices": page })
    }

    fn delinvoice(&self, params: &Value) -> Result<Value, i64> {
        let mut book = self.book();
        let found = book
            .invoices
            .iter()
            .position(|invoice| params["label"] == invoice.label);
        let found = found.ok_or(905)?;
        let listed = book.invoices[found].listed();
        if params["status"] != listed["status"] {
            return Err(906);
        }
        book.invoices.remove(found);
        Ok(listed)
    }

    async fn waitanyinvoice(&self, params: &Value) -> Result<Value, i64> {
        let last = params["lastpay_index"].as_u64().unwrap();
        let timeout = Duration::from_secs(params["timeout"].as_u64().unwrap());
        let mut newest = self.newest_pay_index.subscribe();
        let paid = newest.wait_for(|newest| *newest > last);
        tokio::time::timeout(timeout, paid)
            .await
            .map_err(|_| 904)?
            .unwrap();
        let book = self.book();
        let later = |invoice: &&FakeInvoice| invoice.pay_index.is_some_and(|index| index > last);
        let next = book
            .invoices
            .iter()
            .filter(later)
            .min_by_key(|invoice| invoice.pay_index);
        next.map(FakeInvoice::listed).ok_or(904)
    }
}

/// An expired invoice of somebody else's.
fn stranger(number: u64) -> Value {
    json!({
        "label": format!("stranger-{number}"), "bolt11": "lnbcrt1", "amount_msat": 1,
        "payment_hash": sha256::Hash::hash(&number.to_be_bytes()).to_string(),
        "status": "expired", "description": "", "expires_at": 1, "created_index": number,
    })
}

impl FakeInvoice {
    fn listed(&self) -> Value {
        let status = match self.pay_index {
            Some(_) => "paid",
            None if unix_now() >= self.expires_at => "expired",
            None => "unpaid",
        };
        let mut listed = json!({
            "label": self.label, "bolt11": self.bolt11, "amount_msat": self.amount_msat,
            "payment_hash": sha256::Hash::hash(&self.preimage).to_string(), "status": status,
            "description": self.description, "expires_at": self.expires_at,
            "created_index": self.created_index,
        });
        if let Some(pay_index) = self.pay_index {
            listed["pay_index"] = pay_index.into();
            listed["amount_received_msat"] = self.amount_msat.into();
            listed["paid_at"] = self.paid_at.into();
            listed["payment_preimage"] = self.preimage.to_lower_hex_string().into();
        }
        if self.is_garbled {
            listed["status"] = "held".into();
            listed["payment_preimage"] = "?".into();
        }
        listed
    }
}

/// Plays back one recorded answer of a real lightningd to whatever it is asked.
pub fn plays_back(dir: &Path, recorded: Value) -> PathBuf {
    let socket = dir.join("recorded-rpc");
    let _ = std::fs::remove_file(&socket);
    let listener = UnixListener::bind(&socket).unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut buffer = [0; 8192];
        let length = stream.read(&mut buffer).await.unwrap();
        let request: Value = serde_json::from_slice(&buffer[..length]).unwrap();
        let mut answer = recorded;
        answer["id"] = request["id"].clone();
        stream
            .write_all(format!("{answer}\n\n").as_bytes())
            .await
            .unwrap();
        std::future::pending::<()>().await;
    });
    socket
}

//! A store over the devnet, a buyer with a faulty node, and a faulty way between the two.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use lightningd::Lightningd;
use purrwall_buyer::files::Purchase;
use purrwall_buyer::store::Store;
use purrwall_buyer::ticket::Scheme;
use purrwall_buyer::{Bought, BuyError, Buyer, Limits, Timing};
use purrwall_gateway::Gateway;
use purrwall_gateway::Secret;
use purrwall_gateway::options::Options;
use serde_json::json;
use shared::lightning::Msat;
use shared::receipt::Receipt;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::AbortHandle;

use crate::faults::{Fault, NodeProxy};
use crate::nodes::call;
pub use crate::nodes::{nodes, run};
use crate::tools::{eventually, options};

pub const CAT: &[u8] = include_bytes!("../../gateway/cats/cat.txt");

/// The store's node, by its key.
pub async fn node_id(socket: &Path) -> String {
    let info = call(socket, "getinfo", json!({})).await.unwrap();
    info["id"].as_str().unwrap().to_owned()
}

/// A gateway, and a buyer before it whose node is alice's.
pub struct Shop {
    pub node: NodeProxy,
    pub way: Way,
    pub dir: TempDir,
    _closed: oneshot::Sender<()>,
}

impl Shop {
    /// Ends after the purchase was remembered and before the node was told to pay.
    pub async fn crash_before_paying(&self) {
        self.node.goes_wrong("listpays", Fault::Swallow);
        self.crash_at("listpays").await;
        self.node.is_well();
    }
}

impl Shop {
    pub async fn open() -> Self {
        Self::with_expiry(600).await
    }

    /// A store whose invoices can be paid for this many seconds.
    pub async fn with_expiry(invoice_expiry_secs: u32) -> Self {
        Self::with(|options| options.store.invoice_expiry_secs = invoice_expiry_secs).await
    }

    /// A store whose options are changed so.
    pub async fn with(change: impl FnOnce(&mut Options)) -> Self {
        let nodes = nodes().await;
        let mut options = options(&nodes.store);
        change(&mut options);
        options.timing = purrwall_gateway::options::Timing::default();
        let mut secret = [0; 32];
        getrandom::fill(&mut secret).unwrap();
        let gateway = Gateway::with(options, &Secret::from_bytes(secret)).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let way = Way::start(listener.local_addr().unwrap()).await;
        let (closed, closing) = oneshot::channel::<()>();
        tokio::spawn(async move {
            let closed = async {
                closing.await.ok();
            };
            gateway.serve(listener, closed).await;
        });
        Self {
            node: NodeProxy::start(nodes.alice.clone()),
            way,
            dir: tempfile::tempdir().unwrap(),
            _closed: closed,
        }
    }

    pub fn url(&self, item: &str) -> String {
        format!("http://{}/api/v1/items/{item}/content", self.way.address)
    }

    pub fn out(&self) -> PathBuf {
        self.dir.path().join("cat.txt")
    }

    pub fn beside(&self, suffix: &str) -> PathBuf {
        self.dir.path().join(format!("cat.txt{suffix}"))
    }

    /// What is left when all went well.
    #[track_caller]
    pub fn assert_bought(&self) -> Receipt {
        assert_eq!(std::fs::read(self.out()).unwrap(), CAT);
        let receipt = std::fs::read(self.beside(".receipt.json")).unwrap();
        let mut left: Vec<_> = std::fs::read_dir(self.dir.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        left.sort();
        assert_eq!(left, ["cat.txt", "cat.txt.receipt.json"]);
        serde_json::from_slice(&receipt).unwrap()
    }

    /// The purchase as it is remembered.
    pub fn purchase(&self) -> Option<Purchase> {
        let text = std::fs::read(self.beside(".purrwall.json")).ok()?;
        Some(serde_json::from_slice(&text).unwrap())
    }

    /// A buyer of the cat, with short patience.
    pub fn buyer(&self) -> Buyer {
        Buyer {
            store: Store::new(self.url("cat").parse().unwrap(), Scheme::L402),
            lightningd: Lightningd::new(self.node.socket(), Duration::from_secs(20)),
            limits: Limits {
                max_price: Msat(100_000),
                payees: None,
            },
            out: self.out(),
            keeps: false,
            timing: Timing {
                retry_for: Duration::from_secs(2),
                grace: Duration::from_secs(1),
                pause: Duration::from_millis(50),
                patience: Duration::from_mins(1),
            },
        }
    }

    pub async fn buy(&self) -> Result<Bought, BuyError> {
        self.buyer().buy().await
    }

    /// Begins to buy, and ends as a crash would once the node was called to do this.
    pub async fn crash_at(&self, method: &str) {
        let before = self.node.heard(method);
        let buyer = self.buyer();
        let task = tokio::spawn(async move { buyer.buy().await });
        eventually(&format!("the buyer to call {method}"), || {
            self.node.heard(method) > before
        })
        .await;
        // The node may need a moment for what it was told before.
        tokio::time::sleep(Duration::from_millis(500)).await;
        task.abort();
        assert!(
            task.await.unwrap_err().is_cancelled(),
            "it had ended before"
        );
    }
}

/// What happens to answers on their way from the store.
type Change = Arc<dyn Fn(&str, Vec<u8>) -> Vec<u8> + Send + Sync>;

/// An HTTP proxy that changes answers, one request for each connection.
pub struct Way {
    pub address: SocketAddr,
    shared: Arc<Shared>,
    task: AbortHandle,
}

struct Shared {
    store: SocketAddr,
    change: Mutex<Option<Change>>,
    requests: Mutex<Vec<String>>,
    sent: AtomicU64,
}

impl Way {
    async fn start(store: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            store,
            change: Mutex::default(),
            requests: Mutex::default(),
            sent: AtomicU64::new(0),
        });
        let accepting = shared.clone();
        let task = tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                tokio::spawn(forward(client, accepting.clone()));
            }
        });
        Self {
            address,
            shared,
            task: task.abort_handle(),
        }
    }

    /// From now on, answers to requests for the goods with a credential are changed so.
    pub fn changes_goods(&self, change: impl Fn(Vec<u8>) -> Vec<u8> + Send + Sync + 'static) {
        self.changes(move |request, answer| {
            let is_goods =
                request.contains("/content") && header(request, "authorization").is_some();
            if is_goods { change(answer) } else { answer }
        });
    }

    /// From now on, answers are changed so; the first argument is the request's head.
    pub fn changes(&self, change: impl Fn(&str, Vec<u8>) -> Vec<u8> + Send + Sync + 'static) {
        *self.shared.change.lock().unwrap() = Some(Arc::new(change));
    }

    pub fn is_well(&self) {
        *self.shared.change.lock().unwrap() = None;
    }

    /// How many bytes came from the store, heads with them.
    pub fn sent(&self) -> u64 {
        self.shared.sent.load(Ordering::Relaxed)
    }

    /// The heads of all requests so far.
    pub fn requests(&self) -> Vec<String> {
        self.shared.requests.lock().unwrap().clone()
    }
}

impl Drop for Way {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The value of a header in a request's head.
pub fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

/// Where the body of an answer begins.
pub fn body(answer: &[u8]) -> usize {
    answer
        .windows(4)
        .position(|end| end == b"\r\n\r\n")
        .unwrap()
        + 4
}

async fn forward(mut client: TcpStream, shared: Arc<Shared>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if client.read_buf(&mut head).await.unwrap_or(0) == 0 {
            return;
        }
    }
    let head = String::from_utf8(head).unwrap();
    shared.requests.lock().unwrap().push(head.clone());
    let Ok(mut store) = TcpStream::connect(shared.store).await else {
        return;
    };
    let request = head.replacen("\r\n", "\r\nconnection: close\r\n", 1);
    store.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    store.read_to_end(&mut answer).await.ok();
    let length = answer.len() as u64;
    shared.sent.fetch_add(length, Ordering::Relaxed);
    let change = shared.change.lock().unwrap().clone();
    if let Some(change) = change {
        answer = change(&head, answer);
    }
    client.write_all(&answer).await.ok();
    client.shutdown().await.ok();
}

/// The permissions of a file.
pub fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

//! A lightningd's socket with faults: what lies between the buyer and its node.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::AbortHandle;

/// What becomes of a call.
#[derive(Clone, Debug)]
pub enum Fault {
    /// The node never hears of it, and the caller nothing.
    Swallow,
    /// The node does it, and the caller never hears of it.
    Mute,
    /// The node does it, and the connection ends without an answer.
    HangUp,
    /// The node never hears of it; this is the answer's `result` or `error`.
    Answer(Value),
}

/// Forwards calls to a node, but for the faults.
pub struct NodeProxy {
    dir: TempDir,
    shared: Arc<Shared>,
    task: AbortHandle,
}

struct Shared {
    node: PathBuf,
    faults: Mutex<HashMap<String, Fault>>,
    forwarded: Mutex<Vec<String>>,
    heard: Mutex<Vec<String>>,
}

impl NodeProxy {
    /// Between the caller and the node at this socket.
    pub fn start(node: PathBuf) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(dir.path().join("lightning-rpc")).unwrap();
        let shared = Arc::new(Shared {
            node,
            faults: Mutex::default(),
            forwarded: Mutex::default(),
            heard: Mutex::default(),
        });
        let accepting = shared.clone();
        let task = tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                tokio::spawn(serve(client, accepting.clone()));
            }
        });
        Self {
            dir,
            shared,
            task: task.abort_handle(),
        }
    }

    pub fn socket(&self) -> PathBuf {
        self.dir.path().join("lightning-rpc")
    }

    pub fn goes_wrong(&self, method: &str, fault: Fault) {
        let mut faults = self.shared.faults.lock().unwrap();
        faults.insert(method.to_owned(), fault);
    }

    pub fn is_well(&self) {
        self.shared.faults.lock().unwrap().clear();
    }

    /// How often the node itself was called to do this.
    pub fn forwarded(&self, method: &str) -> usize {
        let forwarded = self.shared.forwarded.lock().unwrap();
        forwarded.iter().filter(|name| *name == method).count()
    }

    /// How often somebody wanted to call this.
    pub fn heard(&self, method: &str) -> usize {
        let heard = self.shared.heard.lock().unwrap();
        heard.iter().filter(|name| *name == method).count()
    }

    /// How often the node was told to pay.
    pub fn payments(&self) -> usize {
        self.forwarded("xpay") + self.forwarded("pay")
    }
}

impl Drop for NodeProxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(mut client: UnixStream, shared: Arc<Shared>) {
    while let Some(request) = read(&mut client).await {
        let method = request["method"].as_str().unwrap().to_owned();
        shared.heard.lock().unwrap().push(method.clone());
        let fault = shared.faults.lock().unwrap().get(&method).cloned();
        let answer = match &fault {
            Some(Fault::Swallow) => std::future::pending().await,
            Some(Fault::Answer(answer)) => {
                let mut whole = json!({"jsonrpc": "2.0", "id": request["id"]});
                let key = if answer.get("code").is_some() {
                    "error"
                } else {
                    "result"
                };
                whole[key] = answer.clone();
                whole
            }
            Some(Fault::Mute | Fault::HangUp) | None => {
                shared.forwarded.lock().unwrap().push(method);
                forward(&shared.node, &request).await
            }
        };
        match fault {
            Some(Fault::Mute) => std::future::pending().await,
            Some(Fault::HangUp) => return,
            _ => {}
        }
        let text = format!("{answer}\n\n");
        if client.write_all(text.as_bytes()).await.is_err() {
            return;
        }
    }
}

async fn forward(node: &Path, request: &Value) -> Value {
    let mut stream = UnixStream::connect(node).await.unwrap();
    let text = request.to_string();
    stream.write_all(text.as_bytes()).await.unwrap();
    read(&mut stream).await.unwrap()
}

/// One object; requests have no separator, and answers a blank line.
async fn read(stream: &mut UnixStream) -> Option<Value> {
    let mut text = Vec::new();
    loop {
        if stream.read_buf(&mut text).await.unwrap_or(0) == 0 {
            return None;
        }
        if let Ok(value) = serde_json::from_slice(&text) {
            return Some(value);
        }
    }
}

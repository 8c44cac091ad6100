//! What the program `purrwall` reads: headers of requests, its file, and lightningd's answers.

use std::fs;
use std::path::Path;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::header::{AUTHORIZATION, COOKIE};
use axum::http::{HeaderValue, Request, StatusCode};
use lightningd::Lightningd;
use purrwall::settings::{Arguments, Settings};
use purrwall_gateway::Secret;
use purrwall_gateway::claims::{Claims, Credential};
use shared::lightning::PaymentHash;
use shared::mpp;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixListener;
use tokio::runtime::Runtime;
use tower::ServiceExt as _;

/// No claim in the corpora comes from this secret.
const SECRET: [u8; 32] = [0x5e; 32];

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().expect("a runtime"));

/// The values of `Authorization` headers, a line for each.
pub fn authorization(data: &[u8]) -> bool {
    let claims = Claims::new(&Secret::from_bytes(SECRET));
    let credentials = Credential::read(data.split(|byte| *byte == b'\n'));
    let parts = data.iter().filter(|byte| matches!(byte, b'\n' | b','));
    assert!(credentials.len() <= parts.count() + 1);
    let mut means_something = false;
    for credential in credentials.into_iter().flatten() {
        assert!(claims.verify(&credential.claim, 0).is_err(), "forged");
        let mut text = format!("LSAT {}", credential.claim.to_base64());
        if let Some(preimage) = &credential.preimage {
            let is_proof = preimage.payment_hash() == credential.payment_hash();
            assert_eq!(credential.proves_payment().is_ok(), is_proof);
            text.extend([":", &preimage.to_hex()]);
        }
        let again = Credential::read([text.as_bytes()]);
        let again = again.first().and_then(|read| read.as_ref().ok());
        let again = again.expect("what was read can be read again");
        assert_eq!(again.claim, credential.claim);
        assert_eq!(again.preimage, credential.preimage);
        means_something = true;
    }
    means_something
}

/// The value of an `Authorization` header in the scheme `Payment`. Only a charge of the store's own opens
/// anything.
pub fn payment(data: &[u8]) -> bool {
    let Ok(header) = HeaderValue::from_bytes(data) else {
        return false;
    };
    let text = header.to_str().unwrap_or_default();
    let read = mpp::Credential::read(text).ok();
    if let Some(credential) = &read {
        let again = mpp::Credential::read(&credential.to_header());
        let again = again.expect("what was read can be read again");
        assert_eq!(again.challenge, credential.challenge);
        assert_eq!(again.source, credential.source);
        assert_eq!(again.payload.get(), credential.payload.get());
        assert_eq!(again.preimage().ok(), credential.preimage().ok());
        let challenges = mpp::Challenge::read_all(&credential.challenge.to_header());
        assert_eq!(challenges, std::slice::from_ref(&credential.challenge));
    }
    // No invoice is made for it.
    let request = Request::head("/goods/cat").header(AUTHORIZATION, header);
    let status = asks(request.body(Body::empty()).expect("a request"));
    match read {
        Some(_) => assert_eq!(status, StatusCode::PAYMENT_REQUIRED),
        None => assert!(status.is_client_error(), "{status}"),
    }
    read.is_some()
}

/// The cookie of a page without script. Only a claim of the store's own leads anywhere.
pub fn cookie(data: &[u8]) -> bool {
    let Ok(cookie) = HeaderValue::from_bytes(data) else {
        return false;
    };
    let is_sent = cookie
        .to_str()
        .is_ok_and(|text| text.contains("purrwall-cat="));
    let request = Request::get("/buy/cat/content").header(COOKIE, cookie);
    let status = asks(request.body(Body::empty()).expect("a request"));
    assert_eq!(status, StatusCode::PAYMENT_REQUIRED);
    is_sent
}

/// What a store answers whose lightningd is away.
fn asks(request: Request<Body>) -> StatusCode {
    static STORE: LazyLock<(Router, TempDir)> = LazyLock::new(|| {
        let dir = folder();
        let file = dir.path().join("purrwall.toml");
        // It sells a cat of its own, and its secret is a new one.
        let text = "lightning_rpc = \"nobody\"\ndata_dir = \"data\"\n";
        fs::write(&file, text).expect("a file in a folder of our own");
        // A store without a secret asks lightningd whether it has lost one.
        Secret::create(&dir.path().join("data/secret")).expect("a secret in a folder of our own");
        let store = RUNTIME.block_on(purrwall::open(&file)).expect("a store");
        (store.router(), dir)
    });
    let answer = RUNTIME.block_on(STORE.0.clone().oneshot(request));
    answer.expect("a router always answers").status()
}

/// The store's file, `purrwall.toml`.
pub fn settings(data: &[u8]) -> bool {
    static DIR: LazyLock<TempDir> = LazyLock::new(folder);
    let file = DIR.path().join("purrwall.toml");
    fs::write(&file, data).expect("a file in a folder of our own");
    let arguments = Arguments::of_file(&file);
    match Settings::new(&arguments) {
        Ok(settings) => {
            assert!(!settings.all.is_empty());
            true
        }
        Err(error) => {
            assert!(!error.to_string().is_empty());
            false
        }
    }
}

/// What lightningd answers to `listinvoices`.
pub fn lightningd(data: &[u8]) -> bool {
    static NODE: LazyLock<Node> = LazyLock::new(Node::start);
    *NODE.answer.lock().unwrap_or_else(PoisonError::into_inner) = data.to_vec();
    // One connection for each input, so that the request's number is always the same.
    let client = Lightningd::new(NODE.socket.clone(), Duration::from_secs(5));
    let found = RUNTIME.block_on(client.find_by_payment_hash(PaymentHash([1; 32])));
    match found {
        Ok(_) => true,
        Err(error) => {
            assert_ne!(error.kind(), "timeout");
            assert!(!error.to_string().is_empty());
            false
        }
    }
}

/// A node that answers everything with the same bytes, and hangs up.
struct Node {
    socket: std::path::PathBuf,
    answer: Arc<Mutex<Vec<u8>>>,
    _dir: TempDir,
}

impl Node {
    fn start() -> Self {
        let dir = folder();
        let socket = dir.path().join("lightning-rpc");
        let answer = Arc::new(Mutex::new(Vec::new()));
        RUNTIME.spawn(answers(listen(&socket), Arc::clone(&answer)));
        Self {
            socket,
            answer,
            _dir: dir,
        }
    }
}

async fn answers(listener: UnixListener, answer: Arc<Mutex<Vec<u8>>>) {
    while let Ok((mut stream, _)) = listener.accept().await {
        let answer = answer
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        tokio::spawn(async move {
            let mut request = [0; 4096];
            if stream.read(&mut request).await.is_ok() {
                stream.write_all(&answer).await.ok();
            }
        });
    }
}

fn listen(socket: &Path) -> UnixListener {
    let _inside = RUNTIME.enter();
    UnixListener::bind(socket).expect("a socket in a folder of our own")
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder of our own")
}

//! The guard's socket. Each connection to it has one of its own to lightningd, and one call at a time.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncWriteExt as _, Interest, Ready};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::time::sleep;

use crate::framing::Reader;
use crate::owns::Owns;
use crate::policy::{Passed, Refused, decide};

/// A gateway has 24 connections for calls, one for its watcher and one for webhooks; so this is enough
/// for two.
const MAX_CONNECTIONS: usize = 64;
/// Owner and group may use the socket.
const MODE: u32 = 0o660;
/// After a request that was refused, so that the log grows slowly.
const PAUSE: Duration = Duration::from_millis(100);
/// So much is logged of the name of an unknown method.
const LOGGED: usize = 40;

/// What a guard guards, and for whom.
#[derive(Clone)]
pub struct Guard {
    /// lightningd's own socket.
    pub lightning_rpc: PathBuf,
    /// Which invoices the store may see.
    pub owns: Owns,
}

/// Listens on a new socket at `path`, which the group may use. One that is there already is replaced.
///
/// # Errors
/// If its folder cannot be written, or the path is too long for a socket.
pub fn listen(path: &Path) -> io::Result<UnixListener> {
    // Nobody finds it before it has its mode.
    let mut hidden = path.as_os_str().to_owned();
    hidden.push(".new");
    let hidden = Path::new(&hidden);
    match fs::remove_file(hidden) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(hidden)?;
    fs::set_permissions(hidden, fs::Permissions::from_mode(MODE))?;
    fs::rename(hidden, path)?;
    Ok(listener)
}

impl Guard {
    /// Guards without end.
    pub async fn serve(self, listener: UnixListener) -> io::Error {
        let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        loop {
            // Nobody closes the semaphore, so there is always a place in the end.
            let place = places.clone().acquire_owned().await;
            let store = match listener.accept().await {
                Ok((store, _)) => store,
                Err(error) => return error,
            };
            let guard = self.clone();
            tokio::spawn(async move {
                if let Err(error) = guard.serve_one(store).await {
                    tracing::debug!("a connection ended: {error}");
                }
                drop(place);
            });
        }
    }

    async fn serve_one(&self, mut store: UnixStream) -> io::Result<()> {
        // A store that connects while lightningd is away hears of it at once.
        let mut lightningd = UnixStream::connect(&self.lightning_rpc).await?;
        let (mut requests, mut answers) = (Reader::default(), Reader::default());
        loop {
            let request = match requests.request(&mut store).await {
                Ok(Some(request)) => request,
                Ok(None) => return Ok(()),
                Err(error) => {
                    let why = json!({"code": -32600, "message": "Invalid JSON"});
                    write(&mut store, &Value::Null, "error", &why).await?;
                    return Err(error);
                }
            };
            let (id, method) = (&request["id"], &request["method"]);
            let method = method.as_str().unwrap_or_default();
            match decide(method, &request["params"], &self.owns) {
                Ok(passed) => {
                    let asked = ask(&mut lightningd, &mut answers, id, &passed);
                    let mut answer = tokio::select! {
                        answer = asked => answer?,
                        // It waits no more.
                        () = gone(&store) => return Ok(()),
                    };
                    match answer.get_mut("result") {
                        Some(result) => {
                            let kept = passed.kept.of(result.take(), &self.owns);
                            write(&mut store, id, "result", &kept).await?;
                        }
                        None => write(&mut store, id, "error", &answer["error"]).await?,
                    }
                }
                Err(Refused { code, message }) => {
                    let method: String = method.chars().take(LOGGED).collect();
                    tracing::warn!(
                        ?method,
                        code,
                        "refused what a store does not need: {message:?}"
                    );
                    let why = json!({"code": code, "message": message});
                    write(&mut store, id, "error", &why).await?;
                    sleep(PAUSE).await;
                }
            }
        }
    }
}

async fn ask(
    lightningd: &mut UnixStream,
    answers: &mut Reader,
    id: &Value,
    passed: &Passed,
) -> io::Result<Value> {
    let Passed { method, params, .. } = passed;
    let request = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
    lightningd.write_all(request.to_string().as_bytes()).await?;
    answers.answer(lightningd).await
}

async fn write(store: &mut UnixStream, id: &Value, name: &str, value: &Value) -> io::Result<()> {
    let answer = format!("{}\n\n", json!({"jsonrpc": "2.0", "id": id, name: value}));
    store.write_all(answer.as_bytes()).await
}

/// Done when the other side has closed.
async fn gone(store: &UnixStream) {
    loop {
        let readable = store.ready(Interest::READABLE).await;
        if readable.is_ok_and(Ready::is_read_closed) {
            return;
        }
        // More requests wait for their turn.
        sleep(PAUSE).await;
    }
}

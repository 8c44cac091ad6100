//! lightningd's JSON-RPC on a Unix socket.
//!
//! `wire` cuts the stream into requests and writes answers, `params` reads parameters as
//! lightningd does, and each family of methods has a module that does the work. Methods that
//! never wait are answered at once and in order; the others run beside them, and their answers
//! are matched by id.

use std::future::Future;
use std::os::unix::fs::PermissionsExt;
use std::pin::Pin;
use std::sync::Arc;

use anyhow::Context;
use serde::Serialize;
use serde_json::value::RawValue;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::{AbortHandle, JoinSet};

use crate::node::Node;
use error::RpcError;
use wire::{Framer, Request};

mod channels;
mod decode;
mod error;
mod info;
mod invoices;
mod params;
mod pay;
mod waiting;
mod wire;

pub(crate) use channels::scid_text;

/// Only the owner may talk to the node, as with lightningd.
const SOCKET_MODE: u32 = 0o600;
const READ_BUFFER: usize = 65_536;

/// What a method answers: the JSON of `result`, or an error.
pub(crate) type Answer = Result<Box<RawValue>, RpcError>;

/// How a method answers.
pub(crate) enum Reply {
    /// At once.
    Now(Answer),
    /// When something has happened. Dropped when the client goes away.
    Later(Pin<Box<dyn Future<Output = Answer> + Send>>),
    /// At once, and then the node stops.
    Stop(Answer),
}

/// The socket of one node. Dropping it closes the socket and all connections.
pub(crate) struct Server {
    task: AbortHandle,
}

impl Server {
    /// Listens on the node's socket, in place of whatever file is there.
    pub(crate) fn start(node: &Arc<Node>) -> anyhow::Result<Self> {
        let path = node.rpc_path();
        // The final name appears only when the mode is right, and replaces a stale socket.
        let temporary = path.with_extension("new");
        let _ = std::fs::remove_file(&temporary);
        let listener = UnixListener::bind(&temporary)
            .and_then(|listener| {
                let mode = std::fs::Permissions::from_mode(SOCKET_MODE);
                std::fs::set_permissions(&temporary, mode)?;
                std::fs::rename(&temporary, &path)?;
                Ok(listener)
            })
            .with_context(|| format!("cannot make the socket {}", path.display()))?;
        let task = tokio::spawn(accept(listener, Arc::clone(node)));
        Ok(Self {
            task: task.abort_handle(),
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: UnixListener, node: Arc<Node>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            Ok((stream, _)) = listener.accept() => {
                connections.spawn(serve(stream, Arc::clone(&node)));
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Serves one client until it stops writing; like lightningd, that drops what is in flight.
async fn serve(stream: UnixStream, node: Arc<Node>) {
    let (mut reader, mut writer) = stream.into_split();
    let mut framer = Framer::default();
    let mut calls = JoinSet::new();
    let mut input = vec![0; READ_BUFFER];
    loop {
        let mut stopping = false;
        let output = tokio::select! {
            read = reader.read(&mut input) => {
                let Some(mut length) = read.ok().filter(|length| *length > 0) else { return };
                let mut output = Vec::new();
                // Whatever else has arrived is read before anything is answered: a client that
                // shut down its side right after its request gets no answer.
                loop {
                    framer.feed(&input[..length]);
                    stopping |= answer_all(&mut framer, &node, &mut calls, &mut output);
                    tokio::task::yield_now().await;
                    match reader.try_read(&mut input) {
                        Ok(0) => return,
                        Ok(more) => length = more,
                        Err(_) => break,
                    }
                }
                output
            }
            Some(done) = calls.join_next() => done.unwrap_or_default(),
        };
        if writer.write_all(&output).await.is_err() {
            return;
        }
        if stopping {
            node.go_offline();
            node.stop_rpc();
            return;
        }
    }
}

/// Answers every complete request, or starts a task that will. Returns whether one was `stop`.
fn answer_all(
    framer: &mut Framer,
    node: &Arc<Node>,
    calls: &mut JoinSet<Vec<u8>>,
    output: &mut Vec<u8>,
) -> bool {
    let mut stopping = false;
    while let Some(request) = framer.next_request() {
        let request = match request {
            Ok(request) => request,
            Err(refusal) => {
                output.extend(wire::answer(&refusal.id, &Err(refusal.error)));
                continue;
            }
        };
        let (id, filter) = (request.id.clone(), request.filter.clone());
        match call(node, &request) {
            Reply::Now(answer) => {
                output.extend(wire::answer(
                    &id,
                    &wire::filtered(answer, filter.as_deref()),
                ));
            }
            Reply::Later(answer) => {
                calls.spawn(async move {
                    wire::answer(&id, &wire::filtered(answer.await, filter.as_deref()))
                });
            }
            Reply::Stop(answer) => {
                output.extend(wire::answer(&id, &answer));
                stopping = true;
            }
        }
    }
    stopping
}

/// The methods.
fn call(node: &Arc<Node>, request: &Request) -> Reply {
    let params = &request.params;
    match request.method.as_str() {
        "getinfo" => Reply::Now(info::getinfo(node, params)),
        "invoice" => Reply::Now(invoices::invoice(node, params)),
        "listinvoices" => Reply::Now(invoices::listinvoices(node, params)),
        "delinvoice" => Reply::Now(invoices::delinvoice(node, params)),
        "waitinvoice" => later(waiting::waitinvoice(node, params)),
        "waitanyinvoice" => later(waiting::waitanyinvoice(node, params)),
        "wait" => later(waiting::wait(node, params)),
        "decode" => Reply::Now(decode::decode(params)),
        "pay" => later(pay::pay(node, params)),
        "xpay" => later(pay::xpay(node, params)),
        "listpays" => Reply::Now(pay::listpays(node, params)),
        "connect" => later(channels::connect(node, params)),
        "fundchannel" => later(channels::fundchannel(node, params)),
        "listpeerchannels" => Reply::Now(channels::listpeerchannels(node, params)),
        "listnodes" => Reply::Now(info::listnodes(node, params)),
        "listchannels" => Reply::Now(info::listchannels(node, params)),
        "newaddr" => Reply::Now(info::newaddr(node, params)),
        "autoclean-status" => Reply::Now(info::autoclean_status(params)),
        "stop" => match info::stop(params) {
            Ok(answer) => Reply::Stop(Ok(answer)),
            Err(error) => Reply::Now(Err(error)),
        },
        unknown => Reply::Now(Err(RpcError::unknown_command(unknown))),
    }
}

/// Bad parameters are answered at once, in order; only what really waits becomes a task.
fn later<F>(prepared: Result<F, RpcError>) -> Reply
where
    F: Future<Output = Answer> + Send + 'static,
{
    match prepared {
        Ok(answer) => Reply::Later(Box::pin(answer)),
        Err(error) => Reply::Now(Err(error)),
    }
}

/// The answer with this result.
#[expect(
    clippy::unnecessary_wraps,
    reason = "it is the last expression of every method"
)]
pub(crate) fn result(value: &impl Serialize) -> Answer {
    Ok(serde_json::value::to_raw_value(value).expect("the types of results are JSON objects"))
}

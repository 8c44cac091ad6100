//! The Unix socket on which a node speaks lightningd's JSON-RPC.

use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use anyhow::Context;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::unix::OwnedReadHalf;
use tokio::net::{UnixListener, UnixSocket, UnixStream};
use tokio::task::{JoinHandle, JoinSet};

use super::SOCKET_MODE;
use super::answer::Reply;
use super::cost::BASE;
use super::methods::call;
use super::wire::{self, Framer, Refusal, Request};
use crate::node::Node;

/// How many connections can wait to be accepted, as with lightningd. While the queue is full, a
/// nonblocking `connect` fails with EAGAIN.
const QUEUE: u32 = 128;
const READ_BUFFER: usize = 65_536;

/// Listens on the node's socket and replaces a file that is in its place. The socket and all
/// connections are closed when the task ends.
pub(crate) fn start(node: &Arc<Node>) -> anyhow::Result<JoinHandle<()>> {
    let path = node.rpc_path();
    // The final name appears only when the mode is right, and replaces a stale socket.
    let temporary = path.with_extension("new");
    let _ = std::fs::remove_file(&temporary);
    let listener = UnixSocket::new_stream()
        .and_then(|socket| {
            socket.bind(&temporary)?;
            let listener = socket.listen(QUEUE)?;
            let mode = std::fs::Permissions::from_mode(SOCKET_MODE);
            std::fs::set_permissions(&temporary, mode)?;
            std::fs::rename(&temporary, &path)?;
            Ok(listener)
        })
        .with_context(|| format!("cannot make the socket {}", path.display()))?;
    Ok(tokio::spawn(accept(listener, Arc::clone(node))))
}

async fn accept(listener: UnixListener, node: Arc<Node>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            Ok((stream, _)) = listener.accept() => {
                node.main_loop.run(|| (), |()| BASE).await;
                connections.spawn(serve(stream, Arc::clone(&node)));
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Serves one client until it stops writing. Then, as with lightningd, calls in flight are dropped.
async fn serve(stream: UnixStream, node: Arc<Node>) {
    let (mut reader, mut writer) = stream.into_split();
    let mut framer = Framer::default();
    let mut calls: JoinSet<Vec<u8>> = JoinSet::new();
    let mut input = vec![0; READ_BUFFER];
    loop {
        tokio::select! {
            read = reader.read(&mut input) => {
                let Some(length) = read.ok().filter(|length| *length > 0) else { return };
                framer.feed(&input[..length]);
            }
            Some(done) = calls.join_next() => {
                if writer.write_all(&done.unwrap_or_default()).await.is_err() {
                    return;
                }
            }
        }
        let mut has_left = false;
        while let Some(request) = framer.next_request() {
            let (output, stopping) = answer(request, &node, &mut calls).await;
            // A client that shuts down its side right after its request gets no answer, so what
            // has arrived meanwhile is read before anything is written. What it asked is done.
            tokio::task::yield_now().await;
            has_left = has_left || read_rest(&reader, &mut input, &mut framer);
            if !has_left && writer.write_all(&output).await.is_err() {
                return;
            }
            if stopping {
                node.go_offline();
                node.stop_rpc();
                return;
            }
        }
        if has_left {
            return;
        }
    }
}

/// Reads what has arrived. Tells whether the client stopped writing.
fn read_rest(reader: &OwnedReadHalf, input: &mut [u8], framer: &mut Framer) -> bool {
    loop {
        match reader.try_read(input) {
            Ok(0) => return true,
            Ok(length) => framer.feed(&input[..length]),
            Err(_) => return false,
        }
    }
}

/// Answers a request, or starts a task that will. Tells also whether it was `stop`.
async fn answer(
    request: Result<Request, Refusal>,
    node: &Arc<Node>,
    calls: &mut JoinSet<Vec<u8>>,
) -> (Vec<u8>, bool) {
    let request = match request {
        Ok(request) => request,
        Err(refusal) => return (wire::answer(&refusal.id, &Err(refusal.error)), false),
    };
    let Request { id, filter, .. } = &request;
    match call(node, &request.method, &request.params).await {
        Reply::Now(answer) => {
            let answer = wire::filtered(answer, filter.as_deref());
            (wire::answer(id, &answer), false)
        }
        Reply::Later(answer) => {
            calls.spawn(async move {
                let answer = wire::filtered(answer.await, request.filter.as_deref());
                wire::answer(&request.id, &answer)
            });
            (Vec::new(), false)
        }
        Reply::Stop(answer) => (wire::answer(id, &answer), true),
    }
}

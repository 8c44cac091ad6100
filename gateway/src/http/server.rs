//! Connections: how long a head may take and how large it may be, how long a reader may stand
//! still, and how all of it ends.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;

use axum::Router;
use axum::extract::{ConnectInfo, Request};
use axum::serve::{Listener, ListenerExt as _};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_io_timeout::TimeoutStream;
use tower::ServiceExt as _;

use crate::http::tls::TlsListener;
use crate::options::Timing;

/// The request line and the headers of a request: a claim with its preimage is some 400 bytes.
const MAX_HEAD: usize = 16 * 1024;

/// Answers requests with `router` until `shutdown` is done; `closing` is called then. No new requests
/// are taken after that, and the open ones are finished within a bound.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    timing: Timing,
    shutdown: impl Future<Output = ()> + Send + 'static,
    closing: impl FnOnce(),
) -> io::Result<()> {
    // An answer is one small packet; Nagle's algorithm would hold it back.
    let listener = listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!("cannot set TCP_NODELAY: {error}");
        }
    });
    serve_on(listener, router, timing, shutdown, closing).await;
    Ok(())
}

/// [`serve`] over TLS.
pub(crate) async fn serve_tls(
    listener: TlsListener,
    router: Router,
    timing: Timing,
    shutdown: impl Future<Output = ()> + Send + 'static,
    closing: impl FnOnce(),
) {
    serve_on(listener, router, timing, shutdown, closing).await;
}

/// [`serve`] on connections of any kind whose clients have an address.
async fn serve_on<L>(
    mut listener: L,
    router: Router,
    timing: Timing,
    shutdown: impl Future<Output = ()> + Send + 'static,
    closing: impl FnOnce(),
) where
    L: Listener<Addr = SocketAddr>,
{
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    loop {
        tokio::select! {
            (stream, client) = listener.accept() => {
                connections.spawn(answer(stream, client, router.clone(), graceful.watcher(), timing));
            }
            Some(_) = connections.join_next() => {}
            () = &mut shutdown => break,
        }
    }
    drop(listener);
    closing();
    tokio::select! {
        () = graceful.shutdown() => {}
        () = tokio::time::sleep(timing.last_requests) => {
            tracing::warn!("ending in the middle of {} connections", connections.len());
        }
    }
}

async fn answer<S>(stream: S, client: SocketAddr, router: Router, watcher: Watcher, timing: Timing)
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + 'static,
{
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(timing.write));
    let service = tower::service_fn(move |request: Request<Incoming>| {
        let mut request = request.map(axum::body::Body::new);
        request.extensions_mut().insert(ConnectInfo(client));
        router.clone().oneshot(request)
    });
    // Two versions in one port would have to be told apart by their first bytes, for which a silent
    // client could take for ever. Proxies speak HTTP/1.1 to us, and so does our own TLS.
    let mut builder = Builder::new(TokioExecutor::new()).http1_only();
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(timing.head)
        .max_buf_size(MAX_HEAD);
    let stream = TokioIo::new(Box::pin(stream));
    let connection = builder.serve_connection(stream, TowerToHyperService::new(service));
    // Clients hang up and send nonsense; neither is worth a line.
    let ended = watcher.watch(connection.into_owned()).await;
    if let Err(error) = ended {
        tracing::trace!("a connection ended: {error}");
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use axum::routing::get;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
    use tokio::task::JoinHandle;

    use super::*;

    const SIZE: usize = 100_000;
    const SHORT: Duration = Duration::from_millis(100);

    /// A client's end of a connection that holds a hundredth of the answer, the task at the other, and
    /// what would end it.
    fn connect(timing: Timing) -> (DuplexStream, JoinHandle<()>, GracefulShutdown) {
        let router = Router::new().route("/", get(|| async { vec![7_u8; SIZE] }));
        let (ours, theirs) = duplex(SIZE / 100);
        let client = SocketAddr::from(([192, 0, 2, 1], 1));
        let graceful = GracefulShutdown::new();
        let task = tokio::spawn(answer(theirs, client, router, graceful.watcher(), timing));
        (ours, task, graceful)
    }

    #[tokio::test]
    async fn who_takes_nothing_is_gone_after_a_while() {
        let (mut client, connection, _open) = connect(Timing {
            write: SHORT,
            ..Timing::default()
        });
        let started = Instant::now();
        let request = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n";
        client.write_all(request).await.unwrap();
        connection.await.unwrap();
        assert!(started.elapsed() >= SHORT);
        let mut got = Vec::new();
        client.read_to_end(&mut got).await.unwrap();
        assert!(got.len() < SIZE, "the answer is cut");
    }

    #[tokio::test]
    async fn a_head_has_to_arrive_in_time() {
        for begun in [&b""[..], b"GET / HTTP/1.1\r\nhost: x\r\nx-slow: "] {
            let (mut client, connection, _open) = connect(Timing {
                head: SHORT,
                ..Timing::default()
            });
            let started = Instant::now();
            client.write_all(begun).await.unwrap();
            connection.await.unwrap();
            assert!(started.elapsed() >= SHORT);
        }
    }
}

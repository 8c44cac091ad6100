//! Serves connections: how long a head may take and how large it may be, plain or over TLS, and how
//! all of it ends.

use std::pin::pin;

use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::http::answering::Answering;
use crate::http::listener::{Connection, Listener};
use crate::http::tls::{Handshakes, Tls};
use crate::options::Timing;

/// The request line and the headers of a request: a claim with its preimage is some 400 bytes.
const MAX_HEAD: usize = 16 * 1024;

/// Answers requests until `shutdown` is done; `closing` is called then. No new requests are taken
/// after that, and the open ones are finished within a bound.
pub(crate) async fn serve(
    listener: Listener,
    tls: Option<&Tls>,
    router: axum::Router,
    timing: Timing,
    shutdown: impl Future<Output = ()> + Send + 'static,
    closing: impl FnOnce(),
) {
    // Proxies speak HTTP/1.1 to us, and so does our own TLS.
    let mut http1 = http1::Builder::new();
    http1
        .timer(TokioTimer::new())
        .header_read_timeout(timing.head)
        .max_buf_size(MAX_HEAD);
    let handshakes = tls.map(Tls::handshakes);
    let is_closing = CancellationToken::new();
    let open = TaskTracker::new();
    let mut shutdown = pin!(shutdown);
    loop {
        tokio::select! {
            (connection, peer) = listener.accept() => {
                let server = Server { http1: http1.clone(), is_closing: is_closing.clone() };
                let answering = Answering { router: router.clone(), is_tls: tls.is_some(), peer };
                // Apart, or connections without TLS would take as much memory.
                match handshakes.clone() {
                    None => open.spawn(server.answer(connection, answering)),
                    Some(handshakes) => open.spawn(server.over_tls(handshakes, connection, answering)),
                };
            }
            () = &mut shutdown => break,
        }
    }
    let seats = listener.seats();
    // The listener closes first: buyers who are answered ask again, and should not come here.
    drop(listener);
    is_closing.cancel();
    closing();
    open.close();
    if timeout(timing.last_requests, open.wait()).await.is_err() {
        tracing::warn!("ending in the middle of {} connections", open.len());
        seats.close();
    }
}

/// What serves a connection.
struct Server {
    http1: http1::Builder,
    is_closing: CancellationToken,
}

impl Server {
    /// Answers a connection's requests until it ends, or the server and the open request do.
    async fn answer<S>(self, stream: S, answering: Answering)
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let serving = self.http1.serve_connection(TokioIo::new(stream), answering);
        let mut serving = pin!(serving.with_upgrades());
        let ended = tokio::select! {
            ended = serving.as_mut() => ended,
            () = self.is_closing.cancelled() => {
                serving.as_mut().graceful_shutdown();
                serving.await
            }
        };
        if let Err(error) = ended {
            // Clients break off as they like; not worth a line each.
            tracing::debug!("a connection broke: {error}");
        }
    }

    /// The same over TLS. Handshakes run side by side with everything else, so that a silent client holds
    /// up nobody.
    async fn over_tls(self, handshakes: Handshakes, connection: Connection, answering: Answering) {
        let shaken = tokio::select! {
            shaken = handshakes.shake(connection) => shaken,
            () = self.is_closing.cancelled() => return,
        };
        match shaken {
            Ok(stream) => self.answer(stream, answering).await,
            // Scanners and plain HTTP.
            Err(error) => tracing::debug!("a TLS handshake failed: {error}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::net::SocketAddr;
    use std::sync::Arc;
    use std::time::{Duration, Instant};

    use axum::Router;
    use axum::routing::get;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::{TcpListener, TcpSocket, TcpStream};
    use tokio::sync::mpsc::{Receiver, channel};
    use tokio::sync::oneshot;
    use tokio::time::timeout;

    use super::*;
    use crate::metrics::Metrics;
    use crate::options::{ConnectionsOptions, LimitsOptions};

    /// More than the buffers of two sockets hold.
    const SIZE: usize = 32_000_000;
    const SHORT: Duration = Duration::from_millis(100);
    const PATIENCE: Duration = Duration::from_mins(1);

    /// Serves a large answer at `/`, a small one at `/small`, and none at `/never`, where it tells that
    /// it was asked.
    async fn start(options: ConnectionsOptions, timing: Timing) -> (SocketAddr, Receiver<()>) {
        start_until(options, timing, pending()).await
    }

    /// The same until `shutdown` is done.
    async fn start_until(
        options: ConnectionsOptions,
        timing: Timing,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> (SocketAddr, Receiver<()>) {
        let (asked, was_asked) = channel(1);
        let never = get(move || async move {
            asked.send(()).await.unwrap();
            pending::<()>().await;
        });
        let router = Router::new()
            .route("/", get(|| async { vec![7_u8; SIZE] }))
            .route("/small", get(|| async { "small" }))
            .route("/never", never);
        let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = tcp.local_addr().unwrap();
        let limits = Arc::new(LimitsOptions::default());
        let listener = Listener::new(tcp, options, limits, timing, Metrics::start());
        tokio::spawn(async move {
            serve(listener, None, router, timing, shutdown, || {}).await;
        });
        (address, was_asked)
    }

    async fn connect_from(client: [u8; 4], server: SocketAddr) -> TcpStream {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind((client, 0).into()).unwrap();
        socket.connect(server).await.unwrap()
    }

    async fn ask(stream: &mut TcpStream, path: &str) {
        let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
    }

    async fn is_answered(stream: &mut TcpStream) {
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"HTTP/1.1 200");
    }

    async fn is_closed(stream: &mut TcpStream) -> Vec<u8> {
        let mut got = Vec::new();
        let end = timeout(PATIENCE, stream.read_to_end(&mut got)).await;
        // Closed with bytes unread is a reset.
        end.expect("the connection is closed").ok();
        got
    }

    #[tokio::test]
    async fn who_takes_nothing_is_gone_after_a_while() {
        let timing = Timing {
            write: SHORT,
            ..Timing::default()
        };
        let (address, _) = start(ConnectionsOptions::default(), timing).await;
        let mut client = TcpStream::connect(address).await.unwrap();
        ask(&mut client, "/").await;
        tokio::time::sleep(5 * SHORT).await;
        let got = is_closed(&mut client).await;
        assert!(got.len() < SIZE, "the answer is cut");
    }

    #[tokio::test]
    async fn a_head_has_to_arrive_in_time() {
        let timing = Timing {
            head: SHORT,
            ..Timing::default()
        };
        let (address, _) = start(ConnectionsOptions::default(), timing).await;
        for begun in [&b""[..], b"GET / HTTP/1.1\r\nhost: x\r\nx-slow: "] {
            let mut client = TcpStream::connect(address).await.unwrap();
            let started = Instant::now();
            client.write_all(begun).await.unwrap();
            is_closed(&mut client).await;
            assert!(started.elapsed() >= SHORT);
        }
    }

    #[tokio::test]
    async fn who_is_not_answered_in_time_is_closed_at_the_end() {
        let timing = Timing {
            last_requests: SHORT,
            ..Timing::default()
        };
        let (end, ends) = oneshot::channel::<()>();
        let shutdown = async { ends.await.unwrap() };
        let (address, mut was_asked) =
            start_until(ConnectionsOptions::default(), timing, shutdown).await;
        let mut waits = TcpStream::connect(address).await.unwrap();
        ask(&mut waits, "/never").await;
        was_asked.recv().await.unwrap();
        end.send(()).unwrap();
        assert_eq!(is_closed(&mut waits).await, b"");
    }

    #[tokio::test]
    async fn who_is_idle_makes_room_for_the_same_client() {
        let options = ConnectionsOptions {
            total: 8,
            per_client: 1,
            ..ConnectionsOptions::default()
        };
        let (address, mut was_asked) = start(options, Timing::default()).await;
        let mut idle = connect_from([127, 0, 0, 1], address).await;
        let mut other = connect_from([127, 0, 0, 2], address).await;
        let mut second = connect_from([127, 0, 0, 1], address).await;
        assert_eq!(is_closed(&mut idle).await, b"");
        // While all of a client's connections are busy, it gets no more.
        ask(&mut second, "/never").await;
        was_asked.recv().await.unwrap();
        let mut third = connect_from([127, 0, 0, 1], address).await;
        assert_eq!(is_closed(&mut third).await, b"");
        ask(&mut other, "/small").await;
        is_answered(&mut other).await;
    }

    #[tokio::test]
    async fn who_holds_the_most_makes_room_for_another_client() {
        let options = ConnectionsOptions {
            total: 3,
            per_client: 3,
            ..ConnectionsOptions::default()
        };
        let (address, mut was_asked) = start(options, Timing::default()).await;
        // A request that waits, and two whose answers are not taken.
        let mut waits = connect_from([127, 0, 0, 1], address).await;
        ask(&mut waits, "/never").await;
        was_asked.recv().await.unwrap();
        let mut slow = connect_from([127, 0, 0, 1], address).await;
        let mut slower = connect_from([127, 0, 0, 1], address).await;
        for stream in [&mut slow, &mut slower] {
            ask(stream, "/").await;
            is_answered(stream).await;
        }
        let mut others = Vec::new();
        for (client, loses) in [([127, 0, 0, 2], &mut waits), ([127, 0, 0, 3], &mut slow)] {
            let mut other = connect_from(client, address).await;
            assert!(is_closed(loses).await.len() < SIZE);
            ask(&mut other, "/never").await;
            was_asked.recv().await.unwrap();
            others.push(other);
        }
    }
}

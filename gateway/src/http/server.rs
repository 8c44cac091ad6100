//! Serves connections: how long a head may take and how large it may be, plain or over TLS, and how
//! all of it ends.

use std::io;
use std::pin::{Pin, pin};

use axum_server::accept::Accept;
use axum_server::tls_rustls::RustlsAcceptor;
use axum_server::{Handle, Server};
use hyper_util::rt::TokioTimer;
use tokio_rustls::server::TlsStream;
use tokio_util::either::Either;
use tokio_util::sync::CancellationToken;

use crate::http::answering::Answering;
use crate::http::listener::{Connection, Listener};
use crate::http::tls::Tls;
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
) -> io::Result<()> {
    let is_closing = CancellationToken::new();
    let handshake = Handshake {
        tls: tls.map(Tls::acceptor),
        is_closing: is_closing.clone(),
    };
    let handle = Handle::new();
    let mut server = Server::from_listener(listener)
        .acceptor(handshake)
        // Two versions in one port would have to be told apart by their first bytes, for which a
        // silent client could take for ever. Proxies speak HTTP/1.1 to us, and so does our own TLS.
        .http1_only()
        .handle(handle.clone());
    let mut http1 = server.http_builder().http1();
    http1
        .timer(TokioTimer::new())
        .header_read_timeout(timing.head)
        .max_buf_size(MAX_HEAD);
    let answering = Answering {
        router,
        is_tls: tls.is_some(),
    };
    let mut serving = pin!(server.serve(answering));
    tokio::select! {
        ended = &mut serving => return ended,
        () = shutdown => {}
    }
    handle.graceful_shutdown(Some(timing.last_requests));
    is_closing.cancel();
    // The listener closes first: buyers who are answered ask again, and should not come here.
    let (ended, ()) = tokio::join!(biased; serving, async { closing() });
    let open = handle.connection_count();
    if open > 0 {
        tracing::warn!("ending in the middle of {open} connections");
    }
    ended
}

/// Shakes hands where connections are over TLS. Handshakes run side by side with everything else and
/// have a deadline, so that a silent client holds up nobody.
#[derive(Clone)]
struct Handshake {
    tls: Option<RustlsAcceptor>,
    is_closing: CancellationToken,
}

impl<S: Send + 'static> Accept<Connection, S> for Handshake {
    type Stream = Either<Connection, TlsStream<Connection>>;
    type Service = S;
    type Future = Pin<Box<dyn Future<Output = io::Result<(Self::Stream, S)>> + Send>>;

    fn accept(&self, connection: Connection, service: S) -> Self::Future {
        let Self { tls, is_closing } = self.clone();
        Box::pin(async move {
            let Some(tls) = tls else {
                return Ok((Either::Left(connection), service));
            };
            tokio::select! {
                shaken = tls.accept(connection, service) => match shaken {
                    Ok((stream, service)) => Ok((Either::Right(stream), service)),
                    // Scanners and plain HTTP; not worth a line each.
                    Err(error) => {
                        tracing::debug!("a TLS handshake failed: {error}");
                        Err(error)
                    }
                },
                () = is_closing.cancelled() => Err(io::ErrorKind::ConnectionAborted.into()),
            }
        })
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
    use tokio::net::{TcpListener, TcpStream};
    use tokio::time::timeout;

    use super::*;
    use crate::options::{ConnectionsOptions, LimitsOptions};

    /// More than the buffers of two sockets hold.
    const SIZE: usize = 32_000_000;
    const SHORT: Duration = Duration::from_millis(100);
    const PATIENCE: Duration = Duration::from_mins(1);
    const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n";

    /// Serves a large answer at `/` and one that never comes at `/never`.
    async fn start(options: ConnectionsOptions, timing: Timing) -> SocketAddr {
        let router = Router::new()
            .route("/", get(|| async { vec![7_u8; SIZE] }))
            .route("/small", get(|| async { "small" }))
            .route("/never", get(pending::<()>));
        let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = tcp.local_addr().unwrap();
        let limits = Arc::new(LimitsOptions::default());
        let listener = Listener::new(tcp, options, limits, timing);
        tokio::spawn(async move {
            serve(listener, None, router, timing, pending(), || {})
                .await
                .unwrap();
        });
        address
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
        let address = start(ConnectionsOptions::default(), timing).await;
        let mut client = TcpStream::connect(address).await.unwrap();
        client.write_all(REQUEST).await.unwrap();
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
        let address = start(ConnectionsOptions::default(), timing).await;
        for begun in [&b""[..], b"GET / HTTP/1.1\r\nhost: x\r\nx-slow: "] {
            let mut client = TcpStream::connect(address).await.unwrap();
            let started = Instant::now();
            client.write_all(begun).await.unwrap();
            is_closed(&mut client).await;
            assert!(started.elapsed() >= SHORT);
        }
    }

    /// Whatever the connection is doing: nothing, a request that waits, an answer that is not taken.
    #[tokio::test]
    async fn who_has_to_make_room_is_closed() {
        let options = ConnectionsOptions {
            total: 1,
            per_client: 1,
            ..ConnectionsOptions::default()
        };
        let address = start(options, Timing::default()).await;
        let mut idle = TcpStream::connect(address).await.unwrap();
        let mut second = TcpStream::connect(address).await.unwrap();
        assert_eq!(is_closed(&mut idle).await, b"");
        // A client at its bound whose connections are all busy has to wait.
        second
            .write_all(b"GET /small HTTP/1.1\r\nhost: x\r\n\r\n")
            .await
            .unwrap();
        let mut answer = [0; 12];
        second.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"HTTP/1.1 200");
    }
}

//! Connections: how long a head may take and how large it may be, how long a reader may stand
//! still, and how all of it ends.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

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

use crate::tls::TlsListener;
use crate::{App, router};

/// The request line and the headers of a request: a claim with its preimage is some 400 bytes.
const MAX_HEAD: usize = 16 * 1024;
/// A connection may rest between requests, and a head may take, so long: longer than proxies keep
/// a connection that they may use again, or they would run into its end.
const HEAD_TIME: Duration = Duration::from_secs(75);
/// Who does not take a byte for so long is gone.
const WRITE_TIME: Duration = Duration::from_mins(1);

/// Answers requests until `shutdown` is done. Then no new ones are taken, buyers who wait are
/// answered at once, and the open requests are finished, within a bound.
pub async fn serve(
    listener: TcpListener,
    app: App,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    // An answer is one small packet; Nagle's algorithm would hold it back.
    let listener = listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!("cannot set TCP_NODELAY: {error}");
        }
    });
    serve_on(listener, app, shutdown).await;
    Ok(())
}

/// [`serve`] over TLS.
pub async fn serve_tls(
    listener: TlsListener,
    app: App,
    shutdown: impl Future<Output = ()> + Send + 'static,
) {
    serve_on(listener, app, shutdown).await;
}

/// [`serve`] on connections of any kind whose clients have an address.
async fn serve_on<L>(mut listener: L, app: App, shutdown: impl Future<Output = ()> + Send + 'static)
where
    L: Listener<Addr = SocketAddr>,
{
    let router = router::<()>(app.clone());
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    loop {
        tokio::select! {
            (stream, client) = listener.accept() => {
                connections.spawn(answer(stream, client, router.clone(), graceful.watcher()));
            }
            Some(_) = connections.join_next() => {}
            () = &mut shutdown => break,
        }
    }
    drop(listener);
    app.payments.close();
    tokio::select! {
        () = graceful.shutdown() => {}
        () = tokio::time::sleep(app.timing.last_requests) => {
            tracing::warn!("ending in the middle of {} connections", connections.len());
        }
    }
}

async fn answer<S>(stream: S, client: SocketAddr, router: Router, watcher: Watcher)
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + 'static,
{
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(WRITE_TIME));
    let service = tower::service_fn(move |request: Request<Incoming>| {
        let mut request = request.map(axum::body::Body::new);
        request.extensions_mut().insert(ConnectInfo(client));
        router.clone().oneshot(request)
    });
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_buf_size(MAX_HEAD);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(u32::try_from(MAX_HEAD).expect("16 kB are few bytes"));
    let stream = TokioIo::new(Box::pin(stream));
    let connection = builder.serve_connection(stream, TowerToHyperService::new(service));
    // Clients hang up and send nonsense; neither is worth a line.
    let ended = watcher.watch(connection.into_owned()).await;
    if let Err(error) = ended {
        tracing::trace!("a connection ended: {error}");
    }
}

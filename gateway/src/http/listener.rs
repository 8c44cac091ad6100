//! Takes connections, as many as there is room for, and closes those that have to make room.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::sleep;
use tokio_io_timeout::TimeoutStream;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use crate::http::connections::{Bounds, Connections, Id};
use crate::metrics::Metrics;
use crate::options::{ConnectionsOptions, LimitsOptions, Timing};
use crate::payments::client::ClientKey;

/// Connections that were told to close and have not done so yet. More than these keep new ones in
/// the kernel's queue, so the program never has more descriptors than it reckons with.
const CLOSING: usize = 64;

/// How long no connection is taken after one could not be: the system may be short of something.
const RECOVERY: Duration = Duration::from_millis(50);

type Table = Arc<Mutex<Connections<ClientKey, CancellationToken>>>;

/// A listener with room for so many connections.
pub(crate) struct Listener {
    tcp: TcpListener,
    table: Table,
    sockets: Arc<Semaphore>,
    limits: Arc<LimitsOptions>,
    timing: Timing,
    metrics: Metrics,
}

impl Listener {
    /// Takes the listener's connections within the bounds.
    pub(crate) fn new(
        tcp: TcpListener,
        options: ConnectionsOptions,
        limits: Arc<LimitsOptions>,
        timing: Timing,
        metrics: Metrics,
    ) -> Self {
        let bounds = Bounds {
            total: options.total,
            per_client: options.per_client,
        };
        Self {
            tcp,
            table: Arc::new(Mutex::new(Connections::new(bounds))),
            sockets: Arc::new(Semaphore::new(options.total + CLOSING)),
            limits,
            timing,
            metrics,
        }
    }

    /// The next connection that there is a place for.
    pub(crate) async fn accept(&self) -> (Connection, Peer) {
        loop {
            let socket = self.sockets.clone().acquire_owned().await;
            let socket = socket.expect("nobody closes it");
            let (stream, address) = match self.tcp.accept().await {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!("cannot take a connection: {error}");
                    sleep(RECOVERY).await;
                    continue;
                }
            };
            if let Some(seat) = self.seat(address, socket) {
                // An answer is one small packet; Nagle's algorithm would hold it back.
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!("cannot set TCP_NODELAY: {error}");
                }
                let connection = Connection::new(stream, seat.clone(), self.timing);
                return (connection, Peer { address, seat });
            }
        }
    }

    /// A place for a connection from this address, unless all are taken.
    fn seat(&self, address: SocketAddr, socket: OwnedSemaphorePermit) -> Option<Arc<Seat>> {
        let address = address.ip().to_canonical();
        let client = (!self.limits.trusts(&address)).then(|| ClientKey::from(address));
        let closed = CancellationToken::new();
        let entered = lock(&self.table).enter(client, closed.clone());
        let Ok((id, shed)) = entered else {
            self.metrics.connection_refused();
            return None;
        };
        if let Some(shed) = shed {
            shed.cancel();
            self.metrics.connection_shed();
        }
        Some(Arc::new(Seat {
            id,
            table: self.table.clone(),
            closed,
            is_answered: AtomicBool::new(false),
            _socket: socket,
        }))
    }
}

/// Who connected, and the connection's place.
#[derive(Clone)]
pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
    pub(crate) seat: Arc<Seat>,
}

/// A connection's place in the table, given back when the last part of the connection is dropped.
pub(crate) struct Seat {
    id: Id,
    table: Table,
    closed: CancellationToken,
    /// The last answer is complete, but its bytes may still be on their way.
    is_answered: AtomicBool,
    _socket: OwnedSemaphorePermit,
}

impl Seat {
    /// The connection has a request until the guard is dropped, and what was answered until then is
    /// taken.
    pub(crate) fn busy(self: &Arc<Self>) -> Busy {
        self.is_answered.store(false, Ordering::Relaxed);
        lock(&self.table).turn(self.id, false);
        Busy {
            seat: self.clone(),
            is_upgraded: false,
        }
    }

    /// All bytes that there were are taken.
    fn flushed(&self) {
        if self.is_answered.swap(false, Ordering::Relaxed) {
            lock(&self.table).turn(self.id, true);
        }
    }

    /// Done when the connection has to make room for another.
    pub(crate) async fn closed(&self) {
        self.closed.cancelled().await;
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        lock(&self.table).leave(self.id);
    }
}

/// A request that is being answered.
pub(crate) struct Busy {
    seat: Arc<Seat>,
    is_upgraded: bool,
}

impl Busy {
    /// The connection speaks another protocol from now on, so it has no end of an answer: it stays busy
    /// for as long as it is open.
    pub(crate) fn until_its_end(mut self) {
        self.is_upgraded = true;
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        let is_answered = !self.is_upgraded;
        self.seat.is_answered.store(is_answered, Ordering::Relaxed);
    }
}

fn lock(table: &Table) -> MutexGuard<'_, Connections<ClientKey, CancellationToken>> {
    table.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A client's connection. It fails when it has to make room for another one, or when its client
/// takes nothing for too long.
pub(crate) struct Connection {
    stream: Pin<Box<TimeoutStream<TcpStream>>>,
    closed: Pin<Box<WaitForCancellationFutureOwned>>,
    seat: Arc<Seat>,
}

impl Connection {
    fn new(stream: TcpStream, seat: Arc<Seat>, timing: Timing) -> Self {
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(timing.write));
        Self {
            stream: Box::pin(stream),
            closed: Box::pin(seat.closed.clone().cancelled_owned()),
            seat,
        }
    }

    /// Reads or writes, unless the connection has to close. Where that has to wait, the task is woken once the
    /// connection has to.
    fn unless_closed<T>(
        &mut self,
        cx: &mut Context<'_>,
        act: impl FnOnce(Pin<&mut TimeoutStream<TcpStream>>, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        let aborted = || Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        if self.seat.closed.is_cancelled() {
            return aborted();
        }
        let acted = act(self.stream.as_mut(), cx);
        if acted.is_pending() && self.closed.as_mut().poll(cx).is_ready() {
            return aborted();
        }
        acted
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.unless_closed(cx, |stream, cx| stream.poll_read(cx, buffer))
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.unless_closed(cx, |stream, cx| stream.poll_write(cx, bytes))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.unless_closed(cx, |stream, cx| stream.poll_write_vectored(cx, slices))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.stream.as_mut().poll_flush(cx))?;
        self.seat.flushed();
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream.as_mut().poll_shutdown(cx)
    }
}

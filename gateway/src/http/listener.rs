//! Takes connections, as many as there is room for, and closes those that have to make room.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_util::task::AtomicWaker;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::sleep;
use tokio_io_timeout::TimeoutWriter;

use crate::http::connections::{Bounds, Connections, Id};
use crate::metrics::Metrics;
use crate::options::{ConnectionsOptions, LimitsOptions, Timing};
use crate::payments::client::ClientKey;

/// Connections that were told to close and have not done so yet. More than these keep new ones in
/// the kernel's queue, so the program never has more descriptors than it reckons with.
const CLOSING: usize = 64;

/// How long no connection is taken after one could not be: the system may be short of something.
const RECOVERY: Duration = Duration::from_millis(50);

type Table = Arc<Mutex<Connections<ClientKey, Arc<Closing>>>>;

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

    /// The places of the connections that it has taken.
    pub(crate) fn seats(&self) -> Seats {
        Seats(self.table.clone())
    }

    /// A place for a connection from this address, unless all are taken.
    fn seat(&self, address: SocketAddr, socket: OwnedSemaphorePermit) -> Option<Arc<Seat>> {
        let address = address.ip().to_canonical();
        let client = (!self.limits.trusts(&address)).then(|| ClientKey::from(address));
        let closing = Arc::new(Closing::default());
        let entered = lock(&self.table).enter(client, closing.clone());
        let Ok((id, shed)) = entered else {
            self.metrics.connection_refused();
            return None;
        };
        if let Some(shed) = shed {
            shed.close();
            self.metrics.connection_shed();
        }
        Some(Arc::new(Seat {
            id,
            table: self.table.clone(),
            closing,
            is_answered: AtomicBool::new(false),
            _socket: socket,
        }))
    }
}

/// The places of a listener's connections, also after the listener is gone.
pub(crate) struct Seats(Table);

impl Seats {
    /// Closes the connections that are open.
    pub(crate) fn close(&self) {
        for closing in lock(&self.0).handles() {
            closing.close();
        }
    }
}

/// Tells a connection to close. It takes little memory, because every waiting buyer has one.
#[derive(Debug, Default)]
struct Closing {
    is_closed: AtomicBool,
    /// The task that has the connection. There is one at a time.
    task: AtomicWaker,
}

impl Closing {
    fn close(&self) {
        self.is_closed.store(true, Ordering::Release);
        self.task.wake();
    }

    fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Acquire)
    }

    /// Ready once the connection has to close.
    fn poll(&self, cx: &mut Context<'_>) -> Poll<()> {
        // Before the look, so that nothing between the two is missed.
        self.task.register(cx.waker());
        if self.is_closed() {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
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
    closing: Arc<Closing>,
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

    /// Done when the connection has to make room for another. Only the task that has the connection may
    /// wait for it.
    pub(crate) async fn closed(&self) {
        poll_fn(|cx| self.closing.poll(cx)).await;
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

fn lock(table: &Table) -> MutexGuard<'_, Connections<ClientKey, Arc<Closing>>> {
    table.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A client's connection. It fails when it has to make room for another one, or when its client
/// takes nothing for too long.
pub(crate) struct Connection {
    stream: Pin<Box<TimeoutWriter<TcpStream>>>,
    seat: Arc<Seat>,
}

impl Connection {
    fn new(stream: TcpStream, seat: Arc<Seat>, timing: Timing) -> Self {
        let mut stream = TimeoutWriter::new(stream);
        stream.set_timeout(Some(timing.write));
        Self {
            stream: Box::pin(stream),
            seat,
        }
    }

    /// Reads or writes, unless the connection has to close. Where that has to wait, the task is woken once the
    /// connection has to.
    fn unless_closed<T>(
        &mut self,
        cx: &mut Context<'_>,
        act: impl FnOnce(Pin<&mut TimeoutWriter<TcpStream>>, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        let aborted = || Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        let closing = &self.seat.closing;
        if closing.is_closed() {
            return aborted();
        }
        let acted = act(self.stream.as_mut(), cx);
        if acted.is_pending() && closing.poll(cx).is_ready() {
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

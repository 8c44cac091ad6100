//! The connections to lightningd. Each call has one to itself, so that a slow call delays no
//! other. A connection is kept for the next call only after a clean answer; one that failed, timed
//! out or was abandoned is dropped.
//!
//! On its socket, lightningd takes connections in its main loop, from a queue of 128; a `connect` beyond it gives
//! EAGAIN. So the number of connections is bounded, calls wait for one in the order in which they
//! came, and EAGAIN means "wait", not "away".

use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::sleep;

use crate::call::{Call, within};
use crate::connection::Connection;
use crate::endpoint::Endpoint;
use crate::error::LightningError;

/// So many calls are at lightningd at once. It answers one after the other, so that more would only
/// wait in its queue instead of ours.
const MAX_CALLS: usize = 24;
/// So many deadlines a call waits for its turn: a crowd takes longer than any one call.
const PATIENCE: u32 = 2;
/// How long to wait before the next `connect` while lightningd's queue is full.
const QUEUE_FULL_PAUSE: Duration = Duration::from_millis(5);

#[derive(Debug)]
pub(crate) struct Pool {
    endpoint: Endpoint,
    idle: Mutex<Vec<Connection>>,
    /// First come, first served.
    places: Semaphore,
}

impl Pool {
    pub(crate) fn new(endpoint: Endpoint) -> Self {
        Self {
            endpoint,
            idle: Mutex::default(),
            places: Semaphore::new(MAX_CALLS),
        }
    }

    /// Calls lightningd on a connection of its own, once there is a place. The call may take as
    /// long as `deadline`, and the wait for the place twice as long: a crowd that waits for its turn is
    /// not turned away because of how many it is, and a lightningd that hangs is still given up.
    pub(crate) async fn call<R: Call>(
        &self,
        request: &R,
        deadline: Duration,
    ) -> Result<R::Response, LightningError> {
        let _place = within(deadline * PATIENCE, request, async {
            Ok(self.place().await)
        })
        .await?;
        // Boxed, so that a crowd that waits for its turn takes little memory.
        Box::pin(within(deadline, request, self.call_at_once(request))).await
    }

    async fn call_at_once<R: Call>(&self, request: &R) -> Result<R::Response, LightningError> {
        let idle = self.idle().pop();
        if let Some(connection) = idle {
            match self.call_on(connection, request).await {
                // lightningd was restarted since. Every call of ours may be repeated: an
                // invoice that was made all the same is found by its label.
                Err(LightningError::Closed { .. }) => self.idle().clear(),
                answered => return answered,
            }
        }
        self.call_on(self.connect().await?, request).await
    }

    /// Opens a connection; waits while lightningd's queue is full.
    pub(crate) async fn connect(&self) -> Result<Connection, LightningError> {
        loop {
            match Connection::open(&self.endpoint).await {
                Err(LightningError::Connect { source, .. })
                    if source.kind() == io::ErrorKind::WouldBlock =>
                {
                    sleep(QUEUE_FULL_PAUSE).await;
                }
                opened => return opened,
            }
        }
    }

    async fn place(&self) -> SemaphorePermit<'_> {
        let place = self.places.acquire().await;
        place.expect("the semaphore is never closed")
    }

    async fn call_on<R: Call>(
        &self,
        mut connection: Connection,
        request: &R,
    ) -> Result<R::Response, LightningError> {
        let answer = connection.call(request).await;
        if matches!(answer, Ok(_) | Err(LightningError::Rpc { .. })) {
            self.idle().push(connection);
        }
        answer
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

//! The connections that go through a place between two programs: taken one by one, and cut together.

use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use crate::lock::lock;

/// A place that passes connections on.
pub(crate) trait Between: Send + Sync + 'static {
    type Stream: Send;

    /// Whether no more connections are taken.
    fn has_ended(&self) -> bool;

    /// Passes one connection on until it ends.
    fn forward(&self, client: &Self::Stream) -> io::Result<()>;
}

/// Takes what `incoming` waits for, in threads, until the place has ended.
pub(crate) fn accept<B: Between>(
    between: &Arc<B>,
    mut incoming: impl FnMut() -> io::Result<B::Stream> + Send + 'static,
) {
    let between = Arc::clone(between);
    thread::spawn(move || {
        loop {
            let client = incoming();
            if between.has_ended() {
                return;
            }
            let between = Arc::clone(&between);
            if let Ok(client) = client {
                thread::spawn(move || between.forward(&client).ok());
            }
        }
    });
}

/// Both ends of each open connection.
pub(crate) struct Open<S> {
    ends: Mutex<HashMap<u64, [S; 2]>>,
    next: AtomicU64,
}

impl<S> Default for Open<S> {
    fn default() -> Self {
        Self {
            ends: Mutex::default(),
            next: AtomicU64::default(),
        }
    }
}

impl<S> Open<S> {
    /// Notes a connection; the number is for [`remove`](Self::remove).
    pub(crate) fn add(&self, ends: [S; 2]) -> u64 {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        lock(&self.ends).insert(id, ends);
        id
    }

    pub(crate) fn remove(&self, id: u64) {
        lock(&self.ends).remove(&id);
    }

    /// Does this to both ends of all, and forgets them.
    pub(crate) fn drain(&self, cut: impl Fn(&S)) {
        for (_, ends) in lock(&self.ends).drain() {
            ends.iter().for_each(&cut);
        }
    }
}

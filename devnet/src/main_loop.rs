//! The pace at which a node answers: as fast as it can, or at lightningd's.
//!
//! lightningd does everything in one loop of one thread: it accepts a connection, answers a
//! request, answers the next. A request that comes while it is busy waits for its turn, and
//! connections that come meanwhile fill the socket's queue.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::Mutex;

/// How fast a node answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// As fast as it can, several requests at once.
    Quick,
    /// As fast as lightningd, one request after the other.
    Lightningd,
}

/// Where a node's work takes turns.
pub(crate) struct MainLoop {
    takes_turns: AtomicBool,
    /// When the work that was done last is over. The lock is fair: first come, first served.
    free_at: Mutex<Instant>,
}

impl MainLoop {
    pub(crate) fn new() -> Self {
        Self {
            takes_turns: AtomicBool::new(false),
            free_at: Mutex::new(Instant::now()),
        }
    }

    pub(crate) fn set_pace(&self, pace: Pace) {
        self.takes_turns
            .store(pace == Pace::Lightningd, Ordering::Release);
    }

    /// Does `work`. At lightningd's pace it waits for its turn first, and returns once the turn has
    /// taken as long as `cost` says.
    pub(crate) async fn run<T>(
        &self,
        work: impl FnOnce() -> T,
        cost: impl FnOnce(&T) -> Duration,
    ) -> T {
        if !self.takes_turns.load(Ordering::Acquire) {
            return work();
        }
        let asked_at = Instant::now();
        let mut free_at = self.free_at.lock().await;
        // Counted from when the turn was free, not from when this task noticed, so that a late
        // wake-up does not slow the loop down.
        let begin = asked_at.max(*free_at);
        let done = work();
        *free_at = begin + cost(&done);
        sleep_until(*free_at).await;
        done
    }
}

/// Sleeps on a thread: Tokio's own timer knows only whole milliseconds.
async fn sleep_until(time: Instant) {
    let rest = time.saturating_duration_since(Instant::now());
    if !rest.is_zero() {
        // The thread only sleeps, so it cannot fail.
        let _ = tokio::task::spawn_blocking(move || std::thread::sleep(rest)).await;
    }
}

//! Keeps a summary of each node's sales in step with lightningd, in `data_dir/desk`.
//!
//! A task for each node waits for the next payment, and then reads lightningd's changes a page at a time,
//! not a call for each payment: after a million sales the first reading takes minutes instead of hours.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use purrwall_gateway::LightningError;
use purrwall_gateway::sales::Book;
use shared::lightning::NodeId;
use tokio::sync::Notify;
use tokio::task::{AbortHandle, spawn_blocking};
use tokio::time::sleep;

use crate::code::folder;
use crate::days::Day;
use crate::summary::{Summary, Totals};

/// While a long book is read, the summary is kept once in so many pages.
const KEEP_EVERY: u32 = 50;
/// Between two pages of a long book.
const BREATH: Duration = Duration::from_millis(10);
/// One question for the next payment.
const ROUND: Duration = Duration::from_mins(1);
/// The pause after an error; doubled with each up to [`LONGEST`].
const PAUSE: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_secs(30);

/// The summaries of all nodes. The tasks end with it.
pub(crate) struct Ledger {
    nodes: Vec<Followed>,
}

struct Followed {
    state: Arc<State>,
    task: AbortHandle,
}

/// What one task does, and what it knows.
struct State {
    book: Book,
    dir: PathBuf,
    known: Mutex<Known>,
    again: Notify,
}

#[derive(Default)]
struct Known {
    summary: Option<Summary>,
    /// The newest change, as it was when it was asked for last; `None` before it is known.
    newest: Option<u64>,
    /// Why the task waits.
    trouble: Option<String>,
}

/// How far the summaries are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Progress {
    /// So many changes were read …
    pub(crate) read: u64,
    /// … of so many.
    pub(crate) newest: u64,
    /// Whether that is known of every node.
    is_known: bool,
    /// So many invoices could not be.
    pub(crate) unreadable: u64,
    /// What keeps from reading on.
    pub(crate) trouble: Option<String>,
}

#[derive(Debug, thiserror::Error)]
enum LedgerError {
    #[error(transparent)]
    Lightning(#[from] LightningError),
    #[error("the sums cannot be kept: {0}")]
    Keep(#[from] io::Error),
}

impl Ledger {
    /// Follows these books.
    pub(crate) fn start(books: Vec<Book>, data_dir: &Path) -> Self {
        let start = |book| {
            let state = Arc::new(State {
                book,
                dir: folder(data_dir),
                known: Mutex::default(),
                again: Notify::new(),
            });
            let following = state.clone();
            let task = tokio::spawn(async move { following.run().await }).abort_handle();
            Followed { state, task }
        };
        Self {
            nodes: books.into_iter().map(start).collect(),
        }
    }

    /// The sums since a day.
    pub(crate) fn totals(&self, since: Day) -> Totals {
        let mut totals = Totals::default();
        for node in &self.nodes {
            if let Some(summary) = &node.state.known().summary {
                summary.add_to(&mut totals, since);
            }
        }
        totals
    }

    /// How far they are.
    pub(crate) fn progress(&self) -> Progress {
        let mut progress = Progress {
            is_known: true,
            ..Progress::default()
        };
        for node in &self.nodes {
            let known = node.state.known();
            if let Some(summary) = &known.summary {
                progress.read += summary.change;
                progress.unreadable += summary.unreadable;
            }
            progress.newest += known.newest.unwrap_or_default();
            progress.is_known &= known.newest.is_some();
            progress.trouble = progress.trouble.or_else(|| known.trouble.clone());
        }
        progress
    }

    /// The books, in the order of the options.
    pub(crate) fn books(&self) -> impl Iterator<Item = &Book> {
        self.nodes.iter().map(|node| &node.state.book)
    }

    /// Reads everything again.
    pub(crate) fn rebuild(&self) {
        for node in &self.nodes {
            node.state.again.notify_one();
        }
    }
}

impl Progress {
    /// Whether everything is in the sums.
    pub(crate) fn is_complete(&self) -> bool {
        self.is_known && self.trouble.is_none() && self.read >= self.newest
    }
}

impl Drop for Followed {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl State {
    /// Follows the book, over as many connections as it takes.
    async fn run(&self) {
        let mut pause = PAUSE;
        loop {
            let trouble = tokio::select! {
                Err(error) = self.follow(&mut pause) => error.to_string(),
                () = self.again.notified() => {
                    if let Some(summary) = &mut self.known().summary {
                        *summary = Summary::new(summary.node);
                    }
                    continue;
                }
            };
            if self.known().trouble.as_ref() != Some(&trouble) {
                tracing::warn!("the desk's sums have to wait: {trouble}");
            }
            self.known().trouble = Some(trouble);
            tokio::select! {
                () = sleep(pause) => pause = (2 * pause).min(LONGEST),
                () = self.again.notified() => self.again.notify_one(),
            }
        }
    }

    async fn follow(&self, pause: &mut Duration) -> Result<std::convert::Infallible, LedgerError> {
        let mut watch = self.book.watch().await?;
        let node = self.book.node().await?.id;
        let newest = self.book.newest().await?;
        let fits = |summary: &Summary| summary.node == node && summary.change <= newest;
        let kept = self.known().summary.take();
        let kept = kept.or_else(|| Summary::read(&fs::read(self.path(node)).ok()?));
        // Another book, or one that was put back from a copy, is read from its beginning.
        let summary = kept.filter(fits).unwrap_or_else(|| Summary::new(node));
        self.known().summary = Some(summary);
        let mut last = watch.newest_pay_index().await?;
        self.catch_up().await?;
        self.known().trouble = None;
        *pause = PAUSE;
        loop {
            if let Some(payment) = watch.next_payment(last, ROUND).await? {
                last = self.catch_up().await?.max(payment.pay_index);
            }
        }
    }

    /// Reads what is new; gives the highest `pay_index` in it.
    async fn catch_up(&self) -> Result<u64, LedgerError> {
        let newest = self.book.newest().await?;
        self.known().newest = Some(newest);
        let (mut highest, mut pages) = (0, 0);
        loop {
            let Some(change) = self.known().summary.as_ref().map(|summary| summary.change) else {
                return Ok(highest);
            };
            let later = self.book.after(change).await?;
            highest = highest.max(later.pay_index);
            let is_end = later.change.is_none();
            if let (Some(summary), Some(change)) = (&mut self.known().summary, later.change) {
                summary.change = change;
                summary.unreadable += later.unreadable as u64;
                later.sales.iter().for_each(|sale| summary.add(sale));
            }
            self.reached(later.change.unwrap_or_default());
            pages += 1;
            if is_end {
                if pages > 1 {
                    self.keep().await?;
                }
                return Ok(highest);
            }
            if pages % KEEP_EVERY == 0 {
                self.keep().await?;
            }
            // lightningd answers nobody else while it lists, and buyers come first.
            sleep(BREATH).await;
        }
    }

    fn reached(&self, change: u64) {
        let mut known = self.known();
        known.newest = known.newest.max(Some(change));
    }

    async fn keep(&self) -> Result<(), LedgerError> {
        let Some((node, text)) = self.known().summary.as_ref().map(|s| (s.node, s.write())) else {
            return Ok(());
        };
        let (dir, path) = (self.dir.clone(), self.path(node));
        let write = move || {
            fs::create_dir_all(dir)?;
            durable::write(&path, &text)
        };
        let written = spawn_blocking(write).await;
        Ok(written.map_err(io::Error::other)??)
    }

    fn path(&self, node: NodeId) -> PathBuf {
        self.dir.join(format!("sales-{node}.json"))
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

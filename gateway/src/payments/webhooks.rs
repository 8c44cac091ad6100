//! Reports each payment, and each payment that got nothing, to the owner's own programs: a signed `POST`
//! to each configured address.
//!
//! Each payment of an invoice of ours is reported to each address at least once, even if it came
//! while the gateway or lightningd was down. It may be reported twice; the payment_hash is the
//! `webhook-id`, by which a receiver recognizes it. So the order matters everywhere: an event is on
//! the disk before the index moves past its payment, and is removed after the receiver has accepted it.
//!
//! - [`signing`]: the form of the Standard Webhooks specification.
//! - `spool`: the index and the undelivered events, as files.
//! - `follow`: from lightningd's payments to the `outbox`, which puts them into the spool. `place` is where
//!   it goes on.
//! - `refused`: from buyers who paid and were refused, by the same way.
//! - `resend`: what the owner wants to be sent once more, by the same way.
//! - `delivery`: from the spool to one address, over and over.
//!
//! Of gateways that share a data folder one does all of this, the one that holds the folder's lock;
//! when it ends, however it ends, another goes on.

mod delivery;
mod event;
mod follow;
mod outbox;
mod place;
mod refused;
mod resend;
pub mod signing;
mod spool;

use std::cmp::Reverse;
use std::fs::File;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tracing::Instrument as _;

use crate::clock::unix_now;
use crate::errors::origin;
use crate::metrics::Metrics;
use crate::options::{Timing, WebhooksOptions};
use crate::payments::label::StoreId;
use crate::payments::purchases::Purchases;
use crate::retry::{Attempt, Health, Pauses, retry};
use delivery::Delivery;
use follow::Follower;
use outbox::{News, Outbox};
use refused::{Hearing, Teller};
use resend::Resender;
use spool::{Entry, Spool};

pub use delivery::{DeliveryError, send_test};
pub use resend::{ResendError, Which, resend};
pub use spool::{SpoolError, Told};

/// How often a gateway checks whether it is its turn to send.
const TURN: Duration = Duration::from_secs(1);
/// The longest pause before what was asked for once more is looked at again.
const LONGEST: Duration = Duration::from_secs(30);

/// Follows payments and refusals and reports them, without end.
pub(crate) async fn run(
    options: WebhooksOptions,
    purchases: &Purchases,
    store: StoreId,
    metrics: Metrics,
    timing: Timing,
) {
    let now = unix_now();
    let spool = Arc::new(Spool::new(options.dir));
    // They end with this task.
    let mut tasks = JoinSet::new();
    let hearing = Hearing::new(spool.clone(), purchases.nodes().clone());
    tasks.spawn(hearing.run(purchases.refusals().hear()));
    let turn = Turn { spool: &spool, now };
    let (_lock, since) = retry(Pauses::new(TURN, TURN), turn).await;
    let mut news = News::new();
    for url in options.urls {
        // Nothing becomes an event before every address can be told of it: the index would move past
        // the payments that come meanwhile.
        let pauses = Pauses::new(timing.reconnect_min, timing.reconnect_max);
        let waiting = retry(pauses, Undelivered(&spool, &url, &metrics)).await;
        let (sender, receiver) = mpsc::unbounded_channel();
        metrics.webhooks_wait(waiting.len());
        for entry in waiting {
            sender.send(entry).ok();
        }
        let delivery = Delivery {
            claims: purchases.claims().clone(),
            spool: spool.clone(),
            url: url.clone(),
            timing,
            metrics: metrics.clone(),
        };
        tasks.spawn(delivery.run(receiver));
        news.insert(url, sender);
    }
    let outbox = Arc::new(Outbox {
        spool: spool.clone(),
        news,
        metrics: metrics.clone(),
        midway: Mutex::default(),
    });
    let teller = Teller {
        spool: spool.clone(),
        outbox: outbox.clone(),
    };
    tasks.spawn(async { match retry(Pauses::new(TURN, LONGEST), teller).await {} });
    let resender = Resender {
        spool,
        outbox: outbox.clone(),
    };
    tasks.spawn(async { match retry(Pauses::new(TURN, LONGEST), resender).await {} });
    for (at, member) in purchases.nodes().all().iter().enumerate() {
        let follower = Follower {
            invoices: member.invoices.clone(),
            is_first: at == 0,
            store: store.clone(),
            outbox: outbox.clone(),
            metrics: metrics.clone(),
            timing,
            since,
            behind: 0,
        };
        let span = member.invoices.our_node().span();
        tasks.spawn(async { match follower.run().await {} }.instrument(span));
    }
    tasks.join_next().await;
}

/// What one address has not taken yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// The address without what is secret in it.
    pub to: String,
    /// How many webhooks.
    pub count: usize,
    /// Since when the oldest of them waits.
    pub since: Option<SystemTime>,
}

/// What waits for each of these addresses.
///
/// # Errors
/// If the folder cannot be read.
pub fn waiting(options: &WebhooksOptions) -> Result<Vec<Waiting>, SpoolError> {
    let spool = Spool::new(options.dir.clone());
    let waits = |url: &String| {
        Ok(Waiting {
            to: origin(url).to_owned(),
            count: spool.undelivered(url)?.len(),
            since: spool.oldest(url),
        })
    };
    options.urls.iter().map(waits).collect()
}

/// The buyers who paid and were refused, as far as this folder tells of them; the newest first.
///
/// # Errors
/// If the folder cannot be read.
pub fn refused(options: &WebhooksOptions) -> Result<Vec<Told>, SpoolError> {
    let spool = Spool::new(options.dir.clone());
    let mut refused = [spool.refusals()?, spool.told()?].concat();
    refused.sort_by_key(|told| Reverse(told.refused_at));
    Ok(refused)
}

/// Notes buyers who paid and were refused in this folder, without end, where no webhooks are sent from it.
pub(crate) async fn keep_refusals(dir: PathBuf, purchases: &Purchases) {
    let hearing = Hearing::new(Arc::new(Spool::new(dir)), purchases.nodes().clone());
    hearing.run(purchases.refusals().hear()).await;
}

/// Reads what waits for an address.
struct Undelivered<'a>(&'a Spool, &'a str, &'a Metrics);

impl Attempt for Undelivered<'_> {
    type Done = Vec<Entry>;
    type Error = SpoolError;

    async fn attempt(&mut self, _: &mut Health) -> Result<Vec<Entry>, SpoolError> {
        let Self(spool, url, metrics) = self;
        let waiting = spool.undelivered(url);
        metrics.webhooks_are_kept(waiting.is_ok());
        waiting
    }

    fn tell(&self, _: &SpoolError, cause: &str) {
        let to = origin(self.1);
        tracing::error!("webhooks have to wait, because those to {to} cannot be read: {cause}");
    }
}

/// Why this gateway does not send.
#[derive(Debug, thiserror::Error)]
enum NotOurTurn {
    #[error("another gateway sends the webhooks of this data folder")]
    Another,
    #[error(transparent)]
    Spool(#[from] SpoolError),
}

/// Waits until no other gateway sends from this folder.
struct Turn<'a> {
    spool: &'a Spool,
    /// When this gateway started, in UNIX seconds.
    now: u64,
}

impl Attempt for Turn<'_> {
    /// The lock, held as long as it is ours to send, and when webhooks were first sent.
    type Done = (File, u64);
    type Error = NotOurTurn;

    async fn attempt(&mut self, _: &mut Health) -> Result<(File, u64), NotOurTurn> {
        let lock = self.spool.lock()?.ok_or(NotOurTurn::Another)?;
        Ok((lock, self.spool.since(self.now)?))
    }

    fn tell(&self, error: &NotOurTurn, cause: &str) {
        match error {
            NotOurTurn::Another => {
                tracing::info!("{cause}; this one takes over when that ends");
            }
            NotOurTurn::Spool(_) => tracing::error!("no webhooks are sent: {cause}"),
        }
    }
}

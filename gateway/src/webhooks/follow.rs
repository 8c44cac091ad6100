//! From lightningd's payments to the spool.
//!
//! This follows payments on a connection of its own, beside the watcher that wakes buyers: it goes
//! on from an index that outlives the process, and a full disk must not keep buyers waiting.

use std::convert::Infallible;

use serde::Serialize;
use tokio::time::sleep;

use super::News;
use super::spool::{Entry, Spool, SpoolError};
use crate::App;
use crate::error::chain;
use crate::lightningd::{LightningError, Payment};
use crate::metrics::Metrics;
use crate::payments::jittered;
use crate::sales::Sale;

/// The type of the one event there is.
const PAID: &str = "invoice.paid";
/// While only payments of others come, the index is written once in so many.
const INDEX_EVERY: u64 = 1000;

#[derive(Debug, thiserror::Error)]
enum FollowError {
    #[error("lightningd's payments cannot be read")]
    Lightning(#[from] LightningError),
    #[error("webhooks cannot be kept")]
    Spool(#[from] SpoolError),
}

/// Turns payments into events, over as many connections as it takes.
pub(super) async fn run(app: &App, spool: &Spool, news: &News) {
    let timing = app.timing;
    let mut told = String::new();
    let mut pause = timing.reconnect_min;
    loop {
        let mut followed = false;
        let Err(error) = follow(app, spool, news, &mut followed).await;
        if followed {
            pause = timing.reconnect_min;
            told.clear();
        }
        let cause = chain(&error);
        if cause != told {
            tracing::warn!("webhooks of new payments have to wait: {cause}");
            told = cause;
        }
        sleep(jittered(pause)).await;
        pause = (pause * 2).min(timing.reconnect_max);
    }
}

async fn follow(
    app: &App,
    spool: &Spool,
    news: &News,
    followed: &mut bool,
) -> Result<Infallible, FollowError> {
    let mut connection = app.payments.lightningd().watch().await?;
    let newest = connection.newest_pay_index().await?;
    let mut last = if let Some(kept) = spool.index()? {
        // lightningd's book may be another one than then.
        kept.min(newest)
    } else {
        // What was sold before there were webhooks is not told.
        spool.set_index(newest)?;
        newest
    };
    let mut saved = last;
    *followed = true;
    loop {
        let payment = connection
            .next_payment(last, app.timing.watch_round)
            .await?;
        let mut save = true;
        if let Some(payment) = &payment {
            save = keep(payment, spool, news, &app.metrics)?
                || payment.pay_index - saved >= INDEX_EVERY;
            last = payment.pay_index;
        }
        if save && saved != last {
            spool.set_index(last)?;
            saved = last;
        }
    }
}

/// Keeps a payment of ours for every address; says whether it is one.
fn keep(
    payment: &Payment,
    spool: &Spool,
    news: &News,
    metrics: &Metrics,
) -> Result<bool, SpoolError> {
    let Some(sale) = Sale::of(payment) else {
        return Ok(false);
    };
    let entry = Entry {
        pay_index: payment.pay_index,
        id: sale.payment_hash.to_hex(),
    };
    let body = event(PAID, sale.paid_at, &sale);
    for (url, news) in news {
        spool.put(url, &entry, &body)?;
        metrics.webhooks_wait(1);
        news.send(entry.clone()).ok();
    }
    Ok(true)
}

#[derive(Serialize)]
struct Event<'a, T> {
    #[serde(rename = "type")]
    kind: &'a str,
    timestamp: String,
    data: &'a T,
}

/// The body of a webhook; `at` in UNIX seconds.
pub(super) fn event(kind: &str, at: u64, data: &impl Serialize) -> Vec<u8> {
    let at = std::time::UNIX_EPOCH + std::time::Duration::from_secs(at);
    let event = Event {
        kind,
        timestamp: humantime::format_rfc3339_seconds(at).to_string(),
        data,
    };
    serde_json::to_vec(&event).expect("string keys and no failing field")
}

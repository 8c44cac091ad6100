//! From the spool to one address, over and over.
//!
//! A receiver that is away is tried less and less often, down to once an hour, for as long as its
//! address is configured: a request an hour is cheap, and a lost sale is not. New events are tried at
//! once, so an event that the receiver never accepts delays no other. When the receiver accepts
//! anything, what failed before is tried again at once.

use std::collections::VecDeque;
use std::sync::Arc;

use serde_json::json;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until};

use crate::clock::unix_now;
use crate::errors::{chain, origin};
use crate::metrics::Metrics;
use crate::options::Timing;
use crate::payments::claims::Claims;
use crate::payments::webhooks::event::event;
use crate::payments::webhooks::signing::SigningKey;
use crate::payments::webhooks::spool::{Entry, Spool};
use crate::retry::{Pauses, Trouble};

/// One address and what it is told from.
pub(super) struct Delivery {
    pub(super) url: String,
    /// Webhooks are signed by the secret that claims are made with.
    pub(super) claims: Claims,
    pub(super) spool: Arc<Spool>,
    pub(super) timing: Timing,
    pub(super) metrics: Metrics,
}

/// Why a receiver did not take a webhook.
#[derive(Debug, thiserror::Error)]
pub enum DeliveryError {
    /// No answer.
    #[error("it does not answer")]
    Request(#[from] Box<ureq::Error>),
    /// Another answer than yes. Redirects are not followed: the address may have been taken over.
    #[error("it answered with status {0}; a receiver has to answer with 200 to 299")]
    Status(u16),
    /// The sending thread ended.
    #[error("the request was given up")]
    Abandoned,
}

impl Delivery {
    /// Sends what comes over `news` until that ends.
    pub(super) async fn run(self, mut news: mpsc::UnboundedReceiver<Entry>) {
        let mut fresh = VecDeque::new();
        let mut failed = VecDeque::new();
        let mut pauses = Pauses::new(self.timing.webhook_retry_min, self.timing.webhook_retry_max);
        let mut retry_at = Instant::now();
        let mut trouble = Trouble::default();
        loop {
            while let Ok(entry) = news.try_recv() {
                fresh.push_back(entry);
            }
            let mut is_fresh = true;
            let entry = if let Some(entry) = fresh.pop_front() {
                entry
            } else {
                tokio::select! {
                    entry = news.recv() => match entry {
                        Some(entry) => entry,
                        None => return,
                    },
                    () = sleep_until(retry_at), if !failed.is_empty() => {
                        is_fresh = false;
                        failed.pop_front().expect("there is one")
                    }
                }
            };
            let delivered = self.deliver(&entry).await;
            self.metrics.webhook_tried(delivered.is_ok());
            match delivered {
                Ok(()) => {
                    if trouble.is_over() {
                        tracing::info!(to = origin(&self.url), "webhooks are delivered again");
                    }
                    pauses.reset();
                    retry_at = Instant::now();
                }
                Err(cause) => {
                    if trouble.is_new(&cause) {
                        tracing::warn!(
                            to = origin(&self.url),
                            waiting = 1 + fresh.len() + failed.len(),
                            "a webhook was not delivered and will be tried again: {cause}"
                        );
                    }
                    // A burst of new events at a receiver that is away is one failure, not many.
                    if !is_fresh || failed.is_empty() {
                        retry_at = Instant::now() + pauses.next();
                    }
                    failed.push_back(entry);
                }
            }
        }
    }

    async fn deliver(&self, entry: &Entry) -> Result<(), String> {
        let body = self.spool.body(&self.url, entry);
        let Some(body) = body.map_err(|error| chain(&error))? else {
            // The payment was heard of twice, and the first event has been taken meanwhile.
            return Ok(());
        };
        let key = SigningKey::of_url(&self.claims.secret(), &self.url);
        let status = post(&self.url, &key, &entry.id, body, self.timing)
            .await
            .map_err(|error| chain(&error))?;
        tracing::info!(
            to = origin(&self.url),
            webhook_id = entry.id,
            status,
            "a webhook was delivered"
        );
        let removed = self.spool.remove(&self.url, entry);
        removed.map_err(|error| chain(&error))
    }
}

/// Sends one webhook of the type `test` now.
pub async fn send_test(url: &str, key: &SigningKey, timing: Timing) -> Result<u16, DeliveryError> {
    let now = unix_now();
    let body = event("test", now, &json!({}));
    post(url, key, &format!("test-{now}"), body, timing).await
}

/// Sends a webhook; gives the status of the receiver that took it.
async fn post(
    url: &str,
    key: &SigningKey,
    id: &str,
    body: Vec<u8>,
    timing: Timing,
) -> Result<u16, DeliveryError> {
    let timestamp = unix_now();
    let agent = ureq::Agent::config_builder()
        .timeout_global(Some(timing.webhook_deadline))
        .user_agent(concat!("purrwall/", env!("CARGO_PKG_VERSION")))
        .max_redirects(0)
        .max_redirects_will_error(false)
        .http_status_as_error(false)
        .build()
        .new_agent();
    let request = agent
        .post(url)
        .content_type("application/json")
        .header("webhook-id", id)
        .header("webhook-timestamp", timestamp.to_string())
        .header("webhook-signature", key.sign(id, timestamp, &body));
    // A thread of its own: one of the runtime's would hold up the gateway's end.
    let (done, answer) = oneshot::channel();
    std::thread::spawn(move || {
        let answer = request.send(body).map(|answer| answer.status());
        done.send(answer.map_err(Box::new)).ok();
    });
    let status = answer.await.map_err(|_| DeliveryError::Abandoned)??;
    if status.is_success() {
        Ok(status.as_u16())
    } else {
        Err(DeliveryError::Status(status.as_u16()))
    }
}

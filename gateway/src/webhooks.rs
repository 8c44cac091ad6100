//! Tells the owner's own programs of each payment: a signed `POST` to each configured address.
//!
//! What is promised: each payment of an invoice of ours is told to each address at least once,
//! also one that came while the gateway or lightningd was down. It may be told twice; the
//! payment_hash is the `webhook-id`, by which a receiver knows. So the order of things matters
//! everywhere: an event is on the disk before the index moves past its payment, and is removed
//! after the receiver has said yes.
//!
//! - [`signing`]: the form of the Standard Webhooks specification.
//! - `spool`: the index and the undelivered events, as files.
//! - `follow`: from lightningd's payments to the spool.
//! - `delivery`: from the spool to one address, over and over.
//!
//! Of gateways that share a data folder one does all of this, the one that holds the folder's lock;
//! when it ends, however it ends, another goes on.

mod delivery;
mod follow;
pub mod signing;
mod spool;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::App;
use crate::config::WebhooksConfig;
use crate::error::chain;
use crate::secret::Secret;
use signing::SigningKey;
use spool::{Entry, Spool};

pub use delivery::{DeliveryError, send_test};

/// How often a gateway looks whether it is its turn to send.
const TURN: Duration = Duration::from_secs(1);

/// Follows the payments of the gateway's lightningd and tells of them, without end.
pub async fn run(config: WebhooksConfig, secret: Secret, app: App) {
    let spool = Arc::new(Spool::new(config.dir));
    let _lock = my_turn(&spool).await;
    let mut news = HashMap::new();
    // They end with this task.
    let mut deliveries = JoinSet::new();
    for url in config.urls {
        let waiting = match spool.undelivered(&url) {
            Ok(waiting) => waiting,
            Err(error) => {
                tracing::error!("no webhooks to {}: {}", origin(&url), chain(&error));
                continue;
            }
        };
        let (sender, receiver) = mpsc::unbounded_channel();
        app.metrics.webhooks_wait(waiting.len());
        for entry in waiting {
            sender.send(entry).ok();
        }
        let delivery = delivery::Delivery {
            key: SigningKey::of_url(&secret, &url),
            spool: spool.clone(),
            url: url.clone(),
            timing: app.timing,
            metrics: app.metrics.clone(),
        };
        deliveries.spawn(delivery.run(receiver));
        news.insert(url, sender);
    }
    follow::run(&app, &spool, &news).await;
}

/// Where new events are told of, by address.
type News = HashMap<String, mpsc::UnboundedSender<Entry>>;

/// Waits until no other gateway sends from this folder.
async fn my_turn(spool: &Spool) -> std::fs::File {
    // The same trouble is told of once.
    let mut told = String::new();
    loop {
        match spool.lock() {
            Ok(Some(lock)) => return lock,
            Ok(None) if told.is_empty() => {
                told = "another gateway sends the webhooks of this data folder".into();
                tracing::info!("{told}; this one takes over when that ends");
            }
            Ok(None) => {}
            Err(error) => {
                let cause = chain(&error);
                if cause != told {
                    tracing::error!("no webhooks are sent: {cause}");
                    told = cause;
                }
            }
        }
        sleep(TURN).await;
    }
}

/// The part of an address that may stand in a log: path and query may hold a password.
fn origin(url: &str) -> &str {
    let host = url.find("://").map_or(0, |at| at + 3);
    let end = url[host..].find(['/', '?', '#']);
    end.map_or(url, |end| &url[..host + end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_shows_only_where_an_address_leads() {
        for (url, shown) in [
            ("https://shop.example/hook/s3cret", "https://shop.example"),
            ("http://127.0.0.1:8000?key=s3cret", "http://127.0.0.1:8000"),
            ("https://shop.example", "https://shop.example"),
        ] {
            assert_eq!(origin(url), shown);
        }
    }
}

//! What one bitcoin costs in the currencies that prices are in.
//!
//! A rate comes from the owner, or from a JSON document that is asked for in the background and
//! remembered. A remembered rate that is too old sells nothing.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;
use shared::fiat::{Currency, Decimal, Rate};
use tokio::task::AbortHandle;
use tokio::time::sleep;

use crate::clock::unix_now;
use crate::config::{RateConfig, RateSource};
use crate::error::chain;

/// The rates of a catalogue.
#[derive(Debug, Default)]
pub struct Rates(HashMap<Currency, Arc<Source>>);

/// Why there is no rate to sell at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoRate {
    /// Not once was one learnt.
    #[error("no rate for {0} is known yet")]
    Unknown(Currency),
    /// The last one is too old.
    #[error("the rate for {0} is too old")]
    Stale(Currency),
}

impl Rates {
    /// Starts to follow the sources; needs a Tokio runtime. Those that `before` follows already go
    /// on, with what they know.
    pub fn follow(configs: &[RateConfig], before: &Self) -> Self {
        let follow = |config: &RateConfig| {
            let known = before.0.get(&config.currency);
            let source = match known {
                Some(known) if known.config == *config => known.clone(),
                _ => Source::start(config.clone()),
            };
            (config.currency, source)
        };
        Self(configs.iter().map(follow).collect())
    }

    /// Whether there is a source for this currency, whatever it says.
    pub fn follows(&self, currency: Currency) -> bool {
        self.0.contains_key(&currency)
    }

    /// The rate to sell at now.
    pub fn current(&self, currency: Currency) -> Result<Rate, NoRate> {
        let source = self.0.get(&currency).ok_or(NoRate::Unknown(currency))?;
        let rate = source.last().ok_or(NoRate::Unknown(currency))?;
        if source.config.source.is_fresh(&rate, unix_now()) {
            Ok(rate)
        } else {
            Err(NoRate::Stale(currency))
        }
    }

    /// The last rate, however old it is.
    pub fn last(&self, currency: Currency) -> Option<Rate> {
        self.0.get(&currency)?.last()
    }
}

/// One source; its task ends with it.
#[derive(Debug)]
struct Source {
    config: RateConfig,
    last: Arc<Mutex<Option<Rate>>>,
    task: Option<AbortHandle>,
}

impl Source {
    fn start(config: RateConfig) -> Arc<Self> {
        let last = Arc::new(Mutex::new(None));
        let task = match &config.source {
            RateSource::Fixed(per_btc) => {
                set(&last, config.currency, *per_btc);
                None
            }
            RateSource::Endpoint {
                url,
                pointer,
                max_age,
            } => {
                let (currency, last) = (config.currency, last.clone());
                let (url, pointer, max_age) = (url.clone(), pointer.clone(), *max_age);
                let refresh = async move { refresh(currency, url, pointer, max_age, last).await };
                Some(tokio::spawn(refresh).abort_handle())
            }
        };
        Arc::new(Self { config, last, task })
    }

    fn last(&self) -> Option<Rate> {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

impl RateSource {
    /// Whether a rate of this source may still be sold at.
    fn is_fresh(&self, rate: &Rate, now: u64) -> bool {
        match self {
            Self::Fixed(_) => true,
            Self::Endpoint { max_age, .. } => now.saturating_sub(rate.at) <= max_age.as_secs(),
        }
    }
}

fn set(last: &Mutex<Option<Rate>>, currency: Currency, per_btc: Decimal) {
    *last.lock().unwrap_or_else(PoisonError::into_inner) = Some(Rate {
        currency,
        per_btc,
        at: unix_now(),
    });
}

/// The longest pause after a failure.
const RETRY: Duration = Duration::from_secs(30);

/// Asks again long before the last rate is too old.
async fn refresh(
    currency: Currency,
    url: String,
    pointer: String,
    max_age: Duration,
    last: Arc<Mutex<Option<Rate>>>,
) {
    let pause = max_age / 3;
    // A source that is away for long is told of once.
    let mut told = String::new();
    loop {
        let pause = match ask(&url, &pointer).await {
            Ok(per_btc) => {
                set(&last, currency, per_btc);
                tracing::debug!(%currency, %per_btc, "learnt a rate");
                told.clear();
                pause
            }
            Err(error) => {
                let cause = chain(&error);
                if cause != told {
                    tracing::warn!(
                        "no rate for {currency} from {url}: {cause}; items in {currency} cannot \
                         be bought once the last rate is older than {}",
                        humantime::format_duration(max_age)
                    );
                    told = cause;
                }
                pause.min(RETRY)
            }
        };
        sleep(pause).await;
    }
}

/// Why a source gave no rate.
#[derive(Debug, thiserror::Error)]
pub enum AskRateError {
    /// No document.
    #[error("it does not answer")]
    Fetch(#[from] Box<ureq::Error>),
    /// Not JSON.
    #[error("its answer is not JSON")]
    Json(#[from] serde_json::Error),
    /// Nothing usable at the pointer.
    #[error("its answer has no rate at {pointer:?}, but {found}; correct `pointer`")]
    NoRate {
        /// Where it was looked for.
        pointer: String,
        /// What stands there.
        found: String,
    },
}

/// Asks a source now.
pub async fn ask(url: &str, pointer: &str) -> Result<Decimal, AskRateError> {
    let url = url.to_owned();
    let document = tokio::task::spawn_blocking(move || fetch(&url))
        .await
        .map_err(|error| Box::new(ureq::Error::Io(std::io::Error::other(error))))??;
    find(&document, pointer)
}

const DEADLINE: Duration = Duration::from_secs(10);
/// A document with all the currencies of the world is smaller.
const MAX_DOCUMENT: u64 = 1024 * 1024;

fn fetch(url: &str) -> Result<String, AskRateError> {
    let agent = ureq::Agent::config_builder()
        .timeout_global(Some(DEADLINE))
        .user_agent(concat!("purrwall/", env!("CARGO_PKG_VERSION")))
        .build()
        .new_agent();
    let mut answer = agent.get(url).call().map_err(Box::new)?;
    let body = answer.body_mut().with_config().limit(MAX_DOCUMENT);
    Ok(body.read_to_string().map_err(Box::new)?)
}

/// The rate in a document, as a number or as text.
fn find(document: &str, pointer: &str) -> Result<Decimal, AskRateError> {
    let document: Value = serde_json::from_str(document)?;
    let found = document.pointer(pointer);
    let rate: Option<Decimal> = match found {
        // More digits than 8 after the point are noise.
        Some(Value::Number(number)) => number
            .as_f64()
            .and_then(|number| format!("{number:.8}").parse().ok()),
        Some(Value::String(text)) => text.trim().parse().ok(),
        _ => None,
    };
    rate.filter(|rate| !rate.is_zero())
        .ok_or_else(|| AskRateError::NoRate {
            pointer: pointer.to_owned(),
            found: found.map_or("nothing".into(), |value| {
                value.to_string().chars().take(80).collect()
            }),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(document: &str, pointer: &str, expected: Option<&str>) {
        let rate = find(document, pointer).ok().map(|rate| rate.to_string());
        assert_eq!(rate.as_deref(), expected);
    }

    #[test]
    fn a_rate_is_found_as_number_or_text() {
        check(
            r#"{"bitcoin": {"usd": 65000}}"#,
            "/bitcoin/usd",
            Some("65000"),
        );
        check(
            r#"{"rates": [{"usd": 65000.12}]}"#,
            "/rates/0/usd",
            Some("65000.12"),
        );
        check(r#"{"last": "65000.50"}"#, "/last", Some("65000.5"));
        check(r#"{"a/b": 6.5e4}"#, "/a~1b", Some("65000"));
    }

    #[test]
    fn what_is_no_rate_is_refused() {
        check(r#"{"usd": 0}"#, "/usd", None);
        check(r#"{"usd": -1}"#, "/usd", None);
        check(r#"{"usd": null}"#, "/usd", None);
        check(r#"{"usd": "many"}"#, "/usd", None);
        check(r#"{"usd": 1e300}"#, "/usd", None);
        check(r#"{"eur": 1}"#, "/usd", None);
        check("<html>", "/usd", None);
    }

    #[test]
    fn a_rate_is_fresh_up_to_its_age() {
        let source = RateSource::Endpoint {
            url: String::new(),
            pointer: String::new(),
            max_age: Duration::from_mins(10),
        };
        let rate = Rate {
            currency: "USD".parse().unwrap(),
            per_btc: "1".parse().unwrap(),
            at: 1000,
        };
        assert!(source.is_fresh(&rate, 1600));
        assert!(!source.is_fresh(&rate, 1601));
        assert!(RateSource::Fixed(rate.per_btc).is_fresh(&rate, u64::MAX));
    }
}

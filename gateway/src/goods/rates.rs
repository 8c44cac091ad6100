//! What one bitcoin costs in the currencies that prices are in.
//!
//! A rate comes from the owner, or from a JSON document that is asked for in the background and
//! remembered. A remembered rate that is too old sells nothing.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;
use shared::fiat::{Currency, Decimal, Rate};
use tokio::task::AbortHandle;
use tokio::time::sleep;

use crate::clock::unix_now;
use crate::goods::price::{NoPrice, NoRate, Price, Quote};
use crate::options::{RateOptions, RateSource};
use crate::retry::{Attempt, Health, Pauses, retry};

/// The rates of a catalogue.
#[derive(Debug, Default)]
pub struct Rates(HashMap<Currency, Arc<Source>>);

impl Rates {
    /// Starts to follow the sources; needs a Tokio runtime. Those that `before` follows already go
    /// on, with what they know.
    pub fn follow(options: &[RateOptions], before: &Self) -> Self {
        let follow = |options: &RateOptions| {
            let known = before.0.get(&options.currency);
            let source = match known {
                Some(known) if known.options == *options => known.clone(),
                _ => Source::start(options.clone()),
            };
            (options.currency, source)
        };
        Self(options.iter().map(follow).collect())
    }

    /// Whether there is a source for this currency, whatever it says.
    pub fn follows(&self, currency: Currency) -> bool {
        self.0.contains_key(&currency)
    }

    /// The rate to sell at now.
    pub fn current(&self, currency: Currency) -> Result<Rate, NoRate> {
        let source = self.0.get(&currency).ok_or(NoRate::Unknown(currency))?;
        let rate = source.last().ok_or(NoRate::Unknown(currency))?;
        if source.options.source.is_fresh(&rate, unix_now()) {
            Ok(rate)
        } else {
            Err(NoRate::Stale(currency))
        }
    }

    /// What a price is at this moment.
    pub fn quote(&self, price: Price) -> Result<Quote, NoPrice> {
        price.quote(|currency| self.current(currency))
    }

    /// The last rate, however old it is.
    pub fn last(&self, currency: Currency) -> Option<Rate> {
        self.0.get(&currency)?.last()
    }
}

/// One source; its task ends with it.
#[derive(Debug)]
struct Source {
    options: RateOptions,
    last: Arc<Mutex<Option<Rate>>>,
    task: Option<AbortHandle>,
}

impl Source {
    fn start(options: RateOptions) -> Arc<Self> {
        let last = Arc::new(Mutex::new(None));
        let task = match &options.source {
            RateSource::Fixed(per_btc) => {
                set(&last, options.currency, *per_btc);
                None
            }
            RateSource::Endpoint {
                url,
                pointer,
                max_age,
            } => {
                let refresh = Refresh {
                    currency: options.currency,
                    url: url.clone(),
                    pointer: pointer.clone(),
                    max_age: *max_age,
                    last: last.clone(),
                };
                Some(tokio::spawn(refresh.run()).abort_handle())
            }
        };
        Arc::new(Self {
            options,
            last,
            task,
        })
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

/// Asks a source in the background, long before the last rate is too old.
struct Refresh {
    currency: Currency,
    url: String,
    pointer: String,
    max_age: Duration,
    last: Arc<Mutex<Option<Rate>>>,
}

impl Refresh {
    async fn run(self) -> Infallible {
        let pause = self.pause().min(RETRY);
        retry(Pauses::new(pause, pause), self).await
    }

    fn pause(&self) -> Duration {
        self.max_age / 3
    }
}

impl Attempt for Refresh {
    type Done = Infallible;
    type Error = AskRateError;

    async fn attempt(&mut self, health: &mut Health) -> Result<Infallible, AskRateError> {
        loop {
            let per_btc = ask(&self.url, &self.pointer).await?;
            set(&self.last, self.currency, per_btc);
            tracing::debug!(currency = %self.currency, %per_btc, "learnt a rate");
            health.is_well();
            sleep(self.pause()).await;
        }
    }

    fn tell(&self, _: &AskRateError, cause: &str) {
        let (currency, url) = (self.currency, &self.url);
        tracing::warn!(
            "no rate for {currency} from {url}: {cause}; items in {currency} cannot be bought once \
             the last rate is older than {}",
            humantime::format_duration(self.max_age)
        );
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

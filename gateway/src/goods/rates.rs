//! What one bitcoin costs in the currencies that prices are in.
//!
//! A rate comes from the owner, or from a JSON document that is asked for in the background and
//! remembered. A remembered rate that is too old sells nothing, and neither does a source whose newest
//! rate is not believed (`rates::belief`).

mod ask;
mod belief;

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use shared::fiat::{Currency, Decimal, Rate};
use tokio::task::AbortHandle;
use tokio::time::sleep;

use crate::clock::unix_now;
use crate::errors::origin;
use crate::goods::price::{NoPrice, NoRate, Price, Quote};
use crate::metrics::GoodsCounts;
use crate::options::{RateOptions, RateSource};
use crate::retry::{Attempt, Health, Pauses, retry};
use ask::ask;

pub use ask::AskRateError;
pub use belief::Unbelievable;

/// The rates of a catalogue.
#[derive(Debug, Default)]
pub struct Rates(HashMap<Currency, Arc<Source>>);

impl Rates {
    /// Starts to follow the sources; needs a Tokio runtime. Those that `before` follows already go
    /// on, with what they know.
    pub(crate) fn follow(options: &[RateOptions], before: &Self, counts: &GoodsCounts) -> Self {
        let follow = |options: &RateOptions| {
            let known = before.0.get(&options.currency);
            let source = match known {
                Some(known) if known.options == *options => known.clone(),
                _ => Source::start(options.clone(), counts.clone()),
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
        let known = *source.known.lock();
        if known.is_doubtful {
            return Err(NoRate::Doubtful(currency));
        }
        let rate = known.last.ok_or(NoRate::Unknown(currency))?;
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

    /// The last rate that was believed, however old it is.
    pub fn last(&self, currency: Currency) -> Option<Rate> {
        self.0.get(&currency)?.known.lock().last
    }

    /// The same of each currency that there is a source for, in alphabetical order.
    pub fn all(&self) -> Vec<Rate> {
        let rates = self.0.keys().filter_map(|currency| self.last(*currency));
        let mut rates: Vec<_> = rates.collect();
        rates.sort_by_key(|rate| rate.currency);
        rates
    }
}

/// One source; its task ends with it.
#[derive(Debug)]
struct Source {
    options: RateOptions,
    known: Arc<Known>,
    task: Option<AbortHandle>,
}

/// What is known of a rate.
#[derive(Debug, Default)]
struct Known(Mutex<Word>);

#[derive(Clone, Copy, Debug, Default)]
struct Word {
    /// The last rate that was believed.
    last: Option<Rate>,
    /// Whether a rate came since that is not believed.
    is_doubtful: bool,
}

impl Known {
    fn lock(&self) -> MutexGuard<'_, Word> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn believe(&self, currency: Currency, per_btc: Decimal) {
        let at = unix_now();
        *self.lock() = Word {
            last: Some(Rate {
                currency,
                per_btc,
                at,
            }),
            is_doubtful: false,
        };
    }
}

impl Source {
    fn start(options: RateOptions, counts: GoodsCounts) -> Arc<Self> {
        let known = Arc::new(Known::default());
        let task = match &options.source {
            RateSource::Fixed(per_btc) => {
                known.believe(options.currency, *per_btc);
                None
            }
            RateSource::Endpoint { max_age, .. } => {
                let refresh = Refresh {
                    currency: options.currency,
                    source: options.source.clone(),
                    max_age: *max_age,
                    known: known.clone(),
                    counts,
                };
                Some(tokio::spawn(refresh.run()).abort_handle())
            }
        };
        Arc::new(Self {
            options,
            known,
            task,
        })
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
    /// Where it comes from, as it may be logged: the rest of an address may hold a key.
    pub fn origin(&self) -> &str {
        match self {
            Self::Fixed(_) => "the store's file",
            Self::Endpoint { url, .. } => origin(url),
        }
    }

    /// Whether a rate of this source may still be sold at.
    fn is_fresh(&self, rate: &Rate, now: u64) -> bool {
        match self {
            Self::Fixed(_) => true,
            Self::Endpoint { max_age, .. } => now.saturating_sub(rate.at) <= max_age.as_secs(),
        }
    }
}

/// Why a source has no rate to sell at.
#[derive(Debug, thiserror::Error)]
pub enum RateError {
    /// The source gave none.
    #[error(transparent)]
    Ask(#[from] AskRateError),
    /// The second source gave none.
    #[error("`second_url` cannot be used")]
    AskSecond(#[source] AskRateError),
    /// It is not believed.
    #[error(transparent)]
    Unbelievable(#[from] Unbelievable),
}

/// What a source says now, if that is believed; `before` is the last rate that was.
pub async fn look_up(source: &RateSource, before: Option<Decimal>) -> Result<Decimal, RateError> {
    let (url, pointer, second, limits) = match source {
        RateSource::Fixed(rate) => return Ok(*rate),
        RateSource::Endpoint {
            url,
            pointer,
            second,
            limits,
            ..
        } => (url, pointer, second, limits),
    };
    let answer = ask(url, pointer).await?;
    let second = match second {
        Some(second) => {
            let answer = ask(&second.url, &second.pointer).await;
            Some(answer.map_err(RateError::AskSecond)?)
        }
        None => None,
    };
    Ok(belief::believe(limits, before, second, answer)?)
}

/// The longest pause after a failure.
const RETRY: Duration = Duration::from_secs(30);

/// Asks a source in the background, long before the last rate is too old.
struct Refresh {
    currency: Currency,
    source: RateSource,
    max_age: Duration,
    known: Arc<Known>,
    counts: GoodsCounts,
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
    type Error = RateError;

    async fn attempt(&mut self, health: &mut Health) -> Result<Infallible, RateError> {
        loop {
            let (currency, from) = (self.currency, self.source.origin());
            let before = self.known.lock().last.map(|rate| rate.per_btc);
            let believed = look_up(&self.source, before).await;
            if let Err(RateError::Unbelievable(_)) = believed {
                self.known.lock().is_doubtful = true;
                self.counts.rate_refused();
            }
            let per_btc = believed?;
            self.known.believe(currency, per_btc);
            if before.is_none() {
                tracing::info!("the first rate from {from} is {per_btc} {currency} per bitcoin");
            }
            tracing::debug!(%currency, %per_btc, "learnt a rate");
            health.is_well();
            sleep(self.pause()).await;
        }
    }

    fn tell(&self, error: &RateError, cause: &str) {
        let (currency, from) = (self.currency, self.source.origin());
        match error {
            RateError::Unbelievable(why) => tracing::error!(
                answer = %why.answer(),
                "the rate for {currency} from {from} is not believed: {cause}; nothing is sold in \
                 {currency} until it is"
            ),
            RateError::Ask(_) | RateError::AskSecond(_) => tracing::warn!(
                "no rate for {currency} from {from}: {cause}; items in {currency} cannot be bought \
                 once the last rate is older than {}",
                humantime::format_duration(self.max_age)
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::RateLimits;

    #[test]
    fn a_rate_is_fresh_up_to_its_age() {
        let source = RateSource::Endpoint {
            url: String::new(),
            pointer: String::new(),
            second: None,
            max_age: Duration::from_mins(10),
            limits: RateLimits::default(),
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

//! The one loop of everything that has to go on: try, tell the trouble once, wait, try again.

use std::error::Error;
use std::time::{Duration, Instant};

use tokio::time::sleep;

use crate::errors::chain;

/// What is tried over and over.
pub(crate) trait Attempt {
    /// What it gives in the end; [`Infallible`](std::convert::Infallible) for what goes on without end.
    type Done;
    /// Why it failed this time.
    type Error: Error + Send;

    /// Tries once. An attempt that goes on for long says so by [`Health::is_well`].
    fn attempt(
        &mut self,
        health: &mut Health,
    ) -> impl Future<Output = Result<Self::Done, Self::Error>> + Send;

    /// Tells the owner of the trouble; `cause` is the error with its causes.
    fn tell(&self, error: &Self::Error, cause: &str);
}

/// Tries until it succeeds, with growing pauses. The same trouble is told once, and again only after
/// things went well in between. An attempt that was well for longer than the longest pause starts over
/// with the shortest one; flapping counts as unhealthy, too.
pub(crate) async fn retry<A: Attempt>(mut pauses: Pauses, mut work: A) -> A::Done {
    let mut trouble = Trouble::default();
    loop {
        let mut health = Health::default();
        let error = match work.attempt(&mut health).await {
            Ok(done) => return done,
            Err(error) => error,
        };
        if let Some(since) = health.well_since {
            trouble.is_over();
            if since.elapsed() > pauses.max {
                pauses.reset();
            }
        }
        let cause = chain(&error);
        if trouble.is_new(&cause) {
            work.tell(&error, &cause);
        }
        sleep(pauses.next()).await;
    }
}

/// How an attempt goes.
#[derive(Debug, Default)]
pub(crate) struct Health {
    well_since: Option<Instant>,
}

impl Health {
    /// Things go well from here on.
    pub(crate) fn is_well(&mut self) {
        self.well_since.get_or_insert_with(Instant::now);
    }
}

/// Growing pauses. Each is random between half and all of its length, so that many gateways do not
/// come back in step.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pauses {
    min: Duration,
    max: Duration,
    next: Duration,
}

impl Pauses {
    /// From `min`, doubled each time, up to `max`.
    pub(crate) fn new(min: Duration, max: Duration) -> Self {
        Self {
            min,
            max,
            next: min,
        }
    }

    /// The next pause.
    pub(crate) fn next(&mut self) -> Duration {
        let pause = self.next;
        self.next = (pause * 2).min(self.max);
        let random = getrandom::u32().unwrap_or(u32::MAX);
        pause / 2 + pause.mul_f64(f64::from(random) / f64::from(u32::MAX)) / 2
    }

    /// Starts over with the shortest pause.
    pub(crate) fn reset(&mut self) {
        self.next = self.min;
    }
}

/// Remembers what was told, so that the same trouble is told once.
#[derive(Debug, Default)]
pub(crate) struct Trouble(Option<String>);

impl Trouble {
    /// Whether this was not told yet. It counts as told from here on.
    pub(crate) fn is_new(&mut self, cause: &str) -> bool {
        if self.0.as_deref() == Some(cause) {
            return false;
        }
        self.0 = Some(cause.to_owned());
        true
    }

    /// Forgets what was told; says whether anything was.
    pub(crate) fn is_over(&mut self) -> bool {
        self.0.take().is_some()
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    const SHORT: Duration = Duration::from_millis(1);

    #[derive(Debug, thiserror::Error)]
    #[error("{0}")]
    struct Broken(&'static str);

    /// Attempts that fail, each with an error and whether it was well before; then one that succeeds.
    struct Failing<'a> {
        attempts: std::slice::Iter<'a, (&'static str, bool)>,
        told: RefCell<Vec<String>>,
    }

    impl Attempt for Failing<'_> {
        type Done = Vec<String>;
        type Error = Broken;

        async fn attempt(&mut self, health: &mut Health) -> Result<Vec<String>, Broken> {
            match self.attempts.next() {
                Some((error, was_well)) => {
                    if *was_well {
                        health.is_well();
                    }
                    Err(Broken(error))
                }
                None => Ok(self.told.take()),
            }
        }

        fn tell(&self, _: &Broken, cause: &str) {
            self.told.borrow_mut().push(cause.to_owned());
        }
    }

    /// What is told of these attempts.
    async fn told(attempts: &[(&'static str, bool)]) -> Vec<String> {
        let attempts = attempts.iter();
        let told = RefCell::default();
        retry(Pauses::new(SHORT, SHORT), Failing { attempts, told }).await
    }

    #[tokio::test]
    async fn the_same_trouble_is_told_once() {
        let attempts = [("a", false), ("a", false), ("b", false), ("a", false)];
        assert_eq!(told(&attempts).await, ["a", "b", "a"]);
    }

    #[tokio::test]
    async fn trouble_after_a_good_time_is_told_again() {
        let attempts = [("a", false), ("a", true), ("a", false)];
        assert_eq!(told(&attempts).await, ["a", "a"]);
    }

    #[test]
    fn pauses_grow_up_to_their_bound() {
        let mut pauses = Pauses::new(Duration::from_secs(1), Duration::from_secs(4));
        for longest in [1, 2, 4, 4] {
            let pause = pauses.next().as_secs_f64();
            let longest = f64::from(longest);
            assert!((longest / 2.0..=longest).contains(&pause), "{pause}");
        }
        pauses.reset();
        assert!(pauses.next() <= Duration::from_secs(1));
    }
}

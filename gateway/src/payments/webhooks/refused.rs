//! Webhooks of buyers who paid and were refused.
//!
//! Every gateway leaves a file for each payment and reason in the spool's folder `refused`. The gateway
//! that sends makes each of them an event for every address, once.

use std::collections::HashSet;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use lightningd::LightningError;
use shared::lightning::PaymentHash;
use tokio::sync::broadcast::{Receiver, error::RecvError};
use tokio::time::sleep;

use crate::errors::chain;
use crate::payments::nodes::Nodes;
use crate::payments::refusals::{Refusal, Refused};
use crate::payments::webhooks::outbox::Outbox;
use crate::payments::webhooks::spool::{Spool, SpoolError, Told};
use crate::retry::{Attempt, Health, Trouble};

/// Writes down what it hears of.
pub(super) struct Hearing {
    spool: Arc<Spool>,
    nodes: Nodes,
    /// What was written down, as far as is remembered.
    known: HashSet<(PaymentHash, Refusal)>,
    asked: Option<Instant>,
    trouble: Trouble,
}

/// More are looked up on the disk.
const REMEMBERED: usize = 10_000;
/// How long lightningd is not asked again about a claim that the store has not issued. Anyone can make
/// up such claims.
const ASK_EVERY: Duration = Duration::from_secs(1);

#[derive(Debug, thiserror::Error)]
enum HearingError {
    #[error("lightningd does not say whether a claim was paid")]
    Lightning(#[from] LightningError),
    #[error("a refusal cannot be kept")]
    Spool(#[from] SpoolError),
}

impl Hearing {
    pub(super) fn new(spool: Arc<Spool>, nodes: Nodes) -> Self {
        Self {
            spool,
            nodes,
            known: HashSet::new(),
            asked: None,
            trouble: Trouble::default(),
        }
    }

    /// Goes on until there is no more news. What cannot be written down now is when the buyer asks
    /// again.
    pub(super) async fn run(mut self, mut news: Receiver<Refused>) {
        loop {
            let refused = match news.recv().await {
                Ok(refused) => refused,
                Err(RecvError::Lagged(_)) => continue,
                Err(RecvError::Closed) => return,
            };
            match self.note(refused).await {
                Ok(()) => {
                    self.trouble.is_over();
                }
                Err(error) => {
                    let cause = chain(&error);
                    if self.trouble.is_new(&cause) {
                        tracing::error!("no webhook tells of a refused purchase: {cause}");
                    }
                }
            }
        }
    }

    async fn note(&mut self, refused: Refused) -> Result<(), HearingError> {
        let key = (refused.payment_hash, refused.refusal);
        if self.known.contains(&key) {
            return Ok(());
        }
        let told = Told {
            payment_hash: refused.payment_hash,
            item: refused.item,
            reason: refused.refusal.reason().to_owned(),
            refused_at: refused.at,
        };
        if !self.spool.knows_refusal(&told) {
            let is_doubtful =
                matches!(refused.refusal, Refusal::NotIssued | Refusal::UnknownKey(_));
            let is_paid = !is_doubtful || self.is_paid(&told).await?;
            if !is_paid {
                return Ok(());
            }
            self.spool.ask_to_tell(&told)?;
        }
        if self.known.len() >= REMEMBERED {
            self.known.clear();
        }
        self.known.insert(key);
        Ok(())
    }

    /// Whether a node knows of the payment. It is not asked for all who come at once.
    async fn is_paid(&mut self, told: &Told) -> Result<bool, LightningError> {
        if self.asked.is_some_and(|asked| asked.elapsed() < ASK_EVERY) {
            return Ok(false);
        }
        self.asked = Some(Instant::now());
        self.nodes.has_payment(told.payment_hash).await
    }
}

/// How often the folder is looked at.
const LOOK: Duration = Duration::from_secs(1);

/// Makes events of what was written down.
pub(super) struct Teller {
    pub(super) spool: Arc<Spool>,
    pub(super) outbox: Arc<Outbox>,
}

impl Attempt for Teller {
    type Done = Infallible;
    type Error = SpoolError;

    async fn attempt(&mut self, health: &mut Health) -> Result<Infallible, SpoolError> {
        loop {
            for told in self.spool.refusals()? {
                self.outbox.refused(&told)?;
                self.spool.was_told(&told)?;
            }
            health.is_well();
            sleep(LOOK).await;
        }
    }

    fn tell(&self, _: &SpoolError, cause: &str) {
        tracing::error!("no webhooks tell of refused purchases: {cause}");
    }
}

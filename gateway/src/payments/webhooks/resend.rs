//! Webhooks that the owner wants once more.
//!
//! `purrwall webhook resend` leaves a file for each sale in the spool's folder `resend`. The gateway
//! that sends makes each of them an event for every address.

use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use lightningd::{LightningError, Lightningd};
use shared::lightning::PaymentHash;
use tokio::time::sleep;

use crate::payments::label::StoreId;
use crate::payments::sales::{Report, Sale};
use crate::payments::webhooks::outbox::Outbox;
use crate::payments::webhooks::spool::{Spool, SpoolError};
use crate::retry::{Attempt, Health};

/// Which webhooks are sent again.
#[derive(Clone, Copy, Debug)]
pub enum Which {
    /// That of this payment.
    Of(PaymentHash),
    /// Those of what was paid at this time (in UNIX seconds) or later.
    Since(u64),
}

/// Why webhooks cannot be sent again.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct ResendError(#[from] Cause);

#[derive(Debug, thiserror::Error)]
enum Cause {
    #[error("lightningd's payments cannot be read")]
    Lightning(#[from] LightningError),
    #[error("no webhook can be asked for")]
    Spool(#[from] SpoolError),
}

/// Asks the gateway that sends from this folder to send these once more; gives how many.
///
/// # Errors
/// If a node does not answer, or the folder cannot be written.
pub async fn resend(
    nodes: impl IntoIterator<Item = &Lightningd>,
    store: &StoreId,
    dir: PathBuf,
    which: Which,
) -> Result<usize, ResendError> {
    let since = match which {
        Which::Of(_) => 0,
        Which::Since(since) => since,
    };
    let report = Report::read(nodes, store, since).await;
    let sales = report.map_err(Cause::from)?.sales.into_iter();
    let is_meant = |sale: &Sale| match which {
        Which::Of(payment_hash) => sale.payment_hash == payment_hash,
        Which::Since(_) => true,
    };
    let spool = Spool::new(dir);
    let mut asked = 0;
    // The newest come first; they are sent in the order of payments.
    for sale in sales.filter(is_meant).rev() {
        spool.ask_again(&sale).map_err(Cause::from)?;
        asked += 1;
    }
    Ok(asked)
}

/// How often the folder is looked at.
const LOOK: Duration = Duration::from_secs(1);

/// Makes events of what was asked for.
pub(super) struct Resender {
    pub(super) spool: Arc<Spool>,
    pub(super) outbox: Arc<Outbox>,
}

impl Attempt for Resender {
    type Done = Infallible;
    type Error = SpoolError;

    async fn attempt(&mut self, health: &mut Health) -> Result<Infallible, SpoolError> {
        loop {
            for (asked, sale) in self.spool.asked_again()? {
                self.outbox.sold(&sale)?;
                Spool::was_kept(&asked)?;
                tracing::info!(webhook_id = %sale.payment_hash, "a webhook is sent again");
            }
            health.is_well();
            sleep(LOOK).await;
        }
    }

    fn tell(&self, _: &SpoolError, cause: &str) {
        tracing::error!("webhooks are not sent again: {cause}");
    }
}

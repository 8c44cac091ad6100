//! Invoices are made here, each in the place that was taken for it.

use std::collections::HashSet;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use lightningd::{KnownInvoice, LightningError, Lightningd, NewInvoice};
use shared::api::Status;
use tokio::runtime::Handle;
use tokio::time::{Instant, sleep};

use crate::options::Timing;
use crate::payments::open_invoices::Place;
use crate::retry::Pauses;

/// Makes invoices. A clone is another handle to the same.
#[derive(Clone)]
pub(crate) struct Making(Arc<Inner>);

struct Inner {
    lightningd: Arc<Lightningd>,
    /// The labels of invoices that may have been made. Their places are held.
    unknown: Mutex<HashSet<String>>,
    pauses: Pauses,
}

/// The longest pause before lightningd is asked again whether it made an invoice.
const LONGEST: Duration = Duration::from_secs(30);

impl Making {
    /// None is being made.
    pub(crate) fn new(lightningd: Arc<Lightningd>, timing: Timing) -> Self {
        Self(Arc::new(Inner {
            lightningd,
            unknown: Mutex::default(),
            pauses: Pauses::new(timing.reconnect_min, LONGEST),
        }))
    }

    /// Makes the invoice and puts it into its place; `None` where one with this label exists. It goes
    /// on if the buyer goes away, or the invoice would be open without being counted.
    ///
    /// lightningd may have made an invoice although it did not say so in time. The place is held
    /// until that is known.
    pub(crate) async fn make(
        &self,
        invoice: NewInvoice,
        place: Place,
    ) -> Result<Option<KnownInvoice>, LightningError> {
        let making = self.clone();
        let to_the_end = ToTheEnd::new(async move {
            let (label, expiry_secs) = (invoice.label.clone(), invoice.expiry_secs);
            let made = making.0.lightningd.create_invoice(invoice).await;
            match &made {
                Ok(Some(made)) => place.take(made.payment_hash, made.standing.expires_at),
                Err(error) if may_be_made(error) => {
                    let lifetime = Duration::from_secs(expiry_secs.into());
                    making.hold(label, lifetime, place);
                }
                Ok(None) | Err(_) => {}
            }
            made
        });
        to_the_end.await
    }

    /// Holds the place until it is known whether the invoice was made, or until it has expired. A
    /// buyer who tries again meanwhile asks for the same invoice, which needs no second place.
    fn hold(&self, label: String, lifetime: Duration, place: Place) {
        if !self.unknown().insert(label.clone()) {
            return;
        }
        let making = self.clone();
        tokio::spawn(async move {
            match making.find(&label, Instant::now() + lifetime).await {
                Some(made) if made.standing.status == Status::Unpaid => {
                    place.take(made.payment_hash, made.standing.expires_at);
                }
                // The watcher has heard of a payment already, so nothing else would free the place.
                Some(_) | None => drop(place),
            }
            making.unknown().remove(&label);
        });
    }

    /// The invoice, once lightningd has it; `None` where it does not have it.
    async fn find(&self, label: &str, until: Instant) -> Option<KnownInvoice> {
        let mut pauses = self.0.pauses;
        let mut is_missing = false;
        while Instant::now() < until {
            sleep(pauses.next()).await;
            match self.0.lightningd.find_by_label(label.to_owned()).await {
                Ok(Some(made)) => return Some(made),
                // The first answer may have overtaken the call that makes the invoice.
                Ok(None) if is_missing => return None,
                Ok(None) => is_missing = true,
                Err(_) => {}
            }
        }
        None
    }

    fn unknown(&self) -> MutexGuard<'_, HashSet<String>> {
        let unknown = self.0.unknown.lock();
        unknown.unwrap_or_else(PoisonError::into_inner)
    }
}

/// Goes on as a task of its own if whoever waits for it goes away. Most wait, and need no task.
struct ToTheEnd<F>
where
    F: Future<Output: Send> + Send + 'static,
{
    runtime: Handle,
    /// `None` once it is done.
    rest: Option<Pin<Box<F>>>,
}

impl<F> ToTheEnd<F>
where
    F: Future<Output: Send> + Send + 'static,
{
    /// Has to be made in a Tokio runtime.
    fn new(work: F) -> Self {
        Self {
            runtime: Handle::current(),
            rest: Some(Box::pin(work)),
        }
    }
}

impl<F> Future for ToTheEnd<F>
where
    F: Future<Output: Send> + Send + 'static,
{
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        // If it panics, nothing is left to go on with.
        let mut rest = self.rest.take().expect("it is polled to its end only");
        let polled = rest.as_mut().poll(cx);
        if polled.is_pending() {
            self.rest = Some(rest);
        }
        polled
    }
}

impl<F> Drop for ToTheEnd<F>
where
    F: Future<Output: Send> + Send + 'static,
{
    fn drop(&mut self) {
        if let Some(rest) = self.rest.take() {
            self.runtime.spawn(rest);
        }
    }
}

/// Whether lightningd may have done what it was asked.
fn may_be_made(error: &LightningError) -> bool {
    match error {
        LightningError::Closed { .. }
        | LightningError::Timeout { .. }
        | LightningError::Decode { .. } => true,
        LightningError::Connect { .. }
        | LightningError::Unreachable { .. }
        | LightningError::Certificate { .. }
        | LightningError::Rpc { .. } => false,
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn what_was_begun_goes_on_without_whoever_waited_for_it() {
        let (go, may_go) = oneshot::channel();
        let (tell, told) = oneshot::channel();
        let mut begun = Box::pin(ToTheEnd::new(async move {
            may_go.await.unwrap();
            tell.send("made").unwrap();
        }));
        poll_fn(|cx| {
            assert!(begun.as_mut().poll(cx).is_pending());
            Poll::Ready(())
        })
        .await;
        drop(begun);
        go.send(()).unwrap();
        assert_eq!(told.await, Ok("made"));
        assert_eq!(ToTheEnd::new(async { 7 }).await, 7);
    }
}

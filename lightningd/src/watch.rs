//! A connection of its own that follows payments.

use std::sync::Arc;
use std::time::Duration;

use cln_rpc::TypedRequest as _;
use cln_rpc::model::requests::WaitanyinvoiceRequest;

use crate::call::{decode_error, within};
use crate::connection::Connection;
use crate::entries::{News, WaitAny};
use crate::error::LightningError;
use crate::invoice::Payment;
use crate::observer::Observer;

/// `waitanyinvoice`: nothing was paid in time.
const WAIT_TIMED_OUT: i64 = 904;

/// A connection that follows payments.
#[derive(Debug)]
pub struct Watch {
    pub(crate) connection: Connection,
    pub(crate) deadline: Duration,
    pub(crate) observer: Option<Arc<dyn Observer>>,
    /// From the payment with the first number one goes on to that with the second: what lies between
    /// was skipped.
    pub(crate) skipped: Option<(u64, u64)>,
}

impl Watch {
    /// Waits for the next payment after number `after`; `None` when none came within `wait`
    /// (whole seconds). A payment that cannot be read, or that the guard hides, is skipped.
    pub async fn next_payment(
        &mut self,
        after: u64,
        wait: Duration,
    ) -> Result<Option<Payment>, LightningError> {
        let mut last = match self.skipped {
            Some((from, to)) if from == after => to,
            _ => after,
        };
        loop {
            match self.news(last, wait).await? {
                Some(News::Paid(payment)) => return Ok(Some(payment)),
                Some(skipped @ (News::Hidden(_) | News::Unreadable(_))) => {
                    if let (Some(observer), News::Unreadable(_)) = (&self.observer, &skipped) {
                        observer.skipped(request(last, wait).method(), 1);
                    }
                    last = skipped.pay_index();
                    self.skipped = Some((after, last));
                }
                None => return Ok(None),
            }
        }
    }

    async fn news(&mut self, after: u64, wait: Duration) -> Result<Option<News>, LightningError> {
        let request = request(after, wait);
        let call = self.connection.call(&request);
        match within(wait + self.deadline, &request, call).await {
            Ok(paid) => Ok(Some(News::read(paid, after))),
            Err(LightningError::Rpc {
                code: WAIT_TIMED_OUT,
                ..
            }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The number of the newest payment, 0 where nothing was ever paid.
    ///
    /// lightningd has no call for it, and listing what was paid may take megabytes. But
    /// `waitanyinvoice` without waiting tells whether any payment is newer than a number, so the
    /// newest is found by doubling and halving: some 40 quick calls after a million payments.
    /// It must be exact: when a number is too high, lightningd wakes a call that waits, but a
    /// payment between two calls would be missed.
    pub async fn newest_pay_index(&mut self) -> Result<u64, LightningError> {
        let (mut newest, mut at_most) = (0, None);
        loop {
            let guess = match at_most {
                Some(bound) if newest >= bound => return Ok(newest),
                Some(bound) => newest + (bound - newest) / 2,
                // A number that cannot be doubled is none: then no answer makes sense.
                None => newest
                    .checked_mul(2)
                    .ok_or_else(|| decode_error(&request(newest, Duration::ZERO), 0))?,
            };
            match self.news(guess, Duration::ZERO).await? {
                Some(news) => newest = news.pay_index(),
                None => at_most = Some(guess),
            }
        }
    }
}

fn request(after: u64, wait: Duration) -> WaitAny {
    WaitAny(WaitanyinvoiceRequest {
        lastpay_index: Some(after),
        timeout: Some(wait.as_secs()),
    })
}

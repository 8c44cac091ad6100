//! A connection of its own that follows payments.

use std::time::Duration;

use cln_rpc::model::requests::WaitanyinvoiceRequest;

use crate::error::LightningError;
use crate::invoice::Payment;
use crate::socket::{Connection, decode_error, within};

/// `waitanyinvoice`: nothing was paid in time.
const WAIT_TIMED_OUT: i64 = 904;

/// A connection that follows payments.
#[derive(Debug)]
pub struct Watch {
    pub(crate) connection: Connection,
    pub(crate) deadline: Duration,
}

impl Watch {
    /// Waits for the next payment after number `after`; `None` when none came within `wait`
    /// (whole seconds).
    pub async fn next_payment(
        &mut self,
        after: u64,
        wait: Duration,
    ) -> Result<Option<Payment>, LightningError> {
        let request = WaitanyinvoiceRequest {
            lastpay_index: Some(after),
            timeout: Some(wait.as_secs()),
        };
        let answer = within(
            wait + self.deadline,
            &request,
            self.connection.call(&request),
        )
        .await;
        match answer {
            Ok(paid) => match paid.pay_index {
                Some(pay_index) => Ok(Some(Payment::arrived(pay_index, paid))),
                None => Err(decode_error(&request, 0)),
            },
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
                None => newest * 2,
            };
            match self.next_payment(guess, Duration::ZERO).await? {
                Some(payment) => newest = payment.pay_index,
                None => at_most = Some(guess),
            }
        }
    }
}

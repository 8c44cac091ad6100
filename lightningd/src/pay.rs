//! The buyer's calls: pay an invoice, and what became of a payment.

use std::time::Duration;

use cln_rpc::TypedRequest;
use serde::{Deserialize, Serialize};
use shared::lightning::{Msat, PaymentHash, Preimage};

use crate::client::Lightningd;
use crate::error::LightningError;
use crate::socket::{decode_error, within};

/// What became of a payment, by the payer's own node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// Nothing was sent, or all of it came back.
    Nothing,
    /// It is on its way: it may still arrive or come back.
    Pending,
    /// It arrived.
    Complete(Preimage),
}

/// lightningd has no such command.
const UNKNOWN_COMMAND: i64 = -32601;

impl Lightningd {
    /// Pays an invoice for routing fees of at most `max_fee`, trying for `retry_for` (whole
    /// seconds), and gives the proof of payment.
    ///
    /// # Errors
    /// After [`LightningError::Closed`], [`LightningError::Timeout`] and
    /// [`LightningError::Decode`] the payment may be under way or done: ask [`Lightningd::sent`].
    /// Only [`LightningError::Connect`] says that nothing was asked for.
    pub async fn pay(
        &self,
        bolt11: &str,
        max_fee: Msat,
        retry_for: Duration,
    ) -> Result<Preimage, LightningError> {
        let xpay = Xpay {
            invstring: bolt11,
            maxfee: max_fee,
            retry_for: retry_for.as_secs(),
        };
        let paid = match self.pay_by(&xpay, retry_for).await {
            // Before version 24.11.
            Err(LightningError::Rpc {
                code: UNKNOWN_COMMAND,
                ..
            }) => {
                let pay = Pay {
                    bolt11,
                    maxfee: max_fee,
                    retry_for: retry_for.as_secs(),
                };
                self.pay_by(&pay, retry_for).await
            }
            answered => answered,
        };
        paid.map(|paid| paid.payment_preimage)
    }

    /// What became of the payment with this hash.
    pub async fn sent(&self, payment_hash: PaymentHash) -> Result<Sent, LightningError> {
        let request = Listpays { payment_hash };
        let mut sent = Sent::Nothing;
        // One entry for each `pay` that was ever tried.
        for pay in self.call(&request).await?.pays {
            match (pay.status, pay.preimage) {
                (PayStatus::Complete, Some(preimage))
                    if preimage.payment_hash() == payment_hash =>
                {
                    return Ok(Sent::Complete(preimage));
                }
                (PayStatus::Complete, _) => return Err(decode_error(&request, 0)),
                (PayStatus::Pending, _) => sent = Sent::Pending,
                (PayStatus::Failed, _) => {}
            }
        }
        Ok(sent)
    }

    /// On a new connection, and never repeated: unlike other calls, this one moves money.
    async fn pay_by<R>(&self, request: &R, retry_for: Duration) -> Result<Paid, LightningError>
    where
        R: TypedRequest<Response = Paid> + Serialize + Sync,
    {
        let mut connection = within(self.deadline, request, self.pool.connect()).await?;
        let deadline = retry_for + self.deadline;
        within(deadline, request, connection.call(request)).await
    }
}

#[derive(Serialize)]
struct Xpay<'a> {
    invstring: &'a str,
    maxfee: Msat,
    retry_for: u64,
}

impl TypedRequest for Xpay<'_> {
    type Response = Paid;
    fn method(&self) -> &'static str {
        "xpay"
    }
}

#[derive(Serialize)]
struct Pay<'a> {
    bolt11: &'a str,
    maxfee: Msat,
    retry_for: u64,
}

impl TypedRequest for Pay<'_> {
    type Response = Paid;
    fn method(&self) -> &'static str {
        "pay"
    }
}

/// What `xpay` and `pay` answer in common.
#[derive(Deserialize)]
struct Paid {
    payment_preimage: Preimage,
}

#[derive(Serialize)]
struct Listpays {
    payment_hash: PaymentHash,
}

impl TypedRequest for Listpays {
    type Response = Pays;
    fn method(&self) -> &'static str {
        "listpays"
    }
}

#[derive(Deserialize)]
struct Pays {
    pays: Vec<ListedPay>,
}

#[derive(Deserialize)]
struct ListedPay {
    status: PayStatus,
    preimage: Option<Preimage>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum PayStatus {
    Pending,
    Failed,
    Complete,
}

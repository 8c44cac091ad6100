//! The buyer's calls: pay an invoice, and what became of a payment.

use std::time::Duration;

use bitcoin::hashes::Hash as _;
use cln_rpc::TypedRequest;
use cln_rpc::model::requests::{ListpaysRequest, XpayRequest};
use cln_rpc::model::responses::ListpaysPaysStatus;
use cln_rpc::primitives::{Amount, Secret, Sha256};
use serde::{Deserialize, Serialize};
use shared::lightning::{Msat, PaymentHash, Preimage};

use crate::call::{Call, decode_error, within};
use crate::client::Lightningd;
use crate::error::LightningError;
use crate::invoice::preimage;

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
    /// Only [`LightningError::Connect`], [`LightningError::Unreachable`] and
    /// [`LightningError::Certificate`] say that nothing was asked for.
    pub async fn pay(
        &self,
        bolt11: &str,
        max_fee: Msat,
        retry_for: Duration,
    ) -> Result<Preimage, LightningError> {
        let fee = Amount::from_msat(max_fee.0);
        let seconds = u32::try_from(retry_for.as_secs()).unwrap_or(u32::MAX);
        let xpay = XpayRequest {
            invstring: bolt11.to_owned(),
            maxfee: Some(fee),
            retry_for: Some(seconds),
            amount_msat: None,
            dev_use_shadow: None,
            label: None,
            layers: None,
            localinvreqid: None,
            maxdelay: None,
            partial_msat: None,
            payer_note: None,
        };
        match self.pay_by(&xpay, retry_for).await {
            // Before version 24.11.
            Err(LightningError::Rpc {
                code: UNKNOWN_COMMAND,
                ..
            }) => {
                let pay = Pay {
                    bolt11,
                    maxfee: fee,
                    retry_for: seconds,
                };
                let paid = self.pay_by(&pay, retry_for).await?;
                Ok(preimage(paid.payment_preimage))
            }
            answered => Ok(preimage(answered?.payment_preimage)),
        }
    }

    /// What became of the payment with this hash.
    pub async fn sent(&self, payment_hash: PaymentHash) -> Result<Sent, LightningError> {
        let request = ListpaysRequest {
            payment_hash: Some(Sha256::from_byte_array(payment_hash.0)),
            bolt11: None,
            index: None,
            limit: None,
            start: None,
            status: None,
        };
        let mut sent = Sent::Nothing;
        // One entry for each `pay` that was ever tried.
        for pay in self.call(&request).await?.pays {
            match (pay.status, pay.preimage.map(preimage)) {
                (ListpaysPaysStatus::COMPLETE, Some(proof))
                    if proof.payment_hash() == payment_hash =>
                {
                    return Ok(Sent::Complete(proof));
                }
                (ListpaysPaysStatus::COMPLETE, _) => return Err(decode_error(&request, 0)),
                (ListpaysPaysStatus::PENDING, _) => sent = Sent::Pending,
                (ListpaysPaysStatus::FAILED, _) => {}
            }
        }
        Ok(sent)
    }

    /// On a new connection, and never repeated: unlike other calls, this one moves money.
    async fn pay_by<R: Call>(
        &self,
        request: &R,
        retry_for: Duration,
    ) -> Result<R::Response, LightningError> {
        let mut connection = within(self.deadline, request, self.pool.connect()).await?;
        let deadline = retry_for + self.deadline;
        within(deadline, request, connection.call(request)).await
    }
}

/// cln-rpc's own type calls each of its fields deprecated.
#[derive(Serialize)]
struct Pay<'a> {
    bolt11: &'a str,
    maxfee: Amount,
    retry_for: u32,
}

impl TypedRequest for Pay<'_> {
    type Response = Paid;
    fn method(&self) -> &'static str {
        "pay"
    }
}

/// What `pay` answers, as far as it is needed.
#[derive(Deserialize)]
struct Paid {
    payment_preimage: Secret,
}

//! Paying a BOLT11 invoice.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use lightning::events::PaymentFailureReason;
use lightning::ln::channelmanager::{Bolt11PaymentError, PaymentId, Retry, RetryableSendFailure};
use lightning::routing::router::RouteParametersConfig;
use lightning_invoice::Bolt11Invoice;
use thiserror::Error;

use crate::bolt11::{self, Bolt11Error};
use crate::clock::unix_time;
use crate::hex::Hex32;
use crate::node::Node;
use crate::payments::{Begin, PaymentError, SentPayment};
use crate::random::random_bytes;
use crate::walks::WalkEnd;

/// How long `pay` tries again unless it is told otherwise: lightningd's default.
pub const DEFAULT_RETRY: Duration = Duration::from_mins(1);
/// lightningd's `exemptfee`: a fee up to this is always acceptable.
const EXEMPT_FEE_MSAT: u64 = 5000;
/// lightningd's `maxfeepercent`, 0.5, as a divisor.
const MAX_FEE_DIVISOR: u64 = 200;

/// What to pay, as the caller of `pay` says it.
pub struct PayRequest {
    /// The invoice, with or without the prefix `lightning:`, in either case.
    pub bolt11: String,
    /// The amount, for an invoice that leaves it open and for no other.
    pub amount_msat: Option<u64>,
    /// The most that the path may cost; lightningd's default if absent.
    pub max_fee_msat: Option<u64>,
    /// How long to try again.
    pub retry_for: Duration,
}

/// Why a payment was not made.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PayError {
    /// This is no invoice.
    #[error("Invalid bolt11: {0}")]
    NotAnInvoice(#[from] Bolt11Error),
    /// The invoice leaves the amount to the payer, who did not say it.
    #[error("amount_msat required")]
    AmountRequired,
    /// The invoice says the amount, and so did the payer.
    #[error("amount_msat unnecessary")]
    AmountUnnecessary,
    /// It was tried, or checked, and failed.
    #[error(transparent)]
    Failed(#[from] PaymentError),
}

/// A payment that was made, and whether it was made just now.
pub struct Paid {
    /// The payment.
    pub payment: Arc<SentPayment>,
    /// Whether it had been made before.
    pub earlier: bool,
}

/// Whether an invoice with this description sells sealed goods: it then has the hash of a manifest.
fn is_sealed(description: &str) -> bool {
    let mut words = description.split(' ');
    words.any(|word| {
        let hash = word.strip_prefix("manifest:");
        hash.is_some_and(|hash| {
            hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit())
        })
    })
}

impl Node {
    /// Pays an invoice and waits for the end. One that this node paid before is not paid again.
    pub async fn pay(&self, request: PayRequest) -> Result<Paid, PayError> {
        let invoice = bolt11::parse(&request.bolt11)?;
        let amount_msat = match (invoice.amount_milli_satoshis(), request.amount_msat) {
            (Some(amount), None) | (None, Some(amount)) => amount,
            (None, None) => return Err(PayError::AmountRequired),
            (Some(_), Some(_)) => return Err(PayError::AmountUnnecessary),
        };
        let draft = SentPayment {
            payment_hash: Hex32(*invoice.payment_hash().as_ref()),
            preimage: Hex32([0; 32]),
            destination: invoice.get_payee_pub_key().to_string(),
            amount_msat,
            amount_sent_msat: 0,
            created_at: SystemTime::now(),
        };
        let payment_hash = draft.payment_hash;
        let mut outcome = match self.payments.begin(draft) {
            Begin::Done(payment) => {
                return Ok(Paid {
                    payment,
                    earlier: true,
                });
            }
            Begin::Join(outcome) => outcome,
            Begin::Send(outcome) => {
                let payee = invoice.get_payee_pub_key();
                let sealed = is_sealed(&invoice.description().to_string());
                self.ldk
                    .walks
                    .begin(payment_hash, payee, amount_msat, sealed);
                if let Err(error) = self.send(&invoice, amount_msat, &request) {
                    self.fail_payment(payment_hash, error);
                }
                outcome
            }
        };
        let ended = outcome.wait_for(Option::is_some).await;
        let outcome = ended.ok().and_then(|outcome| outcome.clone());
        let stopped = || Err(PaymentError::Other("the node was stopped".to_owned()));
        Ok(Paid {
            payment: outcome.unwrap_or_else(stopped)?,
            earlier: false,
        })
    }

    /// Tells those who wait for a payment, and those who look on, that it failed.
    pub(crate) fn fail_payment(&self, payment_hash: Hex32, error: PaymentError) {
        let end = WalkEnd::Failed(error.to_string());
        self.ldk.walks.end(payment_hash, end);
        self.payments.fail(payment_hash, error);
    }

    fn send(
        &self,
        invoice: &Bolt11Invoice,
        amount_msat: u64,
        request: &PayRequest,
    ) -> Result<(), PaymentError> {
        let now = Duration::from_secs(u64::from(unix_time()));
        if let Some(late) = invoice.expires_at().and_then(|end| now.checked_sub(end)) {
            return Err(PaymentError::Expired(late.as_secs()));
        }
        let id = random_bytes().map_err(|error| PaymentError::Other(error.to_string()))?;
        let max_fee = (amount_msat / MAX_FEE_DIVISOR).max(EXEMPT_FEE_MSAT);
        let route = RouteParametersConfig {
            max_total_routing_fee_msat: Some(request.max_fee_msat.unwrap_or(max_fee)),
            // One path is enough where every pair of nodes has one, and it is easy to follow.
            max_path_count: 1,
            ..RouteParametersConfig::default()
        };
        let sent = self.ldk.channel_manager.pay_for_bolt11_invoice(
            invoice,
            PaymentId(id),
            request.amount_msat,
            route,
            Retry::Timeout(request.retry_for),
        );
        sent.map_err(|error| match error {
            Bolt11PaymentError::SendingFailed(RetryableSendFailure::RouteNotFound) => {
                self.no_route()
            }
            Bolt11PaymentError::SendingFailed(RetryableSendFailure::PaymentExpired) => {
                PaymentError::Expired(0)
            }
            other => PaymentError::Other(format!("{other:?}")),
        })
    }

    /// Why LDK gave a payment up.
    pub(crate) fn payment_error(&self, reason: Option<PaymentFailureReason>) -> PaymentError {
        match reason {
            Some(PaymentFailureReason::RecipientRejected) => PaymentError::RefusedByDestination,
            Some(PaymentFailureReason::RouteNotFound) => self.no_route(),
            Some(PaymentFailureReason::RetriesExhausted) => PaymentError::TimedOut,
            Some(PaymentFailureReason::PaymentExpired) => PaymentError::Expired(0),
            other => PaymentError::Other(format!("{other:?}")),
        }
    }

    /// The error when no path is left, with what this node could have sent at most.
    fn no_route(&self) -> PaymentError {
        let channels = self.channels();
        let capacity_msat = channels
            .iter()
            .map(|channel| channel.outbound_capacity_msat)
            .sum();
        PaymentError::NoRoute {
            capacity_msat,
            channels: channels.len(),
        }
    }
}

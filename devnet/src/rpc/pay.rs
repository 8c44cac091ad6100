//! `pay`, `xpay` and `listpays`.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use serde::Serialize;
use serde_json::Number;
use serde_json::value::RawValue;

use super::answer::{Answer, result};
use super::error::RpcError;
use super::params::{Params, Token};
use crate::bolt11;
use crate::hex::Hex32;
use crate::node::Node;
use crate::pay::{DEFAULT_RETRY, Paid, PayError, PayRequest};
use crate::payments::{Listed, PaymentError};

#[derive(Serialize)]
struct PayAnswer<'a> {
    payment_preimage: Hex32,
    amount_msat: u64,
    amount_sent_msat: u64,
    parts: usize,
    destination: &'a str,
    payment_hash: Hex32,
    status: &'static str,
    created_at: Number,
}

pub(super) fn pay(
    node: &Arc<Node>,
    params: &RawValue,
) -> Result<impl Future<Output = Answer> + use<>, RpcError> {
    let optional = [
        "amount_msat",
        "label",
        "riskfactor",
        "maxfeepercent",
        "retry_for",
        "maxdelay",
        "exemptfee",
        "localinvreqid",
        "exclude",
        "maxfee",
        "description",
        "partial_msat",
    ];
    let params = Params::read(params, &["bolt11"], &optional)?;
    let request = request(&params, "bolt11")?;
    let node = Arc::clone(node);
    Ok(async move {
        let Paid { payment, earlier } = node.pay(request).await?;
        let since_1970 = payment
            .created_at
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        // lightningd tells the fraction only of a payment that it has just made.
        let created_at = match Number::from_f64(since_1970.as_secs_f64()) {
            Some(seconds) if !earlier => seconds,
            _ => since_1970.as_secs().into(),
        };
        result(&PayAnswer {
            payment_preimage: payment.preimage,
            amount_msat: payment.amount_msat,
            amount_sent_msat: payment.amount_sent_msat,
            parts: 1,
            destination: &payment.destination,
            payment_hash: payment.payment_hash,
            status: "complete",
            created_at,
        })
    })
}

#[derive(Serialize)]
struct XpayAnswer {
    payment_preimage: Hex32,
    amount_msat: u64,
    amount_sent_msat: u64,
    failed_parts: u64,
    successful_parts: u64,
}

pub(super) fn xpay(
    node: &Arc<Node>,
    params: &RawValue,
) -> Result<impl Future<Output = Answer> + use<>, RpcError> {
    let optional = [
        "amount_msat",
        "maxfee",
        "layers",
        "retry_for",
        "partial_msat",
        "maxdelay",
        "payer_note",
    ];
    let params = Params::read(params, &["invstring"], &optional)?;
    let request = request(&params, "invstring")?;
    let node = Arc::clone(node);
    Ok(async move {
        let payment = node.pay(request).await?.payment;
        result(&XpayAnswer {
            payment_preimage: payment.preimage,
            amount_msat: payment.amount_msat,
            amount_sent_msat: payment.amount_sent_msat,
            failed_parts: 0,
            successful_parts: 1,
        })
    })
}

#[derive(Serialize)]
struct PaysList {
    pays: Vec<ListedPay>,
}

#[derive(Serialize)]
struct ListedPay {
    payment_hash: Hex32,
    status: &'static str,
    destination: String,
    created_at: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    preimage: Option<Hex32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    amount_msat: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    amount_sent_msat: Option<u64>,
}

/// A payment that failed is forgotten here, where lightningd lists it as `failed`.
pub(super) fn listpays(node: &Arc<Node>, params: &RawValue) -> Answer {
    let params = Params::read(params, &[], &["bolt11", "payment_hash"])?;
    let bolt11 = params.optional("bolt11", Token::string)?;
    let payment_hash = params.optional("payment_hash", Token::hash)?;
    let wanted = match (bolt11, payment_hash) {
        (Some(_), Some(_)) => {
            let message = "Can only specify one of {invstring} or {payment_hash}";
            return Err(RpcError::invalid_params(message));
        }
        (Some(bolt11), None) => {
            let invoice = bolt11::parse(&bolt11)
                .map_err(|why| RpcError::invalid_params(format!("Invalid invstring: {why}")))?;
            Some(Hex32(*invoice.payment_hash().as_ref()))
        }
        (None, payment_hash) => payment_hash,
    };
    let pays = node.payments.list().into_iter().map(ListedPay::from);
    let pays = pays.filter(|pay| wanted.is_none_or(|wanted| wanted == pay.payment_hash));
    result(&PaysList {
        pays: pays.collect(),
    })
}

impl From<Listed> for ListedPay {
    fn from(listed: Listed) -> Self {
        let (status, payment, arrived) = match &listed {
            Listed::Pending(payment) => ("pending", payment, None),
            Listed::Complete(payment) => ("complete", payment.as_ref(), Some(payment)),
        };
        let since_1970 = payment
            .created_at
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Self {
            payment_hash: payment.payment_hash,
            status,
            destination: payment.destination.clone(),
            created_at: since_1970.as_secs(),
            preimage: arrived.map(|payment| payment.preimage),
            amount_msat: arrived.map(|payment| payment.amount_msat),
            amount_sent_msat: arrived.map(|payment| payment.amount_sent_msat),
        }
    }
}

fn request(params: &Params, invoice: &'static str) -> Result<PayRequest, RpcError> {
    Ok(PayRequest {
        bolt11: params.required(invoice, Token::string)?,
        amount_msat: params.optional("amount_msat", Token::msat)?,
        max_fee_msat: params.optional("maxfee", Token::msat)?,
        retry_for: params
            .optional("retry_for", Token::u32)?
            .map_or(DEFAULT_RETRY, |seconds| {
                Duration::from_secs(u64::from(seconds))
            }),
    })
}

impl From<PayError> for RpcError {
    fn from(error: PayError) -> Self {
        let message = error.to_string();
        match error {
            PayError::NotAnInvoice(_) | PayError::AmountRequired | PayError::AmountUnnecessary => {
                Self::invalid_params(message)
            }
            PayError::Failed(error) => {
                let code = match error {
                    PaymentError::RefusedByDestination => 203,
                    PaymentError::NoRoute { .. } => 205,
                    PaymentError::Expired(_) => 207,
                    PaymentError::TimedOut => 210,
                    PaymentError::Other(_) => return Self::general(message),
                };
                Self::new(code, message)
            }
        }
    }
}

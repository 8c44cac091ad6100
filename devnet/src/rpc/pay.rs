//! `pay` and `xpay`.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use serde::Serialize;
use serde_json::Number;
use serde_json::value::RawValue;

use super::error::RpcError;
use super::params::{Params, Token};
use super::{Answer, result};
use crate::hex::Hex32;
use crate::node::Node;
use crate::pay::{DEFAULT_RETRY, Paid, PayError, PayRequest};
use crate::payments::PaymentError;

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

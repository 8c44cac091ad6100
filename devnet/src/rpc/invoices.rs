//! `invoice`, `listinvoices`, `delinvoice`.

use std::sync::Arc;

use lightning::bitcoin::address::NetworkUnchecked;
use lightning::bitcoin::{Address, Network};
use lightning_invoice::Fallback;
use serde::Serialize;
use serde_json::value::RawValue;

use super::answer::{Answer, result};
use super::error::RpcError;
use super::params::{Amount, Params, Token};
use crate::bolt11;
use crate::hex::Hex32;
use crate::invoices::Invoice;
use crate::invoicing::{CreateError, InvoiceRequest};
use crate::node::Node;
use crate::scid::parse_scid;

/// A week, lightningd's default.
const DEFAULT_EXPIRY: u64 = 604_800;
/// The longest expiry that is taken. lightningd aborts somewhere above; this node does not.
const MAX_EXPIRY: u64 = 1 << 53;
const MAX_LABEL_BYTES: usize = 128;
const MAX_DESCRIPTION_BYTES: usize = 639;

#[derive(Serialize)]
struct InvoiceAnswer<'a> {
    payment_hash: Hex32,
    expires_at: u64,
    bolt11: &'a str,
    payment_secret: Hex32,
    created_index: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    warning_capacity: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    warning_offline: Option<&'static str>,
}

pub(super) fn invoice(node: &Arc<Node>, params: &RawValue) -> Answer {
    let required = ["amount_msat", "label", "description"];
    let optional = [
        "expiry",
        "fallbacks",
        "preimage",
        "exposeprivatechannels",
        "cltv",
        "deschashonly",
    ];
    let params = Params::read(params, &required, &optional)?;
    let amount_msat = match params.required("amount_msat", Token::amount_or_any)? {
        Amount::Any => None,
        Amount::Msat(msat) => Some(msat),
    };
    let label = params.required("label", Token::label)?;
    let description = params.required("description", Token::escaped_string)?;
    let expiry = params.optional("expiry", expiry)?.unwrap_or(DEFAULT_EXPIRY);
    let fallbacks = params.optional("fallbacks", fallbacks)?.unwrap_or_default();
    let preimage = params.optional("preimage", Token::preimage)?;
    let hints = params
        .optional("exposeprivatechannels", exposed)?
        .unwrap_or_default();
    let cltv = params.optional("cltv", Token::integer)?;
    let hash_description = params
        .optional("deschashonly", Token::boolean)?
        .unwrap_or(false);
    if label.len() > MAX_LABEL_BYTES {
        let message = format!("Label '{label}' over {MAX_LABEL_BYTES} bytes");
        return Err(RpcError::invalid_params(message));
    }
    if description.len() > MAX_DESCRIPTION_BYTES && !hash_description {
        return Err(RpcError::invalid_params(format!(
            "Description greater than {MAX_DESCRIPTION_BYTES} bytes invalid \
             (description length {})",
            description.len()
        )));
    }
    let request = InvoiceRequest {
        amount_msat,
        label,
        description,
        hash_description,
        expiry,
        preimage,
        cltv: cltv.map(|cltv| u16::try_from(cltv).unwrap_or(u16::MAX)),
        fallbacks,
        hints,
    };
    let created = node.create_invoice(request).map_err(|error| match error {
        CreateError::Book(error) => error.into(),
        CreateError::Inexpressible(_) => RpcError::invalid_params(error.to_string()),
        CreateError::UnknownHint => RpcError::new(902, error.to_string()),
    })?;
    let (warning_capacity, warning_offline) = warnings(node, amount_msat);
    let invoice = &created.invoice;
    result(&InvoiceAnswer {
        payment_hash: invoice.payment_hash,
        expires_at: invoice.expires_at,
        bolt11: &invoice.bolt11,
        payment_secret: created.payment_secret,
        created_index: invoice.created_index,
        warning_capacity,
        warning_offline,
    })
}

#[derive(Serialize)]
struct InvoiceList {
    invoices: Vec<Arc<Invoice>>,
}

pub(super) fn listinvoices(node: &Arc<Node>, params: &RawValue) -> Answer {
    let optional = [
        "label",
        "invstring",
        "payment_hash",
        "offer_id",
        "index",
        "start",
        "limit",
    ];
    let params = Params::read(params, &[], &optional)?;
    let label = params.optional("label", Token::label)?;
    let invstring = params.optional("invstring", Token::string)?;
    let payment_hash = params.optional("payment_hash", Token::hash)?;
    let offer_id = params.optional("offer_id", Token::hash)?;
    let index = params.optional("index", page_order)?;
    let start = params.optional("start", Token::u64)?;
    let limit = params.optional("limit", Token::u32)?;
    if start.is_some() && index.is_none() {
        return Err(RpcError::invalid_params(
            "Can only specify {start} with {index}",
        ));
    }
    if limit.is_some() && index.is_none() {
        return Err(RpcError::invalid_params(
            "Can only specify {limit} with {index}",
        ));
    }
    let limit = limit.map_or(usize::MAX, |limit| {
        usize::try_from(limit).unwrap_or(usize::MAX)
    });
    // A negative start counts back from 2^64 and begins at the beginning, as in lightningd.
    let start = start
        .filter(|start| i64::try_from(*start).is_ok())
        .unwrap_or(0);
    let book = &node.invoices;
    let invoices = match (label, invstring, payment_hash, offer_id) {
        (Some(label), None, None, None) => book.by_label(&label).into_iter().collect(),
        (None, Some(invstring), None, None) => {
            let invoice = bolt11::parse(&invstring)
                .map_err(|_| RpcError::invalid_params("Invalid invstring"))?;
            book.by_hash(Hex32(*invoice.payment_hash().as_ref()))
                .into_iter()
                .collect()
        }
        (None, None, Some(hash), None) => book.by_hash(hash).into_iter().collect(),
        // Nothing here is made from an offer.
        (None, None, None, Some(_)) => Vec::new(),
        (None, None, None, None) => match index {
            Some(PageOrder::Updated) => book.page_by_updated(start, limit),
            Some(PageOrder::Created) | None => book.page_by_created(start, limit),
        },
        _ => {
            return Err(RpcError::invalid_params(
                "Can only specify one of {label}, {invstring}, {payment_hash} or {offer_id}",
            ));
        }
    };
    result(&InvoiceList { invoices })
}

pub(super) fn delinvoice(node: &Arc<Node>, params: &RawValue) -> Answer {
    let params = Params::read(params, &["label", "status"], &["desconly"])?;
    let label = params.required("label", Token::label)?;
    let status = params.required("status", Token::string)?;
    let description_only = params
        .optional("desconly", Token::boolean)?
        .unwrap_or(false);
    let invoice = if description_only {
        node.invoices.delete_description(&label, &status)?
    } else {
        node.invoices.delete(&label, &status)?
    };
    result(&invoice)
}

enum PageOrder {
    /// Also lightningd's order for the index `deleted`.
    Created,
    Updated,
}

fn page_order(token: Token) -> Result<PageOrder, RpcError> {
    match token.string().as_deref() {
        Ok("created" | "deleted") => Ok(PageOrder::Created),
        Ok("updated") => Ok(PageOrder::Updated),
        _ => Err(token.should_be("unknown index")),
    }
}

fn expiry(token: Token) -> Result<u64, RpcError> {
    match token.u64()? {
        seconds if seconds <= MAX_EXPIRY => Ok(seconds),
        _ => Err(token.should_be("should be an expiry of 0 to 2^53 seconds")),
    }
}

fn fallbacks(token: Token) -> Result<Vec<Fallback>, RpcError> {
    let addresses: Vec<String> = token.json("should be an array")?;
    let fallback = |address: &String| {
        let address = address.parse::<Address<NetworkUnchecked>>().ok()?;
        let address = address.require_network(Network::Regtest).ok()?;
        match (
            address.witness_program(),
            address.pubkey_hash(),
            address.script_hash(),
        ) {
            (Some(program), _, _) => Some(Fallback::SegWitProgram {
                version: program.version(),
                program: program.program().as_bytes().to_vec(),
            }),
            (None, Some(hash), _) => Some(Fallback::PubKeyHash(hash)),
            (None, None, hash) => hash.map(Fallback::ScriptHash),
        }
    };
    let fallbacks: Option<_> = addresses.iter().map(fallback).collect();
    fallbacks.ok_or_else(|| RpcError::general("Fallback address not valid"))
}

/// `exposeprivatechannels`: a boolean changes nothing where every channel is public; a list names
/// channels.
fn exposed(token: Token) -> Result<Vec<u64>, RpcError> {
    const WHAT: &str = "should be a boolean, or an array of short_channel_ids";
    if token.boolean().is_ok() {
        return Ok(Vec::new());
    }
    let names = token
        .json::<Vec<String>>(WHAT)
        .or_else(|_| token.string().map(|one| vec![one]));
    let names = names.map_err(|_| token.should_be(WHAT))?;
    let scids: Option<_> = names.iter().map(|name| parse_scid(name)).collect();
    scids.ok_or_else(|| token.should_be(WHAT))
}

/// lightningd's two warnings that an invoice cannot be paid as things stand.
fn warnings(node: &Node, amount_msat: Option<u64>) -> (Option<&'static str>, Option<&'static str>) {
    let wanted = amount_msat.unwrap_or(1);
    let channels = node.channels();
    let capacity = |only_usable: bool| -> u64 {
        let counted = channels
            .iter()
            .filter(|channel| channel.is_usable || !only_usable);
        counted.map(|channel| channel.inbound_capacity_msat).sum()
    };
    if capacity(false) < wanted {
        (
            Some("Insufficient incoming channel capacity to pay invoice"),
            None,
        )
    } else if capacity(true) < wanted {
        (
            None,
            Some("Insufficient incoming capacity, once offline peers were excluded"),
        )
    } else {
        (None, None)
    }
}

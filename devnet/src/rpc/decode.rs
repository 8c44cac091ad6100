//! `decode`, for BOLT11 invoices and runes.

use lightning::bitcoin::{Address, AddressType};
use lightning_invoice::{Bolt11Invoice, Bolt11InvoiceDescriptionRef};
use lightningd::rune::{Alternative, Condition, Restriction};
use serde::Serialize;
use serde_json::value::RawValue;

use super::answer::{Answer, result};
use super::fields::features_hex;
use super::params::Params;
use crate::bolt11;
use crate::hex::{Hex32, encode};
use crate::runes::Rune;
use crate::scid::scid_text;

#[derive(Serialize)]
struct Decoded {
    r#type: &'static str,
    currency: String,
    created_at: u64,
    expiry: u64,
    payee: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    amount_msat: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description_hash: Option<String>,
    min_final_cltv_expiry: u64,
    payment_secret: Hex32,
    #[serde(skip_serializing_if = "Option::is_none")]
    features: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fallbacks: Vec<FallbackAddress>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    routes: Vec<Vec<Hop>>,
    payment_hash: Hex32,
    #[serde(skip_serializing_if = "Option::is_none")]
    payment_metadata: Option<String>,
    signature: String,
    valid: bool,
}

#[derive(Serialize)]
struct FallbackAddress {
    r#type: &'static str,
    addr: String,
    hex: String,
}

#[derive(Serialize)]
struct Hop {
    pubkey: String,
    short_channel_id: String,
    fee_base_msat: u32,
    fee_proportional_millionths: u32,
    cltv_expiry_delta: u16,
}

pub(super) fn decode(params: &RawValue) -> Answer {
    let params = Params::read(params, &["string"], &[])?;
    params.required("string", |token| {
        let text = token.string()?;
        match (bolt11::parse(&text), Rune::parse(&text)) {
            (Ok(invoice), _) => result(&decoded(&invoice)),
            (Err(_), Some(rune)) => result(&decoded_rune(&rune)),
            (Err(error), None) => Err(token.should_be(&error.to_string())),
        }
    })
}

#[derive(Serialize)]
struct DecodedRune {
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    unique_id: Option<String>,
    string: String,
    restrictions: Vec<DecodedRestriction>,
    valid: bool,
}

#[derive(Serialize)]
struct DecodedRestriction {
    alternatives: Vec<String>,
    summary: String,
}

fn decoded_rune(rune: &Rune) -> DecodedRune {
    let restriction = |restriction: &Restriction| {
        let alternatives = &restriction.alternatives;
        let summary: Vec<_> = alternatives.iter().map(summary).collect();
        DecodedRestriction {
            alternatives: alternatives.iter().map(ToString::to_string).collect(),
            summary: summary.join(" OR "),
        }
    };
    DecodedRune {
        r#type: "rune",
        unique_id: rune.unique_id().map(ToOwned::to_owned),
        string: rune.to_text(),
        restrictions: rune.restrictions().iter().map(restriction).collect(),
        valid: true,
    }
}

fn summary(alternative: &Alternative) -> String {
    let (field, value) = (&alternative.field, &alternative.value);
    let (field, is_number) = match field.as_str() {
        "method" => ("method (of command)".to_owned(), false),
        "time" => ("time (in seconds since 1970)".to_owned(), true),
        "id" => ("id (of commanding peer)".to_owned(), false),
        "pnum" => ("pnum (number of command parameters)".to_owned(), true),
        "rate" => ("rate (max per minute)".to_owned(), true),
        _ => match (field.strip_prefix("pname"), field.strip_prefix("parr")) {
            (Some(name), _) => (format!("{field} (object parameter '{name}')"), false),
            (_, Some(index)) => (format!("{field} (array parameter #{index})"), false),
            _ => (field.clone(), false),
        },
    };
    let words = alternative.condition.summary();
    match alternative.condition {
        Condition::Missing => format!("{field} {words}"),
        _ if is_number => format!("{field} {words} {value}"),
        _ => format!("{field} {words} '{value}'"),
    }
}

fn decoded(invoice: &Bolt11Invoice) -> Decoded {
    let (description, description_hash) = match invoice.description() {
        Bolt11InvoiceDescriptionRef::Direct(text) => (Some(text.to_string()), None),
        Bolt11InvoiceDescriptionRef::Hash(hash) => (None, Some(hash.0.to_string())),
    };
    let signature = invoice
        .clone()
        .into_signed_raw()
        .signature()
        .0
        .to_standard();
    Decoded {
        r#type: "bolt11 invoice",
        currency: invoice.currency().to_string(),
        created_at: invoice.duration_since_epoch().as_secs(),
        expiry: invoice.expiry_time().as_secs(),
        payee: invoice.get_payee_pub_key().to_string(),
        amount_msat: invoice.amount_milli_satoshis(),
        description,
        description_hash,
        min_final_cltv_expiry: invoice.min_final_cltv_expiry_delta(),
        payment_secret: Hex32(invoice.payment_secret().0),
        features: invoice
            .features()
            .map(|features| features_hex(features.le_flags())),
        fallbacks: invoice.fallback_addresses().iter().map(fallback).collect(),
        routes: invoice
            .route_hints()
            .iter()
            .map(|hint| hint.0.iter().map(hop).collect())
            .collect(),
        payment_hash: Hex32(*invoice.payment_hash().as_ref()),
        payment_metadata: invoice.payment_metadata().map(|metadata| encode(metadata)),
        signature: encode(&signature.serialize_der()),
        valid: true,
    }
}

fn fallback(address: &Address) -> FallbackAddress {
    FallbackAddress {
        r#type: match address.address_type() {
            Some(AddressType::P2pkh) => "P2PKH",
            Some(AddressType::P2sh) => "P2SH",
            Some(AddressType::P2wpkh) => "P2WPKH",
            Some(AddressType::P2wsh) => "P2WSH",
            Some(AddressType::P2tr) => "P2TR",
            _ => "unknown",
        },
        addr: address.to_string(),
        hex: encode(address.script_pubkey().as_bytes()),
    }
}

fn hop(hop: &lightning::routing::router::RouteHintHop) -> Hop {
    Hop {
        pubkey: hop.src_node_id.to_string(),
        short_channel_id: scid_text(hop.short_channel_id),
        fee_base_msat: hop.fees.base_msat,
        fee_proportional_millionths: hop.fees.proportional_millionths,
        cltv_expiry_delta: hop.cltv_expiry_delta,
    }
}

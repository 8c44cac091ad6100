//! Reading BOLT11 invoices as wallets pass them on.

use std::str::FromStr;

use lightning_invoice::{Bolt11Invoice, Bolt11ParseError, ParseOrSemanticError};
use thiserror::Error;

/// Why a text is no invoice, in lightningd's words where it has some.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Bolt11Error {
    /// It does not look like one.
    #[error("Unparsable string")]
    Unparsable,
    /// Its checksum or its letters are wrong.
    #[error("Bad bech32 string")]
    BadBech32,
    /// Its amount is more than 64 bits of picobitcoin, more than there is. lightning-invoice would
    /// take it for an invoice without an amount.
    #[error("Invalid amount")]
    AmountTooLarge,
    /// It breaks another rule of BOLT 11.
    #[error("{0}")]
    Invalid(String),
}

/// Reads an invoice in either case, with or without `lightning:`.
pub fn parse(text: &str) -> Result<Bolt11Invoice, Bolt11Error> {
    let text = without_prefix(text);
    let is_like_one = text
        .get(..2)
        .is_some_and(|start| start.eq_ignore_ascii_case("ln"));
    let invoice = Bolt11Invoice::from_str(text).map_err(|error| match error {
        _ if !is_like_one => Bolt11Error::Unparsable,
        ParseOrSemanticError::ParseError(Bolt11ParseError::Bech32Error(_)) => {
            Bolt11Error::BadBech32
        }
        other => Bolt11Error::Invalid(other.to_string()),
    })?;
    let says_amount = invoice.clone().into_signed_raw().hrp.raw_amount.is_some();
    if says_amount && invoice.amount_milli_satoshis().is_none() {
        return Err(Bolt11Error::AmountTooLarge);
    }
    Ok(invoice)
}

/// An invoice without the `lightning:` that links and QR codes put before it.
fn without_prefix(text: &str) -> &str {
    const PREFIX: &str = "lightning:";
    match text.get(..PREFIX.len()) {
        Some(start) if start.eq_ignore_ascii_case(PREFIX) => &text[PREFIX.len()..],
        _ => text,
    }
}

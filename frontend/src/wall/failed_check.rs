//! Which check an invoice failed, explained to buyers.

use shared::invoice::{DecodeError, FailedCheck};
use yew::prelude::*;

use crate::i18n::format::exactly;
use crate::i18n::say::{say, say_of};

/// The end of a sentence that began with "your browser checked it, and".
pub fn failed_check(failure: &FailedCheck) -> AttrValue {
    match failure {
        FailedCheck::Signature(error) => unreadable(error),
        FailedCheck::Network { expected, found } => say_of(
            "the invoice is for the network {0}, but the store is on {1}",
            &[found.name(), expected.name()],
        )
        .into(),
        FailedCheck::Payee { expected, found } => say_of(
            "the invoice pays the node {0}, but this page expects {1}",
            &[&found.to_hex(), &expected.to_hex()],
        )
        .into(),
        FailedCheck::Amount {
            expected,
            found: Some(found),
        } => say_of(
            "the invoice asks for {0}, but the price is {1}",
            &[&exactly(*found), &exactly(*expected)],
        )
        .into(),
        FailedCheck::Amount {
            expected,
            found: None,
        } => say_of(
            "the invoice leaves the amount open, but the price is {0}",
            &[&exactly(*expected)],
        )
        .into(),
        FailedCheck::AboveMaximum { maximum, found } => say_of(
            "the invoice asks for {0}, but this page allows at most {1}",
            &[&exactly(*found), &exactly(*maximum)],
        )
        .into(),
        FailedCheck::Commitment { found: Some(_), .. } => {
            say("the invoice promises other goods than the store offers")
        }
        FailedCheck::Commitment { found: None, .. } => {
            say("the invoice does not say which goods it pays for")
        }
        FailedCheck::Claim { .. } => {
            say("the ticket that came with the invoice belongs to another payment")
        }
        FailedCheck::Manifest => say("the invoice is not for the sealed goods of the offer"),
        FailedCheck::Ciphertext => say("the sealed goods are not those of the offer"),
    }
}

fn unreadable(error: &DecodeError) -> AttrValue {
    match error {
        DecodeError::Malformed(_) => say("this is not a BOLT11 invoice"),
        DecodeError::Semantic(_) => say("the BOLT11 invoice breaks a rule of its standard"),
        DecodeError::Signature => say("the invoice’s signature is not valid"),
        DecodeError::UnknownFeature => say("the invoice requires a feature that is not known here"),
        DecodeError::UnknownNetwork => say("the invoice is for an unknown network"),
    }
}

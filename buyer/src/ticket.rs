//! What a `402` gives beside the invoice, and what opens the goods once that is paid: L402's claim, or
//! the charge of the scheme `Payment`.

use std::str::FromStr;

use serde::{Deserialize, Serialize};
use shared::claim::Claim;
use shared::lightning::{PaymentHash, Preimage};
use shared::mpp::{Challenge, Credential};

/// A scheme that a store may speak.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scheme {
    /// L402, where a claim can be asked about as well.
    #[default]
    L402,
    /// `Payment`, also known as MPP.
    Payment,
}

/// A scheme that is not spoken here.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is no scheme that is known here; write l402 or payment")]
pub struct SchemeError(String);

impl FromStr for Scheme {
    type Err = SchemeError;
    fn from_str(text: &str) -> Result<Self, SchemeError> {
        match text.to_ascii_lowercase().as_str() {
            "l402" => Ok(Self::L402),
            "payment" | "mpp" => Ok(Self::Payment),
            _ => Err(SchemeError(text.to_owned())),
        }
    }
}

/// What opens the goods once the invoice is paid. Its name in JSON is that of the scheme's own thing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ticket {
    /// Of L402.
    #[serde(rename = "claim")]
    Claim(Claim),
    /// Of the scheme `Payment`.
    #[serde(rename = "charge")]
    Charge(Charge),
}

/// A charge, and the payment that it is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Charge {
    /// As the store sent it.
    pub challenge: Box<Challenge>,
    /// What its request says.
    pub payment_hash: PaymentHash,
}

impl Ticket {
    /// The payment that it is for.
    pub fn payment_hash(&self) -> PaymentHash {
        match self {
            Self::Claim(claim) => claim.payment_hash(),
            Self::Charge(charge) => charge.payment_hash,
        }
    }

    /// The claim, which the store can be asked about.
    pub fn claim(&self) -> Option<&Claim> {
        match self {
            Self::Claim(claim) => Some(claim),
            Self::Charge(_) => None,
        }
    }

    /// The value of `Authorization` that opens the goods.
    pub(crate) fn credential(&self, proof: Preimage) -> String {
        match self {
            Self::Claim(claim) => format!("L402 {}:{}", claim.to_base64(), proof.to_hex()),
            Self::Charge(charge) => {
                Credential::for_charge((*charge.challenge).clone(), proof).to_header()
            }
        }
    }
}

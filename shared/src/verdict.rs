//! The question of an owner's own server: is this receipt or claim good? And the answer.

use serde::{Deserialize, Serialize};

use crate::lightning::{Msat, PaymentHash};
use crate::receipt::Receipt;

/// `POST` of an [`Evidence`], with the owner's key: whether it is good. Answers with [`Verdict`].
pub const VERIFY_PATH: &str = "/api/v1/verify";

/// What an owner's own server was shown, and asks about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Evidence {
    /// A claim as buyers send it: `<claim>`, `<claim>:<preimage>`, or either after `L402 `.
    Claim(String),
    /// A receipt.
    Receipt(Receipt),
}

/// What the store says of a receipt or a claim. Which of its fields there are depends on `good`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Verdict {
    /// Whether it is this store's, is paid for, and has not run out.
    pub good: bool,
    /// What was sold: an item's id, or `route:<name>`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub item: Option<String>,
    /// Names the payment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub payment_hash: Option<PaymentHash>,
    /// The price. A claim does not say it, so there is none where the node no longer has the invoice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub amount_msat: Option<Msat>,
    /// When it was paid, in UNIX seconds; there is none where the node no longer has the invoice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub paid_at: Option<u64>,
    /// The last second in which it is accepted, in UNIX seconds; without it, it is good for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub valid_until: Option<u64>,
    /// Why it is not good, for programs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub reason: Option<String>,
    /// Why it is not good, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub detail: Option<String>,
}

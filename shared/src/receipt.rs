//! The receipt: what was promised, and that it was paid, checked by anyone without asking anyone.
//!
//! The store's node signed the invoice, and the invoice's description commits to the content; the
//! preimage was revealed for the payment. So invoice and preimage together prove both.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::api::ItemId;
use crate::content::{ContentHash, commitment};
use crate::invoice::{DecodeError, Invoice};
use crate::lightning::Preimage;
use crate::purchase::Order;

/// A receipt as it is saved, in JSON. Whoever has it can prove the purchase, so it is the buyer's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Receipt {
    /// What was promised, signed by the store's node.
    pub bolt11: String,
    /// The proof of payment.
    pub preimage: Preimage,
    /// The item's id at the store.
    pub item: ItemId,
    /// The SHA-256 of the goods.
    pub sha256: ContentHash,
    /// Their size in bytes.
    pub size: u64,
    /// What the invoice carries by its hash, where it was made for a code ([`crate::lnurl`]).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub metadata: Option<String>,
}

/// What a receipt that holds proves. `Display` says it in one sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// The invoice that was paid.
    pub invoice: Invoice,
    /// The content that it promised.
    pub sha256: ContentHash,
    /// Whether content was held against the promise.
    pub content_checked: bool,
}

/// Why a receipt proves nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptError {
    /// The invoice cannot be read, or its signature is not valid.
    #[error("the receipt's invoice does not hold")]
    Invoice(#[from] DecodeError),
    /// The preimage belongs to another payment.
    #[error(
        "the preimage does not prove this invoice's payment: its SHA-256 is not {payment_hash}"
    )]
    Preimage {
        /// The invoice's.
        payment_hash: String,
    },
    /// The invoice carries a hash, and the receipt not what has it.
    #[error(
        "the invoice carries the hash {expected} of its metadata, but {}",
        if *.is_there { "the receipt's metadata have another one" } else { "the receipt has no metadata" }
    )]
    Metadata {
        /// The invoice's.
        expected: ContentHash,
        /// Whether the receipt has some.
        is_there: bool,
    },
    /// The invoice promises something else, or nothing.
    #[error("the receipt is for content {stated}, but the invoice promises {}", found.map_or("none".to_owned(), |hash| hash.to_hex()))]
    Commitment {
        /// The receipt's.
        stated: ContentHash,
        /// The invoice's.
        found: Option<ContentHash>,
    },
    /// The content at hand is not the promised one.
    #[error("the content's SHA-256 is {found}, but {promised} was promised and paid for")]
    Content {
        /// The invoice's.
        promised: ContentHash,
        /// The content's.
        found: ContentHash,
    },
}

impl Receipt {
    /// The receipt of a paid order, whose goods have this size in bytes. `None` where the invoice
    /// promised nothing.
    pub fn new(order: &Order, preimage: Preimage, item: ItemId, size: u64) -> Option<Self> {
        Some(Self {
            bolt11: order.invoice.bolt11.clone(),
            preimage,
            item,
            sha256: order.promised()?,
            size,
            metadata: order.invoice.metadata.clone(),
        })
    }

    /// Checks the signature, the preimage against the payment hash, the metadata against the description hash
    /// where the invoice carries one, the promise in the description, and the hash of the content where there
    /// is one. Needs nothing but the receipt.
    ///
    /// # Errors
    /// The first of these that does not hold.
    pub fn verify(&self, content: Option<ContentHash>) -> Result<Proof, ReceiptError> {
        let invoice = Invoice::decode(&self.bolt11)?.described(self.metadata.as_deref());
        if self.preimage.payment_hash() != invoice.payment_hash {
            return Err(ReceiptError::Preimage {
                payment_hash: invoice.payment_hash.to_hex(),
            });
        }
        if let (Some(expected), None) = (invoice.description_hash, &invoice.metadata) {
            return Err(ReceiptError::Metadata {
                expected,
                is_there: self.metadata.is_some(),
            });
        }
        let found = invoice.description.as_deref().and_then(commitment);
        if found != Some(self.sha256) {
            return Err(ReceiptError::Commitment {
                stated: self.sha256,
                found,
            });
        }
        if let Some(found) = content
            && found != self.sha256
        {
            return Err(ReceiptError::Content {
                promised: self.sha256,
                found,
            });
        }
        Ok(Proof {
            invoice,
            sha256: self.sha256,
            content_checked: content.is_some(),
        })
    }
}

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            invoice, sha256, ..
        } = self;
        write!(
            f,
            "The node {} promised the content with SHA-256 {sha256}",
            invoice.payee
        )?;
        match invoice.amount_msat {
            Some(amount) => write!(f, " for {amount}")?,
            None => write!(f, " for an amount of the payer's choice")?,
        }
        write!(
            f,
            " on the network {}, and the invoice was paid",
            invoice.network
        )?;
        if self.content_checked {
            write!(f, "; the content is the promised one")?;
        }
        f.write_str(".")
    }
}

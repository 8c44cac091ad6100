//! The HTTP API, version 1: paths, requests and answers. Its JSON is kept stable because others
//! build on it; `tests/wire.rs` writes it out.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::claim::Claim;
use crate::content::ContentHash;
use crate::digest::Digest;
use crate::fiat::{FiatPrice, Rate};
use crate::lightning::{
    Msat, Network, NodeId, ParseError, Payees, PaymentHash, Preimage, hex_serde, parse_hex,
};
use crate::sealed::{SealedGoods, SealedSale};
use crate::text::to_hex;

/// `GET`: the store and what it sells. Answers with [`Store`].
pub const STORE_PATH: &str = "/api/v1/store";
/// `GET`, with the claim: the status of its invoice. Answers with [`InvoiceStatus`].
pub const INVOICE_PATH: &str = "/api/v1/invoice";

/// `POST` of a [`CreateInvoice`]: creates an item's invoice or finds it. Answers with [`CreatedInvoice`].
pub fn invoices_path(item: &ItemId) -> String {
    ["/api/v1/items/", item.as_str(), "/invoices"].concat()
}

/// `GET`, with the claim: the goods.
pub fn content_path(item: &ItemId) -> String {
    ["/api/v1/items/", item.as_str(), "/content"].concat()
}

/// `GET`, with the claim: the goods, at the address that is offered to programs. Some keep one credential
/// for the first two segments of a path, so these name the item. A claim that does not open the item
/// is answered by what to pay.
pub fn goods_path(item: &ItemId) -> String {
    format!("/goods/{item}")
}

/// `GET`, with the claim: the manifest of its invoice, paid or not. Answers with [`SealedSale`].
pub const MANIFEST_PATH: &str = "/api/v1/manifest";

/// `GET`: the ciphertext of sealed goods, for anyone. The gateway is the last of the places where it lies.
pub fn sealed_path(ct: Digest) -> String {
    format!("/api/v1/sealed/{ct}")
}

/// `GET`: the small picture of an item whose scene is a preview.
pub fn preview_path(item: &ItemId) -> String {
    ["/api/v1/items/", item.as_str(), "/preview"].concat()
}

/// The longest that `GET /api/v1/invoice?wait=` waits, in seconds. Below the usual 60 s of proxies.
pub const MAX_WAIT_SECS: u64 = 30;

/// An item's name in URLs and labels: 1 to 48 of `a-z`, `0-9`, `-`.
///
/// 48 because lightningd's labels hold 128 bytes, and ours name the store, the item and the purchase.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct ItemId(String);

impl ItemId {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ItemId {
    type Err = ParseError;
    fn from_str(text: &str) -> Result<Self, ParseError> {
        let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if (1..=48).contains(&text.len()) && text.bytes().all(fits) {
            Ok(Self(text.to_owned()))
        } else {
            Err(ParseError::new(
                text,
                "an item id: 1 to 48 lower-case letters, digits or hyphens",
            ))
        }
    }
}

impl<'de> Deserialize<'de> for ItemId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'_, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl fmt::Display for ItemId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The store and what it sells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Store {
    /// The store's name.
    pub name: String,
    /// The network that its nodes are on.
    pub network: Network,
    /// The node that signs its invoices; the first where there are several.
    pub node_id: NodeId,
    /// All nodes that sign its invoices, where there are several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub node_ids: Vec<NodeId>,
    /// The catalogue, in the owner's order.
    pub items: Vec<Item>,
}

impl Store {
    /// The nodes one of which signs each invoice.
    pub fn payees(&self) -> Payees {
        Payees::new(self.node_id, self.node_ids.clone())
    }
}

/// One item as everyone may see it, paid or not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Item {
    /// Its name in URLs.
    pub id: ItemId,
    /// Its name for people.
    pub title: String,
    /// What is shown before payment.
    pub teaser: String,
    /// The price. Where it follows a rate: what it is at that rate, and within
    /// `RATE_TOLERANCE_PERCENT` what an invoice made now asks for.
    pub price_msat: Msat,
    /// The price in a state's currency, where the owner set it so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub fiat_price: Option<FiatPrice>,
    /// The rate that `price_msat` follows; only with `fiat_price`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub rate: Option<Rate>,
    /// How long the goods can be fetched after the invoice's time is over, in seconds; without it,
    /// for good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub valid_for_secs: Option<u64>,
    /// The media type of the goods.
    pub content_type: String,
    /// Their size in bytes.
    pub size: u64,
    /// Their hash, which the invoice commits to.
    pub sha256: ContentHash,
    /// Where its ciphertext lies, if it is sold sealed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub sealed: Option<SealedGoods>,
    /// What stands before it until it is paid for.
    #[serde(default)]
    pub scene: Scene,
    /// The owner's words for its button, one for each language that has its own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub button: Vec<Word>,
}

/// What stands before an item until it is paid for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Scene {
    /// A box in the dark with a cat in it.
    #[default]
    Box,
    /// Nothing but the words.
    Card,
    /// A small picture of the goods, from [`preview_path`].
    Preview,
}

/// A word in one language.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Word {
    /// The language's tag, such as `de`.
    pub language: String,
    /// The word.
    pub text: String,
}

impl Item {
    /// The price for people: as the owner set it.
    pub fn price_text(&self) -> String {
        match self.fiat_price {
            None => self.price_msat.for_people(),
            Some(price) => format!("{price} ≈\u{a0}{}", self.price_msat.for_people()),
        }
    }

    /// What its buyer does with it.
    pub fn deed(&self) -> Deed {
        let kind = &*self.content_type;
        match kind.split('/').next() {
            _ if self.scene == Scene::Box => Deed::Open,
            Some("text") => Deed::Read,
            Some("audio") => Deed::Listen,
            Some("video") => Deed::Watch,
            _ if kind.starts_with("application/pdf") || kind.starts_with("application/epub") => {
                Deed::Read
            }
            _ => Deed::Buy,
        }
    }

    /// The owner's word for its button in a language; in English where that language has none.
    pub fn word(&self, language: &str) -> Option<&str> {
        let find = |tag| self.button.iter().find(|word| word.language == tag);
        let word = find(language).or_else(|| find("en"))?;
        Some(&word.text)
    }
}

/// What buyers do with goods, which the button says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// Open the box.
    Open,
    /// Read a text, or a document.
    Read,
    /// Listen to a recording.
    Listen,
    /// Watch a film.
    Watch,
    /// Anything else is only bought.
    Buy,
}

/// Names a purchase: random, made and stored by the buyer's side before it asks. 32 hex digits on
/// the wire. Whoever knows it can get the claim, so `Debug` does not show it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PurchaseId(pub [u8; 16]);

impl PurchaseId {
    /// 32 lower-case hex digits.
    pub fn to_hex(&self) -> String {
        to_hex(&self.0)
    }
}

impl FromStr for PurchaseId {
    type Err = ParseError;
    fn from_str(text: &str) -> Result<Self, ParseError> {
        parse_hex(text, "a purchase_id: 32 hex digits").map(Self)
    }
}

impl fmt::Debug for PurchaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PurchaseId(hidden)")
    }
}

hex_serde!(PurchaseId);

/// Asks for an item's invoice. The same id and item give the same invoice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CreateInvoice {
    /// The purchase that the invoice is for.
    pub purchase_id: PurchaseId,
}

/// A new invoice (201) or the one that the purchase already had (200).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CreatedInvoice {
    /// The buyer's ticket.
    pub claim: Claim,
    /// What to pay.
    pub invoice: InvoiceDetails,
    /// The rate that the amount was made with, where the price follows one. Only with a new invoice:
    /// later the store has forgotten it, while the amount stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub rate: Option<Rate>,
    /// What it sells sealed, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub sealed: Option<SealedSale>,
}

/// An invoice with its main fields decoded for clients that cannot. Who can, decodes `bolt11`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct InvoiceDetails {
    /// The BOLT11 string.
    pub bolt11: String,
    /// Names the payment.
    pub payment_hash: PaymentHash,
    /// What to pay.
    pub amount_msat: Msat,
    /// What it is for; ends in the commitment to the goods.
    pub description: String,
    /// UNIX seconds.
    pub created_at: u64,
    /// UNIX seconds.
    pub expires_at: u64,
}

/// Where a payment stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct InvoiceStatus {
    /// lightningd's word.
    pub status: Status,
    /// When the invoice expires or expired, in UNIX seconds.
    pub expires_at: u64,
    /// The server's clock, in UNIX seconds; the countdown follows it.
    pub server_time: u64,
    /// The proof of payment; only with `paid`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub preimage: Option<Preimage>,
}

/// An invoice's status in lightningd's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Status {
    /// It can be paid.
    Unpaid,
    /// It is paid.
    Paid,
    /// It was not paid in time and never will be.
    Expired,
}

//! A purchase gets its invoice and its claim: created once, and found again after that.

use std::sync::Arc;
use std::time::Duration;

use lightningd::{KnownInvoice, LightningError, NewInvoice};
use shared::api::{CreatedInvoice, InvoiceDetails, PurchaseId};
use shared::claim::Identifier;
use shared::content::{commitment, describe_service};
use shared::fiat::Rate;
use shared::invoice::created_at;

use crate::goods::catalogue::Goods;
use crate::goods::price::{NoPrice, Quote};
use crate::goods::versions::VersionError;
use crate::payments::claims::{Claims, Terms};
use crate::payments::invoices::Invoices;
use crate::payments::label::label;
use crate::payments::limits::{ClientKey, Limits, TooManyRequests};
use crate::payments::node::NodeError;
use crate::payments::open_invoices::TooManyOpen;

/// Why a purchase gets no invoice.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PurchaseError {
    #[error(transparent)]
    TooManyRequests(#[from] TooManyRequests),
    #[error(transparent)]
    TooManyOpen(#[from] TooManyOpen),
    #[error(transparent)]
    NoPrice(#[from] NoPrice),
    #[error(transparent)]
    Version(#[from] VersionError),
    #[error(transparent)]
    Node(#[from] NodeError),
    #[error("an invoice vanished while it was looked up")]
    Vanished,
    #[error("lightningd made an invoice of another form than BOLT11")]
    NotBolt11,
}

impl From<LightningError> for PurchaseError {
    fn from(error: LightningError) -> Self {
        Self::Node(error.into())
    }
}

/// What an invoice is made for.
pub(crate) struct Offer<'a> {
    /// Its name in labels and claims.
    name: &'a str,
    /// How long it can be had after the invoice has expired; `None` is for good.
    valid_for: Option<Duration>,
    /// The price, and the invoice's description.
    quoted: Result<(Quote, String), NoPrice>,
    /// The goods that the description promises, if it does.
    goods: Option<&'a Goods>,
}

impl<'a> Offer<'a> {
    /// Goods of the catalogue.
    pub(crate) fn goods(goods: &'a Goods) -> Self {
        let quote = goods.quote();
        Self {
            name: goods.id.as_str(),
            valid_for: goods.valid_for,
            quoted: quote.map(|quote| (quote, goods.description(&quote))),
            goods: Some(goods),
        }
    }

    /// Access to a route, called `name` in labels and claims. `stated` is what the invoice says.
    pub(crate) fn route(
        name: &'a str,
        valid_for: Option<Duration>,
        quoted: Result<(Quote, String), NoPrice>,
    ) -> Self {
        Self {
            name,
            valid_for,
            quoted: quoted.map(|(quote, stated)| (quote, describe_service(&stated))),
            goods: None,
        }
    }
}

/// Whether the invoice was made now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Made {
    /// Now.
    New,
    /// Earlier, by the same purchase.
    Before,
}

/// The purchases of a store. A clone is another handle to the same.
#[derive(Clone)]
pub(crate) struct Purchases(Arc<Parts>);

struct Parts {
    claims: Claims,
    invoices: Invoices,
    limits: Limits,
    expiry_secs: u32,
}

impl Purchases {
    /// Invoices can be paid for `expiry_secs`.
    pub(crate) fn new(
        claims: Claims,
        invoices: Invoices,
        limits: Limits,
        expiry_secs: u32,
    ) -> Self {
        Self(Arc::new(Parts {
            claims,
            invoices,
            limits,
            expiry_secs,
        }))
    }

    /// The claims of this store.
    pub(crate) fn claims(&self) -> &Claims {
        &self.0.claims
    }

    /// The invoices of this store's node.
    pub(crate) fn invoices(&self) -> &Invoices {
        &self.0.invoices
    }

    /// Creates the purchase's invoice, or finds it, whatever became of it.
    ///
    /// The label follows from the purchase, and lightningd refuses a second invoice with the same
    /// label. So of two requests at once one creates and the other finds, on any number of gateways.
    pub(crate) async fn create_or_find(
        &self,
        client: Option<ClientKey>,
        offer: &Offer<'_>,
        purchase_id: PurchaseId,
    ) -> Result<(Made, CreatedInvoice), PurchaseError> {
        let Parts {
            claims,
            invoices,
            limits,
            expiry_secs,
        } = &*self.0;
        limits.count(client)?;
        invoices.node().await?;
        let lightningd = invoices.lightningd();
        // A purchase that was begun before a rotation has its invoice under its name of then.
        for token_id in claims.old_token_ids(offer.name, purchase_id) {
            let label = label(offer.name, &token_id);
            if let Some(invoice) = lightningd.find_by_label(label).await? {
                let found = self.describe(offer, token_id, invoice, None)?;
                return Ok((Made::Before, found));
            }
        }
        let token_id = claims.token_id(offer.name, purchase_id);
        let label = label(offer.name, &token_id);
        let allowed = match &offer.quoted {
            Ok(quoted) => limits
                .reserve()
                .map(|place| (quoted, place))
                .map_err(PurchaseError::from),
            Err(no_price) => Err((*no_price).into()),
        };
        let created = match &allowed {
            Ok(((quote, description), _)) => {
                if let Some(goods) = offer.goods {
                    goods.promise()?;
                }
                let invoice = NewInvoice {
                    label: label.clone(),
                    amount_msat: quote.msat,
                    description: description.clone(),
                    expiry_secs: *expiry_secs,
                };
                lightningd.create_invoice(invoice).await?
            }
            // The purchase may have its invoice already; its amount stands.
            Err(_) => None,
        };
        if let Some(invoice) = created {
            let ((quote, _), place) = allowed?;
            place.take(invoice.payment_hash, invoice.standing.expires_at);
            let created = self.describe(offer, token_id, invoice, quote.rate)?;
            return Ok((Made::New, created));
        }
        let Some(invoice) = lightningd.find_by_label(label).await? else {
            allowed?;
            return Err(PurchaseError::Vanished);
        };
        let found = self.describe(offer, token_id, invoice, None)?;
        Ok((Made::Before, found))
    }

    /// The node's word is taken: buyers check the invoice themselves, and checking it here as well
    /// would halve the number of invoices per second.
    fn describe(
        &self,
        offer: &Offer<'_>,
        token_id: [u8; 32],
        invoice: KnownInvoice,
        rate: Option<Rate>,
    ) -> Result<CreatedInvoice, PurchaseError> {
        let bolt11 = invoice.bolt11.ok_or(PurchaseError::NotBolt11)?;
        let payment_hash = invoice.payment_hash;
        let expires_at = invoice.standing.expires_at;
        let identifier = Identifier {
            payment_hash,
            token_id,
        };
        // All of it follows from the invoice, so the same purchase has the same claim, whatever
        // became of the goods since. Only a change of the item's valid_for changes its open claims.
        let terms = Terms {
            sha256: commitment(&invoice.description),
            valid_until: offer
                .valid_for
                .map(|valid_for| expires_at.saturating_add(valid_for.as_secs())),
        };
        Ok(CreatedInvoice {
            claim: self.0.claims.mint(offer.name, identifier, terms),
            invoice: InvoiceDetails {
                payment_hash,
                amount_msat: invoice.amount_msat.ok_or(PurchaseError::NotBolt11)?,
                description: invoice.description,
                created_at: created_at(&bolt11).ok_or(PurchaseError::NotBolt11)?,
                expires_at,
                bolt11,
            },
            rate,
        })
    }
}

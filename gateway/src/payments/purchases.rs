//! A purchase gets its invoice and its claim: created once, and found again after that.

use std::sync::Arc;
use std::time::Duration;

use lightningd::{KnownInvoice, LightningError, NewInvoice};
use shared::api::{CreatedInvoice, InvoiceDetails, PurchaseId};
use shared::claim::Identifier;
use shared::content::Description;
use shared::fiat::Rate;
use shared::invoice::created_at;

use crate::goods::catalogue::Goods;
use crate::goods::price::{NoPrice, Quote};
use crate::goods::versions::VersionError;
use crate::payments::charges::terms;
use crate::payments::claims::Claims;
use crate::payments::client::ClientKey;
use crate::payments::invoices::Invoices;
use crate::payments::label::{OldLabels, StoreId, old_label};
use crate::payments::limits::{Limits, TooManyRequests};
use crate::payments::making::Making;
use crate::payments::node::NodeError;
use crate::payments::open_invoices::{Place, TooManyOpen};
use crate::payments::refusals::Refusals;

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
            quoted: quote.map(|quote| (quote, goods.description(&quote))),
            goods: Some(goods),
        }
    }

    /// Access to a route, called `name` in labels and claims, for as long as `valid_for` or for good.
    /// With the price comes what the invoice says of it.
    pub(crate) fn route(
        name: &'a str,
        valid_for: Option<Duration>,
        quoted: Result<(Quote, String), NoPrice>,
    ) -> Self {
        let describe = |title: &str| {
            let description = Description {
                title,
                valid_secs: valid_for.map(|time| time.as_secs()),
                sha256: None,
            };
            description.to_string()
        };
        Self {
            name,
            quoted: quoted.map(|(quote, stated)| (quote, describe(&stated))),
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

/// What they are made of.
pub(crate) struct Parts {
    pub(crate) claims: Claims,
    pub(crate) invoices: Invoices,
    pub(crate) limits: Limits,
    pub(crate) store: StoreId,
    pub(crate) old_labels: Arc<OldLabels>,
    pub(crate) making: Making,
    pub(crate) refusals: Refusals,
    /// How long invoices can be paid.
    pub(crate) expiry_secs: u32,
}

impl Purchases {
    /// None was begun yet.
    pub(crate) fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    /// The claims of this store.
    pub(crate) fn claims(&self) -> &Claims {
        &self.0.claims
    }

    /// The invoices of this store's node.
    pub(crate) fn invoices(&self) -> &Invoices {
        &self.0.invoices
    }

    /// Where the owner is told of buyers who paid and were refused.
    pub(crate) fn refusals(&self) -> &Refusals {
        &self.0.refusals
    }

    /// Counts a wrong key of the owner's against the client's share.
    pub(crate) fn count_wrong_key(&self, client: Option<ClientKey>) -> Result<(), TooManyRequests> {
        self.0.limits.count_wrong_key(client)
    }

    /// Creates the purchase's invoice, or finds it, whatever became of it.
    ///
    /// The label follows from the purchase, and lightningd refuses a second invoice with the same
    /// label. So of two requests at once one creates and the other finds, on any number of gateways.
    /// A client that has had its share gets no new invoice, but finds what it has.
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
            store,
            ..
        } = &*self.0;
        let counted = limits.count(client);
        if let Err(refused) = counted {
            limits.count_search(client).map_err(|_| refused)?;
        }
        invoices.node().await?;
        let token_id = claims.token_id(offer.name, purchase_id);
        let earlier = self.earlier_labels(offer.name, purchase_id, token_id);
        if let Some(found) = self.find_labelled(offer.name, earlier).await? {
            return Ok((Made::Before, found));
        }
        let label = store.label(offer.name, &token_id);
        let refusal = match counted
            .map_err(PurchaseError::from)
            .and_then(|()| self.allow(client, offer))
        {
            Ok((quote, description, place)) => {
                if let Some(goods) = offer.goods {
                    goods.promise()?;
                }
                let invoice = NewInvoice {
                    label: label.clone(),
                    amount_msat: quote.msat,
                    description: description.to_owned(),
                    expiry_secs: self.0.expiry_secs,
                };
                if let Some(invoice) = self.0.making.make(invoice, place).await? {
                    let created = self.describe(offer.name, token_id, invoice, quote.rate)?;
                    return Ok((Made::New, created));
                }
                PurchaseError::Vanished
            }
            // The purchase may have its invoice already; its amount stands.
            Err(refusal) => refusal,
        };
        let found = self.find_labelled(offer.name, [(token_id, label)]).await?;
        Ok((Made::Before, found.ok_or(refusal)?))
    }

    /// Finds the invoice of a purchase of what is called `name`, which need not be for sale any more.
    pub(crate) async fn find(
        &self,
        client: Option<ClientKey>,
        name: &str,
        purchase_id: PurchaseId,
    ) -> Result<Option<CreatedInvoice>, PurchaseError> {
        self.0.limits.count_search(client)?;
        let Parts { claims, store, .. } = &*self.0;
        let token_id = claims.token_id(name, purchase_id);
        let latest = (token_id, store.label(name, &token_id));
        let mut labels = self.earlier_labels(name, purchase_id, token_id);
        labels.push(latest);
        self.find_labelled(name, labels).await
    }

    /// The first invoice that a purchase of what is called `name` has under one of these labels.
    async fn find_labelled(
        &self,
        name: &str,
        labels: impl IntoIterator<Item = ([u8; 32], String)>,
    ) -> Result<Option<CreatedInvoice>, PurchaseError> {
        let lightningd = self.0.invoices.lightningd();
        for (token_id, label) in labels {
            if let Some(invoice) = lightningd.find_by_label(label).await? {
                return self.describe(name, token_id, invoice, None).map(Some);
            }
        }
        Ok(None)
    }

    /// What the purchase's invoice may be called if it was begun before a rotation of the secret, at a
    /// gateway that has gone through the next one, or at an earlier gateway. Its name of today is
    /// `token_id`.
    fn earlier_labels(
        &self,
        name: &str,
        purchase_id: PurchaseId,
        token_id: [u8; 32],
    ) -> Vec<([u8; 32], String)> {
        let Parts {
            claims,
            store,
            old_labels,
            ..
        } = &*self.0;
        let rotated = claims.other_token_ids(name, purchase_id);
        let labelled = |token_id: &[u8; 32]| (*token_id, store.label(name, token_id));
        let mut labels: Vec<_> = rotated.iter().map(labelled).collect();
        if old_labels.may_be() {
            let tokens = rotated.into_iter().chain([token_id]);
            labels.extend(tokens.map(|token_id| (token_id, old_label(name, &token_id))));
        }
        labels
    }

    /// What a new invoice says, and a place for it.
    fn allow<'a>(
        &self,
        client: Option<ClientKey>,
        offer: &'a Offer<'_>,
    ) -> Result<(&'a Quote, &'a str, Place), PurchaseError> {
        let (quote, description) = offer.quoted.as_ref().map_err(|no_price| *no_price)?;
        let place = self.0.limits.reserve(client)?;
        Ok((quote, description, place))
    }

    /// The node's word is taken: buyers check the invoice themselves, and checking it here as well
    /// would halve the number of invoices per second.
    fn describe(
        &self,
        name: &str,
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
        // All of it follows from the invoice, so the same purchase has the same claim, whatever the
        // owner has changed since. An invoice without a limit sold for good.
        let terms = terms(&invoice.description, expires_at);
        Ok(CreatedInvoice {
            claim: self.0.claims.mint(name, identifier, terms),
            invoice: InvoiceDetails {
                payment_hash,
                amount_msat: invoice
                    .standing
                    .amount_msat
                    .ok_or(PurchaseError::NotBolt11)?,
                description: invoice.description,
                created_at: created_at(&bolt11).ok_or(PurchaseError::NotBolt11)?,
                expires_at,
                bolt11,
            },
            rate,
        })
    }
}

//! A purchase gets its invoice and its claim: created once, and found again after that.

use std::sync::Arc;
use std::time::Duration;

use lightningd::{KnownInvoice, LightningError, NewInvoice};
use shared::api::{CreatedInvoice, InvoiceDetails, PurchaseId, Status};
use shared::claim::{Claim, Identifier};
use shared::content::Description;
use shared::digest::Nonce;
use shared::fiat::Rate;
use shared::invoice::{Invoice, created_at};
use shared::lightning::{Msat, NodeId, Preimage};
use shared::sealed::SealedSale;

use crate::goods::catalogue::Goods;
use crate::goods::price::{NoPrice, Quote};
use crate::goods::sealed::{Seal, Seals};
use crate::goods::versions::VersionError;
use crate::payments::charges::terms;
use crate::payments::claims::{Claims, Terms};
use crate::payments::client::ClientKey;
use crate::payments::invoices::InvoiceError;
use crate::payments::label::{StoreId, old_label};
use crate::payments::limits::{Limits, TooManyRequests};
use crate::payments::node::NodeError;
use crate::payments::nodes::{Member, Nodes, Present, at_once};
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
    #[error("no random numbers: {0}")]
    Random(getrandom::Error),
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
    /// How the invoice of a code is made.
    code: Option<ByCode>,
}

/// How the invoice of a code differs from others: it carries the hash of its description.
#[derive(Clone, Copy)]
struct ByCode {
    /// Where something was sealed with it.
    preimage: Option<Preimage>,
}

impl<'a> Offer<'a> {
    /// Goods of the catalogue.
    pub(crate) fn goods(goods: &'a Goods) -> Self {
        let quote = goods.quote();
        Self {
            name: goods.id.as_str(),
            quoted: quote.map(|quote| (quote, goods.description(&quote, None))),
            goods: Some(goods),
            code: None,
        }
    }

    /// Goods of the catalogue, for this amount, which their code offered under these metadata. What is sealed
    /// with the `preimage` opens with the payment.
    pub(crate) fn by_code(
        goods: &'a Goods,
        msat: Msat,
        metadata: String,
        preimage: Option<Preimage>,
    ) -> Self {
        Self {
            name: goods.id.as_str(),
            quoted: Ok((Quote { msat, rate: None }, metadata)),
            goods: Some(goods),
            code: Some(ByCode { preimage }),
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
                ..Description::default()
            };
            description.to_string()
        };
        Self {
            name,
            quoted: quoted.map(|(quote, stated)| (quote, describe(&stated))),
            goods: None,
            code: None,
        }
    }
}

/// What an invoice for sealed goods is made with: its description commits to the manifest, and the preimage
/// is what the manifest's key was wrapped with.
fn sealed(
    goods: &Goods,
    seal: &Seal,
    quote: &Quote,
    token_id: [u8; 32],
) -> Result<(String, Preimage), PurchaseError> {
    let mut nonce = Nonce([0; 8]);
    getrandom::fill(&mut nonce.0).map_err(PurchaseError::Random)?;
    let preimage = seal.preimage(&token_id, nonce);
    let identifier = Identifier {
        payment_hash: preimage.payment_hash(),
        token_id,
    };
    let manifest = seal.manifest(&preimage, &identifier);
    let description = goods.description(quote, Some((manifest.hash(), nonce)));
    Ok((description, preimage))
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
    pub(crate) nodes: Nodes,
    pub(crate) limits: Limits,
    pub(crate) store: StoreId,
    pub(crate) refusals: Refusals,
    pub(crate) seals: Arc<Seals>,
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

    /// The store's nodes, which have its invoices.
    pub(crate) fn nodes(&self) -> &Nodes {
        &self.0.nodes
    }

    /// Where the owner is told of buyers who paid and were refused.
    pub(crate) fn refusals(&self) -> &Refusals {
        &self.0.refusals
    }

    /// What the invoice of a verified claim for what is called `name` sold sealed, if it did.
    pub(crate) async fn sealed_sale(
        &self,
        name: &str,
        claim: &Claim,
    ) -> Result<Option<SealedSale>, InvoiceError> {
        let bolt11 = self.0.nodes.bolt11(claim).await?;
        // The node's own invoice; where it cannot be read, it sold nothing of ours.
        let invoice = Invoice::decode(&bolt11).ok();
        let description = invoice.and_then(|invoice| invoice.description);
        let sale = |text: String| self.0.seals.sale(name, claim.identifier(), &text);
        Ok(description.and_then(sale))
    }

    /// Counts a wrong key of the owner's against the client's share.
    pub(crate) fn count_wrong_key(&self, client: Option<ClientKey>) -> Result<(), TooManyRequests> {
        self.0.limits.count_wrong_key(client)
    }

    /// Creates the purchase's invoice, or finds it, whatever became of it.
    ///
    /// The label follows from the purchase, and lightningd refuses a second invoice with the same
    /// label. So of two requests at once one creates and the other finds, on any number of gateways. Of
    /// several nodes, all that answer are searched before one of them makes it; so a purchase gets a second
    /// one only while the node that has the first is away.
    /// A client that has had its share gets no new invoice, but finds what it has.
    pub(crate) async fn create_or_find(
        &self,
        client: Option<ClientKey>,
        offer: &Offer<'_>,
        purchase_id: PurchaseId,
    ) -> Result<(Made, CreatedInvoice), PurchaseError> {
        let Parts { claims, limits, .. } = &*self.0;
        let counted = limits.count(client);
        if let Err(refused) = counted {
            limits.count_search(client).map_err(|_| refused)?;
        }
        let token_id = claims.token_id(offer.name, purchase_id);
        let present = self.0.nodes.present(&token_id).await?;
        // Whoever makes it finds what has its name, so the first node need not be asked for that.
        let names = self.names(offer.name, purchase_id, token_id);
        if let Some(found) = self.search(&present, &names, |at| at > 0).await? {
            return Ok((Made::Before, found));
        }
        let mut away = None;
        for one in present {
            let made = self.create(client, offer, &counted, one, token_id);
            match made.await {
                Err(PurchaseError::Node(NodeError::Lightning(error))) if error.is_away() => {
                    away = away.or(Some(error));
                }
                answered => return answered,
            }
        }
        Err(away.map_or(PurchaseError::Vanished, PurchaseError::from))
    }

    /// Creates the purchase's invoice at this node, or finds it there under its name of today.
    async fn create(
        &self,
        client: Option<ClientKey>,
        offer: &Offer<'_>,
        counted: &Result<(), TooManyRequests>,
        Present { member, node }: Present,
        token_id: [u8; 32],
    ) -> Result<(Made, CreatedInvoice), PurchaseError> {
        let label = self.0.store.label(offer.name, &token_id);
        let told = |error: LightningError| {
            member.invoices.our_node().failed(&error);
            PurchaseError::from(error)
        };
        let refusal = match counted
            .map_err(PurchaseError::from)
            .and_then(|()| self.allow(client, offer))
        {
            Ok((quote, description, place)) => {
                if let Some(goods) = offer.goods {
                    goods.promise()?;
                }
                // A code's invoice carries its metadata, which know of no manifest.
                let sealed = offer.goods.and_then(|goods| {
                    let seal = goods.seal().filter(|_| offer.code.is_none())?;
                    Some(sealed(goods, seal, quote, token_id))
                });
                let (description, preimage) = match sealed.transpose()? {
                    Some((description, preimage)) => (description, Some(preimage)),
                    None => (
                        description.to_owned(),
                        offer.code.as_ref().and_then(|code| code.preimage),
                    ),
                };
                let invoice = NewInvoice {
                    label: label.clone(),
                    amount_msat: quote.msat,
                    description,
                    hash_description: offer.code.is_some(),
                    expiry_secs: self.0.expiry_secs,
                    preimage,
                };
                let made = member.making.make(invoice, place).await;
                if let Some(invoice) = made.map_err(told)? {
                    let created =
                        self.describe(offer.name, token_id, node.id, invoice, quote.rate)?;
                    return Ok((Made::New, created));
                }
                PurchaseError::Vanished
            }
            // The purchase may have its invoice already; its amount stands.
            Err(refusal) => refusal,
        };
        let found = member.invoices.lightningd().find_by_label(label).await;
        let invoice = found.map_err(told)?.ok_or(refusal)?;
        let found = self.describe(offer.name, token_id, node.id, invoice, None)?;
        Ok((Made::Before, found))
    }

    /// Finds the invoice of a purchase of what is called `name`, which need not be for sale any more.
    pub(crate) async fn find(
        &self,
        client: Option<ClientKey>,
        name: &str,
        purchase_id: PurchaseId,
    ) -> Result<Option<CreatedInvoice>, PurchaseError> {
        self.0.limits.count_search(client)?;
        let token_id = self.0.claims.token_id(name, purchase_id);
        let present = self.0.nodes.present(&token_id).await?;
        let names = self.names(name, purchase_id, token_id);
        self.search(&present, &names, |_| true).await
    }

    /// Finds the invoice with this identifier of what is called `name`, at whichever node it is.
    pub(crate) async fn find_identified(
        &self,
        client: Option<ClientKey>,
        name: &str,
        identifier: Identifier,
    ) -> Result<Option<CreatedInvoice>, PurchaseError> {
        self.0.limits.count_search(client)?;
        let found = self.0.nodes.find(identifier.payment_hash).await?;
        let described =
            found.map(|(node, found)| self.describe(name, identifier.token_id, node, found, None));
        described.transpose()
    }

    /// What the invoice may be called of a purchase whose name of today is `latest`.
    fn names<'a>(&'a self, name: &'a str, purchase_id: PurchaseId, latest: [u8; 32]) -> Names<'a> {
        let Parts { claims, store, .. } = &*self.0;
        Names {
            store,
            name,
            latest,
            rotated: claims.other_token_ids(name, purchase_id),
        }
    }

    /// The best invoice that a purchase has under one of these names at these nodes: one that is paid, else
    /// one that can be. Nodes that are away are left out. `with_latest` says at which places in the list the
    /// latest name is asked for, too.
    async fn search(
        &self,
        present: &[Present],
        names: &Names<'_>,
        with_latest: impl Fn(usize) -> bool,
    ) -> Result<Option<CreatedInvoice>, PurchaseError> {
        let asking = present.iter().enumerate().filter_map(|(at, one)| {
            let names = names.at(&one.member, with_latest(at));
            (!names.is_empty()).then(|| find_named(one.clone(), names))
        });
        let mut found = Vec::new();
        for (present, answer) in at_once(asking).await {
            match answer {
                Ok(invoices) => {
                    found.extend(invoices.into_iter().map(|one| (present.node.id, one)));
                }
                Err(error) if error.is_away() && self.0.nodes.all().len() > 1 => {
                    present.member.invoices.our_node().failed(&error);
                }
                Err(error) => return Err(error.into()),
            }
        }
        let worth = |(_, (_, invoice)): &(NodeId, (_, KnownInvoice))| match invoice.standing.status
        {
            Status::Paid => 0,
            Status::Unpaid => 1,
            Status::Expired => 2,
        };
        let best = found.into_iter().min_by_key(worth);
        let described = best.map(|(node, (token_id, invoice))| {
            self.describe(names.name, token_id, node, invoice, None)
        });
        described.transpose()
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
        node: NodeId,
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
        let sealed = self.0.seals.sale(name, &identifier, &invoice.description);
        // All of it follows from the invoice, so the same purchase has the same claim, whatever the
        // owner has changed since. An invoice without a limit sold for good.
        let terms = Terms {
            node: Some(node),
            ..terms(&invoice.description, expires_at)
        };
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
            sealed,
        })
    }
}

/// A name of a purchase: its token_id and its label.
type Named = ([u8; 32], String);

/// What the invoice of a purchase may be called.
struct Names<'a> {
    store: &'a StoreId,
    /// What was bought.
    name: &'a str,
    latest: [u8; 32],
    /// If it was begun before a rotation of the secret, or at a gateway that has gone through the next one.
    rotated: Vec<[u8; 32]>,
}

impl Names<'_> {
    /// Those that it may have at this node; with the latest one, if that is not asked for otherwise.
    fn at(&self, member: &Member, with_latest: bool) -> Vec<Named> {
        let labelled = |token_id: &[u8; 32]| (*token_id, self.store.label(self.name, token_id));
        let mut names: Vec<_> = self.rotated.iter().map(labelled).collect();
        // If it was begun at an earlier gateway.
        if member.old_labels.may_be() {
            let tokens = self.rotated.iter().chain([&self.latest]);
            names.extend(tokens.map(|token_id| (*token_id, old_label(self.name, token_id))));
        }
        if with_latest {
            names.push(labelled(&self.latest));
        }
        names
    }
}

/// The invoices that a node has under these names.
async fn find_named(
    present: Present,
    names: Vec<Named>,
) -> (
    Present,
    Result<Vec<([u8; 32], KnownInvoice)>, LightningError>,
) {
    let lightningd = present.member.invoices.lightningd().clone();
    let mut found = Vec::new();
    for (token_id, label) in names {
        match lightningd.find_by_label(label).await {
            Ok(invoice) => found.extend(invoice.map(|invoice| (token_id, invoice))),
            Err(error) => return (present, Err(error)),
        }
    }
    (present, Ok(found))
}

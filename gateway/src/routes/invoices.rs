//! Invoices: made for a purchase, found again, and asked about.

use std::time::Duration;

use axum::Json;
use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use serde::Deserialize;
use shared::api::{
    CreateInvoice, CreatedInvoice, INVOICE_PATH, InvoiceDetails, InvoiceStatus, ItemId,
    MAX_WAIT_SECS, PurchaseId,
};
use shared::claim::Identifier;
use shared::content::commitment;
use shared::fiat::Rate;
use shared::invoice::created_at;
use tokio::time::Instant;
use utoipa::IntoParams;

use super::AppState;
use super::admission::Presented;
use super::openapi::{
    Internal, InvalidClaim, InvalidRequest, NotFound, TooLarge, TooManyRequests, Unavailable,
    UnknownInvoice,
};
use crate::App;
use crate::catalogue::{Goods, NoPrice, Quote};
use crate::claim::{ClaimRejection, Credential, Limits};
use crate::client::Client;
use crate::clock::unix_now;
use crate::error::Error;
use crate::label::label;
use crate::lightningd::{KnownInvoice, NewInvoice};

/// Creates a purchase's invoice, or finds it: the same purchase id and item give the same invoice
/// and claim.
#[utoipa::path(
    post,
    path = "/api/v1/items/{item}/invoices",
    tag = "purchase",
    params(("item" = ItemId, Path, example = "cat")),
    request_body = CreateInvoice,
    responses(
        (status = 200, body = CreatedInvoice, description = "The invoice that the purchase has."),
        (status = 201, body = CreatedInvoice, description = "A new invoice."),
        (status = 400, response = InvalidRequest),
        (status = 404, response = NotFound),
        (status = 413, response = TooLarge),
        (status = 429, response = TooManyRequests),
        (status = 500, response = Internal),
        (status = 503, response = Unavailable),
    ),
)]
pub(super) async fn create_invoice(
    State(app): AppState,
    client: Client,
    item: Result<Path<ItemId>, PathRejection>,
    body: Result<Json<CreateInvoice>, JsonRejection>,
) -> Result<(StatusCode, Json<CreatedInvoice>), Error> {
    let Path(item) = item?;
    let catalogue = app.catalogue();
    let goods = catalogue.find(&item).ok_or(Error::UnknownItem(item))?;
    let Json(CreateInvoice { purchase_id }) = body?;
    let (status, created) = create_or_find(&app, client, goods.into(), purchase_id).await?;
    Ok((status, Json(created)))
}

/// What an invoice is made for.
pub(super) struct Offer<'a> {
    /// Its name in labels and claims.
    pub(super) name: &'a str,
    /// How long it can be had after the invoice's time is over; `None` is for good.
    pub(super) valid_for: Option<Duration>,
    /// The price, and the invoice's description.
    pub(super) terms: Result<(Quote, String), NoPrice>,
    /// The goods that the description promises, if it does.
    pub(super) goods: Option<&'a Goods>,
}

impl<'a> From<&'a Goods> for Offer<'a> {
    fn from(goods: &'a Goods) -> Self {
        let terms = goods
            .quote()
            .map(|quote| (quote, goods.description(&quote)));
        Self {
            name: goods.id.as_str(),
            valid_for: goods.valid_for,
            terms,
            goods: Some(goods),
        }
    }
}

/// Names a purchase whose buyer did not.
pub(super) fn random_purchase_id() -> Result<PurchaseId, Error> {
    let mut purchase_id = PurchaseId([0; 16]);
    getrandom::fill(&mut purchase_id.0)
        .map_err(|error| Error::Internal(format!("no random numbers: {error}")))?;
    Ok(purchase_id)
}

/// Creates the purchase's invoice (201), or finds it, whatever became of it (200).
///
/// The label follows from the purchase, and lightningd refuses a second invoice with the same
/// label. So of two requests at once one creates and the other finds, on any number of gateways.
pub(super) async fn create_or_find(
    app: &App,
    client: Client,
    offer: Offer<'_>,
    purchase_id: PurchaseId,
) -> Result<(StatusCode, CreatedInvoice), Error> {
    app.limits.count(client)?;
    app.payments.node().await?;
    let lightningd = app.payments.lightningd();
    let token_id = app.claims.token_id(offer.name, purchase_id);
    let label = label(offer.name, &token_id);
    let allowed = match &offer.terms {
        Ok(terms) => app.limits.reserve().map(|place| (terms, place)),
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
                expiry_secs: app.store.invoice_expiry_secs,
            };
            lightningd.create_invoice(invoice).await?
        }
        // The purchase may have its invoice from before; its amount stands.
        Err(_) => None,
    };
    if let Some(invoice) = created {
        let ((quote, _), place) = allowed?;
        place.take(invoice.payment_hash, invoice.standing.expires_at);
        let created = describe(app, &offer, token_id, invoice, quote.rate)?;
        return Ok((StatusCode::CREATED, created));
    }
    let Some(invoice) = lightningd.find_by_label(label).await? else {
        allowed?;
        let vanished = "an invoice vanished while it was looked up";
        return Err(Error::Internal(vanished.into()));
    };
    let found = describe(app, &offer, token_id, invoice, None)?;
    Ok((StatusCode::OK, found))
}

/// The node's word is taken: buyers check the invoice themselves, and checking it here as well
/// would halve the number of invoices per second.
fn describe(
    app: &App,
    offer: &Offer<'_>,
    token_id: [u8; 32],
    invoice: KnownInvoice,
    rate: Option<Rate>,
) -> Result<CreatedInvoice, Error> {
    let odd = || Error::Internal("lightningd made an invoice of another form than BOLT11".into());
    let bolt11 = invoice.bolt11.ok_or_else(odd)?;
    let payment_hash = invoice.payment_hash;
    let identifier = Identifier {
        payment_hash,
        token_id,
    };
    // All of it follows from the invoice, so that the same purchase has the same claim, whatever
    // became of the goods since. Only who changes an item's valid_for changes its open claims.
    let limits = Limits {
        sha256: commitment(&invoice.description),
        valid_until: offer.valid_for.map(|valid_for| {
            invoice
                .standing
                .expires_at
                .saturating_add(valid_for.as_secs())
        }),
    };
    Ok(CreatedInvoice {
        claim: app.claims.mint(offer.name, identifier, limits),
        invoice: InvoiceDetails {
            payment_hash,
            amount_msat: invoice.amount_msat.ok_or_else(odd)?,
            description: invoice.description,
            created_at: created_at(&bolt11).ok_or_else(odd)?,
            expires_at: invoice.standing.expires_at,
            bolt11,
        },
        rate,
    })
}

/// The query of [`get_invoice`].
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Wait {
    /// Seconds to wait for the payment. More than 30 count as 30.
    #[serde(default)]
    #[param(required = false, maximum = 18_446_744_073_709_551_615_u64)]
    wait: u64,
}

/// Where the payment of the claim's invoice stands: at once where that is decided, else after at
/// most `wait` seconds.
#[utoipa::path(
    get,
    path = INVOICE_PATH,
    tag = "purchase",
    params(Wait),
    security(("L402" = [])),
    responses(
        (status = 200, body = InvoiceStatus, description = "lightningd's word, or what it was."),
        (status = 400, response = InvalidRequest),
        (status = 401, response = InvalidClaim),
        (status = 404, response = UnknownInvoice),
        (status = 500, response = Internal),
        (status = 503, response = Unavailable),
    ),
)]
pub(super) async fn get_invoice(
    State(app): AppState,
    query: Result<Query<Wait>, QueryRejection>,
    presented: Presented,
) -> Result<Json<InvoiceStatus>, Error> {
    let Query(Wait { wait }) = query?;
    let credential = verified(&app, presented)?;
    let until = Instant::now() + Duration::from_secs(wait.min(MAX_WAIT_SECS));
    let standing = app.payments.wait(credential.payment_hash(), until).await?;
    Ok(Json(InvoiceStatus {
        status: standing.status,
        expires_at: standing.expires_at,
        server_time: unix_now(),
        preimage: standing.preimage,
    }))
}

/// The first of the presented credentials whose claim this store issued, for any item.
fn verified(app: &App, Presented(credentials): Presented) -> Result<Credential, Error> {
    let mut rejection = ClaimRejection::Missing;
    for credential in credentials {
        let checked = credential.and_then(|credential| {
            app.claims.verify(&credential.claim, unix_now())?;
            Ok(credential)
        });
        match checked {
            Ok(credential) => return Ok(credential),
            Err(why) => rejection = why,
        }
    }
    Err(rejection.into())
}

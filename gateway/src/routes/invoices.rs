//! Invoices: made for a purchase, found again, and asked about.

use std::convert::Infallible;
use std::time::Duration;

use axum::Json;
use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::extract::{FromRequestParts, Path, Query, State};
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode};
use serde::Deserialize;
use shared::api::{
    CreateInvoice, CreatedInvoice, InvoiceDetails, InvoiceStatus, ItemId, MAX_WAIT_SECS, PurchaseId,
};
use shared::claim::Identifier;
use shared::content::commitment;
use shared::fiat::Rate;
use shared::invoice::created_at;
use tokio::time::Instant;

use super::AppState;
use crate::App;
use crate::catalogue::Goods;
use crate::claim::{ClaimRejection, Credential, Limits};
use crate::clock::unix_now;
use crate::error::Error;
use crate::label::label;
use crate::lightningd::{KnownInvoice, NewInvoice};

/// `POST /api/v1/items/{item}/invoices`
pub(super) async fn create_invoice(
    State(app): AppState,
    item: Result<Path<ItemId>, PathRejection>,
    body: Result<Json<CreateInvoice>, JsonRejection>,
) -> Result<(StatusCode, Json<CreatedInvoice>), Error> {
    let Path(item) = item?;
    let catalogue = app.catalogue();
    let goods = catalogue.find(&item).ok_or(Error::UnknownItem(item))?;
    let Json(CreateInvoice { purchase_id }) = body?;
    let (status, created) = create_or_find(&app, goods, purchase_id).await?;
    Ok((status, Json(created)))
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
    goods: &Goods,
    purchase_id: PurchaseId,
) -> Result<(StatusCode, CreatedInvoice), Error> {
    app.payments.node().await?;
    let lightningd = app.payments.lightningd();
    let token_id = app.claims.token_id(&goods.id, purchase_id);
    let label = label(&goods.id, &token_id);
    let quote = goods.quote();
    let created = match &quote {
        Ok(quote) => {
            let invoice = NewInvoice {
                label: label.clone(),
                amount_msat: quote.msat,
                description: goods.description(quote),
                expiry_secs: app.store.invoice_expiry_secs,
            };
            lightningd.create_invoice(invoice).await?
        }
        // The purchase may have its invoice from when there was a price; its amount stands.
        Err(_) => None,
    };
    if let Some(invoice) = created {
        let rate = quote.ok().and_then(|quote| quote.rate);
        let created = describe(app, goods, token_id, invoice, rate)?;
        return Ok((StatusCode::CREATED, created));
    }
    let Some(invoice) = lightningd.find_by_label(label).await? else {
        quote?;
        let vanished = "an invoice vanished while it was looked up";
        return Err(Error::Internal(vanished.into()));
    };
    let found = describe(app, goods, token_id, invoice, None)?;
    Ok((StatusCode::OK, found))
}

/// The node's word is taken: buyers check the invoice themselves, and checking it here as well
/// would halve the number of invoices per second.
fn describe(
    app: &App,
    goods: &Goods,
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
        valid_until: goods.valid_for.map(|valid_for| {
            invoice
                .standing
                .expires_at
                .saturating_add(valid_for.as_secs())
        }),
    };
    Ok(CreatedInvoice {
        claim: app.claims.mint(&goods.id, identifier, limits),
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
#[derive(Deserialize)]
pub(super) struct Wait {
    /// Seconds to wait for the payment; more than the maximum counts as the maximum.
    #[serde(default)]
    wait: u64,
}

/// `GET /api/v1/invoice?wait=SECONDS`
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

/// The credentials of our scheme in the request's headers, none of them verified.
pub(super) struct Presented(pub(super) Vec<Result<Credential, ClaimRejection>>);

impl<S: Sync> FromRequestParts<S> for Presented {
    type Rejection = Infallible;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let values = parts.headers.get_all(AUTHORIZATION).iter();
        Ok(Self(Credential::read(values.map(HeaderValue::as_bytes))))
    }
}

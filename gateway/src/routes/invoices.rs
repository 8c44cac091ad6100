//! Invoices: made for a purchase, found again, and asked about.

use std::time::Duration;

use axum::Json;
use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, StatusCode};
use bitcoin::hex::DisplayHex as _;
use serde::Deserialize;
use shared::api::{
    CreateInvoice, CreatedInvoice, InvoiceDetails, InvoiceStatus, ItemId, MAX_WAIT_SECS, PurchaseId,
};
use shared::claim::Identifier;
use shared::invoice::Invoice;
use tokio::time::Instant;

use super::AppState;
use crate::App;
use crate::catalogue::Goods;
use crate::claim::{ClaimRejection, Credential};
use crate::clock::unix_now;
use crate::error::Error;
use crate::lightningd::NewInvoice;

/// `POST /api/v1/items/{item}/invoices`
pub(super) async fn create_invoice(
    State(app): AppState,
    item: Result<Path<ItemId>, PathRejection>,
    body: Result<Json<CreateInvoice>, JsonRejection>,
) -> Result<(StatusCode, Json<CreatedInvoice>), Error> {
    let Path(item) = item?;
    let goods = app.catalogue.find(&item).ok_or(Error::UnknownItem(item))?;
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
    let token_id = app.claims.token_id(goods.id(), purchase_id);
    let label = format!("purrwall/{}/{}", goods.id(), token_id.to_lower_hex_string());
    let created = lightningd
        .create_invoice(NewInvoice {
            label: label.clone(),
            amount_msat: goods.item.price_msat,
            description: goods.description(),
            expiry_secs: app.store.invoice_expiry_secs,
        })
        .await?;
    let (status, bolt11) = match created {
        Some(bolt11) => (StatusCode::CREATED, bolt11),
        None => (
            StatusCode::OK,
            lightningd
                .find_by_label(label)
                .await?
                .and_then(|found| found.bolt11)
                .ok_or_else(|| {
                    Error::Internal("an invoice vanished while it was looked up".into())
                })?,
        ),
    };
    Ok((status, describe(app, goods, token_id, bolt11)?))
}

fn describe(
    app: &App,
    goods: &Goods,
    token_id: [u8; 32],
    bolt11: String,
) -> Result<CreatedInvoice, Error> {
    let invoice = Invoice::decode(&bolt11)
        .map_err(|error| Error::Internal(format!("lightningd made no valid invoice: {error}")))?;
    let identifier = Identifier {
        payment_hash: invoice.payment_hash,
        token_id,
    };
    Ok(CreatedInvoice {
        claim: app.claims.mint(goods.id(), identifier),
        invoice: InvoiceDetails {
            payment_hash: invoice.payment_hash,
            amount_msat: invoice.amount_msat.unwrap_or(goods.item.price_msat),
            description: invoice.description.unwrap_or_default(),
            created_at: invoice.created_at,
            expires_at: invoice.expires_at,
            bolt11,
        },
        rate: None,
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
    headers: HeaderMap,
) -> Result<Json<InvoiceStatus>, Error> {
    let Query(Wait { wait }) = query?;
    let credential = verified(&app, &headers)?;
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
fn verified(app: &App, headers: &HeaderMap) -> Result<Credential, Error> {
    let mut rejection = ClaimRejection::Missing;
    for credential in presented(headers) {
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

/// The credentials of our scheme in the request, none of them verified.
pub(super) fn presented(headers: &HeaderMap) -> Vec<Result<Credential, ClaimRejection>> {
    let values = headers.get_all(AUTHORIZATION).iter();
    Credential::read(values.map(axum::http::HeaderValue::as_bytes))
}

//! Invoices: made for a purchase, found again, and asked about.

use std::time::Duration;

use axum::Json;
use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use lightningd::Standing;
use serde::Deserialize;
use shared::api::{
    CreateInvoice, CreatedInvoice, INVOICE_PATH, InvoiceStatus, ItemId, MAX_WAIT_SECS, Status,
};
use tokio::time::Instant;
use utoipa::IntoParams;

use crate::app::Shelf;
use crate::clock::unix_now;
use crate::http::api::responses::{
    Internal, InvalidClaim, InvalidRequest, NotFound, TooLarge, TooManyRequests, Unavailable,
    UnknownInvoice,
};
use crate::http::problem::Error;
use crate::http::visitor::Visitor;
use crate::payments::admission::Presented;
use crate::payments::invoices::InvoiceError;
use crate::payments::purchases::{Made, Offer, Purchases};
use crate::payments::refusals::Refusal;

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
pub(crate) async fn create_invoice(
    State(shelf): State<Shelf>,
    State(purchases): State<Purchases>,
    visitor: Visitor,
    item: Result<Path<ItemId>, PathRejection>,
    body: Result<Json<CreateInvoice>, JsonRejection>,
) -> Result<(StatusCode, Json<CreatedInvoice>), Error> {
    let Path(item) = item?;
    let catalogue = shelf.catalogue();
    let Some(goods) = catalogue.find(&item) else {
        // Off the shelf; but a purchase of it may have its invoice.
        let found = match body {
            Ok(Json(CreateInvoice { purchase_id })) => {
                let found = purchases.find(visitor.key(), item.as_str(), purchase_id);
                found.await?
            }
            Err(_) => None,
        };
        let found = found.ok_or(Error::UnknownItem(item))?;
        return Ok((StatusCode::OK, Json(found)));
    };
    let Json(CreateInvoice { purchase_id }) = body?;
    let offer = Offer::goods(goods);
    let created = purchases.create_or_find(visitor.key(), &offer, purchase_id);
    let (made, created) = created.await?;
    let status = match made {
        Made::New => StatusCode::CREATED,
        Made::Before => StatusCode::OK,
    };
    Ok((status, Json(created)))
}

/// The query of [`get_invoice`].
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Wait {
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
        (status = 429, response = TooManyRequests),
        (status = 500, response = Internal),
        (status = 503, response = Unavailable),
    ),
)]
pub(crate) async fn get_invoice(
    State(purchases): State<Purchases>,
    query: Result<Query<Wait>, QueryRejection>,
    presented: Presented,
) -> Result<Json<InvoiceStatus>, Error> {
    let Query(Wait { wait }) = query?;
    let credential = purchases.issued(presented.claims)?;
    let until = Instant::now() + Duration::from_secs(wait.min(MAX_WAIT_SECS));
    let standing = purchases.nodes().wait(&credential.claim, until).await;
    if let (Err(InvoiceError::Unknown), None) = (&standing, credential.preimage) {
        let item = purchases.claims().verify(&credential.claim, unix_now())?;
        let payment_hash = credential.payment_hash();
        let refusals = purchases.refusals();
        refusals.tell(Refusal::Unconfirmed, item, payment_hash);
    }
    let standing = match standing {
        // The preimage proves the payment without the node. The invoice's own time is gone with it.
        Err(InvoiceError::Unknown) if credential.proves_payment()? => Standing {
            status: Status::Paid,
            expires_at: unix_now(),
            amount_msat: None,
            preimage: credential.preimage,
            paid_at: None,
        },
        answered => answered?,
    };
    Ok(Json(InvoiceStatus {
        status: standing.status,
        expires_at: standing.expires_at,
        server_time: unix_now(),
        preimage: standing.preimage,
    }))
}

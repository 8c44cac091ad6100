//! The goods, for those who paid.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Method};
use axum::response::Response;
use shared::api::ItemId;
use shared::claim::Claim;

use super::AppState;
use super::admission::{Admission, Presented, admit, ask_to_pay};
use super::delivery::deliver;
use super::openapi::{
    Gone, Internal, InvalidClaim, NotFound, PaymentRequired, Range, TooManyRequests, Unavailable,
};
use crate::App;
use crate::catalogue::Content;
use crate::claim::Claims;
use crate::client::Client;
use crate::error::Error;

/// The goods, for a claim that is paid; what to pay, for everybody else.
///
/// The claim is always needed. Beside it, the preimage unlocks, or lightningd's word that the
/// invoice is paid. Of several credentials, any one that unlocks is enough. What is delivered is
/// the version that was sold, in the catalogue or not.
///
/// `HEAD` gives the headers alone, and makes no invoice.
#[utoipa::path(
    get,
    path = "/api/v1/items/{item}/content",
    tag = "purchase",
    params(
        ("item" = ItemId, Path, example = "cat"),
        ("Range" = Option<String>, Header, description = "One range of bytes; several are answered \
            with all.", example = "bytes=0-99"),
        ("If-Range" = Option<String>, Header, description = "The `ETag` of the version that the range \
            is of."),
    ),
    security((), ("L402" = [])),
    responses(
        (status = 200, description = "The goods.", body = [u8], content_type = "*/*", headers(
            ("ETag" = String, description = "Their SHA-256 in quotes."),
            ("Content-Disposition" = String),
        )),
        (status = 206, description = "The part of them that `Range` names.", body = [u8],
            content_type = "*/*", headers(("Content-Range" = String))),
        (status = 401, response = InvalidClaim),
        (status = 402, response = PaymentRequired),
        (status = 404, response = NotFound),
        (status = 410, response = Gone),
        (status = 416, response = Range),
        (status = 429, response = TooManyRequests),
        (status = 500, response = Internal),
        (status = 503, response = Unavailable),
    ),
)]
pub(super) async fn get_content(
    State(app): AppState,
    client: Client,
    item: Result<Path<ItemId>, PathRejection>,
    method: Method,
    headers: HeaderMap,
    presented: Presented,
) -> Result<Response, Error> {
    let Path(item) = item?;
    match admit(&app, item.as_str(), presented).await? {
        Admission::Paid(claim) => {
            deliver(sold(&app, &item, &claim)?, &method, &headers, &app.metrics).await
        }
        Admission::Unpaid(challenge) => Err(challenge),
        Admission::Nothing => {
            let catalogue = app.catalogue();
            let goods = catalogue.find(&item).ok_or(Error::UnknownItem(item))?;
            Err(ask_to_pay(&app, client, goods.into(), &method).await?)
        }
    }
}

/// The version that was sold under a verified claim for this item.
pub(super) fn sold(app: &App, item: &ItemId, claim: &Claim) -> Result<Content, Error> {
    let sold = app.catalogue().sold(item, Claims::version(claim)?);
    sold.map_err(|error| Error::Internal(format!("cannot look for a kept version: {error}")))?
        .ok_or(Error::Gone)
}

//! The goods, for those who paid.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Method};
use axum::response::Response;
use shared::api::ItemId;
use shared::claim::Claim;

use crate::app::Shelf;
use crate::goods::catalogue::Content;
use crate::goods::versions::VersionError;
use crate::http::admission::{Presented, ask_to_pay, challenge};
use crate::http::api::responses::{
    Gone, Internal, InvalidClaim, InvalidRequest, NotFound, PaymentRequired, Range,
    TooManyRequests, Unavailable,
};
use crate::http::deliver::deliver;
use crate::http::problem::Error;
use crate::http::visitor::Visitor;
use crate::metrics::Metrics;
use crate::payments::admission::Admission;
use crate::payments::claims::Claims;
use crate::payments::purchases::{Offer, Purchases};
use crate::payments::refusals::{Refusal, Refusals};

/// The goods, for a claim that is paid; what to pay, for everybody else.
///
/// The claim is always needed. Beside it, the preimage unlocks, or lightningd's word that the
/// invoice is paid. Of several credentials, any one that unlocks is enough. What is delivered is
/// the version that was sold, in the catalogue or not.
///
/// `HEAD` gives the headers alone, and makes no invoice. Neither does a picture, script or frame in a
/// page of another site, as browsers tell it (`Sec-Fetch-Site`).
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
        (status = 400, response = InvalidRequest),
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
#[expect(
    clippy::too_many_arguments,
    reason = "each is a part of the request or of the store"
)]
pub(crate) async fn get_content(
    State(shelf): State<Shelf>,
    State(purchases): State<Purchases>,
    State(metrics): State<Metrics>,
    visitor: Visitor,
    item: Result<Path<ItemId>, PathRejection>,
    method: Method,
    headers: HeaderMap,
    Presented(credentials): Presented,
) -> Result<Response, Error> {
    let Path(item) = item?;
    match purchases.admit(item.as_str(), credentials).await? {
        Admission::Paid(claim) => {
            let content = sold(&shelf, purchases.refusals(), &item, &claim)?;
            deliver(content, &method, &headers, &metrics).await
        }
        Admission::Unpaid(claim, bolt11) => Err(challenge(&claim, &bolt11)),
        Admission::Nothing => {
            let catalogue = shelf.catalogue();
            let goods = catalogue.find(&item).ok_or(Error::UnknownItem(item))?;
            let offer = Offer::goods(goods);
            Err(ask_to_pay(&purchases, visitor, &offer, &method).await?)
        }
    }
}

/// The version that was sold under a verified claim for this item.
pub(crate) fn sold(
    shelf: &Shelf,
    refusals: &Refusals,
    item: &ItemId,
    claim: &Claim,
) -> Result<Content, Error> {
    let refused = |refusal| refusals.tell(refusal, item.as_str(), claim.payment_hash());
    let version = Claims::version(claim).inspect_err(|_| refused(Refusal::OtherVersion))?;
    let content = shelf.catalogue().sold(item, version);
    if let Err(VersionError::Gone) = content {
        refused(Refusal::Gone);
    }
    Ok(content?)
}

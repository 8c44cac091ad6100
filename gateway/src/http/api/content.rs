//! The goods, for those who paid.

use std::convert::Infallible;

use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use axum::response::{IntoResponse as _, Response};
use shared::api::{ItemId, goods_path};
use shared::claim::Claim;

use crate::app::{App, Shelf};
use crate::goods::catalogue::Content;
use crate::goods::versions::VersionError;
use crate::http::admission::{Asker, PAYMENT_RECEIPT, presented, receipt};
use crate::http::api::responses::{
    Gone, Internal, InvalidClaim, InvalidRequest, NotFound, PaymentRequired, Range,
    TooManyRequests, Unavailable,
};
use crate::http::deliver::deliver;
use crate::http::problem::{Demand, Error};
use crate::metrics::Metrics;
use crate::payments::admission::{Admission, Insufficient};
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
    security((), ("L402" = []), ("Payment" = [])),
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
pub(crate) async fn get_content(
    wares: Wares,
    asker: Asker,
    item: Result<Path<ItemId>, PathRejection>,
) -> Result<Response, Error> {
    let Path(item) = item?;
    wares.answer(&asker, &item, Insufficient::IsRefused).await
}

/// The goods at the address that is offered to programs: as at `/api/v1/items/{item}/content`, but a
/// claim of this store's that does not open them, because it is for another item or its time is over,
/// is answered by what to pay.
#[utoipa::path(
    get,
    path = "/goods/{item}",
    tag = "purchase",
    params(
        ("item" = ItemId, Path, example = "cat"),
        ("Range" = Option<String>, Header, description = "One range of bytes; several are answered \
            with all.", example = "bytes=0-99"),
        ("If-Range" = Option<String>, Header, description = "The `ETag` of the version that the range \
            is of."),
    ),
    security((), ("L402" = []), ("Payment" = [])),
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
pub(crate) async fn get_goods(
    wares: Wares,
    asker: Asker,
    item: Result<Path<ItemId>, PathRejection>,
) -> Result<Response, Error> {
    let Path(item) = item?;
    wares.answer(&asker, &item, Insufficient::IsNone).await
}

/// What goods are handed out by.
pub(crate) struct Wares {
    pub(crate) shelf: Shelf,
    pub(crate) purchases: Purchases,
    metrics: Metrics,
}

impl FromRequestParts<App> for Wares {
    type Rejection = Infallible;
    async fn from_request_parts(_: &mut Parts, app: &App) -> Result<Self, Infallible> {
        Ok(Self {
            shelf: app.part(),
            purchases: app.part(),
            metrics: app.part(),
        })
    }
}

impl Wares {
    /// The goods for who paid, what to pay for everybody else.
    pub(crate) async fn answer(
        &self,
        asker: &Asker,
        item: &ItemId,
        insufficient: Insufficient,
    ) -> Result<Response, Error> {
        let Self {
            shelf,
            purchases,
            metrics,
        } = self;
        let presented = presented(&asker.headers);
        let admitted = purchases.admit(item.as_str(), presented, insufficient);
        let demanded = match admitted.await? {
            Admission::Paid(paid) => {
                let receipt = receipt(&paid).map(|receipt| [(PAYMENT_RECEIPT, receipt)]);
                let content = sold(shelf, purchases.refusals(), item, &paid.claim)?;
                let delivered = deliver(content, &asker.method, &asker.headers, metrics);
                return Ok((receipt, delivered.await?).into_response());
            }
            Admission::Unpaid(claim, bolt11) => asker.challenge(purchases, &claim, &bolt11),
            Admission::Nothing(why) => {
                let catalogue = shelf.catalogue();
                let unknown = || Error::UnknownItem(item.clone());
                let offer = Offer::goods(catalogue.find(item).ok_or_else(unknown)?);
                asker.ask_to_pay(purchases, &offer, why).await?
            }
        };
        let goods = [&asker.place.base, &*goods_path(item)].concat();
        Err(Error::PaymentRequired(Demand {
            goods: Some(goods),
            ..demanded
        }))
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

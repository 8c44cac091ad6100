//! The goods, for those who paid; for the others, what to pay (L402).

use axum::body::Bytes;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG};
use axum::http::{HeaderMap, HeaderValue, Method};
use axum::response::{IntoResponse, Response};
use shared::api::{ItemId, Status};
use shared::claim::Claim;

use super::AppState;
use super::invoices::{create_or_find, presented, random_purchase_id};
use crate::App;
use crate::catalogue::Goods;
use crate::claim::{ClaimRejection, Credential};
use crate::clock::unix_now;
use crate::error::Error;

/// `GET /api/v1/items/{item}/content`
///
/// The claim is always needed. Beside it, the preimage unlocks, or lightningd's word that the
/// invoice is paid. Of several credentials, any one that unlocks is enough.
pub(super) async fn get_content(
    State(app): AppState,
    item: Result<Path<ItemId>, PathRejection>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let Path(item) = item?;
    let goods = app.catalogue.find(&item).ok_or(Error::UnknownItem(item))?;
    let mut why_not = None;
    for credential in presented(&headers) {
        match unlock(&app, goods, credential).await {
            Ok(()) => return Ok(deliver(goods)),
            Err(error) => why_not = Some(error),
        }
    }
    match why_not {
        Some(error) => Err(error),
        // A question without a credential is answered with an invoice, but only where the client
        // can want one.
        None if method == Method::GET => Err(offer(&app, goods).await?),
        None => Err(Error::PaymentRequired { challenge: None }),
    }
}

async fn unlock(
    app: &App,
    goods: &Goods,
    credential: Result<Credential, ClaimRejection>,
) -> Result<(), Error> {
    let credential = credential?;
    if app.claims.verify(&credential.claim, unix_now())? != *goods.id() {
        return Err(ClaimRejection::Item.into());
    }
    if credential.proves_payment()? {
        return Ok(());
    }
    let payment_hash = credential.payment_hash();
    match app.payments.standing(payment_hash).await?.status {
        Status::Paid => Ok(()),
        Status::Expired => Err(offer(app, goods).await?),
        Status::Unpaid => {
            let found = app.payments.lightningd().find_by_payment_hash(payment_hash);
            let bolt11 = found.await?.and_then(|invoice| invoice.bolt11);
            let bolt11 = bolt11.ok_or(Error::UnknownInvoice)?;
            Err(challenge(&credential.claim, &bolt11))
        }
    }
}

/// Offers a new invoice. Nobody names this purchase again, so its id is random.
async fn offer(app: &App, goods: &Goods) -> Result<Error, Error> {
    let (_, created) = create_or_find(app, goods, random_purchase_id()?).await?;
    Ok(challenge(&created.claim, &created.invoice.bolt11))
}

/// The parameters stand in the order that every published client can read.
fn challenge(claim: &Claim, bolt11: &str) -> Error {
    let claim = claim.to_base64();
    let value = format!(
        "L402 macaroon=\"{claim}\", invoice=\"{bolt11}\", version=\"0\", token=\"{claim}\""
    );
    let mut value = HeaderValue::try_from(value).expect("base64 and BOLT11 are plain ASCII");
    value.set_sensitive(true);
    Error::PaymentRequired {
        challenge: Some(value),
    }
}

/// The answer with the goods in it.
pub(super) fn deliver(goods: &Goods) -> Response {
    let headers = [
        (CONTENT_TYPE, goods.item.content_type.clone()),
        (ETAG, format!("\"{}\"", goods.item.sha256)),
        (CACHE_CONTROL, "private, no-store".to_owned()),
    ];
    (headers, Bytes::from_static(goods.content)).into_response()
}

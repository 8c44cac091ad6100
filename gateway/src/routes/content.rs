//! The goods, for those who paid; for the others, what to pay (L402).

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, Method};
use axum::response::Response;
use shared::api::{ItemId, Status};
use shared::claim::Claim;

use super::AppState;
use super::delivery::deliver;
use super::invoices::{Presented, create_or_find, random_purchase_id};
use crate::App;
use crate::catalogue::{Content, Goods};
use crate::claim::{ClaimRejection, Claims, Credential};
use crate::clock::unix_now;
use crate::error::Error;

/// `GET /api/v1/items/{item}/content`
///
/// The claim is always needed. Beside it, the preimage unlocks, or lightningd's word that the
/// invoice is paid. Of several credentials, any one that unlocks is enough. What is delivered is
/// the version that was sold, in the catalogue or not.
pub(super) async fn get_content(
    State(app): AppState,
    item: Result<Path<ItemId>, PathRejection>,
    method: Method,
    headers: HeaderMap,
    Presented(credentials): Presented,
) -> Result<Response, Error> {
    let Path(item) = item?;
    match admit(&app, &item, credentials).await? {
        Admission::Paid(claim) => deliver(sold(&app, &item, &claim)?, &method, &headers).await,
        Admission::Unpaid(challenge) => Err(challenge),
        Admission::Nothing => {
            let catalogue = app.catalogue();
            let goods = catalogue.find(&item).ok_or(Error::UnknownItem(item))?;
            // Who asks for nothing but the headers cannot want an invoice.
            if method == Method::GET {
                Err(offer(&app, goods).await?)
            } else {
                Err(Error::PaymentRequired { challenge: None })
            }
        }
    }
}

/// The version that was sold under a verified claim for this item.
pub(super) fn sold(app: &App, item: &ItemId, claim: &Claim) -> Result<Content, Error> {
    let sold = app.catalogue().sold(item, Claims::version(claim)?);
    sold.map_err(|error| Error::Internal(format!("cannot look for a kept version: {error}")))?
        .ok_or(Error::Gone)
}

/// What the credentials of a request are worth together.
enum Admission {
    /// One of them unlocks: this.
    Paid(Claim),
    /// One of them has an invoice that can still be paid: the challenge says it again.
    Unpaid(Error),
    /// There are none, or their invoices expired.
    Nothing,
}

/// What can be decided without lightningd is decided first, over all credentials.
async fn admit(
    app: &App,
    item: &ItemId,
    credentials: Vec<Result<Credential, ClaimRejection>>,
) -> Result<Admission, Error> {
    let mut verified = Vec::new();
    let mut rejection = None;
    for credential in credentials {
        match credential.and_then(|credential| verify(app, item, credential)) {
            Ok((credential, true)) => return Ok(Admission::Paid(credential.claim)),
            Ok((credential, false)) => verified.push(credential),
            Err(why) => rejection = Some(why),
        }
    }
    if let (true, Some(why)) = (verified.is_empty(), rejection) {
        return Err(why.into());
    }

    let mut answer = Ok(Admission::Nothing);
    for credential in verified {
        match ask(app, &credential).await {
            Ok(Admission::Nothing) => {}
            Ok(Admission::Paid(claim)) => return Ok(Admission::Paid(claim)),
            // An invoice to pay says more than that another one cannot be asked about.
            Ok(unpaid) => answer = Ok(unpaid),
            Err(error) if matches!(answer, Ok(Admission::Unpaid(_))) => drop(error),
            Err(error) => answer = Err(error),
        }
    }
    answer
}

/// The credential, where it is this store's for this item, and whether it proves the payment.
fn verify(
    app: &App,
    item: &ItemId,
    credential: Credential,
) -> Result<(Credential, bool), ClaimRejection> {
    if app.claims.verify(&credential.claim, unix_now())? != *item {
        return Err(ClaimRejection::Item);
    }
    let is_proof = credential.proves_payment()?;
    Ok((credential, is_proof))
}

/// lightningd's word on a verified credential.
async fn ask(app: &App, credential: &Credential) -> Result<Admission, Error> {
    let payment_hash = credential.payment_hash();
    match app.payments.standing(payment_hash).await?.status {
        Status::Paid => Ok(Admission::Paid(credential.claim.clone())),
        Status::Expired => Ok(Admission::Nothing),
        Status::Unpaid => {
            let found = app.payments.lightningd().find_by_payment_hash(payment_hash);
            let bolt11 = found.await?.and_then(|invoice| invoice.bolt11);
            let bolt11 = bolt11.ok_or(Error::UnknownInvoice)?;
            Ok(Admission::Unpaid(challenge(&credential.claim, &bolt11)))
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

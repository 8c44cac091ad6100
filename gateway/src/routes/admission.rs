//! Who gets in: what the credentials of a request are worth, and what everybody else has to pay
//! (L402).

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method};
use shared::api::Status;
use shared::claim::Claim;

use super::invoices::{Offer, create_or_find, random_purchase_id};
use crate::App;
use crate::claim::{ClaimRejection, Credential};
use crate::client::Client;
use crate::clock::unix_now;
use crate::error::Error;

/// The credentials of our scheme in the request's headers, none of them verified.
pub(super) struct Presented(pub(super) Vec<Result<Credential, ClaimRejection>>);

impl Presented {
    /// Reads every `Authorization` header.
    pub(super) fn read(headers: &HeaderMap) -> Self {
        let values = headers.get_all(AUTHORIZATION).iter();
        Self(Credential::read(values.map(HeaderValue::as_bytes)))
    }
}

impl<S: Sync> FromRequestParts<S> for Presented {
    type Rejection = Infallible;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::read(&parts.headers))
    }
}

/// What the credentials of a request are worth together.
pub(super) enum Admission {
    /// One of them unlocks: this.
    Paid(Claim),
    /// One of them has an invoice that can still be paid: the challenge says it again.
    Unpaid(Error),
    /// There are none, or their invoices expired.
    Nothing,
}

/// Looks for a credential that unlocks `item`. What can be decided without lightningd is decided
/// first, over all credentials.
pub(super) async fn admit(
    app: &App,
    item: &str,
    Presented(credentials): Presented,
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

/// What to pay: a new invoice. Nobody names this purchase again, so its id is random.
///
/// Who asks for nothing but the headers cannot want an invoice, and gets none.
pub(super) async fn ask_to_pay(
    app: &App,
    client: Client,
    offer: Offer<'_>,
    method: &Method,
) -> Result<Error, Error> {
    if matches!(method, &Method::HEAD | &Method::OPTIONS | &Method::TRACE) {
        return Ok(Error::PaymentRequired { challenge: None });
    }
    let (_, created) = create_or_find(app, client, offer, random_purchase_id()?).await?;
    Ok(challenge(&created.claim, &created.invoice.bolt11))
}

/// The credential, where it is this store's for this item, and whether it proves the payment.
fn verify(
    app: &App,
    item: &str,
    credential: Credential,
) -> Result<(Credential, bool), ClaimRejection> {
    if app.claims.verify(&credential.claim, unix_now())? != item {
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

/// The parameters stand in the order that every published client can read.
pub(super) fn challenge(claim: &Claim, bolt11: &str) -> Error {
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

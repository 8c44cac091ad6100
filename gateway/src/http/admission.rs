//! Credentials as requests carry them, and the challenge for whoever has none (L402).

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method};
use shared::api::PurchaseId;
use shared::claim::Claim;

use crate::http::problem::Error;
use crate::http::visitor::Visitor;
use crate::payments::claims::{ClaimRejection, Credential};
use crate::payments::purchases::{Offer, Purchases};

/// The credentials of our scheme in the request's headers, none of them verified.
pub(crate) struct Presented(pub(crate) Vec<Result<Credential, ClaimRejection>>);

impl Presented {
    /// Reads every `Authorization` header.
    pub(crate) fn read(headers: &HeaderMap) -> Self {
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

/// What to pay: a new invoice. Nobody names this purchase again, so its id is random.
///
/// A request for nothing but the headers cannot want an invoice, and gets none. Neither does what a
/// page of another site loads without being able to read it: no visitor of that page asked for it,
/// and the invoice would be in their share.
pub(crate) async fn ask_to_pay(
    purchases: &Purchases,
    visitor: Visitor,
    offer: &Offer<'_>,
    method: &Method,
) -> Result<Error, Error> {
    let wants_headers = matches!(method, &Method::HEAD | &Method::OPTIONS | &Method::TRACE);
    if wants_headers || visitor.is_embedded {
        return Ok(Error::PaymentRequired { challenge: None });
    }
    let purchase_id = random_purchase_id()?;
    let created = purchases.create_or_find(visitor.key(), offer, purchase_id);
    let (_, created) = created.await?;
    Ok(challenge(&created.claim, &created.invoice.bolt11))
}

/// Names a purchase whose buyer did not.
pub(crate) fn random_purchase_id() -> Result<PurchaseId, Error> {
    let mut purchase_id = PurchaseId([0; 16]);
    getrandom::fill(&mut purchase_id.0)
        .map_err(|error| Error::Internal(format!("no random numbers: {error}")))?;
    Ok(purchase_id)
}

/// The parameters stand in the order that every published client can read.
pub(crate) fn challenge(claim: &Claim, bolt11: &str) -> Error {
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

//! Credentials as requests carry them, and the challenge for whoever has none: L402, and beside it the
//! scheme `Payment`.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::{FromRef, FromRequestParts};
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap, HeaderName, HeaderValue, Method, Uri};
use shared::api::{MANIFEST_PATH, PurchaseId};
use shared::claim::Claim;
use shared::content::Description;
use shared::invoice::Invoice;
use shared::mpp::{self, Receipt};

use crate::clock::unix_now;
use crate::http::place::{Place, original};
use crate::http::problem::{Demand, Error};
use crate::http::visitor::Visitor;
use crate::options::{LimitsOptions, StoreOptions};
use crate::payments::admission::{Paid, Presented};
use crate::payments::charges;
use crate::payments::claims::ClaimRejection;
use crate::payments::purchases::{Offer, Purchases};

/// The credentials in a request's headers, none of them verified.
pub(crate) fn presented(headers: &HeaderMap) -> Presented {
    let values = headers.get_all(AUTHORIZATION).iter();
    let values: Vec<_> = values.map(HeaderValue::as_bytes).collect();
    Presented::read(&values)
}

impl<S: Sync> FromRequestParts<S> for Presented {
    type Rejection = Infallible;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(presented(&parts.headers))
    }
}

/// Who asks for what is sold, and how.
pub(crate) struct Asker {
    pub(crate) visitor: Visitor,
    pub(crate) method: Method,
    pub(crate) headers: HeaderMap,
    /// Where they found it.
    pub(crate) place: Place,
}

impl Asker {
    /// Who sends a request.
    pub(crate) fn of(
        (method, uri, headers, extensions): (&Method, &Uri, &HeaderMap, &Extensions),
        store: &StoreOptions,
        limits: &LimitsOptions,
    ) -> Self {
        let visitor = Visitor::of(extensions, headers, limits);
        let place = Place::of(
            store,
            visitor,
            headers,
            original(extensions, uri),
            uri.path(),
        );
        Self {
            visitor,
            method: method.clone(),
            headers: headers.clone(),
            place,
        }
    }

    /// What to pay: a new invoice. Nobody names this purchase again, so its id is random. `why` is what
    /// is wrong with the credential that was sent, if there was one.
    ///
    /// A request for nothing but the headers cannot want an invoice, and gets none. Neither does what a
    /// page of another site loads without being able to read it: no visitor of that page asked for it,
    /// and the invoice would be in their share.
    pub(crate) async fn ask_to_pay(
        &self,
        purchases: &Purchases,
        offer: &Offer<'_>,
        why: Option<ClaimRejection>,
    ) -> Result<Demand, Error> {
        let wants_headers = matches!(self.method, Method::HEAD | Method::OPTIONS | Method::TRACE);
        let mut demand = Demand {
            why,
            ..Demand::default()
        };
        if !wants_headers && !self.visitor.is_embedded {
            let purchase_id = random_purchase_id()?;
            let created = purchases.create_or_find(self.visitor.key(), offer, purchase_id);
            let (_, created) = created.await?;
            demand = Demand {
                why: demand.why,
                ..self.challenge(purchases, &created.claim, &created.invoice.bolt11)
            };
        }
        Ok(demand)
    }

    /// What to pay, where there is an invoice already: the challenges of both schemes for it. L402's comes
    /// first: some clients join the lines and look at the beginning only.
    pub(crate) fn challenge(&self, purchases: &Purchases, claim: &Claim, bolt11: &str) -> Demand {
        let mut challenges = vec![l402(claim, bolt11)];
        // Where the node's invoice cannot be read, wallets will say so.
        let invoice = Invoice::decode(bolt11).ok();
        let charge = invoice.as_ref().and_then(|invoice| {
            let claims = purchases.claims();
            claims.charge(&self.place.realm(), claim, invoice)
        });
        let charge = charge.and_then(|charge| HeaderValue::try_from(charge.to_header()).ok());
        challenges.extend(charge);
        for challenge in &mut challenges {
            challenge.set_sensitive(true);
        }
        let description = invoice.and_then(|invoice| invoice.description);
        let is_sealed = |text: String| Description::read(&text).manifest.is_some();
        Demand {
            challenges,
            manifest: description
                .is_some_and(is_sealed)
                .then(|| [&self.place.base, MANIFEST_PATH].concat()),
            ..Demand::default()
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Asker
where
    Arc<LimitsOptions>: FromRef<S>,
    Arc<StoreOptions>: FromRef<S>,
{
    type Rejection = Infallible;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        let request = (&parts.method, &parts.uri, &parts.headers, &parts.extensions);
        let store = Arc::<StoreOptions>::from_ref(state);
        let limits = Arc::<LimitsOptions>::from_ref(state);
        Ok(Self::of(request, &store, &limits))
    }
}

/// Names a purchase whose buyer did not.
pub(crate) fn random_purchase_id() -> Result<PurchaseId, Error> {
    random().map(PurchaseId)
}

/// Bytes that nobody can guess.
pub(crate) fn random<const BYTES: usize>() -> Result<[u8; BYTES], Error> {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes)
        .map_err(|error| Error::Internal(format!("no random numbers: {error}")))?;
    Ok(bytes)
}

/// The parameters stand in the order that every published client can read.
fn l402(claim: &Claim, bolt11: &str) -> HeaderValue {
    let claim = claim.to_base64();
    let value = format!(
        "L402 macaroon=\"{claim}\", invoice=\"{bolt11}\", version=\"0\", token=\"{claim}\""
    );
    HeaderValue::try_from(value).expect("base64 and BOLT11 are plain ASCII")
}

/// Goes with what was bought by the scheme `Payment`.
pub(crate) const PAYMENT_RECEIPT: HeaderName = HeaderName::from_static("payment-receipt");

/// The receipt of a credential of the scheme `Payment`; one of L402 has none.
pub(crate) fn receipt(paid: &Paid) -> Option<HeaderValue> {
    let receipt = Receipt {
        status: "success".to_owned(),
        method: mpp::METHOD.to_owned(),
        timestamp: charges::time(unix_now()),
        reference: paid.claim.payment_hash().to_string(),
        challenge_id: Some(paid.challenge_id.clone()?),
    };
    Some(HeaderValue::try_from(receipt.to_header()).expect("base64 is plain ASCII"))
}

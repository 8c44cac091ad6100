//! Whether a receipt or a claim is good, for the owner's own servers.

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use shared::verdict::{Evidence, VERIFY_PATH, Verdict};

use crate::app::Shelf;
use crate::goods::versions::VersionError;
use crate::http::api::responses::{
    Internal, InvalidKey, InvalidRequest, TooLarge, TooManyRequests, Unavailable,
};
use crate::http::owner::Owner;
use crate::http::problem::Error;
use crate::payments::evidence::{EvidenceError, Sold};
use crate::payments::purchases::Purchases;

/// Whether a receipt or a claim that somebody shows to a server of the owner's is good: this store's,
/// paid for, and not run out.
///
/// The key is in the file that the setting `verify_key_file` names; without the setting, none is valid.
#[utoipa::path(
    post,
    path = VERIFY_PATH,
    tag = "operation",
    request_body = Evidence,
    security(("Key" = [])),
    responses(
        (status = 200, body = Verdict, description = "It is good, or why it is not."),
        (status = 400, response = InvalidRequest),
        (status = 401, response = InvalidKey),
        (status = 413, response = TooLarge),
        (status = 429, response = TooManyRequests),
        (status = 500, response = Internal),
        (status = 503, response = Unavailable),
    ),
)]
pub(crate) async fn verify(
    _: Owner,
    State(shelf): State<Shelf>,
    State(purchases): State<Purchases>,
    body: Result<Json<Evidence>, JsonRejection>,
) -> Result<Json<Verdict>, Error> {
    let Json(evidence) = body.map_err(|rejection| match rejection {
        // Neither a claim nor a preimage is repeated.
        JsonRejection::JsonDataError(_) | JsonRejection::JsonSyntaxError(_) => {
            Error::InvalidRequest(
                "the body has to be JSON: {\"claim\": \"…\"} or {\"receipt\": {…}}".into(),
            )
        }
        other => other.into(),
    })?;
    let found = match evidence {
        Evidence::Claim(claim) => purchases.check_claim(&claim).await,
        Evidence::Receipt(receipt) => {
            let content = shelf.catalogue().sold(&receipt.item, Some(receipt.sha256));
            let is_sold = match content {
                Ok(_) | Err(VersionError::Damaged) => true,
                Err(VersionError::Gone) => false,
                Err(error) => return Err(error.into()),
            };
            purchases.check_receipt(&receipt, is_sold).await
        }
    };
    match found {
        Ok(sold) => Ok(Json(good(sold))),
        Err(EvidenceError::NotGood(why)) => Ok(Json(Verdict {
            reason: Some(why.reason().to_owned()),
            detail: Some(why.to_string()),
            ..Verdict::default()
        })),
        Err(EvidenceError::Node(error)) => Err(error.into()),
        Err(EvidenceError::Invoice(error)) => Err(error.into()),
    }
}

fn good(sold: Sold) -> Verdict {
    Verdict {
        good: true,
        item: Some(sold.item),
        payment_hash: Some(sold.payment_hash),
        amount_msat: sold.amount_msat,
        paid_at: sold.paid_at,
        valid_until: sold.valid_until,
        ..Verdict::default()
    }
}

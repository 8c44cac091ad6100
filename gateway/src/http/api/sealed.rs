//! Sealed goods: the manifest of an invoice, and the ciphertexts.

use axum::Json;
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, Method};
use axum::response::Response;
use shared::api::MANIFEST_PATH;
use shared::digest::Digest;
use shared::sealed::SealedSale;

use crate::app::Shelf;
use crate::clock::unix_now;
use crate::goods::sealed::stream;
use crate::http::api::responses::{
    Gone, Internal, InvalidClaim, NotFound, Range, TooManyRequests, Unavailable,
};
use crate::http::part::{PIECE, Part, counted};
use crate::http::problem::Error;
use crate::http::requests::CROSS_ORIGIN_RESOURCE_POLICY;
use crate::metrics::Metrics;
use crate::payments::admission::Presented;
use crate::payments::purchases::Purchases;

/// The manifest of the claim's invoice, paid or not, and where the ciphertext lies.
///
/// The field `manifest` stands in the one form whose SHA-256 is in the invoice's description.
#[utoipa::path(
    get,
    path = MANIFEST_PATH,
    tag = "purchase",
    security(("L402" = [])),
    responses(
        (status = 200, body = SealedSale, description = "What the invoice sold sealed."),
        (status = 401, response = InvalidClaim),
        (status = 404, response = NotFound),
        (status = 429, response = TooManyRequests),
        (status = 500, response = Internal),
        (status = 503, response = Unavailable),
    ),
)]
pub(crate) async fn get_sale(
    State(purchases): State<Purchases>,
    presented: Presented,
) -> Result<Json<SealedSale>, Error> {
    let claim = purchases.issued(presented.claims)?.claim;
    let item = purchases.claims().verify(&claim, unix_now())?;
    let sale = purchases.sealed_sale(item, &claim).await?;
    sale.map(Json).ok_or(Error::NotSealed)
}

/// The ciphertext of sealed goods, for anyone: what it says is in the hands of those who paid.
///
/// Its name is the Merkle root of its chunks (`docs/sealed.md`), so it never changes.
#[utoipa::path(
    get,
    path = "/api/v1/sealed/{ct}",
    tag = "store",
    params(
        ("ct" = Digest, Path, description = "The Merkle root of its chunks."),
        ("Range" = Option<String>, Header, description = "One range of bytes; several are answered \
            with all.", example = "bytes=0-99"),
        ("If-Range" = Option<String>, Header, description = "The `ETag` of the file that the range is of."),
    ),
    responses(
        (status = 200, description = "The file.", body = [u8], content_type = "application/octet-stream",
            headers(("ETag" = String, description = "Its name in quotes."))),
        (status = 206, description = "The part of it that `Range` names.", body = [u8],
            content_type = "application/octet-stream", headers(("Content-Range" = String))),
        (status = 404, response = NotFound),
        (status = 410, response = Gone),
        (status = 416, response = Range),
        (status = 500, response = Internal),
    ),
)]
pub(crate) async fn get_ciphertext(
    State(shelf): State<Shelf>,
    State(metrics): State<Metrics>,
    ct: Result<Path<Digest>, PathRejection>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let Path(ct) = ct?;
    let catalogue = shelf.catalogue();
    let seals = catalogue.seals();
    let seal = seals.find(ct).ok_or(Error::NotFound)?;
    let part = Part::asked(&method, &headers, ct, seal.layout().file_len())?;
    let body = if method == Method::GET {
        let file = stream::open(&seal, seals.versions()).await?;
        let (reader, writer) = tokio::io::duplex(PIECE);
        let bytes = part.start..part.start + part.length;
        // It ends with its reader.
        tokio::spawn(stream::copy(seal, file, bytes, writer));
        counted(reader, metrics)
    } else {
        Body::empty()
    };
    let headers = [
        (CONTENT_TYPE, "application/octet-stream".to_owned()),
        (
            CACHE_CONTROL,
            "public, max-age=31536000, immutable".to_owned(),
        ),
        (CROSS_ORIGIN_RESOURCE_POLICY, "cross-origin".to_owned()),
    ];
    Ok(part.answer(headers, body))
}

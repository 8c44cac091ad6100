//! The API described for programs: OpenAPI 3.1, put together from what stands at each handler.

use axum::Json;
use axum::extract::{Extension, OriginalUri};
use shared::api::Status;
use shared::problem::Problem;
use std::sync::Arc;
use utoipa::Modify;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, SecurityScheme};
use utoipa::openapi::{OpenApi, Server};

use crate::http::api::responses::{
    Gone, Internal, InvalidClaim, InvalidRequest, NotFound, PaymentRequired, Range, TooLarge,
    TooManyRequests, Unavailable, UnknownInvoice,
};

/// Everything but the addresses, which come with the routes.
#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Purrwall",
        description = "Sells goods for Lightning payments. Amounts are integers in millisatoshi, \
            times UNIX seconds. Problems are RFC 9457 documents with a stable `code`; what is said of \
            each address leaves out `not-found`, for an address that does not exist, \
            `method-not-allowed` (405), for a method that one does not have, and \
            `request-timeout` (408), for a request that did not arrive whole in time.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
    ),
    tags(
        (name = "store", description = "What is for sale"),
        (name = "purchase", description = "Invoice, payment, goods"),
        (name = "operation", description = "For whoever runs the store"),
    ),
    components(schemas(Problem, Status), responses(
        InvalidRequest, InvalidClaim, PaymentRequired, NotFound, UnknownInvoice, Gone, TooLarge,
        Range, TooManyRequests, Internal, Unavailable,
    )),
    modifiers(&Security),
)]
pub(crate) struct Document;

/// Where it is, below the path that the router is nested at.
pub(crate) const PATH: &str = "/api/openapi.json";

/// This document.
#[utoipa::path(
    get,
    path = PATH,
    tag = "store",
    responses((status = 200, description = "OpenAPI 3.1.", body = Object)),
)]
pub(crate) async fn get_document(
    Extension(document): Extension<Arc<OpenApi>>,
    OriginalUri(uri): OriginalUri,
) -> Json<OpenApi> {
    let mut document = OpenApi::clone(&document);
    // Its addresses begin where the router is nested.
    let base = uri.path().strip_suffix(PATH).unwrap_or_default();
    let base = if base.is_empty() { "/" } else { base };
    document.servers = Some(vec![Server::new(base)]);
    Json(document)
}

/// The scheme L402. OpenAPI has no name for it, so it is described by its header.
struct Security;

impl Modify for Security {
    fn modify(&self, document: &mut OpenApi) {
        let header = ApiKeyValue::with_description(
            "Authorization",
            "`L402 <claim>`, or `L402 <claim>:<preimage>` where the payment is to be proven without \
             asking the store's node. A claim comes with an invoice: in the answer to `POST \
             …/invoices`, or in the challenge of a 402. See \
             <https://github.com/lightninglabs/L402>.",
        );
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("L402", SecurityScheme::ApiKey(ApiKey::Header(header)));
    }
}

//! The API described for programs: OpenAPI 3.1, put together from what stands at each handler.

use axum::Json;
use axum::extract::{Extension, OriginalUri, State};
use axum::http::HeaderMap;
use shared::api::Status;
use shared::problem::Problem;
use std::sync::Arc;
use utoipa::Modify;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{OpenApi, Server};

use crate::app::Shelf;
use crate::http::api::listing::{Access, OPENAPI, OPENAPI_ROOT};
use crate::http::api::offers;
use crate::http::api::responses::{
    Gone, Internal, InvalidClaim, InvalidKey, InvalidRequest, NotFound, PaymentRequired, Range,
    TooLarge, TooManyRequests, Unavailable, UnknownInvoice,
};
use crate::http::place::Place;
use crate::http::visitor::Visitor;
use crate::options::{RouteOptions, StoreOptions};

/// Everything but the addresses, which come with the routes.
#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Purrwall",
        description = "Sells goods for Lightning payments. Amounts are integers in millisatoshi, \
            times UNIX seconds. Problems are RFC 9457 documents with a stable `code`; what is said of \
            each address leaves out `not-found`, for an address that does not exist, \
            `method-not-allowed` (405), for a method that one does not have, and \
            `request-timeout` (408), for a request that did not arrive whole in time. Services that the \
            owner sells answer at their own paths, with `upstream-unavailable` (502) \
            where a service is away and `loop-detected` (508) where it is the store itself.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
    ),
    tags(
        (name = "store", description = "What is for sale"),
        (name = "purchase", description = "Invoice, payment, goods"),
        (name = "codes", description = "Codes on paper, for wallets"),
        (name = "service", description = "Services behind a price"),
        (name = "operation", description = "For whoever runs the store"),
    ),
    components(schemas(Problem, Status), responses(
        InvalidRequest, InvalidClaim, InvalidKey, PaymentRequired, NotFound, UnknownInvoice, Gone, TooLarge,
        Range, TooManyRequests, Internal, Unavailable,
    )),
    // Nothing is needed but where an operation says so.
    security(()),
    modifiers(&Security),
)]
pub(crate) struct Document;

/// This document. It is at `/openapi.json` as well.
///
/// Each item and each service has an operation of its own in it, with `x-payment-info`: what has to be paid, and how.
#[utoipa::path(
    get,
    path = OPENAPI,
    tag = "store",
    responses((status = 200, description = "OpenAPI 3.1.", body = Object)),
)]
pub(crate) async fn get_document(
    Extension(document): Extension<Arc<OpenApi>>,
    State(store): State<Arc<StoreOptions>>,
    State(shelf): State<Shelf>,
    State(routes): State<Arc<[RouteOptions]>>,
    visitor: Visitor,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Json<OpenApi> {
    let mut document = OpenApi::clone(&document);
    let here = if uri.path().ends_with(OPENAPI) {
        OPENAPI
    } else {
        OPENAPI_ROOT
    };
    // Its addresses begin where the router is nested.
    let base = uri.path().strip_suffix(here).unwrap_or_default();
    let base = if base.is_empty() { "/" } else { base };
    document.servers = Some(vec![Server::new(base)]);
    let place = Place::of(&store, visitor, &headers, &uri, here);
    let catalogue = shelf.catalogue();
    let accesses = Access::all(&routes, catalogue.rates());
    offers::add(&mut document, &catalogue.items(), &accesses, &place);
    Json(document)
}

/// The schemes of payment. OpenAPI has no name for them, so they are described by their header.
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
        let header = ApiKeyValue::with_description(
            "Authorization",
            "`Payment <base64url>`: the challenge of that scheme in a 402 and the preimage of its \
             invoice, which is L402's. A success has a `Payment-Receipt`.",
        );
        components.add_security_scheme("Payment", SecurityScheme::ApiKey(ApiKey::Header(header)));
        let bearer = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some(
                "The key of the owner's servers: what is in the file that `verify_key_file` names.",
            ))
            .build();
        components.add_security_scheme("Key", SecurityScheme::Http(bearer));
    }
}

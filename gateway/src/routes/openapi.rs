//! The API described for programs: OpenAPI 3.1, put together from what stands at each handler.

use std::sync::LazyLock;

use axum::Json;
use axum::extract::OriginalUri;
use shared::api::Status;
use shared::problem::{self, ErrorCode, Problem};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, SecurityScheme};
use utoipa::openapi::{ContentBuilder, OpenApi, Ref, RefOr, Response, ResponseBuilder, Server};
use utoipa::{Modify, OpenApi as _, ToResponse};

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
        (name = "operation", description = "For who runs the store"),
    ),
    components(schemas(Problem, Status), responses(
        InvalidRequest, InvalidClaim, PaymentRequired, NotFound, UnknownInvoice, Gone, TooLarge,
        Range, TooManyRequests, Internal, Unavailable,
    )),
    modifiers(&Security),
)]
struct Document;

static DOCUMENT: LazyLock<OpenApi> = LazyLock::new(|| {
    let routes = [super::api(), super::discovery(), super::operation()];
    routes.into_iter().fold(Document::openapi(), |all, routes| {
        all.merge_from(routes.into_openapi())
    })
});

/// Where it is, below the path that the router is nested at.
pub(super) const PATH: &str = "/api/openapi.json";

/// This document.
#[utoipa::path(
    get,
    path = PATH,
    tag = "store",
    responses((status = 200, description = "OpenAPI 3.1.", body = Object)),
)]
pub(super) async fn get_document(OriginalUri(uri): OriginalUri) -> Json<OpenApi> {
    let mut document = DOCUMENT.clone();
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

macro_rules! problems {
    ($($(#[$doc:meta])* $name:ident: $($code:ident)|+;)*) => {$(
        $(#[$doc])*
        pub(super) struct $name;

        impl<'r> ToResponse<'r> for $name {
            fn response() -> (&'r str, RefOr<Response>) {
                (stringify!($name), problem(&[$(ErrorCode::$code),+]).into())
            }
        }
    )*};
}

problems! {
    /// 400
    InvalidRequest: InvalidRequest;
    /// 401
    InvalidClaim: InvalidClaim;
    /// 402
    PaymentRequired: PaymentRequired;
    /// 404, where an item is named
    NotFound: NotFound | UnknownItem | UnknownInvoice;
    /// 404, where only a claim is
    UnknownInvoice: UnknownInvoice;
    /// 410
    Gone: Gone;
    /// 413
    TooLarge: TooLarge;
    /// 416
    Range: RangeNotSatisfiable;
    /// 429
    TooManyRequests: TooManyRequests;
    /// 500
    Internal: Internal;
    /// 503
    Unavailable: LightningUnavailable | PriceUnavailable | TooManyInvoices;
}

/// An answer with a problem document of one of these kinds.
fn problem(codes: &[ErrorCode]) -> Response {
    let kinds: Vec<_> = codes
        .iter()
        .map(|code| format!("`{}`: {}.", code.name(), code.title()))
        .collect();
    let example = serde_json::to_value(Problem::new(codes[0], "What happened, and what to do."));
    let content = ContentBuilder::new()
        .schema(Some(Ref::from_schema_name("Problem")))
        .example(example.ok())
        .build();
    ResponseBuilder::new()
        .description(kinds.join(" "))
        .content(problem::CONTENT_TYPE, content)
        .build()
}

//! The problems that handlers answer with, as the OpenAPI document describes them.

use shared::problem::{self, ErrorCode, Problem};
use utoipa::ToResponse;
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Response, ResponseBuilder};

macro_rules! problems {
    ($($(#[$doc:meta])* $name:ident: $($code:ident)|+;)*) => {$(
        $(#[$doc])*
        pub(crate) struct $name;

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
    /// 401, where the owner's key is asked for
    InvalidKey: InvalidKey;
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

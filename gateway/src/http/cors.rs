//! What scripts of other sites may do.

use axum::http::header::{
    ACCEPT_RANGES, AUTHORIZATION, CONTENT_DISPOSITION, CONTENT_RANGE, CONTENT_TYPE, DATE, ETAG,
    IF_RANGE, LINK, RANGE, RETRY_AFTER, WWW_AUTHENTICATE,
};
use axum::http::{HeaderName, HeaderValue, Method};
use std::time::Duration;
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::http::admission::PAYMENT_RECEIPT;

/// How long a browser may remember what is allowed.
const MAX_AGE: Duration = Duration::from_hours(24);

/// What another site's script may read of an answer.
const EXPOSED: [HeaderName; 10] = [
    WWW_AUTHENTICATE,
    PAYMENT_RECEIPT,
    DATE,
    ETAG,
    ACCEPT_RANGES,
    CONTENT_RANGE,
    CONTENT_DISPOSITION,
    LINK,
    RETRY_AFTER,
    HeaderName::from_static("x-request-id"),
];

/// Other sites may use the API as ours does, without cookies: a claim is sent by the script that has
/// it, never by the browser on its own. `origins` are those that may; `None` is every site.
pub(crate) fn api(origins: Option<&[HeaderValue]>) -> CorsLayer {
    let allowed = match origins {
        None => AllowOrigin::any(),
        Some(origins) => AllowOrigin::list(origins.iter().cloned()),
    };
    CorsLayer::new()
        .allow_origin(allowed)
        .allow_methods([Method::GET, Method::POST, Method::HEAD])
        .allow_headers([AUTHORIZATION, CONTENT_TYPE, RANGE, IF_RANGE])
        .expose_headers(EXPOSED)
        .max_age(MAX_AGE)
}

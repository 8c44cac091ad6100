//! The owner's own servers, known by their key.

use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue};

use crate::app::App;
use crate::http::problem::Error;
use crate::http::visitor::Visitor;
use crate::payments::limits::TooManyRequests;
use crate::payments::purchases::Purchases;
use crate::verify_key::VerifyKey;

/// Who sent the owner's key. Nothing of a request's body is read for anybody else.
pub(crate) struct Owner;

impl FromRequestParts<App> for Owner {
    type Rejection = Error;
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Error> {
        let key: Option<VerifyKey> = app.part();
        if let (Some(key), Some(sent)) = (key, sent(&parts.headers))
            && key.is(sent)
        {
            return Ok(Self);
        }
        let Ok(visitor) = Visitor::from_request_parts(parts, app).await;
        let purchases: Purchases = app.part();
        let counted = purchases.count_wrong_key(visitor.key());
        counted.map_err(|TooManyRequests { retry_secs }| Error::TooManyKeys { retry_secs })?;
        Err(Error::InvalidKey)
    }
}

/// The key after `Bearer `.
fn sent(headers: &HeaderMap) -> Option<&[u8]> {
    let value = headers.get(AUTHORIZATION).map(HeaderValue::as_bytes)?;
    let (scheme, key) = value.split_at_checked("Bearer ".len())?;
    let key = key.trim_ascii();
    scheme.eq_ignore_ascii_case(b"Bearer ").then_some(key)
}

//! What cannot be done, in a sentence for the owner. The gate makes a page of it, in the owner's language.

use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use crate::words::Said;

/// Why a request was refused.
#[derive(Clone, Debug)]
pub(crate) struct Refused {
    pub(crate) status: StatusCode,
    pub(crate) why: Said,
    /// What a part of the program says of it, in English.
    pub(crate) detail: Option<String>,
    /// When it may be tried again, in seconds.
    pub(crate) retry_secs: Option<u64>,
}

impl Refused {
    pub(crate) fn new(status: StatusCode, why: Said) -> Self {
        Self {
            status,
            why,
            detail: None,
            retry_secs: None,
        }
    }

    /// Adds what a part of the program says of it.
    pub(crate) fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        if let Some(secs) = self.retry_secs {
            let headers = response.headers_mut();
            headers.insert(RETRY_AFTER, HeaderValue::from(secs));
        }
        response.extensions_mut().insert(self);
        response
    }
}

//! Errors on the wire: RFC 9457 problem documents with a stable `code`.
//!
//! The code is for programs and never changes its meaning; title and detail are for people.

use serde::{Deserialize, Serialize};

/// The media type of a problem document.
pub const CONTENT_TYPE: &str = "application/problem+json";

/// An RFC 9457 problem document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Problem {
    /// `urn:purrwall:problem:<code>`: names the kind of problem.
    #[serde(rename = "type")]
    pub type_uri: String,
    /// The kind of problem in words; the same for each problem of a code.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What happened this time, and what to do.
    pub detail: String,
    /// The kind of problem for programs.
    pub code: ErrorCode,
    /// Seconds until the same request may succeed, where the store knows; the header `Retry-After`
    /// says the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u64>,
}

impl Problem {
    /// A problem of the kind `code`, with what happened this time.
    pub fn new(code: ErrorCode, detail: impl Into<String>) -> Self {
        Self {
            type_uri: format!("urn:purrwall:problem:{}", code.name()),
            title: code.title().to_owned(),
            status: code.status(),
            detail: detail.into(),
            code,
            retry_after: None,
        }
    }

    /// Whether the same request may succeed later without anyone changing it.
    pub fn is_transient(&self) -> bool {
        self.status >= 500 || matches!(self.status, 408 | 429)
    }
}

macro_rules! error_codes {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $status:literal, $title:literal;)*) => {
        /// The kinds of problem. A code that an older client does not know reads as `Unknown`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        pub enum ErrorCode {
            $($(#[$doc])* #[serde(rename = $name)] $variant,)*
            /// A code of a newer gateway.
            #[serde(other, rename = "unknown")]
            Unknown,
        }

        impl ErrorCode {
            /// Every code that this version knows.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The code as it stands on the wire.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* Self::Unknown => "unknown" }
            }

            /// The HTTP status that goes with it.
            pub fn status(self) -> u16 {
                match self { $(Self::$variant => $status,)* Self::Unknown => 500 }
            }

            /// The kind of problem in words.
            pub fn title(self) -> &'static str {
                match self { $(Self::$variant => $title,)* Self::Unknown => "Unknown problem" }
            }
        }
    };
}

error_codes! {
    /// The request does not have the form that the API describes.
    InvalidRequest = "invalid-request", 400, "The request is not valid";
    /// The credential is forged, cut, expired, or for another item.
    InvalidClaim = "invalid-claim", 401, "The claim is not valid here";
    /// The key is not the owner's.
    InvalidKey = "invalid-key", 401, "The key is not valid here";
    /// The goods are not paid for yet.
    PaymentRequired = "payment-required", 402, "Payment required";
    /// No such address.
    NotFound = "not-found", 404, "Not found";
    /// The catalogue has no such item.
    UnknownItem = "unknown-item", 404, "The store does not have this item";
    /// lightningd does not know the claim's invoice any more.
    UnknownInvoice = "unknown-invoice", 404, "The node does not know this invoice";
    /// The request did not arrive, or was not done, in time.
    RequestTimeout = "request-timeout", 408, "The request took too long";
    /// The goods were sold, but the store no longer has the version that was.
    Gone = "gone", 410, "The goods are gone";
    /// The address exists, but not for this method.
    MethodNotAllowed = "method-not-allowed", 405, "Method not allowed";
    /// The goods have no such bytes.
    RangeNotSatisfiable = "range-not-satisfiable", 416, "The range is not satisfiable";
    /// The body is larger than the API takes.
    TooLarge = "too-large", 413, "The request is too large";
    /// The client has asked for as many invoices as it may for now.
    TooManyRequests = "too-many-requests", 429, "Too many requests";
    /// A mistake of the gateway's; its log says more.
    Internal = "internal", 500, "The store made a mistake";
    /// The service that is sold behind a route does not answer.
    UpstreamUnavailable = "upstream-unavailable", 502, "The service is not answering";
    /// The service that is sold behind a route is this store itself.
    LoopDetected = "loop-detected", 508, "The request went in a circle";
    /// The price follows a rate, and the store knows no rate that is fresh enough.
    PriceUnavailable = "price-unavailable", 503, "The store has no current price";
    /// The store has as many unpaid invoices as it may have.
    TooManyInvoices = "too-many-invoices", 503, "The store has too many unpaid invoices";
    /// lightningd is not answering.
    LightningUnavailable = "lightning-unavailable", 503, "The store's Lightning node is not answering";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_reads_as_rfc_9457_wants() {
        let problem = Problem::new(ErrorCode::UnknownItem, "there is no item \"dog\"");
        let expected = serde_json::json!({
            "type": "urn:purrwall:problem:unknown-item",
            "title": "The store does not have this item",
            "status": 404,
            "detail": "there is no item \"dog\"",
            "code": "unknown-item",
        });
        assert_eq!(serde_json::to_value(&problem).unwrap(), expected);
        assert_eq!(
            serde_json::from_value::<Problem>(expected).unwrap(),
            problem
        );
    }

    #[test]
    fn an_unknown_code_is_survived() {
        let code: ErrorCode = serde_json::from_str("\"from-the-future\"").unwrap();
        assert_eq!(code, ErrorCode::Unknown);
    }

    #[test]
    fn every_code_is_written_as_its_name() {
        for &code in ErrorCode::ALL {
            assert_eq!(serde_json::to_value(code).unwrap(), code.name());
        }
    }
}

//! The part of a file that a request asks for, and its answer.

use std::fmt;

use axum::body::Body;
use axum::http::header::{
    ACCEPT_RANGES, CONTENT_LENGTH, CONTENT_RANGE, ETAG, HeaderName, IF_RANGE, RANGE,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use tokio::io::AsyncRead;
use tokio_util::io::{InspectReader, ReaderStream};

use crate::goods::delivery::{NotSatisfiable, wanted};
use crate::metrics::Metrics;

/// A piece in memory, however large the file is.
pub(crate) const PIECE: usize = 64 * 1024;

/// All of a file, or one range of its bytes.
pub(crate) struct Part {
    /// Where it begins.
    pub(crate) start: u64,
    /// How many bytes it has.
    pub(crate) length: u64,
    /// Of the whole file.
    size: u64,
    etag: String,
    is_range: bool,
}

impl Part {
    /// What a request wants of a file of this size, whose bytes have this `hash`. Only `GET` takes ranges.
    pub(crate) fn asked(
        method: &Method,
        headers: &HeaderMap,
        hash: impl fmt::Display,
        size: u64,
    ) -> Result<Self, NotSatisfiable> {
        let etag = format!("\"{hash}\"");
        let range = match *method {
            Method::GET => {
                let range = headers.get(RANGE).and_then(|range| range.to_str().ok());
                let if_range = headers.get(IF_RANGE).map(HeaderValue::as_bytes);
                wanted(range, if_range, &etag, size)?
            }
            _ => None,
        };
        let is_range = range.is_some();
        let (start, length) = range.map_or((0, size), |range| {
            (*range.start(), range.end() - range.start() + 1)
        });
        Ok(Self {
            start,
            length,
            size,
            etag,
            is_range,
        })
    }

    /// The answer with these bytes of it, and these headers beside its own.
    pub(crate) fn answer<const N: usize>(
        self,
        headers: [(HeaderName, String); N],
        body: Body,
    ) -> Response {
        let Self {
            start,
            length,
            size,
            etag,
            is_range,
        } = self;
        let status = if is_range {
            StatusCode::PARTIAL_CONTENT
        } else {
            StatusCode::OK
        };
        let range = is_range.then(|| format!("bytes {start}-{}/{size}", start + length - 1));
        let own = [
            (CONTENT_LENGTH, length.to_string()),
            (ETAG, etag),
            (ACCEPT_RANGES, "bytes".to_owned()),
        ];
        let range = range.map(|range| [(CONTENT_RANGE, range)]);
        (status, own, headers, range, body).into_response()
    }
}

/// What is read, piece by piece; each is counted as delivered.
pub(crate) fn counted(reader: impl AsyncRead + Send + 'static, metrics: Metrics) -> Body {
    let counted = InspectReader::new(reader, move |piece| {
        metrics.delivered(piece.len() as u64);
    });
    Body::from_stream(ReaderStream::with_capacity(counted, PIECE))
}

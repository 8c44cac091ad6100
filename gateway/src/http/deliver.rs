//! Paid bytes on their way: streamed, resumable, and harmless in a browser.

use std::io::SeekFrom;

use axum::body::{Body, Bytes as BodyBytes};
use axum::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE,
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_RANGE, RANGE,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};
use tokio_util::io::{InspectReader, ReaderStream};

use crate::goods::catalogue::{Bytes, Content, KeptBytes};
use crate::goods::delivery::{disposition, wanted};
use crate::goods::versions::VersionError;
use crate::http::problem::Error;
use crate::metrics::Metrics;

/// Delivers the content, or the part of it that `Range` asks for.
pub(crate) async fn deliver(
    content: Content,
    method: &Method,
    headers: &HeaderMap,
    metrics: &Metrics,
) -> Result<Response, Error> {
    let etag = format!("\"{}\"", content.sha256);
    let range = match method {
        &Method::GET => {
            let range = headers.get(RANGE).and_then(|range| range.to_str().ok());
            let if_range = headers.get(IF_RANGE).map(HeaderValue::as_bytes);
            wanted(range, if_range, &etag, content.size)?
        }
        _ => None,
    };
    let (status, start, length) = match &range {
        Some(range) => {
            let length = range.end() - range.start() + 1;
            (StatusCode::PARTIAL_CONTENT, *range.start(), length)
        }
        None => (StatusCode::OK, 0, content.size),
    };
    let body = match &content.bytes {
        Bytes::Here(bytes) => {
            let fits = "what is in memory is no larger than memory";
            let start = usize::try_from(start).expect(fits);
            let end = start + usize::try_from(length).expect(fits);
            if method == Method::GET {
                metrics.delivered(length);
            }
            Body::from(BodyBytes::from_static(bytes).slice(start..end))
        }
        Bytes::Kept(kept) => stream(kept, start, length, metrics.clone()).await?,
    };
    let mut response = (
        status,
        [
            (CONTENT_TYPE, content.content_type.clone()),
            (CONTENT_LENGTH, length.to_string()),
            (ETAG, etag),
            (ACCEPT_RANGES, "bytes".to_owned()),
            (CACHE_CONTROL, "private, no-store".to_owned()),
            (CONTENT_DISPOSITION, disposition(&content)),
            // Goods are strangers to the store's own origin, whose storage holds claims.
            (
                CONTENT_SECURITY_POLICY,
                "default-src 'none'; sandbox".to_owned(),
            ),
        ],
        body,
    )
        .into_response();
    if let Some(range) = range {
        let (start, end) = range.into_inner();
        let value = format!("bytes {start}-{end}/{}", content.size);
        let value = value.try_into().expect("digits are plain ASCII");
        response.headers_mut().insert(CONTENT_RANGE, value);
    }
    Ok(response)
}

/// A piece in memory, however large the goods are.
const PIECE: usize = 64 * 1024;

async fn stream(
    kept: &KeptBytes,
    start: u64,
    length: u64,
    metrics: Metrics,
) -> Result<Body, VersionError> {
    let mut file = kept.open().await?;
    file.seek(SeekFrom::Start(start)).await?;
    let counted = InspectReader::new(file.take(length), move |piece| {
        metrics.delivered(piece.len() as u64);
    });
    let pieces = ReaderStream::with_capacity(counted, PIECE);
    Ok(Body::from_stream(pieces))
}

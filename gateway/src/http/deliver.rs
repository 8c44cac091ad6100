//! Paid bytes on their way: streamed, resumable, and harmless in a browser.

use std::io::SeekFrom;

use axum::body::{Body, Bytes as BodyBytes};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE,
};
use axum::http::{HeaderMap, Method};
use axum::response::Response;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};

use crate::goods::catalogue::{Bytes, Content, KeptBytes};
use crate::goods::delivery::disposition;
use crate::goods::versions::VersionError;
use crate::http::part::{Part, counted};
use crate::http::problem::Error;
use crate::metrics::Metrics;

/// Delivers the content, or the part of it that `Range` asks for.
pub(crate) async fn deliver(
    content: Content,
    method: &Method,
    headers: &HeaderMap,
    metrics: &Metrics,
) -> Result<Response, Error> {
    let part = Part::asked(method, headers, content.sha256, content.size)?;
    let (start, length) = (part.start, part.length);
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
    let headers = [
        (CONTENT_TYPE, content.content_type.clone()),
        (CACHE_CONTROL, "private, no-store".to_owned()),
        (CONTENT_DISPOSITION, disposition(&content)),
        // Goods are strangers to the store's own origin, whose storage holds claims.
        (
            CONTENT_SECURITY_POLICY,
            "default-src 'none'; sandbox".to_owned(),
        ),
    ];
    Ok(part.answer(headers, body))
}

async fn stream(
    kept: &KeptBytes,
    start: u64,
    length: u64,
    metrics: Metrics,
) -> Result<Body, VersionError> {
    let mut file = kept.open().await?;
    file.seek(SeekFrom::Start(start)).await?;
    Ok(counted(file.take(length), metrics))
}

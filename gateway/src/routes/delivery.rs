//! Paid bytes on their way: streamed, resumable, and harmless in a browser.

use std::io::{self, SeekFrom};
use std::ops::RangeInclusive;
use std::path::Path;

use axum::body::{Body, Bytes as BodyBytes};
use axum::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE,
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_RANGE, RANGE,
};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use http_range_header::parse_range_header;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use tokio::fs::File;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};
use tokio_util::io::{InspectReader, ReaderStream};

use crate::catalogue::{Bytes, Content};
use crate::error::Error;
use crate::metrics::Metrics;

/// Delivers the content, or the part of it that `Range` asks for.
pub(super) async fn deliver(
    content: Content,
    method: &Method,
    headers: &HeaderMap,
    metrics: &Metrics,
) -> Result<Response, Error> {
    let etag = format!("\"{}\"", content.sha256);
    let range = match method {
        &Method::GET => wanted(headers, &etag, content.size)?,
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
        Bytes::File(path) => stream(path, start, length, metrics.clone()).await?,
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

async fn stream(path: &Path, start: u64, length: u64, metrics: Metrics) -> Result<Body, Error> {
    let opened = async {
        let mut file = File::open(path).await?;
        file.seek(SeekFrom::Start(start)).await?;
        io::Result::Ok(file)
    };
    let file = opened.await.map_err(|error| Error::from_kept(&error))?;
    let counted = InspectReader::new(file.take(length), move |piece| {
        metrics.delivered(piece.len() as u64);
    });
    let pieces = ReaderStream::with_capacity(counted, PIECE);
    Ok(Body::from_stream(pieces))
}

/// The one range that is asked for; `None` where all is. A header that cannot be read, several
/// ranges, a range of another version, and one of no bytes at all are answered with all, as RFC
/// 9110 allows (14.2, 13.1.5).
fn wanted(
    headers: &HeaderMap,
    etag: &str,
    size: u64,
) -> Result<Option<RangeInclusive<u64>>, Error> {
    let is_of_another = headers
        .get(IF_RANGE)
        .is_some_and(|version| version.as_bytes() != etag.as_bytes());
    let range = headers.get(RANGE).and_then(|range| range.to_str().ok());
    let ranges = range.and_then(|range| parse_range_header(range).ok());
    match ranges {
        Some(ranges) if ranges.ranges.len() == 1 && !is_of_another && size > 0 => {
            let satisfiable = ranges.validate(size).map_err(|_| Error::Range { size })?;
            Ok(satisfiable.into_iter().next())
        }
        _ => Ok(None),
    }
}

/// Whether a browser may show it: what cannot run a script, whatever is in it.
fn is_harmless(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    match essence.split_once('/') {
        Some(("image", kind)) => kind != "svg+xml",
        Some(("audio" | "video", _)) => true,
        _ => essence == "text/plain",
    }
}

/// `Content-Disposition`: shown where that is harmless, else saved.
fn disposition(content: &Content) -> String {
    if is_harmless(&content.content_type) {
        named("inline", &content.file_name)
    } else {
        attachment(content)
    }
}

/// `Content-Disposition` of what is saved.
pub(super) fn attachment(content: &Content) -> String {
    named("attachment", &content.file_name)
}

/// RFC 6266; the name in RFC 8187's form where it is not plain.
fn named(how: &str, name: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || " ._-()".contains(c);
    let plain: String = name
        .chars()
        .map(|c| if is_plain(c) { c } else { '_' })
        .collect();
    if plain == name {
        format!("{how}; filename=\"{plain}\"")
    } else {
        let encoded = utf8_percent_encode(name, NOT_IN_NAMES);
        format!("{how}; filename=\"{plain}\"; filename*=UTF-8''{encoded}")
    }
}

/// All but some of RFC 8187's `attr-char`.
const NOT_IN_NAMES: &AsciiSet = &NON_ALPHANUMERIC.remove(b'.').remove(b'-').remove(b'_');

#[cfg(test)]
mod tests {
    use shared::content::ContentHash;

    use super::*;

    fn content(content_type: &str, file_name: &str) -> Content {
        Content {
            content_type: content_type.into(),
            file_name: file_name.into(),
            sha256: ContentHash::of(b""),
            size: 0,
            bytes: Bytes::Here(b""),
        }
    }

    #[track_caller]
    fn check(content_type: &str, file_name: &str, expected: &str) {
        assert_eq!(disposition(&content(content_type, file_name)), expected);
    }

    #[test]
    fn what_could_run_a_script_is_downloaded() {
        for kind in [
            "text/html",
            "image/svg+xml",
            "application/xhtml+xml",
            "text/xml; charset=utf-8",
            "application/pdf",
            "application/octet-stream",
        ] {
            check(kind, "x", "attachment; filename=\"x\"");
        }
        for kind in [
            "text/plain; charset=utf-8",
            "image/png",
            "audio/mpeg",
            "video/mp4",
        ] {
            check(kind, "x", "inline; filename=\"x\"");
        }
    }

    #[test]
    fn no_name_breaks_out_of_its_header() {
        check(
            "image/png",
            "Kätzchen \"1\".png",
            "inline; filename=\"K_tzchen _1_.png\"; \
             filename*=UTF-8''K%C3%A4tzchen%20%221%22.png",
        );
        check(
            "image/png",
            "a\r\nb;.png",
            "inline; filename=\"a__b_.png\"; filename*=UTF-8''a%0D%0Ab%3B.png",
        );
    }

    #[track_caller]
    fn check_range(range: &str, if_range: Option<&str>, expected: Option<(u64, u64)>) {
        let mut headers = HeaderMap::new();
        headers.insert(RANGE, range.parse().unwrap());
        if let Some(version) = if_range {
            headers.insert(IF_RANGE, version.parse().unwrap());
        }
        let found = wanted(&headers, "\"v1\"", 10).unwrap();
        let found = found.map(RangeInclusive::into_inner);
        assert_eq!(found, expected, "{range}");
    }

    #[test]
    fn one_range_of_this_version_is_given() {
        check_range("bytes=2-4", None, Some((2, 4)));
        check_range("bytes=7-", None, Some((7, 9)));
        check_range("bytes=-3", None, Some((7, 9)));
        check_range("bytes=5-99", None, Some((5, 9)));
        check_range("bytes=2-4", Some("\"v1\""), Some((2, 4)));
    }

    #[test]
    fn everything_else_gets_all() {
        check_range("bytes=0-1,4-5", None, None);
        check_range("bytes=abc", None, None);
        check_range("lines=1-2", None, None);
        check_range("bytes=2-4", Some("\"v2\""), None);
        check_range("bytes=2-4", Some("W/\"v1\""), None);
        check_range("bytes=2-4", Some("Wed, 21 Oct 2015 07:28:00 GMT"), None);
    }

    #[test]
    fn a_range_behind_the_end_is_an_error() {
        let mut headers = HeaderMap::new();
        headers.insert(RANGE, "bytes=10-".parse().unwrap());
        assert!(matches!(
            wanted(&headers, "\"v1\"", 10),
            Err(Error::Range { size: 10 })
        ));
    }
}

//! What is delivered of the goods, and how a browser may treat it.

use std::ops::RangeInclusive;

use http_range_header::parse_range_header;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::goods::catalogue::Content;

/// None of the bytes that were asked for are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the goods hold {size} bytes, and none of them are in the range that was asked for")]
pub(crate) struct NotSatisfiable {
    /// The whole size.
    pub(crate) size: u64,
}

/// The one range that is asked for; `None` where all is. A header that cannot be read, several
/// ranges, a range of another version, and one of no bytes at all are answered with all, as RFC
/// 9110 allows (14.2, 13.1.5).
pub(crate) fn wanted(
    range: Option<&str>,
    if_range: Option<&[u8]>,
    etag: &str,
    size: u64,
) -> Result<Option<RangeInclusive<u64>>, NotSatisfiable> {
    let is_of_another = if_range.is_some_and(|version| version != etag.as_bytes());
    let ranges = range.and_then(|range| parse_range_header(range).ok());
    match ranges {
        Some(ranges) if ranges.ranges.len() == 1 && !is_of_another && size > 0 => {
            let satisfiable = ranges.validate(size).map_err(|_| NotSatisfiable { size })?;
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
pub(crate) fn disposition(content: &Content) -> String {
    if is_harmless(&content.content_type) {
        named("inline", &content.file_name)
    } else {
        attachment(content)
    }
}

/// `Content-Disposition` of what is saved.
pub(crate) fn attachment(content: &Content) -> String {
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
    use crate::goods::catalogue::Bytes;

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
        let if_range = if_range.map(str::as_bytes);
        let found = wanted(Some(range), if_range, "\"v1\"", 10).unwrap();
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
        let behind = wanted(Some("bytes=10-"), None, "\"v1\"", 10);
        assert_eq!(behind, Err(NotSatisfiable { size: 10 }));
    }
}

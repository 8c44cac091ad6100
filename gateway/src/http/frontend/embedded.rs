//! The built page inside the program: what `cargo xtask dist` makes needs no folder beside it.

use axum::body::Body;
use axum::http::header::{
    ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY,
};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use bitcoin::hex::DisplayHex as _;
use rust_embed::{Embed, EmbeddedFile};

use crate::http::frontend::encoding::accepts;
use crate::http::problem::Error;

#[derive(Embed)]
#[folder = "$PAGE_INSIDE"]
struct Page;

/// The compressed copies beside each file, the smallest first.
const COPIES: [(&str, &str); 2] = [("br", "br"), ("gzip", "gz")];

/// Answers with a file of the page.
pub(super) async fn file(method: Method, uri: Uri, headers: HeaderMap) -> Result<Response, Error> {
    if !matches!(method, Method::GET | Method::HEAD) {
        return Err(Error::MethodNotAllowed);
    }
    let path = match uri.path() {
        "/" => "index.html",
        path => path.trim_start_matches('/'),
    };
    let whole = Page::get(path).ok_or(Error::NotFound)?;
    let accepted = headers
        .get(ACCEPT_ENCODING)
        .and_then(|value| value.to_str().ok());
    let accepted = accepted.unwrap_or_default();
    let copy = COPIES.iter().find_map(|(encoding, suffix)| {
        let copy = Page::get(&format!("{path}.{suffix}"))?;
        accepts(accepted, encoding).then_some((*encoding, copy))
    });
    let media_type = mime_guess::from_path(path).first_or_octet_stream();
    let fixed = [
        (CONTENT_TYPE, media_type.as_ref()),
        (VARY, "accept-encoding"),
    ];
    let known = headers
        .get(IF_NONE_MATCH)
        .and_then(|value| value.to_str().ok());
    Ok(match copy {
        Some((encoding, copy)) => {
            (fixed, [(CONTENT_ENCODING, encoding)], body(copy, known)).into_response()
        }
        None => (fixed, body(whole, known)).into_response(),
    })
}

/// The page itself.
pub(super) fn index() -> Option<String> {
    let index = Page::get("index.html")?;
    String::from_utf8(index.data.into_owned()).ok()
}

/// The bytes, unless the client has them already.
fn body(file: EmbeddedFile, known: Option<&str>) -> Response {
    let hash = file.metadata.sha256_hash()[..16].to_lower_hex_string();
    let etag = format!("\"{hash}\"");
    if known.is_some_and(|known| known.contains(&etag)) {
        return (StatusCode::NOT_MODIFIED, [(ETAG, etag)]).into_response();
    }
    ([(ETAG, etag)], Body::from(file.data.into_owned())).into_response()
}

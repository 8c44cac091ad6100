//! The owner's style and pictures, for the pages with and without script.

use axum::extract::{Path, RawQuery, State};
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE,
};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};

use crate::app::{App, Shelf};
use crate::http::problem::Error;
use crate::look::{Picture, help};
use crate::pages::views::{FAVICON, LOGO, LOOK_CSS};

/// The files' routes.
pub(crate) fn router() -> Router<App> {
    Router::new()
        .route(LOOK_CSS, get(get_css))
        .route(LOGO, get(get_logo))
        .route(FAVICON, get(get_favicon))
        .route("/help/{file}", get(get_help))
}

/// `GET /look.css`: what differs from the built-in style. Pages ask for it under its version.
async fn get_css(State(shelf): State<Shelf>, RawQuery(query): RawQuery) -> Response {
    let catalogue = shelf.catalogue();
    let look = catalogue.look();
    let headers = [
        (CONTENT_TYPE, "text/css; charset=utf-8"),
        (CACHE_CONTROL, kept(query.as_deref(), &look.css_version())),
    ];
    (headers, look.css.clone()).into_response()
}

/// `GET /look/logo`
async fn get_logo(State(shelf): State<Shelf>, RawQuery(query): RawQuery) -> Response {
    picture(shelf.catalogue().look().logo.as_ref(), query.as_deref())
}

/// `GET /look/favicon`
async fn get_favicon(State(shelf): State<Shelf>, RawQuery(query): RawQuery) -> Response {
    picture(shelf.catalogue().look().favicon.as_ref(), query.as_deref())
}

/// `GET /help/{language}.json`: "New to Lightning?" for the page and the widget, wherever it is.
async fn get_help(State(shelf): State<Shelf>, Path(file): Path<String>) -> Response {
    let steps = file.strip_suffix(".json").and_then(help::steps);
    let Some(steps) = steps else {
        return Error::NotFound.into_response();
    };
    let headers = [
        (CACHE_CONTROL, "public, max-age=300"),
        (ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
    ];
    let entries = steps.entries(&shelf.catalogue().look().wallets);
    (headers, Json(entries)).into_response()
}

fn picture(picture: Option<&Picture>, query: Option<&str>) -> Response {
    let Some(picture) = picture else {
        return Error::NotFound.into_response();
    };
    let headers = [
        (CONTENT_TYPE, picture.media_type.as_str()),
        (CACHE_CONTROL, kept(query, &picture.version)),
        // A drawing in SVG could run scripts if it were opened as a page.
        (
            CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'unsafe-inline'; sandbox",
        ),
    ];
    (headers, picture.bytes.clone()).into_response()
}

/// For good, if it was asked for under this version.
fn kept(query: Option<&str>, version: &str) -> &'static str {
    match query.and_then(|query| query.strip_prefix("v=")) {
        Some(asked) if asked == version => "public, max-age=31536000, immutable",
        _ => "no-cache",
    }
}

//! The built page: files from a folder or from the program itself, with their compressed copies and cache headers.

#[cfg(page_inside)]
mod embedded;
// Its tests need no page.
#[cfg(any(page_inside, test))]
mod encoding;
mod frame;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_SECURITY_POLICY, LOCATION,
};
use axum::http::{HeaderValue, Method, StatusCode, Uri};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use tower::ServiceExt as _;
use tower_http::services::ServeDir;

use crate::app::{App, Shelf};
use crate::http::frontend::frame::Frame;
use crate::http::problem::Error;
use crate::http::requests::CROSS_ORIGIN_RESOURCE_POLICY;
use crate::options::{PageOptions, StoreOptions, WebOptions};

/// Serves the page at `/` and its files beside it.
pub(crate) fn router(app: &App) -> Router<App> {
    let options: Arc<PageOptions> = app.part();
    let files = match options.dir.clone() {
        Some(dir) => folder(dir),
        None => built_in(),
    };
    let whole = files.clone();
    let index = get(
        move |State(store), State(shelf), State(options), request| async move {
            index(store, shelf, options, whole, request).await
        },
    );
    Router::new()
        .route("/", index.clone())
        .route("/index.html", index)
        .fallback_service(files)
        .layer(from_fn_with_state(Policy::of(app), file_headers))
}

/// The page's files in a folder, or those that were compressed beside them.
fn folder(dir: PathBuf) -> Router {
    let files = ServeDir::new(dir)
        .precompressed_br()
        .precompressed_gzip()
        .call_fallback_on_method_not_allowed(true)
        .fallback(Router::new().fallback(missing));
    Router::new().fallback_service(files)
}

/// The page that the program holds, where it holds one.
#[cfg(page_inside)]
fn built_in() -> Router {
    Router::new().fallback(embedded::file)
}

#[cfg(not(page_inside))]
fn built_in() -> Router {
    Router::new().fallback(missing)
}

/// The page with what is the store's own; as it was built where nothing is.
async fn index(
    store: Arc<StoreOptions>,
    shelf: Shelf,
    options: Arc<PageOptions>,
    files: Router,
    request: Request,
) -> Response {
    let catalogue = shelf.catalogue();
    let frame = Frame {
        name: &store.name,
        look: catalogue.look(),
        webln_script: options.webln_script.as_deref(),
    };
    let page = match &options.dir {
        _ if frame.is_built_in() => None,
        Some(dir) => tokio::fs::read_to_string(dir.join("index.html")).await.ok(),
        None => built_in_index(),
    };
    match page {
        Some(page) => Html(frame.put_around(&page)).into_response(),
        None => files.oneshot(request).await.into_response(),
    }
}

#[cfg(page_inside)]
fn built_in_index() -> Option<String> {
    embedded::index()
}

#[cfg(not(page_inside))]
fn built_in_index() -> Option<String> {
    None
}

/// Nothing is lost where the page was not built: the API answers all the same.
async fn missing(method: Method, uri: Uri) -> Result<(StatusCode, &'static str), Error> {
    match (method, uri.path()) {
        (Method::GET | Method::HEAD, "/" | "/index.html") => Ok((StatusCode::NOT_FOUND, NOT_BUILT)),
        (Method::GET | Method::HEAD, _) => Err(Error::NotFound),
        _ => Err(Error::MethodNotAllowed),
    }
}

const NOT_BUILT: &str = "This gateway serves the API, but it has no page to show.\n\n\
    Build the page with `cargo xtask build`, which makes dist/, and start the gateway with\n\
    `--frontend dist`.\n";

/// A file with a hash in its name never changes; every other one may with the next build. All of
/// them are public, and other sites load some of them: the widget's.
async fn file_headers(State(policy): State<Policy>, request: Request, next: Next) -> Response {
    let hashed = has_hash(request.uri().path());
    let mut response = next.run(request).await;
    let found = response.status().is_success() || response.status() == StatusCode::NOT_MODIFIED;
    let value = if hashed && found {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    let headers = response.headers_mut();
    if !headers.contains_key(LOCATION) {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static(value));
    }
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(
        CROSS_ORIGIN_RESOURCE_POLICY,
        HeaderValue::from_static("cross-origin"),
    );
    headers.insert(CONTENT_SECURITY_POLICY, policy.now());
    response
}

/// The page runs its own script and nobody else's, talks to its own gateway and to the hosts of sealed goods, and
/// shows paid goods from memory, or from addresses that its own worker answers. The wallet for development is the one
/// exception.
#[derive(Clone)]
struct Policy {
    page: Arc<PageOptions>,
    web: Arc<WebOptions>,
    shelf: Shelf,
}

impl Policy {
    fn of(app: &App) -> Self {
        Self {
            page: app.part(),
            web: app.part(),
            shelf: app.part(),
        }
    }

    /// As the shelf is now.
    fn now(&self) -> HeaderValue {
        let wallet = self.page.webln_script.as_deref().and_then(origin);
        let wallet = wallet.map_or(String::new(), |origin| format!(" {origin}"));
        let places = self.shelf.catalogue().seals().places();
        let places = places.iter().filter_map(|place| origin(place));
        let places: BTreeSet<String> = places.map(|origin| format!(" {origin}")).collect();
        let places: String = places.into_iter().collect();
        let ancestors = &self.web.frame_ancestors;
        let policy = format!(
            "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'{wallet}; style-src 'self'; \
             connect-src 'self'{wallet}{places}; img-src 'self' blob: data:; media-src 'self' blob:; \
             worker-src 'self'; frame-src blob: lightning:; form-action 'self'; base-uri 'none'; \
             frame-ancestors {ancestors}"
        );
        HeaderValue::try_from(policy).expect("origins are plain ASCII")
    }
}

/// Where a script or a ciphertext comes from, if not from here.
fn origin(url: &str) -> Option<String> {
    let url: Uri = url.parse().ok()?;
    Some(format!("{}://{}", url.scheme_str()?, url.authority()?))
}

/// Whether a file is named as Trunk names what it builds: `name-<hex digits>.js`,
/// `name-<hex digits>_bg.wasm`.
fn has_hash(path: &str) -> bool {
    let file = path.rsplit('/').next().unwrap_or_default();
    file.split(['-', '_', '.'])
        .skip(1)
        .any(|part| part.len() >= 12 && part.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_with_a_hash_are_kept_for_good() {
        assert!(has_hash("/frontend-4f9f9d3b7a0c1e22.js"));
        assert!(has_hash("/frontend-4f9f9d3b7a0c1e22_bg.wasm"));
        assert!(has_hash("/style-4f9f9d3b7a0c1e22.css"));
        assert!(!has_hash("/index.html"));
        assert!(!has_hash("/"));
        assert!(!has_hash("/manifest-facade.json"));
    }
}

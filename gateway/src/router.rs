//! The table of routes, and the layers around them.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Extension};
use axum::middleware::from_fn;
use axum::routing::{any, get};
use tower::util::option_layer;
use utoipa::OpenApi as _;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::http::api::listing::OPENAPI_ROOT;
use crate::http::api::{
    codes, content, directory, discovery, health, invoices, openapi, preview, sealed, store, verify,
};
use crate::http::problem::MAX_BODY;
use crate::http::requests::{Around, method_not_allowed, not_found};
use crate::http::{cors, frontend};
use crate::options::{RouteOptions, Timing, WebOptions};
use crate::pages::views::AT;
use crate::pages::{look_files, store_page};
use crate::routes::via::Via;
use crate::routes::{self, auth};

/// Everything that the gateway answers.
pub(crate) fn router<S>(app: App) -> Router<S> {
    let web: Arc<WebOptions> = app.part();
    let cors = cors::api(web.cors_origins.as_deref());
    let description = Router::from(description())
        .route(OPENAPI_ROOT, get(openapi::get_document))
        .layer(Extension(DOCUMENT.clone()));
    let routes: Arc<[RouteOptions]> = app.part();
    let unambiguous = option_layer((!routes.is_empty()).then(|| from_fn(routes::unambiguous)));
    let timing: Timing = app.part();
    let around = Around::new(&app, timing.request);
    let api = Router::from(api())
        .merge(description)
        .route("/api/{*nothing}", any(not_found))
        .method_not_allowed_fallback(method_not_allowed)
        // One group is cloned and boxed once for each request, several layers each on their own.
        .layer((
            around.clone().not_kept(),
            unambiguous.clone(),
            cors.clone(),
            DefaultBodyLimit::max(MAX_BODY),
        ));
    let via = Via::new();
    let others = Router::new()
        .merge(auth::router(&app, &routes, &via))
        .nest(AT, store_page::router(&app))
        .route("/buy/", get(store_page::without_slash))
        .merge(look_files::router())
        .merge(Router::from(discovery()).layer(cors))
        .merge(Router::from(operation()))
        .merge(frontend::router(&app))
        .method_not_allowed_fallback(method_not_allowed)
        .layer((around, unambiguous.clone()));
    // Uploads, and what services take their time for, have limits of their own.
    let priced =
        routes::router(&app, &routes, &via).layer((Around::new(&app, Duration::MAX), unambiguous));
    api.merge(others).merge(priced).with_state(app)
}

/// The API's description, put together from what stands at each handler.
static DOCUMENT: LazyLock<Arc<OpenApi>> = LazyLock::new(|| {
    let routes = [api(), description(), discovery(), operation()];
    let document = routes
        .into_iter()
        .fold(openapi::Document::openapi(), |all, routes| {
            all.merge_from(routes.into_openapi())
        });
    Arc::new(document)
});

/// What buyers' programs ask, and the owner's own. Each route is in the OpenAPI document, too.
fn api() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(store::get_store))
        .routes(routes!(invoices::create_invoice))
        .routes(routes!(invoices::get_invoice))
        .routes(routes!(codes::get_code))
        .routes(routes!(codes::get_code_invoice))
        .routes(routes!(codes::get_code_status))
        .routes(routes!(content::get_content))
        .routes(routes!(content::get_goods))
        .routes(routes!(preview::get_preview))
        .routes(routes!(sealed::get_sale))
        .routes(routes!(sealed::get_ciphertext))
        .routes(routes!(verify::verify))
}

/// The API's description.
fn description() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(openapi::get_document))
}

/// What programs ask that know only the host.
fn discovery() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(discovery::get_manifest))
        .routes(routes!(directory::get_directory))
        .routes(routes!(directory::get_llms))
}

/// What operators ask.
fn operation() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(health::healthz))
        .routes(routes!(health::readyz))
}

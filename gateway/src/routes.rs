//! Routes with a price before services of the owner's, in any language.

mod forward;
pub(crate) mod pattern;
pub(crate) mod upstream;

use axum::Router;
use axum::extract::Request;
use axum::http::Method;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{MethodRouter, any};
use tower::{Layer as _, ServiceExt as _, service_fn};

use crate::app::App;
use crate::http::problem::Error;
use crate::options::RouteOptions;
use crate::priced::PriceLayer;
use crate::routes::upstream::Upstream;

/// The routes that the store's file names.
pub(crate) fn router(app: &App, routes: &[RouteOptions]) -> Router<App> {
    let number = getrandom::u64().unwrap_or_default();
    let via = format!("purrwall-{number:016x}");
    let mut table = Router::new();
    for route in routes {
        let answer = answer(app, route, &via);
        for path in route.path.for_router() {
            table = table.route(&path, answer.clone());
        }
    }
    table
}

/// Around all other routes, where there are any with a price: what could be read in two ways is asked for
/// by nobody who means well.
pub(crate) async fn unambiguous(request: Request, next: Next) -> Response {
    if pattern::is_ambiguous(request.uri().path()) {
        return Error::InvalidRequest(
            "the path can be read in two ways; write it without `//`, `.` and `..` segments, and \
             without slashes and dots in the form %2f and %2e"
                .into(),
        )
        .into_response();
    }
    next.run(request).await
}

fn answer(app: &App, route: &RouteOptions, via: &str) -> MethodRouter<App> {
    let upstream = Upstream::new(
        route.upstream.clone(),
        route.signing_key.clone(),
        app.part(),
        via.to_owned(),
    );
    let mut price = PriceLayer::new(app.clone(), &route.name, route.price).title(&route.title);
    if let Some(time) = route.valid_for {
        price = price.valid_for(time);
    }
    let service = upstream.clone();
    let priced = price.layer(service_fn(move |request| {
        let service = service.clone();
        async move { Ok::<_, std::convert::Infallible>(service.answer(request).await) }
    }));
    let (free, methods) = (route.free.clone(), route.methods.clone());
    any(async move |request: Request| {
        let method = request.method();
        if !methods.is_empty() && !methods.contains(method) && method != Method::OPTIONS {
            return Error::MethodNotAllowed.into_response();
        }
        if free.iter().any(|free| free.means(request.uri().path())) {
            return upstream.answer(request).await;
        }
        let Ok(response) = priced.clone().oneshot(request).await;
        response
    })
}

//! Routes with a price before services of the owner's, in any language.

pub(crate) mod asked;
pub(crate) mod auth;
mod forward;
pub(crate) mod pattern;
mod telling;
mod upstream;
pub(crate) mod via;

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
use crate::routes::pattern::AMBIGUOUS;
use crate::routes::telling::Telling;
use crate::routes::upstream::Upstream;
use crate::routes::via::Via;

/// The routes whose service is reached through this gateway.
pub(crate) fn router(app: &App, routes: &[RouteOptions], via: &Via) -> Router<App> {
    let mut table = Router::new();
    for route in routes {
        let Some(service) = &route.upstream else {
            continue;
        };
        let upstream = Upstream::new(
            service.clone(),
            Telling::new(route.signing_key.clone()),
            app.part(),
            via.clone(),
        );
        let answer = answer(app, route, upstream);
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
        return Error::InvalidRequest(AMBIGUOUS.into()).into_response();
    }
    next.run(request).await
}

fn price_layer(app: &App, route: &RouteOptions) -> PriceLayer {
    let price = PriceLayer::new(app.clone(), &route.name, route.price).title(&route.title);
    match route.valid_for {
        Some(time) => price.valid_for(time),
        None => price,
    }
}

fn answer(app: &App, route: &RouteOptions, upstream: Upstream) -> MethodRouter<App> {
    let price = price_layer(app, route);
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

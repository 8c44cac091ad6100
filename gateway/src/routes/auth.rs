//! `/auth/<route>`: whether a request may pass, for a proxy that stands before the service (Caddy's
//! `forward_auth`, nginx's `auth_request`, Traefik's `ForwardAuth`, HAProxy with Lua).
//!
//! The route is the one that the proxy's configuration names; the request is in the proxy's headers. Only
//! trusted proxies are answered, because anyone else could make up those headers.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::http::header::{ACCESS_CONTROL_REQUEST_METHOD, AUTHORIZATION, CACHE_CONTROL, COOKIE};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::any;
use tower::{Layer as _, ServiceExt as _, service_fn};

use crate::app::App;
use crate::http::problem::{Cause, Error};
use crate::http::requests::unless_set;
use crate::http::visitor::Visitor;
use crate::options::{LimitsOptions, RouteOptions};
use crate::priced::{Admitted, PriceLayer};
use crate::routes::asked::Asked;
use crate::routes::price_layer;
use crate::routes::telling::{TOLD, Telling, take_ours_away};
use crate::routes::via::Via;

const NOTHING: HeaderValue = HeaderValue::from_static("");

/// What a proxy wants to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Question {
    /// Whether the request may pass; every other answer is the visitor's. Without the request's body.
    Pass,
    /// Whether the request may pass, by 2xx or 401 and nothing else: nginx takes no more. No invoice is
    /// made.
    Check,
    /// What to answer to a request that may not pass, with all that the visitor sent.
    Pay,
}

/// The addresses at which proxies ask about the routes that have no service here.
pub(crate) fn router(app: &App, routes: &[RouteOptions], via: &Via) -> Router<App> {
    let mut guards: BTreeMap<&str, Vec<Door>> = BTreeMap::new();
    for route in routes.iter().filter(|route| route.upstream.is_none()) {
        let doors = guards.entry(route.name.as_str()).or_default();
        doors.push(Door {
            layer: price_layer(app, route),
            telling: Telling::new(route.signing_key.clone()),
            route: route.clone(),
        });
    }
    let mut table = Router::new();
    for (name, doors) in guards {
        let guard = Guard {
            doors: doors.into(),
            limits: app.part(),
            via: via.clone(),
        };
        for (below, question) in [
            ("", Question::Pass),
            ("/check", Question::Check),
            ("/pay", Question::Pay),
        ] {
            let guard = guard.clone();
            let answer = any(async move |request| guard.answer(question, request).await);
            table = table.route(&format!("/auth/{name}{below}"), answer);
        }
    }
    table.layer(unless_set(CACHE_CONTROL, "no-store"))
}

/// Answers for all routes of one name, which are paid for together.
#[derive(Clone)]
struct Guard {
    doors: Arc<[Door]>,
    limits: Arc<LimitsOptions>,
    via: Via,
}

/// One route.
struct Door {
    route: RouteOptions,
    layer: PriceLayer,
    telling: Telling,
}

impl Guard {
    async fn answer(&self, question: Question, request: Request) -> Response {
        let error = match self.ask(question, request).await {
            Ok(response) => return response,
            Err(error) => error.into_response(),
        };
        if question != Question::Check {
            return error;
        }
        let mut no = StatusCode::UNAUTHORIZED.into_response();
        if let Some(cause) = error.extensions().get::<Cause>() {
            no.extensions_mut().insert(cause.clone());
        }
        no
    }

    async fn ask(&self, question: Question, request: Request) -> Result<Response, Error> {
        let headers = request.headers();
        if !Visitor::of(request.extensions(), headers, &self.limits).comes_from_proxy {
            return Err(Error::NoProxy);
        }
        // Who was let in by a route of this gateway has no claim any more.
        if self.via.has_passed(headers) {
            return Err(Error::Loop);
        }
        let asked = Asked::read(headers).map_err(|why| Error::InvalidRequest(why.to_string()))?;
        let path = asked.target.path();
        let door = self.doors.iter().find(|door| door.route.path.means(path));
        let door = door.ok_or_else(|| {
            Error::InvalidRequest(
                "the proxy asks about a path that its route does not have; the proxy's configuration \
                 and `path` in the store's file have to agree"
                    .to_owned(),
            )
        })?;
        door.open(question, asked.restore(request)).await
    }
}

impl Door {
    async fn open(&self, question: Question, mut request: Request) -> Result<Response, Error> {
        let RouteOptions { methods, free, .. } = &self.route;
        let method = request.method();
        if !methods.is_empty() && !methods.contains(method) && method != Method::OPTIONS {
            return Err(Error::MethodNotAllowed);
        }
        if free.iter().any(|free| free.means(request.uri().path())) {
            return Ok(pass(&self.telling, question, request));
        }
        match question {
            Question::Check => {
                let (request, set) = self.layer.check(request).await?;
                let mut response = pass(&self.telling, question, request);
                response.headers_mut().extend(set);
                return Ok(response);
            }
            // A preflight that is answered here would reach the service unpaid.
            Question::Pass => {
                request.headers_mut().remove(ACCESS_CONTROL_REQUEST_METHOD);
            }
            Question::Pay => {}
        }
        let telling = self.telling.clone();
        let passes = service_fn(move |request| {
            let response = pass(&telling, question, request);
            std::future::ready(Ok::<_, Infallible>(response))
        });
        let Ok(response) = self.layer.layer(passes).oneshot(request).await;
        Ok(response)
    }
}

/// The request may pass: with these headers, which take the place of the visitor's own. All of them are
/// there, because a proxy that copies what is not there leaves what the visitor sent, or worse: Caddy 2.6
/// writes the name of its variable.
fn pass(telling: &Telling, question: Question, request: Request) -> Response {
    let (mut parts, _) = request.into_parts();
    let target = parts.uri.path_and_query().cloned();
    let target = target.expect("it was made of a path");
    if question == Question::Pay {
        // It was paid a moment ago, so the proxy's next check lets it pass.
        return Redirect::temporary(target.as_str()).into_response();
    }
    let mut response = StatusCode::NO_CONTENT.into_response();
    let headers = response.headers_mut();
    take_ours_away(&mut parts.headers);
    for name in [AUTHORIZATION, COOKIE] {
        for value in parts.headers.get_all(&name) {
            headers.append(name.clone(), value.clone());
        }
        headers.entry(name).or_insert(NOTHING);
    }
    headers.extend(TOLD.map(|name| (name, NOTHING)));
    if let Some(admitted) = parts.extensions.get::<Admitted>() {
        headers.extend(telling.of(admitted, &parts.method, &target));
    }
    response
}

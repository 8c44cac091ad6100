//! The owner's service behind a route: who asks it, and what becomes of an answer that it cannot give.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{ConnectInfo, Request};
use axum::http::header::{FORWARDED, HOST};
use axum::http::uri::{Authority, PathAndQuery};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};

use crate::errors::chain;
use crate::http::place::original;
use crate::http::problem::Error;
use crate::http::visitor::Visitor;
use crate::options::LimitsOptions;
use crate::priced::Admitted;
use crate::routes::forward::{Forward, ForwardError};
use crate::routes::telling::{Telling, take_ours_away};
use crate::routes::via::Via;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
/// What proxies say of who asks.
const SAID_BY_PROXIES: [HeaderName; 5] = [
    FORWARDED_FOR,
    FORWARDED_HOST,
    PROTO,
    HeaderName::from_static("x-forwarded-port"),
    FORWARDED,
];

/// A service of the owner's.
#[derive(Clone)]
pub(crate) struct Upstream {
    forward: Forward,
    telling: Telling,
    limits: Arc<LimitsOptions>,
}

impl Upstream {
    /// The service at this address.
    pub(crate) fn new(
        authority: Authority,
        telling: Telling,
        limits: Arc<LimitsOptions>,
        via: Via,
    ) -> Self {
        Self {
            forward: Forward::new(authority, via),
            telling,
            limits,
        }
    }

    /// The service's answer. Of one that it could not give, the buyer's claim is no less good.
    pub(crate) async fn answer(&self, mut request: Request) -> Response {
        let admitted = request.extensions_mut().remove::<Admitted>();
        // Whatever routers took away of the path is the service's to see.
        let uri = original(request.extensions(), request.uri());
        let target = uri.path_and_query().cloned();
        let target = target.unwrap_or_else(|| PathAndQuery::from_static("/"));
        self.prepare(&mut request, admitted.as_ref(), &target);
        match self.forward.pass(request, target).await {
            // A program would pay for the same thing again.
            Ok(answer) if answer.status() == StatusCode::PAYMENT_REQUIRED && admitted.is_some() => {
                Error::Upstream("it asks for a payment of its own".to_owned()).into_response()
            }
            Ok(answer) => answer,
            Err(ForwardError::Loop) => Error::Loop.into_response(),
            Err(error) => Error::Upstream(chain(&error)).into_response(),
        }
    }

    /// Tells the service who asks and what was paid, and takes away what is not for it.
    fn prepare(&self, request: &mut Request, admitted: Option<&Admitted>, target: &PathAndQuery) {
        let visitor = Visitor::of(request.extensions(), request.headers(), &self.limits);
        let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
        let peer = peer.map(|ConnectInfo(address)| address.ip().to_canonical().to_string());
        let method = request.method().clone();
        let headers = request.headers_mut();
        take_ours_away(headers);
        if !visitor.comes_from_proxy {
            for name in SAID_BY_PROXIES {
                headers.remove(name);
            }
        }
        let scheme = if visitor.is_https { "https" } else { "http" };
        headers.insert(PROTO, HeaderValue::from_static(scheme));
        if let (None, Some(host)) = (headers.get(FORWARDED_HOST), headers.get(HOST).cloned()) {
            headers.insert(FORWARDED_HOST, host);
        }
        if let Some(Ok(peer)) = peer.map(HeaderValue::try_from) {
            headers.append(FORWARDED_FOR, peer);
        }
        if let Some(admitted) = admitted {
            headers.extend(self.telling.of(admitted, &method, target));
        }
    }
}

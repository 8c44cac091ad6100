//! A price on a route of somebody else's: the tower layer.

mod visit;

use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::Request;
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD,
    CACHE_CONTROL,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use shared::api::ItemId;
use shared::content::describe_service;
use tower::{Layer, Service};

use super::admission::{Admission, Presented, admit, ask_to_pay};
use super::invoices::Offer;
use crate::App;
use crate::catalogue::Quote;
use crate::client::Client;
use crate::error::{Error, chain};
use crate::label;
use crate::price::Price;

/// Puts a price on a service: requests reach it with a claim that is paid for, and no others do
/// (L402).
///
/// Made by [`Gateway::price`](crate::Gateway::price). Who comes without a credential gets `402` with
/// an invoice and a claim in `WWW-Authenticate`; with a claim that is not valid, `401`. `HEAD` and
/// `OPTIONS` make no invoice. A request that is paid for passes as it is, and so does the response,
/// but for `Cache-Control: private, no-store`.
///
/// Browsers (who accept `text/html`) get `402` with a page to pay on, which needs no script and leads
/// to what the service answers. Its button makes the invoice, and a cookie keeps the claim.
///
/// What is sold is access: the claim opens the route as often as its buyer likes, for good or until
/// [`valid_for`](Self::valid_for) is over. The invoice says what it is for, but promises no bytes.
#[derive(Clone)]
pub struct PriceLayer {
    app: App,
    sold: Arc<Sold>,
}

/// What is paid for.
#[derive(Clone)]
struct Sold {
    name: String,
    title: String,
    price: Price,
    valid_for: Option<Duration>,
}

impl PriceLayer {
    pub(crate) fn new(app: App, name: &ItemId, price: Price) -> Self {
        let sold = Sold {
            name: label::route(name),
            title: name.to_string(),
            price,
            valid_for: None,
        };
        let sold = Arc::new(sold);
        Self { app, sold }
    }

    /// What buyers read in the invoice; without it, the name.
    #[must_use]
    pub fn title(mut self, title: impl Into<String>) -> Self {
        Arc::make_mut(&mut self.sold).title = title.into();
        self
    }

    /// How long the route is open, counted from the end of the invoice's time (which is certain
    /// before anyone pays), in whole seconds; without it, for good.
    #[must_use]
    pub fn valid_for(mut self, time: Duration) -> Self {
        Arc::make_mut(&mut self.sold).valid_for = Some(time);
        self
    }

    /// Gives the request back where it may pass, else the answer.
    async fn admit(&self, request: Request) -> Result<Request, Response> {
        let presented = Presented::read(request.headers());
        if presented.0.is_empty() && visit::wants_a_page(&request) {
            return self.visit(request).await;
        }
        let client = Client::of(request.extensions(), request.headers(), &self.app);
        let (method, headers) = (request.method(), request.headers());
        match self.admit_program(client, method, headers, presented).await {
            Ok(()) => Ok(request),
            Err(error) => Err(self.refuse(error)),
        }
    }

    async fn admit_program(
        &self,
        client: Client,
        method: &Method,
        headers: &HeaderMap,
        presented: Presented,
    ) -> Result<(), Error> {
        // What a page loads, its scripts and pictures ask for, too.
        if presented.0.is_empty() && self.knows(headers).await? {
            return Ok(());
        }
        match admit(&self.app, &self.sold.name, presented).await? {
            Admission::Paid(_) => Ok(()),
            Admission::Unpaid(challenge) => Err(challenge),
            Admission::Nothing => Err(ask_to_pay(&self.app, client, self.offer(), method).await?),
        }
    }

    fn offer(&self) -> Offer<'_> {
        let Sold {
            name,
            title,
            price,
            valid_for,
        } = &*self.sold;
        let quote = price.quote(self.app.catalogue().rates());
        let describe = |quote: &Quote| describe_service(&price.stated(title, quote));
        Offer {
            name,
            valid_for: *valid_for,
            terms: quote.map(|quote| (quote, describe(&quote))),
            goods: None,
        }
    }

    fn refuse(&self, error: Error) -> Response {
        let cause = chain(&error);
        let mut response = error.into_response();
        if response.status().is_server_error() {
            tracing::error!(item = self.sold.name, cause);
        }
        let exposed = HeaderValue::from_static("www-authenticate");
        let headers = response.headers_mut();
        headers.append(ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
        response
    }
}

impl<S> Layer<S> for PriceLayer {
    type Service = Priced<S>;
    fn layer(&self, inner: S) -> Priced<S> {
        Priced {
            inner,
            layer: self.clone(),
        }
    }
}

/// A service with a price, made by [`PriceLayer`].
#[derive(Clone)]
pub struct Priced<S> {
    inner: S,
    layer: PriceLayer,
}

impl<S> Service<Request> for Priced<S>
where
    S: Service<Request> + Clone + Send + 'static,
    S::Response: IntoResponse,
    S::Future: Send,
{
    type Response = Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        // The one that is ready is the one to call.
        let clone = self.inner.clone();
        let mut inner = mem::replace(&mut self.inner, clone);
        let layer = self.layer.clone();
        Box::pin(async move {
            if is_preflight(&request) {
                return Ok(preflight());
            }
            let mut response = match layer.admit(request).await {
                Ok(request) => inner.call(request).await?.into_response(),
                Err(response) => response,
            };
            let headers = response.headers_mut();
            let private = HeaderValue::from_static("private, no-store");
            headers.insert(CACHE_CONTROL, private);
            // A claim is sent by who has it, not by browsers on their own, so every site may ask.
            let everyone = HeaderValue::from_static("*");
            headers
                .entry(ACCESS_CONTROL_ALLOW_ORIGIN)
                .or_insert(everyone);
            Ok(response)
        })
    }
}

/// Whether a browser asks what another site's script may send. That must not cost anything.
fn is_preflight(request: &Request) -> bool {
    let names_a_method = request
        .headers()
        .contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    request.method() == Method::OPTIONS && names_a_method
}

fn preflight() -> Response {
    let allowed = [
        (ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (ACCESS_CONTROL_ALLOW_METHODS, "*"),
        // The star does not stand for `Authorization`.
        (ACCESS_CONTROL_ALLOW_HEADERS, "authorization, *"),
        (ACCESS_CONTROL_MAX_AGE, "86400"),
    ];
    (StatusCode::NO_CONTENT, allowed).into_response()
}

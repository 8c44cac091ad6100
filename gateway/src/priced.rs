//! A price on a route of somebody else's: the tower layer.

use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::Request;
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD,
    CACHE_CONTROL, SET_COOKIE,
};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use shared::api::ItemId;
use shared::claim::Claim;
use shared::lightning::PaymentHash;
use tower::{Layer, Service};

use crate::app::{App, Shelf};
use crate::errors::chain;
use crate::goods::price::Price;
use crate::http::admission::{Asker, PAYMENT_RECEIPT, presented, receipt};
use crate::http::problem::Error;
use crate::http::requests::accepted_languages;
use crate::options::{LimitsOptions, StoreOptions, WebOptions};
use crate::pages::paywall_page::{
    Answer, COOKIE_PATH, Paywall, Visit, as_page, pressed, wants_a_page,
};
use crate::pages::problem_page::problem_page;
use crate::pages::stage::{Stage, stage};
use crate::pages::views::Site;
use crate::payments::admission::{Admission, Insufficient, Paid, Presented};
use crate::payments::label;
use crate::payments::purchases::{Offer, Purchases};

/// Puts a price on a service: requests reach it with a claim that is paid for, and no others do
/// (L402).
///
/// Made by [`Gateway::price`](crate::Gateway::price). A request without a credential gets `402`
/// with an invoice and a claim in `WWW-Authenticate`, and so does one with a claim for something else, or
/// whose time is over; one with a claim that this gateway did not issue gets `401`. `HEAD` and `OPTIONS`
/// make no invoice. A request that is paid for passes as it is, and so does the response,
/// but for `Cache-Control: private, no-store`.
///
/// Browsers (who accept `text/html`) get `402` with a page to pay on, which needs no script and leads
/// to what the service answers. Its button makes the invoice, and a cookie keeps the claim.
///
/// What is sold is access: the claim opens the route as often as its buyer likes, for good or until
/// [`valid_for`](Self::valid_for) is over. The invoice says what it is for, but promises no bytes.
#[derive(Clone)]
pub struct PriceLayer {
    store: Arc<StoreOptions>,
    web: Arc<WebOptions>,
    limits: Arc<LimitsOptions>,
    shelf: Shelf,
    purchases: Purchases,
    sold: Arc<Sold>,
    /// The watcher and the rest go on while any layer is there.
    _app: App,
}

/// Goes with a request that has passed, as an extension: what was paid for it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Admitted {
    /// What was sold, as it stands in the claim: `route:<name>`.
    pub name: String,
    /// The payment.
    pub payment_hash: PaymentHash,
}

/// A header of the answer to who may pass: the new cookie, or the receipt.
type Set = Option<(HeaderName, HeaderValue)>;

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
        Self {
            store: app.part(),
            web: app.part(),
            limits: app.part(),
            shelf: app.part(),
            purchases: app.part(),
            sold: Arc::new(sold),
            _app: app,
        }
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

    /// Returns the request if it may pass, with what its answer is to set; else the answer.
    async fn admit(&self, request: Request) -> Result<(Request, Set), Response> {
        let asker = self.asker(&request);
        let presented = presented(request.headers());
        if presented.is_empty() && wants_a_page(&request) {
            return self.visit(asker, request).await;
        }
        let admitted = self.admit_program(&asker, presented, request).await;
        admitted.map_err(|error| self.refuse(error))
    }

    /// The same for who only asks whether: no invoice is made, and nobody sees the error.
    pub(crate) async fn check(&self, request: Request) -> Result<(Request, Set), Error> {
        let presented = presented(request.headers());
        let mut asker = self.asker(&request);
        asker.method = Method::HEAD;
        self.admit_program(&asker, presented, request).await
    }

    fn admitted(&self, claim: &Claim) -> Admitted {
        Admitted {
            name: self.sold.name.clone(),
            payment_hash: claim.payment_hash(),
        }
    }

    /// Lets the request pass if its credentials or its cookie have paid for it.
    async fn admit_program(
        &self,
        asker: &Asker,
        presented: Presented,
        mut request: Request,
    ) -> Result<(Request, Set), Error> {
        let name = &self.sold.name;
        // What a page loads, its scripts and pictures ask for, too.
        let (claim, set) = if presented.is_empty()
            && let Stage::Paid(paid) = stage(&self.purchases, name, &asker.headers).await?
        {
            let cookie = paid.news(name, COOKIE_PATH, asker.visitor.is_https);
            (paid.claim, cookie.map(|cookie| (SET_COOKIE, cookie)))
        } else {
            let paid = self.admit_credentials(asker, presented).await?;
            let receipt = receipt(&paid).map(|receipt| (PAYMENT_RECEIPT, receipt));
            (paid.claim, receipt)
        };
        request.extensions_mut().insert(self.admitted(&claim));
        Ok((request, set))
    }

    /// Gives what was paid by who may pass.
    async fn admit_credentials(&self, asker: &Asker, presented: Presented) -> Result<Paid, Error> {
        let name = &self.sold.name;
        let admitted = self.purchases.admit(name, presented, Insufficient::IsNone);
        let demanded = match admitted.await? {
            Admission::Paid(paid) => return Ok(paid),
            Admission::Unpaid(claim, bolt11) => asker.challenge(&self.purchases, &claim, &bolt11),
            Admission::Nothing(why) => {
                let offer = self.offer();
                asker.ask_to_pay(&self.purchases, &offer, why).await?
            }
        };
        Err(Error::PaymentRequired(demanded))
    }

    /// Lets the visitor's request pass if the cookie has paid for it; else returns the page to pay on.
    async fn visit(&self, asker: Asker, request: Request) -> Result<(Request, Set), Response> {
        let (pressed, mut request) = pressed(request).await;
        let visit = Visit::new(&request);
        let headers = request.headers().clone();
        let catalogue = self.shelf.catalogue();
        let site = Site {
            name: &self.store.name,
            shelf: None,
            look: catalogue.look(),
            languages: accepted_languages(&headers),
        };
        let paywall = Paywall {
            purchases: &self.purchases,
            site,
            name: &self.sold.name,
            title: &self.sold.title,
            price: self.sold.price,
            quote: catalogue.rates().quote(self.sold.price),
        };
        let answer = paywall.answer(&visit, &asker, pressed, || self.offer());
        let response = match answer.await {
            Ok(Answer::Pass(claim, cookie)) => {
                request.extensions_mut().insert(self.admitted(&claim));
                return Ok((request, cookie.map(|cookie| (SET_COOKIE, cookie))));
            }
            Ok(Answer::Page(response)) => response,
            Err(error) => problem_page(site, &visit.here, self.refuse(error)),
        };
        Err(as_page(response, site.look, &self.web.frame_ancestors))
    }

    fn asker(&self, request: &Request) -> Asker {
        let head = (
            request.method(),
            request.uri(),
            request.headers(),
            request.extensions(),
        );
        Asker::of(head, &self.store, &self.limits)
    }

    fn offer(&self) -> Offer<'_> {
        let Sold {
            name,
            title,
            price,
            valid_for,
        } = &*self.sold;
        let quote = self.shelf.catalogue().rates().quote(*price);
        let quoted = quote.map(|quote| (quote, price.stated(title, &quote)));
        Offer::route(name, *valid_for, quoted)
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
                Ok((request, set)) => {
                    let mut response = inner.call(request).await?.into_response();
                    let headers = response.headers_mut();
                    if let Some((name, value)) = set {
                        if name == PAYMENT_RECEIPT {
                            let exposed = HeaderValue::from_static("payment-receipt");
                            headers.append(ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
                        }
                        headers.append(name, value);
                    }
                    response
                }
                Err(response) => response,
            };
            let headers = response.headers_mut();
            let private = HeaderValue::from_static("private, no-store");
            headers.insert(CACHE_CONTROL, private);
            // A claim is sent by the script that has it, never by the browser on its own, so every
            // site may ask.
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

//! A priced route, visited by a browser: a page to pay on, which needs no script and leads to what
//! the route answers. The page's address is the route's own.

use axum::body::{Body, to_bytes};
use axum::extract::{OriginalUri, Request};
use axum::http::header::{
    ACCEPT, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use shared::api::PurchaseId;
use shared::content::ContentHash;

use crate::goods::price::{NoPrice, Price, Quote};
use crate::http::admission::challenge;
use crate::http::problem::Error;
use crate::http::visitor::Visitor;
use crate::pages::flow::{For, Shown, press, show};
use crate::pages::views::{STYLE_SOURCE, Site, Ware};
use crate::payments::purchases::{Offer, Purchases};

/// Whether a browser asks for a page. Programs accept anything, or name what they can read.
pub(crate) fn wants_a_page(request: &Request) -> bool {
    let accepted = request.headers().get_all(ACCEPT).iter();
    matches!(request.method(), &Method::GET | &Method::POST)
        && accepted
            .filter_map(|value| value.to_str().ok())
            .any(|value| value.contains("text/html"))
}

/// What the page of a priced route is about.
pub(crate) struct Paywall<'a> {
    pub(crate) purchases: &'a Purchases,
    pub(crate) site: Site<'a>,
    /// The route's name in claims and cookies.
    pub(crate) name: &'a str,
    pub(crate) title: &'a str,
    pub(crate) price: Price,
    pub(crate) quote: Result<Quote, NoPrice>,
}

impl Paywall<'_> {
    /// What a visitor sees; `None` where the cookie has paid for the route, so that the request may
    /// pass. `pressed` is the purchase whose button was pressed.
    pub(crate) async fn answer<'a>(
        &self,
        visit: &Visit,
        visitor: Visitor,
        headers: &HeaderMap,
        pressed: Option<PurchaseId>,
        offer: impl FnOnce() -> Offer<'a>,
    ) -> Result<Option<Response>, Error> {
        if let Some(purchase_id) = pressed {
            // Routes with the same name are paid for together, wherever they are.
            let paths = (&*visit.here, "/");
            let offer = || Ok(offer());
            let answer = press(
                self.purchases,
                visitor,
                headers,
                self.name,
                offer,
                purchase_id,
                paths,
            );
            return answer.await.map(Some);
        }
        let ware = |page| {
            let price = match page {
                For::Offer => self.price.for_people(&self.quote?),
                For::Invoice => self.price.to_string(),
            };
            Ok(Ware {
                id: self.name.to_owned(),
                title: self.title.to_owned(),
                teaser: String::new(),
                price,
                seed: ContentHash::of(self.name.as_bytes()),
                here: visit.here.clone(),
                still: visit.still(),
            })
        };
        let shown = show(
            self.purchases,
            self.site,
            self.name,
            headers,
            visit.watching,
            ware,
        );
        let page = match shown.await? {
            Shown::Paid(_) => return Ok(None),
            Shown::Invoice(invoice, claim, page) => {
                // For programs in the browser that pay by themselves.
                let mut told = challenge(&claim, &invoice.bolt11).into_response();
                let (parts, body) = page.into_parts();
                told.headers_mut().extend(parts.headers);
                *told.body_mut() = body;
                told
            }
            Shown::Offer(page) => page,
        };
        Ok(Some((StatusCode::PAYMENT_REQUIRED, page).into_response()))
    }
}

/// Makes a page of an answer: no script, nothing from elsewhere, no style but its own. Only
/// `frame_ancestors` may show it in a frame.
pub(crate) fn as_page(mut response: Response, frame_ancestors: &str) -> Response {
    let policy = format!(
        "default-src 'none'; style-src {}; img-src data:; frame-src lightning:; \
         form-action 'self'; base-uri 'none'; frame-ancestors {frame_ancestors}",
        *STYLE_SOURCE
    );
    let policy = HeaderValue::try_from(policy).expect("origins are plain ASCII");
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, policy);
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

/// Asks for the page that does not refresh itself. The rest of the query is the route's own.
const STILL: &str = "purrwall=still";

/// The page's address, as the browser knows it.
pub(crate) struct Visit {
    /// Path and query, without [`STILL`].
    pub(crate) here: String,
    /// Whether the page asks again by itself.
    watching: bool,
}

impl Visit {
    pub(crate) fn new(request: &Request) -> Self {
        // A router in between takes its part of the path away.
        let original = request.extensions().get::<OriginalUri>();
        let uri = original.map_or(request.uri(), |OriginalUri(uri)| uri);
        // Two slashes would begin another host's address.
        let path = format!("/{}", uri.path().trim_start_matches(['/', '\\']));
        let query = uri.query().unwrap_or_default();
        let own = query.strip_suffix(STILL);
        let own = own.and_then(|rest| rest.is_empty().then_some("").or(rest.strip_suffix('&')));
        let here = match own.unwrap_or(query) {
            "" => path,
            query => format!("{path}?{query}"),
        };
        Self {
            here,
            watching: own.is_none(),
        }
    }

    fn still(&self) -> String {
        let separator = if self.here.contains('?') { '&' } else { '?' };
        format!("{}{separator}{STILL}", self.here)
    }
}

/// The purchase whose button was pressed. A form of the route's own stays in the request.
pub(crate) async fn pressed(request: Request) -> (Option<PurchaseId>, Request) {
    const FIELD: &str = "purchase_id=";
    let length = FIELD.len() + 32;
    let headers = request.headers();
    let is_ours = request.method() == Method::POST
        && headers
            .get(CONTENT_TYPE)
            .is_some_and(|kind| kind == "application/x-www-form-urlencoded")
        && headers
            .get(CONTENT_LENGTH)
            .is_some_and(|given| *given == length.to_string().as_str());
    if !is_ours {
        return (None, request);
    }
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, length).await.unwrap_or_default();
    let form = std::str::from_utf8(&body).ok();
    let purchase_id = form.and_then(|form| form.strip_prefix(FIELD)?.parse().ok());
    (purchase_id, Request::from_parts(parts, Body::from(body)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(uri: &str, here: &str, still: &str, watching: bool) {
        let visit = Visit::new(&Request::get(uri).body(Body::empty()).unwrap());
        assert_eq!((&*visit.here, visit.watching), (here, watching), "{uri}");
        assert_eq!(visit.still(), still, "{uri}");
    }

    #[test]
    fn a_page_knows_its_own_address() {
        check("/a", "/a", "/a?purrwall=still", true);
        check("/a?b=c", "/a?b=c", "/a?b=c&purrwall=still", true);
        check("/a?purrwall=still", "/a", "/a?purrwall=still", false);
        check("/a?b&purrwall=still", "/a?b", "/a?b&purrwall=still", false);
        let other = "/a?notpurrwall=still";
        check(other, other, "/a?notpurrwall=still&purrwall=still", true);
    }

    #[test]
    fn a_page_leads_to_no_other_host() {
        for uri in [
            "//evil.example/a",
            "/\\evil.example/a",
            "/\\//evil.example/a",
        ] {
            check(
                uri,
                "/evil.example/a",
                "/evil.example/a?purrwall=still",
                true,
            );
        }
    }
}

//! A route with a price, visited by a browser: a page to pay on, which needs no script and leads to
//! what the route answers.
//!
//! It works as the store's plain page does: only its button makes an invoice, and a cookie keeps the
//! claim. The page's address is the route's own.

use axum::body::{Body, to_bytes};
use axum::extract::{OriginalUri, Request};
use axum::http::header::{
    ACCEPT, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, SET_COOKIE,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use shared::api::PurchaseId;
use shared::content::ContentHash;

use super::super::admission::challenge;
use super::super::invoices::create_or_find;
use super::super::purchase::{
    Stage, comes_from_elsewhere, invoice, invoice_page, offer_page, problem_page, stage,
};
use super::PriceLayer;
use crate::client::Client;
use crate::error::Error;
use crate::plain::{STYLE_SOURCE, Site, Ware, cookie};

/// Whether a browser asks for a page. Programs accept anything, or name what they can read.
pub(super) fn wants_a_page(request: &Request) -> bool {
    let accepted = request.headers().get_all(ACCEPT).iter();
    matches!(request.method(), &Method::GET | &Method::POST)
        && accepted
            .filter_map(|value| value.to_str().ok())
            .any(|value| value.contains("text/html"))
}

impl PriceLayer {
    /// Whether the browser's cookie has paid for the route.
    pub(super) async fn knows(&self, headers: &HeaderMap) -> Result<bool, Error> {
        let stage = stage(&self.app, &self.sold.name, headers).await?;
        Ok(matches!(stage, Stage::Paid(_)))
    }

    /// Lets the visitor's request pass where the cookie has paid for it; else gives the page to pay on.
    pub(super) async fn visit(&self, request: Request) -> Result<Request, Response> {
        let (pressed, request) = pressed(request).await;
        let visit = Visit::new(&request);
        let site = Site {
            name: &self.app.store.name,
            shelf: None,
        };
        let client = Client::of(request.extensions(), request.headers(), &self.app);
        match self
            .answer(site, &visit, client, request.headers(), pressed)
            .await
        {
            Ok(None) => Ok(request),
            Ok(Some(response)) => Err(self.as_page(response)),
            Err(error) => {
                let refused = self.refuse(error);
                Err(self.as_page(problem_page(site, &visit.here, refused)))
            }
        }
    }

    /// `None` where the request may pass.
    async fn answer(
        &self,
        site: Site<'_>,
        visit: &Visit,
        client: Client,
        headers: &HeaderMap,
        pressed: Option<PurchaseId>,
    ) -> Result<Option<Response>, Error> {
        let (app, name) = (&self.app, &self.sold.name);
        let stage = stage(app, name, headers).await?;
        if let Some(purchase_id) = pressed {
            let back = Redirect::to(&visit.here);
            let is_bought = matches!(stage, Stage::Payable(_) | Stage::Paid(_));
            if is_bought || comes_from_elsewhere(headers) {
                return Ok(Some(back.into_response()));
            }
            let (_, created) = create_or_find(app, client, self.offer(), purchase_id).await?;
            // Routes with the same name are paid for together, wherever they are.
            let cookie = cookie::keep(&created.claim, name, "/", headers);
            return Ok(Some(([(SET_COOKIE, cookie)], back).into_response()));
        }
        let ware = |price| Ware {
            id: name,
            title: &self.sold.title,
            teaser: "",
            price,
            seed: ContentHash::of(name.as_bytes()),
            here: &visit.here,
            still: visit.still(),
        };
        let price = || {
            let quote = self.sold.price.quote(app.catalogue().rates())?;
            Ok::<_, Error>(self.sold.price.for_people(&quote))
        };
        let page = match stage {
            Stage::Paid(_) => return Ok(None),
            Stage::Payable(claim) => {
                let invoice = invoice(app, &claim).await?;
                let price = self.sold.price.to_string();
                let page = invoice_page(site, &ware(price), &invoice, visit.watching);
                // For programs in the browser that pay by themselves.
                let mut told = challenge(&claim, &invoice.bolt11).into_response();
                let (parts, body) = page.into_parts();
                told.headers_mut().extend(parts.headers);
                *told.body_mut() = body;
                told
            }
            Stage::Offer => offer_page(site, &ware(price()?), false)?,
            Stage::Expired => offer_page(site, &ware(price()?), true)?,
        };
        Ok(Some((StatusCode::PAYMENT_REQUIRED, page).into_response()))
    }

    /// No script, nothing from elsewhere, no style but the page's own.
    fn as_page(&self, mut response: Response) -> Response {
        let policy = format!(
            "default-src 'none'; style-src {}; img-src data:; frame-src lightning:; \
             form-action 'self'; base-uri 'none'; frame-ancestors {}",
            *STYLE_SOURCE, self.app.web.frame_ancestors
        );
        let policy = HeaderValue::try_from(policy).expect("origins are plain ASCII");
        let headers = response.headers_mut();
        headers.insert(CONTENT_SECURITY_POLICY, policy);
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
        response
    }
}

/// Asks for the page that does not refresh itself. The rest of the query is the route's own.
const STILL: &str = "purrwall=still";

/// The page's address, as the browser knows it.
struct Visit {
    /// Path and query, without [`STILL`].
    here: String,
    /// Whether the page asks again by itself.
    watching: bool,
}

impl Visit {
    fn new(request: &Request) -> Self {
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
async fn pressed(request: Request) -> (Option<PurchaseId>, Request) {
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

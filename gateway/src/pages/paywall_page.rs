//! A priced route, visited by a browser: a page to pay on, which needs no script and leads to what
//! the route answers. The page's address is the route's own.

use axum::body::{Body, to_bytes};
use axum::extract::{OriginalUri, Request};
use axum::http::header::{
    CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use shared::api::Scene;
use shared::claim::Claim;
use shared::content::ContentHash;

use crate::goods::price::{NoPrice, Price, Quote};
use crate::http::admission::Asker;
use crate::http::problem::Error;
use crate::http::requests::accepts_html;
use crate::look::Look;
use crate::pages::flow::{Counter, Pressed, Shown};
use crate::pages::views::{OPEN_THE_BOX, Site, Ware, style_source};
use crate::payments::purchases::{Offer, Purchases};

/// Routes with the same name are paid for together, wherever they are.
pub(crate) const COOKIE_PATH: &str = "/";

/// Whether a browser asks for a page.
pub(crate) fn wants_a_page(request: &Request) -> bool {
    matches!(request.method(), &Method::GET | &Method::POST) && accepts_html(request.headers())
}

/// What becomes of a visitor's request.
pub(crate) enum Answer {
    /// The cookie's claim has paid for the route: the request may pass. With the new cookie, where there
    /// is one.
    Pass(Claim, Option<HeaderValue>),
    /// The visitor sees this instead.
    Page(Response),
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
    /// What a visitor sees, or that the request may pass. `pressed` is the button that was pressed.
    pub(crate) async fn answer<'a>(
        &self,
        visit: &Visit,
        asker: &Asker,
        pressed: Option<Pressed>,
        offer: impl FnOnce() -> Offer<'a>,
    ) -> Result<Answer, Error> {
        let still = visit.still();
        let counter = Counter {
            purchases: self.purchases,
            site: self.site,
            name: self.name,
            here: &visit.here,
            still: &still,
            cookie_path: COOKIE_PATH,
            visitor: asker.visitor,
            headers: &asker.headers,
        };
        if let Some(pressed) = pressed {
            let answer = counter.press(pressed, || Ok(offer()));
            return answer.await.map(Answer::Page);
        }
        let scene = self.site.look.route_scene;
        let button = match scene {
            Scene::Box => OPEN_THE_BOX,
            Scene::Card | Scene::Preview => "Buy",
        };
        let ware = || {
            Ok(Ware {
                id: self.name.to_owned(),
                title: self.title.to_owned(),
                teaser: String::new(),
                price: self.price.for_people(&self.quote?),
                until: None,
                scene,
                button: button.to_owned(),
                seed: ContentHash::of(self.name.as_bytes()),
                code: None,
                here: visit.here.clone(),
                still: still.clone(),
            })
        };
        let page = match counter.show(visit.watching, ware).await? {
            Shown::Paid(claim, cookie) => return Ok(Answer::Pass(claim, cookie)),
            Shown::Invoice(invoice, claim, page) => {
                // For programs in the browser that pay by themselves.
                let demand = asker.challenge(self.purchases, &claim, &invoice.bolt11);
                let mut told = Error::PaymentRequired(demand).into_response();
                let (parts, body) = page.into_parts();
                told.headers_mut().extend(parts.headers);
                *told.body_mut() = body;
                told
            }
            Shown::Offer(page) => page,
        };
        let page = (StatusCode::PAYMENT_REQUIRED, page).into_response();
        Ok(Answer::Page(page))
    }
}

/// Makes a page of an answer: no script, nothing from elsewhere, no style but its own. Only
/// `frame_ancestors` may show it in a frame.
pub(crate) fn as_page(mut response: Response, look: &Look, frame_ancestors: &str) -> Response {
    let policy = format!(
        "default-src 'none'; style-src {}; img-src data:; frame-src lightning:; \
         form-action 'self'; base-uri 'none'; frame-ancestors {frame_ancestors}",
        style_source(look)
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

/// No form of these pages is longer, in bytes: a typed preimage may have spaces around it.
const LONGEST_FORM: usize = 256;

/// The button that was pressed. A form of the route's own stays in the request.
pub(crate) async fn pressed(request: Request) -> (Option<Pressed>, Request) {
    let headers = request.headers();
    let length = headers.get(CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse().ok());
    let may_be_ours = request.method() == Method::POST
        && headers
            .get(CONTENT_TYPE)
            .is_some_and(|kind| kind == "application/x-www-form-urlencoded")
        && length.is_some_and(|length: usize| length <= LONGEST_FORM);
    if !may_be_ours {
        return (None, request);
    }
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, LONGEST_FORM).await.unwrap_or_default();
    let pressed = std::str::from_utf8(&body).ok().and_then(read_form);
    (pressed, Request::from_parts(parts, Body::from(body)))
}

/// Each form of these pages has one field.
fn read_form(form: &str) -> Option<Pressed> {
    match form.split_once('=')? {
        ("purchase_id", id) => Some(Pressed::Buy(id.parse().ok()?)),
        ("new_purchase_id", id) => Some(Pressed::BuyAnew(id.parse().ok()?)),
        // A space travels as a plus.
        ("purrwall_preimage", typed) => Some(Pressed::Proof(typed.replace('+', " "))),
        _ => None,
    }
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

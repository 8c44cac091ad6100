//! The store's pages without script, where one can buy each item.

use std::sync::Arc;

use axum::extract::rejection::{FormRejection, PathRejection};
use axum::extract::{DefaultBodyLimit, OriginalUri, Path, RawQuery, Request, State};
use axum::http::header::{
    ACCEPT, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, SET_COOKIE,
};
use axum::http::{HeaderMap, HeaderValue, Method};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use axum::{Form, Router};
use maud::Markup;
use serde::Deserialize;
use shared::api::{ItemId, PurchaseId};
use tower_http::set_header::SetResponseHeaderLayer;

use crate::app::{App, Shelf};
use crate::goods::catalogue::{Catalogue, Content, Goods};
use crate::goods::delivery::attachment;
use crate::goods::versions::VersionError;
use crate::http::admission::{Asker, random_purchase_id};
use crate::http::api::content::{Wares, sold};
use crate::http::api::listing::Access;
use crate::http::code::Code;
use crate::http::deliver::deliver;
use crate::http::place::Place;
use crate::http::problem::{Demand, Error, MAX_BODY};
use crate::http::requests::{accepts_html, method_not_allowed, not_found, unless_set};
use crate::http::visitor::Visitor;
use crate::metrics::Metrics;
use crate::options::{RouteOptions, StoreOptions, WebOptions};
use crate::pages::base::Base;
use crate::pages::flow::{Counter, Pressed, Shown};
use crate::pages::problem_page::problem_page;
use crate::pages::stage::{Stage, stage};
use crate::pages::views::{self, AT, STYLE, Ware};
use crate::pages::{code_page, keep};
use crate::payments::admission::Insufficient;
use crate::payments::purchases::{Offer, Purchases};

/// The pages, to be nested at `/buy`.
pub(crate) fn router(app: &App) -> Router<App> {
    Router::new()
        .route("/", get(list_items).post(keep::open))
        .route("/style.css", get(get_style))
        .route("/{item}", get(show_item).post(buy_item))
        .route("/{item}/content", get(get_content))
        .route("/{item}/keep", get(keep::show))
        .route(
            "/{item}/paid/{tag}",
            get(code_page::show).post(code_page::open),
        )
        .route("/{item}/receipt", get(keep::receipt))
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(from_fn_with_state(app.clone(), problems_as_pages))
        .layer(unless_set(CACHE_CONTROL, "no-store"))
        .layer(SetResponseHeaderLayer::if_not_present(
            CONTENT_SECURITY_POLICY,
            policy(&app.part::<Arc<WebOptions>>()),
        ))
}

/// No script, no inline style, nothing from elsewhere: what an item's title smuggled in could do
/// nothing.
fn policy(web: &WebOptions) -> HeaderValue {
    let policy = format!(
        "default-src 'none'; img-src 'self' data:; media-src 'self'; style-src 'self'; \
         frame-src lightning:; form-action 'self'; base-uri 'none'; frame-ancestors {}",
        web.frame_ancestors
    );
    HeaderValue::try_from(policy).expect("origins are plain ASCII")
}

/// `GET /buy`
async fn list_items(
    State(store): State<Arc<StoreOptions>>,
    State(shelf): State<Shelf>,
    State(routes): State<Arc<[RouteOptions]>>,
    base: Base,
) -> Markup {
    let catalogue = shelf.catalogue();
    let mut services = Access::all(&routes, catalogue.rates());
    // What a proxy serves may be at another host.
    services.retain(|service| service.route.upstream.is_some());
    let site = base.site(&store, &catalogue);
    views::index(site, &catalogue.items(), &services)
}

/// `GET /buy/`
pub(crate) async fn without_slash(OriginalUri(uri): OriginalUri) -> Redirect {
    Redirect::permanent(uri.path().trim_end_matches('/'))
}

/// `GET /buy/style.css`: under another query with each change, so it may be kept for good.
async fn get_style() -> impl IntoResponse {
    let headers = [
        (CONTENT_TYPE, "text/css; charset=utf-8"),
        (CACHE_CONTROL, "public, max-age=31536000, immutable"),
    ];
    (headers, STYLE.as_str())
}

/// `GET /buy/{item}`: the offer, the invoice, or the goods, by where the buyer's purchase stands.
/// With `?still` the invoice's page does not refresh itself: one can read and copy in peace.
///
/// Programs that got hold of the page's address, and do not ask for HTML, are answered as at the goods'.
async fn show_item(
    State(store): State<Arc<StoreOptions>>,
    wares: Wares,
    mut asker: Asker,
    base: Base,
    item: Result<Path<ItemId>, PathRejection>,
    RawQuery(query): RawQuery,
) -> Result<Response, Error> {
    let Path(id) = item?;
    if !takes_pages(&asker.headers) {
        asker.place = below(asker.place, AT);
        return wares.answer(&asker, &id, Insufficient::IsNone).await;
    }
    let Wares {
        shelf, purchases, ..
    } = &wares;
    let Asker {
        visitor,
        headers,
        place,
        ..
    } = asker;
    let catalogue = shelf.catalogue();
    let site = base.site(&store, &catalogue);
    let here = site.page_of(&id);
    let place = below(place, AT);
    let ware = || {
        let ware = Ware::from((find(&catalogue, &id)?.item()?, here.clone()));
        Ok(Ware {
            code: Code::of(&place, &id),
            ..ware
        })
    };
    let watching = query.as_deref() != Some("still");
    let counter = Counter {
        purchases,
        site,
        name: id.as_str(),
        here: &here,
        still: &still(&here),
        cookie_path: &here,
        visitor,
        headers: &headers,
    };
    match counter.show(watching, ware).await? {
        Shown::Paid(claim, cookie) => {
            let cookie = cookie.map(|cookie| [(SET_COOKIE, cookie)]);
            let content = sold(shelf, purchases.refusals(), &id, &claim)?;
            let text = text_of(&content).await?;
            let goods = catalogue.find(&id);
            let title = goods.map_or(id.as_str(), |goods| &goods.title);
            let until = claim.valid_until();
            let page = views::paid(site, &id, title, &content, text.as_deref(), until);
            Ok((cookie, page).into_response())
        }
        Shown::Offer(page) | Shown::Invoice(_, _, page) => Ok(page),
    }
}

/// The fields of the pages' forms; each form has one of them.
#[derive(Deserialize)]
struct Fields {
    /// Drawn with the page, so that two clicks on its button are one purchase.
    purchase_id: Option<PurchaseId>,
    /// The same, if the buyer says that the purchase in the cookie was not paid.
    new_purchase_id: Option<PurchaseId>,
    /// Typed in by the buyer.
    purrwall_preimage: Option<String>,
}

impl Fields {
    fn pressed(self) -> Option<Pressed> {
        let proof = self.purrwall_preimage.map(Pressed::Proof);
        let anew = self.new_purchase_id.map(Pressed::BuyAnew);
        proof.or(anew).or(self.purchase_id.map(Pressed::Buy))
    }
}

/// `POST /buy/{item}`: a button. That of the offer works in whatever form it arrives: a purchase id that cannot
/// be read is replaced.
#[expect(
    clippy::too_many_arguments,
    reason = "each is a part of the request or of the store"
)]
async fn buy_item(
    State(store): State<Arc<StoreOptions>>,
    State(shelf): State<Shelf>,
    State(purchases): State<Purchases>,
    visitor: Visitor,
    base: Base,
    item: Result<Path<ItemId>, PathRejection>,
    headers: HeaderMap,
    form: Result<Form<Fields>, FormRejection>,
) -> Result<Response, Error> {
    let Path(id) = item?;
    let catalogue = shelf.catalogue();
    let site = base.site(&store, &catalogue);
    let here = site.page_of(&id);
    let offer = || find(&catalogue, &id).map(Offer::goods);
    let pressed = match form.ok().and_then(|Form(fields)| fields.pressed()) {
        Some(pressed) => pressed,
        None => Pressed::Buy(random_purchase_id()?),
    };
    let counter = Counter {
        purchases: &purchases,
        site,
        name: id.as_str(),
        here: &here,
        still: &still(&here),
        cookie_path: &here,
        visitor,
        headers: &headers,
    };
    counter.press(pressed, offer).await
}

/// `GET /buy/{item}/content`: the goods, for the pages' media elements and to be saved.
///
/// Always an attachment, which media elements do not mind: unlike in the API, a browser sends the
/// cookie by itself, and goods that are HTML must not run as a page of the store's.
async fn get_content(
    State(shelf): State<Shelf>,
    State(purchases): State<Purchases>,
    State(metrics): State<Metrics>,
    item: Result<Path<ItemId>, PathRejection>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let Path(id) = item?;
    let claim = match stage(&purchases, id.as_str(), &headers).await? {
        Stage::Paid(paid) => paid.claim,
        Stage::Unconfirmed => return Err(Error::UnknownInvoice),
        Stage::Payable(_) => return Err(Error::PaymentRequired(Demand::default())),
        Stage::Offer | Stage::Expired => {
            find(&shelf.catalogue(), &id)?;
            return Err(Error::PaymentRequired(Demand::default()));
        }
    };
    let content = sold(&shelf, purchases.refusals(), &id, &claim)?;
    let guard = [(CONTENT_DISPOSITION, attachment(&content))];
    let delivered = deliver(content, &method, &headers, &metrics).await?;
    Ok((guard, delivered).into_response())
}

/// Where the store is whose pages are at `path` below it. An address that the owner set is the store's already.
fn below(place: Place, path: &str) -> Place {
    let cut = |address: String| match address.strip_suffix(path) {
        Some(store) => store.to_owned(),
        None => address,
    };
    Place {
        url: place.url.map(cut),
        base: cut(place.base),
    }
}

/// The address of the page that does not refresh itself.
fn still(here: &str) -> String {
    format!("{here}?still")
}

fn find<'a>(catalogue: &'a Catalogue, id: &ItemId) -> Result<&'a Goods, Error> {
    let unknown = || Error::UnknownItem(id.clone());
    catalogue.find(id).ok_or_else(unknown)
}

/// More text than this is not read on a page.
const MAX_TEXT: u64 = 256 * 1024;

/// The text that the page shows, if that is what was sold.
async fn text_of(content: &Content) -> Result<Option<String>, VersionError> {
    if !content.content_type.starts_with("text/") || content.size > MAX_TEXT {
        return Ok(None);
    }
    let bytes = content.read().await?;
    Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
}

/// Whether HTML is of use. A visitor that does not say what it accepts may be an old browser.
fn takes_pages(headers: &HeaderMap) -> bool {
    !headers.contains_key(ACCEPT) || accepts_html(headers)
}

/// Tells errors as pages for people, and to programs as everywhere.
async fn problems_as_pages(
    State(store): State<Arc<StoreOptions>>,
    State(shelf): State<Shelf>,
    OriginalUri(uri): OriginalUri,
    request: Request,
    next: Next,
) -> Response {
    let base = Base::of(request.extensions(), request.uri(), request.headers());
    let is_for_people = takes_pages(request.headers());
    let answer = next.run(request).await;
    if is_for_people {
        problem_page(base.site(&store, &shelf.catalogue()), uri.path(), answer)
    } else {
        answer
    }
}

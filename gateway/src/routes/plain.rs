//! The store's plain page, where one can buy without any script.
//!
//! The buyer's claim is kept in a cookie, never in an address. No page makes an invoice but the
//! answer to the button, and none asks lightningd for more than its memory lacks, so it may be
//! refreshed as often as buyers like.

use std::convert::Infallible;

use axum::extract::rejection::{FormRejection, PathRejection};
use axum::extract::{
    DefaultBodyLimit, FromRequestParts, OriginalUri, Path, RawQuery, Request, State,
};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, SET_COOKIE,
};
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap, HeaderValue, Method, Uri};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use axum::{Form, Router};
use maud::Markup;
use shared::api::ItemId;
use tower_http::set_header::SetResponseHeaderLayer;

use super::content::sold;
use super::delivery::{attachment, deliver};
use super::invoices::{create_or_find, random_purchase_id};
use super::purchase::{
    Buy, Stage, comes_from_elsewhere, invoice, invoice_page, offer_page, problem_page, stage,
};
use super::{AppState, method_not_allowed, not_found, unless_set};
use crate::App;
use crate::catalogue::{Catalogue, Content, Goods};
use crate::client::Client;
use crate::error::{Error, MAX_BODY};
use crate::plain::{self, STYLE, Site, Ware, cookie};

/// The pages, to be nested at `/buy`.
pub(super) fn router(app: &App) -> Router<App> {
    Router::new()
        .route("/", get(list_items))
        .route("/style.css", get(get_style))
        .route("/{item}", get(show_item).post(buy_item))
        .route("/{item}/content", get(get_content))
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(from_fn_with_state(app.clone(), problems_as_pages))
        .layer(unless_set(CACHE_CONTROL, "no-store"))
        .layer(SetResponseHeaderLayer::if_not_present(
            CONTENT_SECURITY_POLICY,
            policy(app),
        ))
}

/// No script, no inline style, nothing from elsewhere: what an item's title smuggled in could do
/// nothing.
fn policy(app: &App) -> HeaderValue {
    let policy = format!(
        "default-src 'none'; img-src 'self' data:; media-src 'self'; style-src 'self'; \
         frame-src lightning:; form-action 'self'; base-uri 'none'; frame-ancestors {}",
        app.web.frame_ancestors
    );
    HeaderValue::try_from(policy).expect("origins are plain ASCII")
}

/// `GET /buy`
async fn list_items(State(app): AppState, base: Base) -> Markup {
    plain::index(base.site(&app), &app.catalogue().items())
}

/// `GET /buy/`
pub(super) async fn without_slash(OriginalUri(uri): OriginalUri) -> Redirect {
    Redirect::permanent(uri.path().trim_end_matches('/'))
}

/// The path of these pages as the browser knows it: behind the one that the router is nested at.
struct Base(String);

impl Base {
    fn site<'a>(&'a self, app: &'a App) -> Site<'a> {
        Site {
            name: &app.store.name,
            shelf: Some(&self.0),
        }
    }

    fn of(request: &Extensions, uri: &Uri) -> Self {
        let original = request.get::<OriginalUri>();
        let original = original.map_or(uri.path(), |OriginalUri(uri)| uri.path());
        let base = original.strip_suffix(uri.path()).unwrap_or(original);
        Self(base.trim_end_matches('/').to_owned())
    }
}

impl<S: Sync> FromRequestParts<S> for Base {
    type Rejection = Infallible;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.extensions, &parts.uri))
    }
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
async fn show_item(
    State(app): AppState,
    base: Base,
    item: Result<Path<ItemId>, PathRejection>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let Path(id) = item?;
    let site = base.site(&app);
    let here = site.page_of(&id);
    let catalogue = app.catalogue();
    let item = || find(&catalogue, &id)?.item().map_err(Error::from);
    match stage(&app, id.as_str(), &headers).await? {
        Stage::Offer => offer_page(site, &Ware::of(&item()?, &here), false),
        Stage::Expired => offer_page(site, &Ware::of(&item()?, &here), true),
        Stage::Paid(claim) => {
            let content = sold(&app, &id, &claim)?;
            let text = text_of(&content).await?;
            let goods = catalogue.find(&id);
            let title = goods.map_or(id.as_str(), |goods| &goods.title);
            Ok(plain::paid(site, &id, title, &content, text.as_deref()).into_response())
        }
        Stage::Payable(claim) => {
            let invoice = invoice(&app, &claim).await?;
            let watching = query.as_deref() != Some("still");
            let ware = item()?;
            let ware = Ware::of(&ware, &here);
            Ok(invoice_page(site, &ware, &invoice, watching))
        }
    }
}

/// `POST /buy/{item}`: makes the invoice, unless the buyer has one that can be paid or is paid, and
/// leads back to the page. The button works in whatever form it arrives: a purchase id that cannot
/// be read is replaced.
async fn buy_item(
    State(app): AppState,
    client: Client,
    base: Base,
    item: Result<Path<ItemId>, PathRejection>,
    headers: HeaderMap,
    form: Result<Form<Buy>, FormRejection>,
) -> Result<Response, Error> {
    let Path(id) = item?;
    let path = base.site(&app).page_of(&id);
    let page = Redirect::to(&path);
    if comes_from_elsewhere(&headers) {
        return Ok(page.into_response());
    }
    if let Stage::Payable(_) | Stage::Paid(_) = stage(&app, id.as_str(), &headers).await? {
        return Ok(page.into_response());
    }
    let catalogue = app.catalogue();
    let goods = find(&catalogue, &id)?;
    let purchase_id = match form {
        Ok(Form(Buy { purchase_id })) => purchase_id,
        Err(_) => random_purchase_id()?,
    };
    let (_, created) = create_or_find(&app, client, goods.into(), purchase_id).await?;
    let cookie = cookie::keep(&created.claim, id.as_str(), &path, &headers);
    Ok(([(SET_COOKIE, cookie)], page).into_response())
}

/// `GET /buy/{item}/content`: the goods, for the pages' media elements and to be saved.
///
/// Always an attachment, which media elements do not mind: unlike in the API, a browser sends the
/// cookie by itself, and goods that are HTML must not run as a page of the store's.
async fn get_content(
    State(app): AppState,
    item: Result<Path<ItemId>, PathRejection>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let Path(id) = item?;
    let Stage::Paid(claim) = stage(&app, id.as_str(), &headers).await? else {
        let catalogue = app.catalogue();
        find(&catalogue, &id)?;
        return Err(Error::PaymentRequired { challenge: None });
    };
    let content = sold(&app, &id, &claim)?;
    let guard = [(CONTENT_DISPOSITION, attachment(&content))];
    let delivered = deliver(content, &method, &headers, &app.metrics).await?;
    Ok((guard, delivered).into_response())
}

fn find<'a>(catalogue: &'a Catalogue, id: &ItemId) -> Result<&'a Goods, Error> {
    let unknown = || Error::UnknownItem(id.clone());
    catalogue.find(id).ok_or_else(unknown)
}

/// More text than this is not read on a page.
const MAX_TEXT: u64 = 256 * 1024;

/// The text that the page shows, if that is what was sold.
async fn text_of(content: &Content) -> Result<Option<String>, Error> {
    if !content.content_type.starts_with("text/") || content.size > MAX_TEXT {
        return Ok(None);
    }
    let bytes = content.read().await?;
    Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
}

/// Tells errors as pages for people.
async fn problems_as_pages(
    State(app): AppState,
    OriginalUri(uri): OriginalUri,
    request: Request,
    next: Next,
) -> Response {
    let base = Base::of(request.extensions(), request.uri());
    problem_page(base.site(&app), uri.path(), next.run(request).await)
}

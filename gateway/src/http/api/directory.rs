//! What the store sells, in the forms of others: for a directory of paid services, and in words for
//! programs that read.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{OriginalUri, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, VARY};
use axum::http::{HeaderMap, Method};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use shared::api::{INVOICE_PATH, Item, goods_path};
use shared::lightning::Msat;
use utoipa::ToSchema;

use crate::app::Shelf;
use crate::http::api::listing::{
    Access, DIRECTORY, LLMS, MANIFEST, OPENAPI_ROOT, amount, described,
};
use crate::http::place::Place;
use crate::http::visitor::Visitor;
use crate::options::{RouteOptions, StoreOptions};

/// An answer that stays good for a minute, and is another for each name that the store is known by.
const CACHING: [(axum::http::HeaderName, &str); 2] =
    [(CACHE_CONTROL, "public, max-age=60"), (VARY, "Host")];

/// What the store sells, in the form that the directory 402index.io reads.
#[utoipa::path(
    get,
    path = DIRECTORY,
    tag = "store",
    responses((status = 200, body = Directory, description = "The services.")),
)]
pub(crate) async fn get_directory(
    State(store): State<Arc<StoreOptions>>,
    State(shelf): State<Shelf>,
    State(routes): State<Arc<[RouteOptions]>>,
    visitor: Visitor,
    OriginalUri(here): OriginalUri,
    headers: HeaderMap,
) -> Response {
    let place = Place::of(&store, visitor, &headers, &here, DIRECTORY);
    let catalogue = shelf.catalogue();
    let items = catalogue.items();
    let accesses = Access::all(&routes, catalogue.rates());
    let goods = items.iter().map(|item| listed(item, &place));
    let services = accesses.iter().map(|access| opened(access, &place));
    let directory = Directory {
        version: "1.0",
        name: store.name.clone(),
        description: format!(
            "{}, sold for Lightning payments by {}",
            kinds(&items, &accesses),
            store.name
        ),
        homepage: place.url.clone(),
        protocol: "L402",
        protocols: ["L402", "MPP"],
        payment_network: "lightning",
        services: goods.chain(services).collect(),
    };
    (CACHING, Json(directory)).into_response()
}

#[derive(Serialize, ToSchema)]
struct Directory {
    version: &'static str,
    name: String,
    description: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    homepage: Option<String>,
    protocol: &'static str,
    protocols: [&'static str; 2],
    payment_network: &'static str,
    services: Vec<Listed>,
}

#[derive(Serialize, ToSchema)]
struct Listed {
    id: String,
    name: String,
    description: String,
    endpoint: String,
    method: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    content_type: Option<String>,
    pricing: Price,
}

/// In satoshi where it is a whole number of them.
#[derive(Serialize, ToSchema)]
struct Price {
    amount: u64,
    currency: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
}

impl Price {
    fn of(msat: Msat) -> Self {
        let (amount, currency) = amount(msat);
        Self {
            amount,
            currency,
            kind: "fixed",
        }
    }
}

/// What there is, in a word.
fn kinds(items: &[Item], accesses: &[Access]) -> &'static str {
    match (items, accesses) {
        (_, []) => "Files",
        ([], _) => "Services",
        _ => "Files and services",
    }
}

fn listed(item: &Item, place: &Place) -> Listed {
    Listed {
        id: item.id.to_string(),
        name: item.title.clone(),
        description: described(item),
        endpoint: place.address(&goods_path(&item.id)),
        method: Method::GET.to_string(),
        content_type: Some(item.content_type.clone()),
        pricing: Price::of(item.price_msat),
    }
}

fn opened(access: &Access, place: &Place) -> Listed {
    let (path, _) = access.route.path.path();
    Listed {
        id: access.name(),
        name: access.route.title.clone(),
        description: access.route.title.clone(),
        endpoint: place.address(path),
        method: access.methods()[0].to_string(),
        content_type: None,
        pricing: Price::of(access.price_msat),
    }
}

/// The store in words, with the calls that buy something.
#[utoipa::path(
    get,
    path = LLMS,
    tag = "store",
    responses((status = 200, body = String, content_type = "text/markdown", description = "Words.")),
)]
pub(crate) async fn get_llms(
    State(store): State<Arc<StoreOptions>>,
    State(shelf): State<Shelf>,
    State(routes): State<Arc<[RouteOptions]>>,
    visitor: Visitor,
    OriginalUri(here): OriginalUri,
    headers: HeaderMap,
) -> Response {
    let place = Place::of(&store, visitor, &headers, &here, LLMS);
    let catalogue = shelf.catalogue();
    let accesses = Access::all(&routes, catalogue.rates());
    let text = words(&store.name, &catalogue.items(), &accesses, &place);
    let kind = [(CONTENT_TYPE, "text/markdown; charset=utf-8")];
    (CACHING, kind, text).into_response()
}

fn words(name: &str, items: &[Item], accesses: &[Access], place: &Place) -> String {
    let kinds = kinds(items, accesses);
    // The calls are the same at every address.
    let address = match (items, accesses) {
        ([], [access, ..]) => place.address(access.route.path.path().0),
        _ => place.address("/goods/ITEM"),
    };
    let mut text = format!(
        "# {name}\n\n\
         > {kinds}, sold for Lightning payments. No account, no key: ask, pay, ask again.\n\n\
         ## Buy something in three calls\n\n\
         1. `GET {address}` answers `402` with `WWW-Authenticate: L402 macaroon=\"…\", invoice=\"…\"` \
         (and the same invoice in the scheme `Payment`, in a second line).\n\
         2. Pay the invoice with any Lightning wallet. It gives you the preimage. Each call without a \
         credential makes a new invoice, so keep this one.\n\
         3. `GET {address}` with `Authorization: L402 <macaroon>:<preimage>` answers `200` with what you \
         paid for. The credential stays good: use it again for the same thing, it costs nothing.\n\n\
         Without the preimage, `Authorization: L402 <macaroon>` opens it once the store's node has \
         the payment; `GET {status}?wait=30` tells when.\n",
        status = place.address(INVOICE_PATH),
    );
    if !items.is_empty() {
        text.push_str("\n## What there is\n\n");
    }
    for item in items {
        let (title, price) = (described(item), item.price_text());
        let address = place.address(&goods_path(&item.id));
        writeln!(
            text,
            "- [{title}]({address}): {price}, {}",
            item.content_type
        )
        .ok();
    }
    if !accesses.is_empty() {
        text.push_str("\n## Services\n\nOne payment opens a service for as often as you like.\n\n");
    }
    for access in accesses {
        let (path, is_tree) = access.route.path.path();
        let methods: Vec<_> = access.methods().iter().map(Method::as_str).collect();
        writeln!(
            text,
            "- [{}]({}): {}, {}{}{}",
            access.route.title,
            place.address(path),
            access.price_msat.for_people(),
            methods.join(" and "),
            if is_tree { ", and all paths below" } else { "" },
            lasts(access.route.valid_for),
        )
        .ok();
    }
    let more = [
        ("The HTTP API (OpenAPI)", OPENAPI_ROOT),
        ("The L402 manifest", MANIFEST),
    ];
    text.push_str("\n## More\n\n");
    for (what, path) in more {
        writeln!(text, "- [{what}]({})", place.address(path)).ok();
    }
    text
}

fn lasts(time: Option<Duration>) -> String {
    let time = time.map(humantime::format_duration);
    time.map_or_else(String::new, |time| format!(", for {time}"))
}

//! What the store sells, in the forms of others: for a directory of paid services, and in words for
//! programs that read.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::Json;
use axum::extract::{OriginalUri, State};
use axum::http::HeaderMap;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, VARY};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use shared::api::{INVOICE_PATH, Item, goods_path};
use utoipa::ToSchema;

use crate::app::Shelf;
use crate::http::api::listing::{DIRECTORY, LLMS, MANIFEST, OPENAPI_ROOT, amount, described};
use crate::http::place::Place;
use crate::http::visitor::Visitor;
use crate::options::StoreOptions;

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
    visitor: Visitor,
    OriginalUri(here): OriginalUri,
    headers: HeaderMap,
) -> Response {
    let place = Place::of(&store, visitor, &headers, &here, DIRECTORY);
    let items = shelf.catalogue().items();
    let directory = Directory {
        version: "1.0",
        name: store.name.clone(),
        description: format!("Files, sold for Lightning payments by {}", store.name),
        homepage: place.url.clone(),
        protocol: "L402",
        protocols: ["L402", "MPP"],
        payment_network: "lightning",
        services: items.iter().map(|item| listed(item, &place)).collect(),
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
    method: &'static str,
    content_type: String,
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

fn listed(item: &Item, place: &Place) -> Listed {
    let (amount, currency) = amount(item.price_msat);
    Listed {
        id: item.id.to_string(),
        name: item.title.clone(),
        description: described(item),
        endpoint: place.address(&goods_path(&item.id)),
        method: "GET",
        content_type: item.content_type.clone(),
        pricing: Price {
            amount,
            currency,
            kind: "fixed",
        },
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
    visitor: Visitor,
    OriginalUri(here): OriginalUri,
    headers: HeaderMap,
) -> Response {
    let place = Place::of(&store, visitor, &headers, &here, LLMS);
    let text = words(&store.name, &shelf.catalogue().items(), &place);
    let kind = [(CONTENT_TYPE, "text/markdown; charset=utf-8")];
    (CACHING, kind, text).into_response()
}

fn words(name: &str, items: &[Item], place: &Place) -> String {
    let goods = place.address("/goods/ITEM");
    let mut text = format!(
        "# {name}\n\n\
         > Files, sold for Lightning payments. No account, no key: ask, pay, ask again.\n\n\
         ## Buy something in three calls\n\n\
         1. `GET {goods}` answers `402` with `WWW-Authenticate: L402 macaroon=\"…\", invoice=\"…\"` \
         (and the same invoice in the scheme `Payment`, in a second line).\n\
         2. Pay the invoice with any Lightning wallet. It gives you the preimage. Each call without a \
         credential makes a new invoice, so keep this one.\n\
         3. `GET {goods}` with `Authorization: L402 <macaroon>:<preimage>` answers `200` with the file. \
         The credential stays good: use it again for the same item, it costs nothing.\n\n\
         Without the preimage, `Authorization: L402 <macaroon>` opens the file once the store's node has \
         the payment; `GET {status}?wait=30` tells when.\n\n\
         ## What there is\n\n",
        status = place.address(INVOICE_PATH),
    );
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

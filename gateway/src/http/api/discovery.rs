//! What the store sells and for how much, for programs that know nothing but its address.
//!
//! The form is the manifest of the L402 discovery specification, version 1.0, with one service for
//! each item: <https://github.com/lightninglabs/L402>, `discovery-spec.md`.

use std::sync::Arc;

use axum::Json;
use axum::extract::{OriginalUri, State};
use axum::http::header::{CACHE_CONTROL, VARY};
use axum::http::{HeaderMap, Method};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Value, json};
use shared::api::{Item, goods_path};
use shared::claim::{CAVEAT_ITEM, CAVEAT_VALID_UNTIL};
use shared::lightning::{Msat, NodeId};
use utoipa::ToSchema;

use crate::app::Shelf;
use crate::http::api::listing::{Access, MANIFEST, OPENAPI, described};
use crate::http::api::responses::{Internal, Unavailable};
use crate::http::api::store::several;
use crate::http::place::Place;
use crate::http::problem::Error;
use crate::http::visitor::Visitor;
use crate::options::{RouteOptions, StoreOptions};
use crate::payments::purchases::Purchases;

/// What the store sells, for programs that know nothing but its address: the manifest of the L402
/// discovery specification.
#[utoipa::path(
    get,
    path = MANIFEST,
    tag = "store",
    responses(
        (status = 200, body = Manifest, description = "The manifest."),
        (status = 500, response = Internal),
        (status = 503, response = Unavailable),
    ),
)]
pub(crate) async fn get_manifest(
    State(store): State<Arc<StoreOptions>>,
    State(shelf): State<Shelf>,
    State(routes): State<Arc<[RouteOptions]>>,
    State(purchases): State<Purchases>,
    visitor: Visitor,
    OriginalUri(here): OriginalUri,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let nodes = purchases.nodes().known().await?;
    let Place { url, base } = Place::of(&store, visitor, &headers, &here, MANIFEST);
    let catalogue = shelf.catalogue();
    let items = catalogue.items();
    let sold = items.iter().map(|item| service(item, &base));
    let accesses = Access::all(&routes, catalogue.rates());
    let routes = accesses.iter().map(|access| opened(access, &base));
    let manifest = Manifest {
        version: "1.0",
        provider: Provider {
            name: store.name.clone(),
            uri: url,
            node_pubkey: nodes[0].id,
            node_pubkeys: several(&nodes),
        },
        currencies: ["msat"],
        macaroon_versions: [0],
        payment_methods: ["bolt11"],
        openapi: [&base, OPENAPI].concat(),
        services: sold.chain(routes).collect(),
        caveats: caveats(),
    };
    let caching = [(CACHE_CONTROL, "public, max-age=60"), (VARY, "Host")];
    Ok((caching, Json(manifest)).into_response())
}

#[derive(Serialize, ToSchema)]
struct Manifest {
    version: &'static str,
    provider: Provider,
    currencies: [&'static str; 1],
    macaroon_versions: [u16; 1],
    payment_methods: [&'static str; 1],
    openapi: String,
    services: Vec<Service>,
    caveats: Value,
}

#[derive(Serialize, ToSchema)]
struct Provider {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    uri: Option<String>,
    node_pubkey: NodeId,
    /// All nodes that sign invoices, where there are several.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    node_pubkeys: Vec<NodeId>,
}

#[derive(Serialize, ToSchema)]
struct Service {
    name: String,
    description: String,
    resources: Vec<Resource>,
}

#[derive(Serialize, ToSchema)]
struct Resource {
    path: String,
    method: String,
    pricing: Pricing,
}

#[derive(Serialize, ToSchema)]
struct Pricing {
    model: &'static str,
    price_msat: Msat,
}

impl Pricing {
    /// Where it follows a rate: what it is at this moment's.
    fn fixed(price_msat: Msat) -> Self {
        Self {
            model: "fixed",
            price_msat,
        }
    }
}

/// An item, at a store whose paths begin with `base`.
fn service(item: &Item, base: &str) -> Service {
    Service {
        name: item.id.to_string(),
        description: described(item),
        resources: vec![Resource {
            path: [base, &goods_path(&item.id)].concat(),
            method: "GET".to_owned(),
            pricing: Pricing::fixed(item.price_msat),
        }],
    }
}

/// Access to a service.
fn opened(access: &Access, base: &str) -> Service {
    let Access { route, price_msat } = access;
    let resource = |method: &Method| Resource {
        path: format!("{base}{}", route.path),
        method: method.to_string(),
        pricing: Pricing::fixed(*price_msat),
    };
    Service {
        name: access.name(),
        description: route.title.clone(),
        resources: access.methods().iter().map(resource).collect(),
    }
}

/// The caveats that are enforced; a holder may add them to narrow a claim.
fn caveats() -> Value {
    json!({
        CAVEAT_ITEM: {
            "type": "string",
            "description": "the item that the credential is for",
        },
        CAVEAT_VALID_UNTIL: {
            "type": "timestamp",
            "description": "the last second in which the credential is accepted",
            "attenuation": "earlier",
        },
    })
}

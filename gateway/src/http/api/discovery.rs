//! What the store sells and for how much, for programs that know nothing but its address.
//!
//! The form is the manifest of the L402 discovery specification, version 1.0, with one service for
//! each item: <https://github.com/lightninglabs/L402>, `discovery-spec.md`.

use std::sync::Arc;

use axum::Json;
use axum::extract::{OriginalUri, State};
use axum::http::header::{CACHE_CONTROL, HOST, VARY};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Value, json};
use shared::api::{Item, content_path};
use shared::claim::{CAVEAT_ITEM, CAVEAT_VALID_UNTIL};
use shared::lightning::{Msat, NodeId};
use utoipa::ToSchema;

use crate::app::Shelf;
use crate::http::api::openapi;
use crate::http::api::responses::{Internal, Unavailable};
use crate::http::problem::Error;
use crate::http::visitor::Visitor;
use crate::options::StoreOptions;
use crate::payments::purchases::Purchases;

const PATH: &str = "/.well-known/l402.json";

/// What the store sells, for programs that know nothing but its address: the manifest of the L402
/// discovery specification.
#[utoipa::path(
    get,
    path = PATH,
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
    State(purchases): State<Purchases>,
    visitor: Visitor,
    OriginalUri(here): OriginalUri,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let node = purchases.invoices().node().await?;
    let (uri, base) = if let Some(url) = &store.public_url {
        (Some(url.clone()), path_of(url))
    } else {
        let base = here.path().strip_suffix(PATH).unwrap_or_default();
        let uri = address(&headers, visitor).map(|address| address + base);
        (uri, base.to_owned())
    };
    let items = shelf.catalogue().items();
    let manifest = Manifest {
        version: "1.0",
        provider: Provider {
            name: store.name.clone(),
            uri,
            node_pubkey: node.id,
        },
        currencies: ["msat"],
        macaroon_versions: [0],
        payment_methods: ["bolt11"],
        openapi: [&base, openapi::PATH].concat(),
        services: items.iter().map(|item| service(item, &base)).collect(),
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
}

#[derive(Serialize, ToSchema)]
struct Service {
    name: String,
    description: String,
    resources: [Resource; 1],
}

#[derive(Serialize, ToSchema)]
struct Resource {
    path: String,
    method: &'static str,
    pricing: Pricing,
}

#[derive(Serialize, ToSchema)]
struct Pricing {
    model: &'static str,
    price_msat: Msat,
}

/// An item, at a store whose paths begin with `base`.
fn service(item: &Item, base: &str) -> Service {
    Service {
        name: item.id.to_string(),
        description: format!("{}: {}", item.title, item.teaser),
        resources: [Resource {
            path: [base, &content_path(&item.id)].concat(),
            method: "GET",
            pricing: Pricing {
                // The second: what it is at the last rate. What counts is the challenge's invoice.
                model: if item.fiat_price.is_none() {
                    "fixed"
                } else {
                    "dynamic"
                },
                price_msat: item.price_msat,
            },
        }],
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

/// The path in a web address, without a slash at its end.
fn path_of(url: &str) -> String {
    let uri: Option<Uri> = url.parse().ok();
    let path = uri.map(|uri| uri.path().trim_end_matches('/').to_owned());
    path.unwrap_or_default()
}

/// The store's address as the visitor wrote it: `Host`, and the scheme that they came by.
fn address(headers: &HeaderMap, visitor: Visitor) -> Option<String> {
    let host: Authority = headers.get(HOST)?.to_str().ok()?.parse().ok()?;
    // An authority may also hold a name and a password; a `Host` may not.
    if host.as_str().contains('@') {
        return None;
    }
    let scheme = if visitor.is_https { "https" } else { "http" };
    Some(format!("{scheme}://{host}"))
}

#[cfg(test)]
mod tests {
    use axum::http::Extensions;

    use super::*;
    use crate::options::LimitsOptions;

    #[test]
    fn a_store_may_live_below_a_path() {
        assert_eq!(path_of("https://cats.example"), "");
        assert_eq!(path_of("https://cats.example/shop"), "/shop");
        assert_eq!(path_of("https://cats.example/a/b/"), "/a/b");
    }

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let parse =
            |&(name, value): &(&'static str, &str)| (name.parse().unwrap(), value.parse().unwrap());
        pairs.iter().map(parse).collect()
    }

    fn address(headers: &HeaderMap) -> Option<String> {
        let visitor = Visitor::of(&Extensions::new(), headers, &LimitsOptions::default());
        super::address(headers, visitor)
    }

    #[test]
    fn the_address_is_the_one_that_the_client_used() {
        let plain = headers(&[("host", "localhost:8080")]);
        assert_eq!(address(&plain).as_deref(), Some("http://localhost:8080"));
        let proxied = headers(&[("host", "cats.example"), ("x-forwarded-proto", "https")]);
        assert_eq!(address(&proxied).as_deref(), Some("https://cats.example"));
    }

    #[test]
    fn a_host_that_is_none_is_not_repeated() {
        assert_eq!(address(&headers(&[])), None);
        for host in ["a b", "", "me:secret@cats.example", "cats.example/path"] {
            assert_eq!(address(&headers(&[("host", host)])), None, "{host:?}");
        }
    }
}

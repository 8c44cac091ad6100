//! What the store sells and for how much, for programs that know nothing but its address.
//!
//! The form is the manifest of the L402 discovery specification, version 1.0, with one service for
//! each item: <https://github.com/lightninglabs/L402>, `discovery-spec.md`.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::{CACHE_CONTROL, HOST, VARY};
use axum::http::uri::Authority;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Value, json};
use shared::api::{Item, content_path};
use shared::claim::{CAVEAT_ITEM, CAVEAT_VALID_UNTIL};
use shared::lightning::{Msat, NodeId};
use utoipa::ToSchema;

use super::AppState;
use super::openapi::{Internal, Unavailable};
use crate::error::Error;

/// What the store sells, for programs that know nothing but its address: the manifest of the L402
/// discovery specification.
#[utoipa::path(
    get,
    path = "/.well-known/l402.json",
    tag = "store",
    responses(
        (status = 200, body = Manifest, description = "The manifest."),
        (status = 500, response = Internal),
        (status = 503, response = Unavailable),
    ),
)]
pub(super) async fn get_manifest(
    State(app): AppState,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let node = app.payments.node().await?;
    let manifest = Manifest {
        version: "1.0",
        provider: Provider {
            name: app.store.name.clone(),
            uri: app.store.public_url.clone().or_else(|| address(&headers)),
            node_pubkey: node.id,
        },
        currencies: ["msat"],
        macaroon_versions: [0],
        payment_methods: ["bolt11"],
        services: app.catalogue().items().iter().map(service).collect(),
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

fn service(item: &Item) -> Service {
    Service {
        name: item.id.to_string(),
        description: format!("{}: {}", item.title, item.teaser),
        resources: [Resource {
            path: content_path(&item.id),
            method: "GET",
            pricing: Pricing {
                model: "fixed",
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

/// The store's address as the client wrote it: `Host`, with the scheme that a proxy before us names.
fn address(headers: &HeaderMap) -> Option<String> {
    let host: Authority = headers.get(HOST)?.to_str().ok()?.parse().ok()?;
    // An authority may also hold a name and a password; a `Host` may not.
    if host.as_str().contains('@') {
        return None;
    }
    let is_https = headers
        .get("x-forwarded-proto")
        .is_some_and(|scheme| scheme.as_bytes().eq_ignore_ascii_case(b"https"));
    let scheme = if is_https { "https" } else { "http" };
    Some(format!("{scheme}://{host}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let parse =
            |&(name, value): &(&'static str, &str)| (name.parse().unwrap(), value.parse().unwrap());
        pairs.iter().map(parse).collect()
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

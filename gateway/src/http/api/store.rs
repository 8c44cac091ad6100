//! The store and what it sells.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use lightningd::Node;
use shared::api::{STORE_PATH, Store};
use shared::lightning::NodeId;

use crate::app::Shelf;
use crate::http::api::responses::{Internal, Unavailable};
use crate::http::problem::Error;
use crate::options::StoreOptions;
use crate::payments::purchases::Purchases;

/// What the store is, and what it sells.
#[utoipa::path(
    get,
    path = STORE_PATH,
    tag = "store",
    responses(
        (status = 200, body = Store, description = "The store."),
        (status = 500, response = Internal),
        (status = 503, response = Unavailable),
    ),
)]
pub(crate) async fn get_store(
    State(store): State<Arc<StoreOptions>>,
    State(shelf): State<Shelf>,
    State(purchases): State<Purchases>,
) -> Result<Json<Store>, Error> {
    let nodes = purchases.nodes().known().await?;
    let first = &nodes[0];
    Ok(Json(Store {
        name: store.name.clone(),
        network: first.network,
        node_id: first.id,
        node_ids: several(&nodes),
        items: shelf.catalogue().items(),
    }))
}

/// The ids of the nodes, where there are several.
pub(crate) fn several(nodes: &[Node]) -> Vec<NodeId> {
    match nodes {
        [_] => Vec::new(),
        all => all.iter().map(|node| node.id).collect(),
    }
}

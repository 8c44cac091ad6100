//! The store and what it sells.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use shared::api::{STORE_PATH, Store};

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
    let node = purchases.invoices().node().await?;
    Ok(Json(Store {
        name: store.name.clone(),
        network: node.network,
        node_id: node.id,
        items: shelf.catalogue().items(),
    }))
}

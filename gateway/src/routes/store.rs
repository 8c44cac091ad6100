//! The store and what it sells.

use axum::Json;
use axum::extract::State;
use shared::api::{STORE_PATH, Store};

use super::AppState;
use super::openapi::{Internal, Unavailable};
use crate::error::Error;

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
pub(super) async fn get_store(State(app): AppState) -> Result<Json<Store>, Error> {
    let node = app.payments.node().await?;
    Ok(Json(Store {
        name: app.store.name.clone(),
        network: node.network,
        node_id: node.id,
        items: app.catalogue().items(),
    }))
}

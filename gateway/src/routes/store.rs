//! The store and what it sells.

use axum::Json;
use axum::extract::State;
use shared::api::Store;

use super::AppState;
use crate::error::Error;

/// `GET /api/v1/store`
pub(super) async fn get_store(State(app): AppState) -> Result<Json<Store>, Error> {
    let node = app.payments.node().await?;
    Ok(Json(Store {
        name: app.store.name.clone(),
        network: node.network,
        node_id: node.id,
        items: app.catalogue().items(),
    }))
}

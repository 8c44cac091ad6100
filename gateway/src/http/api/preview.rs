//! The small picture of an item, which everyone may see.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use shared::api::ItemId;

use crate::app::Shelf;
use crate::http::api::responses::NotFound;
use crate::http::problem::Error;
use crate::http::requests::CROSS_ORIGIN_RESOURCE_POLICY;

/// The small picture of an item whose scene is `preview`.
///
/// It is drawn anew from the goods, or from a picture of the owner's, and has far fewer pixels than the
/// goods. Nothing else of them can be had without paying.
#[utoipa::path(
    get,
    path = "/api/v1/items/{item}/preview",
    tag = "store",
    params(("item" = ItemId, Path, example = "sunset")),
    responses(
        (status = 200, description = "The picture.", body = [u8], content_type = "image/*"),
        (status = 404, response = NotFound),
    ),
)]
pub(crate) async fn get_preview(
    State(shelf): State<Shelf>,
    item: Result<Path<ItemId>, PathRejection>,
) -> Result<Response, Error> {
    let Path(item) = item?;
    let catalogue = shelf.catalogue();
    let Some(goods) = catalogue.find(&item) else {
        return Err(Error::UnknownItem(item));
    };
    let preview = goods.preview().ok_or(Error::NotFound)?;
    let headers = [
        (CONTENT_TYPE, preview.media_type),
        (CACHE_CONTROL, "public, max-age=300"),
    ];
    // Sites show it, also those that isolate themselves from other origins.
    let everywhere = [(CROSS_ORIGIN_RESOURCE_POLICY, "cross-origin")];
    Ok((headers, everywhere, preview.bytes.clone()).into_response())
}

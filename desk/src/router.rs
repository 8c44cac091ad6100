//! The desk's addresses.

use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use tokio::time::timeout;

use crate::desk::Desk;
use crate::gate::gate;
use crate::pages::{SCRIPT, style};
use crate::refused::Refused;
use crate::words::said;
use crate::{embed, goods, health, sales, sign_in};

/// What a form may hold, in bytes.
const MAX_FORM: usize = 64 * 1024;
/// How long a form may take to arrive, and a page to be made.
const PATIENCE: Duration = Duration::from_mins(1);

/// Everything that a desk answers.
pub fn router(desk: &Desk) -> Router {
    let pages = Router::new()
        .route("/", get(sign_in::home))
        .route(sign_in::PATH, get(sign_in::ask).post(sign_in::sign_in))
        .route("/sign-out", post(sign_in::sign_out))
        .route("/style.css", get(get_style))
        .route("/desk.js", get(get_script))
        .route("/sales", get(sales::show))
        .route("/sales/rebuild", post(sales::rebuild))
        .route("/sales.csv", get(sales::csv))
        .route("/health", get(health::show))
        .route("/health/resend", post(health::resend))
        .route("/health/backup", post(health::backup))
        .route("/goods", get(goods::show))
        .route("/goods/{id}/preview", get(goods::preview))
        .route("/goods/{id}/change", post(goods::change))
        .route("/goods/{id}/off", post(goods::take_off))
        .route("/goods/{id}/up", post(goods::up))
        .route("/goods/{id}/down", post(goods::down))
        .route("/embed", get(embed::show))
        .route("/embed/{id}", get(embed::poster))
        .fallback(not_found)
        .method_not_allowed_fallback(not_found)
        .layer(DefaultBodyLimit::max(MAX_FORM))
        .layer(from_fn(in_time));
    // Uploads are of any size, and take as long as they take.
    let uploads = Router::new()
        .route("/goods/add", post(goods::add))
        .method_not_allowed_fallback(not_found)
        .layer(DefaultBodyLimit::disable());
    pages
        .merge(uploads)
        .layer(from_fn_with_state(desk.clone(), gate))
        .with_state(desk.clone())
}

async fn in_time(request: Request, next: Next) -> Response {
    let answer = timeout(PATIENCE, next.run(request)).await;
    answer.unwrap_or_else(|_| {
        let why = said("This took too long. Load the page again to see what was done.");
        Refused::new(StatusCode::REQUEST_TIMEOUT, why).into_response()
    })
}

async fn get_style(State(desk): State<Desk>) -> Response {
    let headers = [
        (CONTENT_TYPE, "text/css; charset=utf-8"),
        (CACHE_CONTROL, "no-cache"),
    ];
    (headers, style(&desk)).into_response()
}

async fn get_script() -> Response {
    let headers = [
        (CONTENT_TYPE, "text/javascript; charset=utf-8"),
        (CACHE_CONTROL, "no-cache"),
    ];
    (headers, SCRIPT).into_response()
}

async fn not_found() -> Refused {
    Refused::new(
        StatusCode::NOT_FOUND,
        said("There is no such page at the desk."),
    )
}

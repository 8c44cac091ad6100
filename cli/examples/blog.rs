//! A blog with one paid article, which a store of its own sells below `/store`.
//!
//! `cargo run --example blog -- cli/examples/blog/purrwall.toml`

use std::env::args;
use std::error::Error;

use axum::Router;
use axum::response::Html;
use axum::routing::get;
use tokio::net::TcpListener;

const FRONT: &str = "<!doctype html><title>Whiskers</title><h1>Whiskers</h1>
<p>Cats sleep for two thirds of their lives.
<p>Why they purr is longer to tell: <a href=/store/buy/purring>the article, for 50 sat</a>.";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let file = args().nth(1).expect("usage: blog STORE_FILE");
    let store = purrwall::open(file).await?;

    let blog = Router::new()
        .route("/", get(|| async { Html(FRONT) }))
        .nest("/store", store.router());
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, blog).await?;
    Ok(())
}

//! A blog with paid articles, which a store of its own sells below `/store`.
//!
//! `cargo run -- my-store/purrwall.toml 127.0.0.1:3000`

use std::env::args;
use std::error::Error;
use std::net::SocketAddr;

use axum::Router;
use axum::response::Html;
use axum::routing::get;
use tokio::net::TcpListener;

const FRONT: &str = "<!doctype html><title>Whiskers</title><h1>Whiskers</h1>
<p>Cats sleep for two thirds of their lives.
<p>Why they purr is longer to tell: <a href=/store/buy>read on, for a few sat</a>.";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let usage = "STORE_FILE and ADDRESS, such as 127.0.0.1:3000";
    let [file, address] = [1, 2].map(|at| args().nth(at).expect(usage));
    let store = purrwall::open(file).await?;

    let blog = Router::new()
        .route("/", get(|| async { Html(FRONT) }))
        .nest("/store", store.router());
    let listener = TcpListener::bind(address).await?;
    println!("listening on http://{}", listener.local_addr()?);
    let blog = blog.into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, blog).await?;
    Ok(())
}

//! A JSON endpoint that costs 10 sat, for a day at a time: programs pay by L402, people on a page.
//!
//! `cargo run --example forecast -- ~/.lightning/bitcoin/lightning-rpc forecast.secret`

use std::env::args;
use std::error::Error;
use std::time::Duration;

use axum::response::Html;
use axum::routing::get;
use axum::{Json, Router};
use purrwall_gateway::{Gateway, Secret};
use tokio::net::TcpListener;

const FRONT: &str = "<!doctype html><title>Weather</title>
<a href=/forecast>The week's degrees at noon</a>, for 10 sat.";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let [socket, secret] = [1, 2].map(|at| args().nth(at).expect("usage: forecast SOCKET SECRET"));
    let gateway = Gateway::new(socket, &Secret::load_or_create(secret.as_ref())?);
    let price = gateway
        .price("forecast", "10 sat".parse()?)?
        .title("The forecast, for a day")
        .valid_for(Duration::from_hours(24));

    let app = Router::new()
        .route("/", get(|| async { Html(FRONT) }))
        .route("/forecast", get(forecast).layer(price));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, app).await?;
    Ok(())
}

async fn forecast() -> Json<[u32; 7]> {
    Json([21, 23, 22, 19, 18, 20, 24])
}

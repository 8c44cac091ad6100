//! A JSON endpoint that costs 10 sat, for a day at a time: programs pay by L402, people on a page.
//!
//! `cargo run -- ~/.lightning/bitcoin/lightning-rpc forecast.secret 127.0.0.1:3000`

use std::env::args;
use std::error::Error;
use std::net::SocketAddr;
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
    let usage = "SOCKET, SECRET and ADDRESS, such as 127.0.0.1:3000";
    let [socket, secret, address] = [1, 2, 3].map(|at| args().nth(at).expect(usage));
    let gateway = Gateway::new(socket, &Secret::load_or_create(secret.as_ref())?);
    let price = gateway
        .price("forecast", "10 sat".parse()?)?
        .title("The forecast, for a day")
        .valid_for(Duration::from_hours(24));

    let app = Router::new()
        .route("/", get(|| async { Html(FRONT) }))
        .route("/forecast", get(forecast).layer(price));
    let listener = TcpListener::bind(address).await?;
    println!("listening on http://{}", listener.local_addr()?);
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, app).await?;
    Ok(())
}

async fn forecast() -> Json<[u32; 7]> {
    Json([21, 23, 22, 19, 18, 20, 24])
}

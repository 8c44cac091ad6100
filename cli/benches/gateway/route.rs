//! What a price adds to a request: a service through a route of the store's, through a proxy that knows no
//! price, and straight. All three have one connection that is kept, and the claim comes with its proof, so
//! that the node is not asked. The three take turns, so that they have the same weather.

use std::env;
use std::fs;
use std::process::Command;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::Uri;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::json;
use tempfile::TempDir;

use crate::{
    BARE, Http, Nodes, Program, ROUNDS, Repeated, Socket, get_request, listen, median, rate,
    start_gateway_with,
};

/// The first argument of the program that is the proxy; the second is the service's address.
pub(crate) const PROXY: &str = "bare-proxy";

/// What a paid request may take longer than one through the proxy, in milliseconds.
const AIM: f64 = 1.0;

pub(crate) async fn measure(nodes: &Nodes, dir: &TempDir) {
    let program = |arguments: &[&str]| {
        let mut command = Command::new(env::current_exe().unwrap());
        command.args(arguments);
        Program::start(command)
    };
    let answer = "{\"today\":\"sun\"}";
    let service = program(&[BARE, answer]);
    let proxy = program(&[PROXY, &service.address]);
    let file = dir.path().join("route.toml");
    let upstream = &service.address;
    fs::write(
        &file,
        format!("[[route]]\npath = \"/forecast\"\nprice = \"10 sat\"\nupstream = \"http://{upstream}\"\n"),
    )
    .unwrap();
    let file = file.display().to_string();
    let gateway = start_gateway_with(&nodes.store, dir, &["--config", &file]);
    let credential = pay(nodes, &gateway).await;
    let question = get_request("/forecast", &format!("authorization: {credential}\r\n"));
    for program in [&gateway, &proxy, &service] {
        let mut client = Http::connect(&program.address).await;
        assert_eq!(client.ask(&question).await, answer.as_bytes());
    }

    for concurrency in [1, 8] {
        let mut rounds = Vec::new();
        for _ in 0..ROUNDS {
            let straight = rate(concurrency, || Repeated::new(&service, &question)).await;
            let proxied = rate(concurrency, || Repeated::new(&proxy, &question)).await;
            let paid = rate(concurrency, || Repeated::new(&gateway, &question)).await;
            rounds.push([paid, proxied, straight]);
        }
        let of = |which: fn(&[f64; 3]) -> f64| median(rounds.iter().map(which));
        println!(
            "paid requests to a service, {concurrency} at once: gateway {:.0}/s, bare proxy {:.0}/s, the \
             service {:.0}/s, ratio to the proxy {:.2}",
            of(|round| round[0]),
            of(|round| round[1]),
            of(|round| round[2]),
            of(|round| round[0] / round[1]),
        );
        if concurrency == 1 {
            let added = of(|round| (1.0 / round[0] - 1.0 / round[1]) * 1000.0);
            let in_all = of(|round| (1.0 / round[0] - 1.0 / round[2]) * 1000.0);
            println!(
                "  a price adds {added:.3} ms to each (aim: at most {AIM}); with the way through the store \
                 {in_all:.3} ms"
            );
        }
    }
}

/// Pays for the route; gives what opens it.
async fn pay(nodes: &Nodes, gateway: &Program) -> String {
    let mut client = Http::connect(&gateway.address).await;
    let (head, _) = client.exchange(&get_request("/forecast", "")).await;
    let value = |name: &str| {
        let (_, rest) = head.split_once(&format!("{name}=\"")).unwrap();
        rest.split_once('"').unwrap().0.to_owned()
    };
    let mut payer = Socket::connect(&nodes.alice).await;
    let paid = json!({ "invstring": value("invoice") });
    let paid = payer.call("xpay", &paid).await;
    let preimage = paid["result"]["payment_preimage"].as_str().unwrap();
    format!("L402 {}:{preimage}", value("macaroon"))
}

/// The least that a proxy does, with the client that the gateway has.
pub(crate) async fn serve_proxy() {
    let service: &'static str = env::args().nth(2).unwrap().leak();
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let client: Client<_, Body> = Client::builder(TokioExecutor::new()).build(connector);
    let app = Router::new().fallback(async move |mut request: Request| {
        let target = request.uri().path_and_query().unwrap().clone();
        let uri = Uri::builder().scheme("http").authority(service);
        *request.uri_mut() = uri.path_and_query(target).build().unwrap();
        client.request(request).await.unwrap().map(Body::new)
    });
    listen(app).await;
}

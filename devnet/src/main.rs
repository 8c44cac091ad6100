//! Runs the network of the story until it is interrupted.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, ensure};
use clap::{Parser, ValueEnum};
use devnet::{Network, Pace, Plan, plan};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

/// A Lightning network in a box: store, alice, bob and perhaps more, each speaking lightningd's JSON-RPC.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Where the nodes keep their sockets, DIR/<node>/lightning-rpc.
    #[arg(long, default_value = ".devnet")]
    dir: PathBuf,
    /// Where the network's own page is, and the WebLN provider, /webln.js?node=alice. Loopback
    /// only.
    #[arg(long, default_value = "127.0.0.1:9740")]
    http: SocketAddr,
    /// How many nodes there are: a random network instead of the story's three.
    #[arg(long, value_parser = node_count)]
    nodes: Option<usize>,
    /// What a random network is made from; the same seed gives the same network.
    #[arg(long, default_value_t = 7, requires = "nodes")]
    seed: u64,
    /// How fast the nodes answer: as fast as they can, or one request after the other at the speed
    /// that was measured of lightningd.
    #[arg(long, value_enum, default_value = "quick")]
    pace: PaceName,
    /// How many old invoices the store's node begins with. They are not the store's own: their
    /// labels are book/0, book/1 and so on. Every second one was paid.
    #[arg(long, value_name = "COUNT", default_value_t = 0)]
    book: u64,
    /// Serves the store's methods over HTTPS too, as lightningd's plugin clnrest does, for those
    /// who have a rune of `createrune`. Loopback only; prints where it is and whose certificate to
    /// trust.
    #[arg(long, value_name = "ADDR:PORT", num_args = 0..=1, default_missing_value = "127.0.0.1:0")]
    rest: Option<SocketAddr>,
}

#[derive(Clone, Copy, ValueEnum)]
enum PaceName {
    Quick,
    Lightningd,
}

impl From<PaceName> for Pace {
    fn from(name: PaceName) -> Self {
        match name {
            PaceName::Quick => Self::Quick,
            PaceName::Lightningd => Self::Lightningd,
        }
    }
}

/// LDK calls errors what it then recovers from; RUST_LOG=ldk=debug shows what it says.
const DEFAULT_LOG: &str = "warn,ldk=off";

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::try_from_default_env().unwrap_or_else(|_| DEFAULT_LOG.into()))
        .with_writer(std::io::stderr)
        .init();
    let mut interrupted = signal(SignalKind::interrupt()).context("cannot wait for SIGINT")?;
    let mut terminated = signal(SignalKind::terminate()).context("cannot wait for SIGTERM")?;

    ensure!(
        arguments.http.ip().is_loopback(),
        "--http {} is not a loopback address; anyone who reaches it can spend, so use 127.0.0.1",
        arguments.http
    );
    let listener = tokio::net::TcpListener::bind(arguments.http)
        .await
        .with_context(|| format!("cannot listen on {}; choose another --http", arguments.http))?;
    let plan = arguments
        .nodes
        .map_or_else(Plan::story, |nodes| Plan::random(nodes, arguments.seed));
    let network = Arc::new(Network::start(&arguments.dir, &plan).await?);
    let store = Arc::clone(network.store());
    tokio::task::spawn_blocking(move || store.add_history(arguments.book, "book/"))
        .await?
        .context("cannot fill the store's book")?;
    for node in network.nodes() {
        node.set_pace(arguments.pace.into());
        println!(
            "{} {} {}",
            node.name(),
            node.node_id(),
            node.rpc_path().display()
        );
    }
    if let Some(address) = arguments.rest {
        let rest = network.store().start_rest(address)?;
        println!("rest https://{} {}", rest.address, rest.ca.display());
    }
    println!("http http://{}", listener.local_addr()?);
    println!("ready");

    tokio::select! {
        _ = interrupted.recv() => {}
        _ = terminated.recv() => {}
        served = axum::serve(listener, devnet::http::router(Arc::clone(&network))) => served?,
    }
    for socket in network.nodes().iter().map(|node| node.rpc_path()) {
        // It may be gone already; then there is nothing left to clean up.
        let _ = std::fs::remove_file(socket);
    }
    Ok(())
}

fn node_count(text: &str) -> Result<usize, String> {
    let count = text.parse().ok();
    let count = count.filter(|count| plan::RANDOM_NODES.contains(count));
    let (fewest, most) = (plan::RANDOM_NODES.start(), plan::RANDOM_NODES.end());
    count.ok_or_else(|| format!("a network has from {fewest} to {most} nodes"))
}

//! Runs the network of the story until it is interrupted.

use std::path::PathBuf;

use anyhow::Context;
use clap::Parser;
use devnet::Network;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

/// A Lightning network in a box: store, alice and bob, each speaking lightningd's JSON-RPC.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Where the nodes keep their sockets, DIR/<node>/lightning-rpc.
    #[arg(long, default_value = ".devnet")]
    dir: PathBuf,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::try_from_default_env().unwrap_or_else(|_| "warn".into()))
        .with_writer(std::io::stderr)
        .init();
    let mut interrupted = signal(SignalKind::interrupt()).context("cannot wait for SIGINT")?;
    let mut terminated = signal(SignalKind::terminate()).context("cannot wait for SIGTERM")?;

    let network = Network::story(&arguments.dir).await?;
    for node in network.nodes() {
        println!(
            "{} {} {}",
            node.name(),
            node.node_id(),
            node.rpc_path().display()
        );
    }
    println!("ready");

    tokio::select! {
        _ = interrupted.recv() => {}
        _ = terminated.recv() => {}
    }
    let sockets = network.nodes().map(|node| node.rpc_path());
    network.shutdown().await;
    for socket in sockets {
        // It may be gone already; then there is nothing left to clean up.
        let _ = std::fs::remove_file(socket);
    }
    Ok(())
}

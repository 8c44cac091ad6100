//! `purrwall` without a command: the gateway.

use std::io::{self, IsTerminal as _, Write as _};

use anyhow::{Context as _, Result};
use gateway::config::{Arguments, Config};
use gateway::lightningd::Lightningd;
use gateway::secret::Secret;
use gateway::{App, reload, serve, webhooks};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

/// Serves until the process is asked to end.
pub(crate) async fn run(arguments: Arguments) -> Result<()> {
    start_log()?;
    let config = Config::new(&arguments)?;
    let secret = Secret::of(&config)?;
    let listener = TcpListener::bind(config.listen).await.with_context(|| {
        format!(
            "cannot listen on {}; choose another address with --listen",
            config.listen
        )
    })?;
    let hangup = signal(SignalKind::hangup()).context("cannot watch for SIGHUP")?;
    let shutdown = shutdown()?;
    let app = App::new(config.clone(), &secret)?;
    if !config.webhooks.urls.is_empty() {
        let lightningd = Lightningd::new(config.lightning_rpc.clone(), config.timing.call_deadline);
        let webhooks = config.webhooks.clone();
        tokio::spawn(webhooks::run(webhooks, lightningd, secret, config.timing));
    }
    // Programs that start the gateway wait for this line.
    let mut stdout = io::stdout();
    writeln!(
        stdout,
        "purrwall: listening on http://{}",
        listener.local_addr()?
    )?;
    stdout.flush()?;
    tokio::spawn(reload::follow(app.clone(), arguments, config, hangup));
    serve(listener, app, shutdown).await?;
    Ok(())
}

fn start_log() -> Result<()> {
    let filter = EnvFilter::builder()
        .with_default_directive(tracing::Level::INFO.into())
        .with_env_var("PURRWALL_LOG")
        .from_env()
        .context("cannot read PURRWALL_LOG; an example is `info` or `gateway=debug`")?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .init();
    Ok(())
}

/// Done when the process is asked to end.
fn shutdown() -> Result<impl Future<Output = ()>> {
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot watch for SIGINT")?;
    let mut terminate = signal(SignalKind::terminate()).context("cannot watch for SIGTERM")?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        tracing::info!("ending");
    })
}

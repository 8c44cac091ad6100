//! `purrwall` without a command: the gateway.

use std::env;
use std::io::{self, IsTerminal as _, Write as _};

use anyhow::{Context as _, Result};
use gateway::config::{Arguments, Config};
use gateway::secret::Secret;
use gateway::{App, serve};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

/// Serves until the process is asked to end.
pub(crate) async fn run(arguments: Arguments) -> Result<()> {
    start_log()?;
    let config = Config::new(arguments)?;
    let secret = match env::var("PURRWALL_SECRET") {
        Ok(text) => text.trim().parse().context("cannot use PURRWALL_SECRET")?,
        Err(env::VarError::NotPresent) => Secret::load_or_create(&config.secret_file)?,
        Err(error) => return Err(error).context("cannot read PURRWALL_SECRET"),
    };
    let listener = TcpListener::bind(config.listen).await.with_context(|| {
        format!(
            "cannot listen on {}; choose another address with --listen",
            config.listen
        )
    })?;
    let shutdown = shutdown()?;
    // Programs that start the gateway wait for this line.
    let mut stdout = io::stdout();
    writeln!(
        stdout,
        "purrwall: listening on http://{}",
        listener.local_addr()?
    )?;
    stdout.flush()?;
    serve(listener, App::new(config, &secret), shutdown).await?;
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

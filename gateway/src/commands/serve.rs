//! `purrwall` without a command: the gateway.

use std::future::IntoFuture as _;
use std::io::{self, IsTerminal as _, Write as _};
use std::net::SocketAddr;

use anyhow::{Context as _, Result};
use axum::serve::Listener as _;
use purrwall_gateway::config::{Arguments, Config, LogFormat};
use purrwall_gateway::secret::Secret;
use purrwall_gateway::tls::TlsListener;
use purrwall_gateway::{App, metrics_router, reload, serve, serve_tls, webhooks};
use sd_notify::NotifyState;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing_subscriber::EnvFilter;

/// Serves until the process is asked to end.
pub(crate) async fn run(arguments: Arguments) -> Result<()> {
    let config = Config::new(&arguments)?;
    start_log(config.log_format)?;
    let shutdown = shutdown()?;
    let opened = Opened::new(arguments, config).await?;
    // Programs that start the gateway wait for this line.
    let mut stdout = io::stdout();
    writeln!(stdout, "purrwall: listening on {}", opened.url()?)?;
    stdout.flush()?;
    supervised()?;
    opened.serve(shutdown).await
}

/// A gateway that has all that it needs, and whose address is taken.
pub(crate) struct Opened {
    app: App,
    listener: Listening,
    metrics: Option<TcpListener>,
    hangup: Signal,
    arguments: Arguments,
    config: Config,
    secret: Secret,
}

enum Listening {
    Plain(TcpListener),
    Tls(Box<TlsListener>),
}

impl Opened {
    /// Takes what the configuration says, which came from the arguments.
    pub(crate) async fn new(arguments: Arguments, config: Config) -> Result<Self> {
        let secret = Secret::of(&config)?;
        let listener = listen(config.listen, "--listen").await?;
        let metrics = match config.metrics_listen {
            Some(address) => Some(listen(address, "--metrics-listen").await?),
            None => None,
        };
        let listener = match config.tls.clone() {
            Some(tls) => Listening::Tls(Box::new(TlsListener::new(listener, tls)?)),
            None => Listening::Plain(listener),
        };
        let hangup = signal(SignalKind::hangup()).context("cannot watch for SIGHUP")?;
        let app = App::new(config.clone(), &secret)?;
        Ok(Self {
            app,
            listener,
            metrics,
            hangup,
            arguments,
            config,
            secret,
        })
    }

    /// The gateway itself.
    pub(crate) fn app(&self) -> &App {
        &self.app
    }

    /// Where it listens.
    pub(crate) fn url(&self) -> Result<String> {
        Ok(match &self.listener {
            Listening::Plain(listener) => format!("http://{}", listener.local_addr()?),
            Listening::Tls(listener) => format!("https://{}", listener.local_addr()?),
        })
    }

    /// Answers requests, follows the files and tells of payments until `shutdown` is done.
    pub(crate) async fn serve(
        self,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> Result<()> {
        let config = self.config;
        if !config.webhooks.urls.is_empty() {
            let webhooks = config.webhooks.clone();
            tokio::spawn(webhooks::run(webhooks, self.secret, self.app.clone()));
        }
        if let Some(listener) = self.metrics {
            let address = listener.local_addr()?;
            tracing::info!("metrics are at http://{address}/metrics");
            let metrics = axum::serve(listener, metrics_router(self.app.clone()));
            tokio::spawn(metrics.into_future());
        }
        let reload = reload::follow(self.app.clone(), self.arguments, config, self.hangup);
        tokio::spawn(reload);
        match self.listener {
            Listening::Plain(listener) => serve(listener, self.app, shutdown).await?,
            Listening::Tls(listener) => serve_tls(*listener, self.app, shutdown).await,
        }
        Ok(())
    }
}

async fn listen(address: SocketAddr, flag: &str) -> Result<TcpListener> {
    let listener = TcpListener::bind(address).await;
    listener
        .with_context(|| format!("cannot listen on {address}; choose another address with {flag}"))
}

/// Tells systemd that the start is over, and then, where it watches, that the program is alive.
/// Without systemd this does nothing.
fn supervised() -> Result<()> {
    sd_notify::notify(&[NotifyState::Ready]).context("cannot answer systemd")?;
    if let Some(limit) = sd_notify::watchdog_enabled() {
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(limit / 3).await;
                if let Err(error) = sd_notify::notify(&[NotifyState::Watchdog]) {
                    tracing::warn!("cannot answer systemd's watchdog: {error}");
                }
            }
        });
    }
    Ok(())
}

fn start_log(format: LogFormat) -> Result<()> {
    let log = tracing_subscriber::fmt()
        .with_env_filter(log_filter()?)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal());
    match format {
        LogFormat::Text => log.init(),
        LogFormat::Json => log
            .json()
            .flatten_event(true)
            .with_current_span(true)
            .with_span_list(false)
            .init(),
    }
    Ok(())
}

/// What is logged, as PURRWALL_LOG says.
pub(crate) fn log_filter() -> Result<EnvFilter> {
    EnvFilter::builder()
        .with_default_directive(tracing::Level::INFO.into())
        .with_env_var("PURRWALL_LOG")
        .from_env()
        .context("cannot read PURRWALL_LOG; an example is `info` or `gateway=debug`")
}

/// Done when the process is asked to end.
pub(crate) fn shutdown() -> Result<impl Future<Output = ()>> {
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot watch for SIGINT")?;
    let mut terminate = signal(SignalKind::terminate()).context("cannot watch for SIGTERM")?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        tracing::info!("ending");
        if let Err(error) = sd_notify::notify(&[NotifyState::Stopping]) {
            tracing::warn!("cannot answer systemd: {error}");
        }
    })
}

//! `purrwall` without a command: the gateway.

use std::io::{self, IsTerminal as _, Write as _};

use anyhow::{Context as _, Result};
use axum::serve::Listener as _;
use gateway::config::{Arguments, Config};
use gateway::lightningd::Lightningd;
use gateway::secret::Secret;
use gateway::tls::TlsListener;
use gateway::{App, reload, serve, serve_tls, webhooks};
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing_subscriber::EnvFilter;

/// Serves until the process is asked to end.
pub(crate) async fn run(arguments: Arguments) -> Result<()> {
    start_log()?;
    let shutdown = shutdown()?;
    let opened = Opened::new(arguments).await?;
    // Programs that start the gateway wait for this line.
    let mut stdout = io::stdout();
    writeln!(stdout, "purrwall: listening on {}", opened.url()?)?;
    stdout.flush()?;
    opened.serve(shutdown).await
}

/// A gateway that has all that it needs, and whose address is taken.
pub(crate) struct Opened {
    app: App,
    listener: Listening,
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
    /// Takes what the arguments say.
    pub(crate) async fn new(arguments: Arguments) -> Result<Self> {
        let config = Config::new(&arguments)?;
        let secret = Secret::of(&config)?;
        let listener = TcpListener::bind(config.listen).await.with_context(|| {
            format!(
                "cannot listen on {}; choose another address with --listen",
                config.listen
            )
        })?;
        let listener = match config.tls.clone() {
            Some(tls) => Listening::Tls(Box::new(TlsListener::new(listener, tls)?)),
            None => Listening::Plain(listener),
        };
        let hangup = signal(SignalKind::hangup()).context("cannot watch for SIGHUP")?;
        let app = App::new(config.clone(), &secret)?;
        Ok(Self {
            app,
            listener,
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
            let lightningd =
                Lightningd::new(config.lightning_rpc.clone(), config.timing.call_deadline);
            let webhooks = config.webhooks.clone();
            tokio::spawn(webhooks::run(
                webhooks,
                lightningd,
                self.secret,
                config.timing,
            ));
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

fn start_log() -> Result<()> {
    tracing_subscriber::fmt()
        .with_env_filter(log_filter()?)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .init();
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
    })
}

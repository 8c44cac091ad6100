//! `purrwall` without a command: the gateway.

use std::env;
use std::future::IntoFuture as _;
use std::io::{self, IsTerminal as _, Write as _};
use std::net::SocketAddr;
use std::thread;

use anyhow::{Context as _, Result};
use purrwall::settings::{Arguments, Certificate, LogFormat, Settings};
use purrwall::store_rune;
use purrwall::store_secret::find_or_create;
use purrwall_gateway::options::ConnectionsOptions;
use purrwall_gateway::{Gateway, Secret, Tls};
use sd_notify::NotifyState;
use tokio::net::{TcpListener, TcpSocket};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{oneshot, watch};
use tracing_subscriber::EnvFilter;

use crate::descriptors;
use crate::desk;
use crate::rekey;
use crate::reload;
use crate::rerune::{self, tell_of_rune};

/// Serves until the process is asked to end.
pub(crate) async fn run(arguments: Arguments) -> Result<()> {
    let settings = Settings::new(&arguments)?;
    start_log(settings.log_format)?;
    let shutdown = shutdown()?;
    let opened = Opened::new(arguments, settings).await?;
    // Programs that start the gateway wait for this line.
    let mut stdout = io::stdout();
    writeln!(stdout, "purrwall: listening on {}", opened.url()?)?;
    stdout.flush()?;
    supervised()?;
    opened.serve(shutdown).await
}

/// A gateway that has all that it needs, and whose address is taken.
struct Opened {
    gateway: Gateway,
    listener: TcpListener,
    tls: Option<Tls>,
    /// Where plain HTTP is led to HTTPS at these names.
    redirect: Option<(TcpListener, Vec<String>)>,
    metrics: Option<TcpListener>,
    desk: Option<TcpListener>,
    hangup: Signal,
    rekey: Signal,
    rerune: Signal,
    arguments: Arguments,
    settings: Settings,
    secret: Secret,
}

impl Opened {
    /// Takes what the configuration says, which came from the arguments.
    async fn new(arguments: Arguments, settings: Settings) -> Result<Self> {
        let listener = listen(settings.listen, "--listen")?;
        let metrics = match settings.metrics_listen {
            Some(address) => Some(listen(address, "--metrics-listen")?),
            None => None,
        };
        let desk = match settings.desk_listen {
            Some(address) => Some(listen(address, "--desk-listen")?),
            None => None,
        };
        let tls = match settings.certificate.clone() {
            Some(Certificate::Files(options)) => Some(Tls::load(options)?),
            Some(Certificate::ByItself(options)) => Some(Tls::by_itself(options)?),
            None => None,
        };
        let redirect = match (settings.http_listen, &settings.certificate) {
            (Some(address), Some(Certificate::ByItself(options))) => {
                Some((listen(address, "--http-listen")?, options.domains.clone()))
            }
            _ => None,
        };
        let hangup = || signal(SignalKind::hangup()).context("cannot watch for SIGHUP");
        let (hangup, rekey, rerune) = (hangup()?, hangup()?, hangup()?);
        for (place, found) in store_rune::check(&settings)? {
            tell_of_rune(&place, &found);
        }
        let secret = find_or_create(&settings).await?;
        let mut options = settings.options.clone();
        let others = if redirect.is_some() { REDIRECTED } else { 0 };
        options.connections =
            ConnectionsOptions::within(descriptors::raise().saturating_sub(others));
        let gateway = Gateway::with(options, &secret)?;
        gateway.check_nodes().await?;
        Ok(Self {
            gateway,
            listener,
            tls,
            redirect,
            metrics,
            desk,
            hangup,
            rekey,
            rerune,
            arguments,
            settings,
            secret,
        })
    }

    /// Where it listens.
    fn url(&self) -> Result<String> {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        Ok(format!("{scheme}://{}", self.listener.local_addr()?))
    }

    /// Answers requests, follows the files and tells of payments until `shutdown` is done.
    async fn serve(self, shutdown: impl Future<Output = ()> + Send + 'static) -> Result<()> {
        let Self {
            gateway, settings, ..
        } = self;
        if !settings.webhooks.urls.is_empty() {
            let (gateway, webhooks) = (gateway.clone(), settings.webhooks.clone());
            tokio::spawn(async move { gateway.send_webhooks(webhooks).await });
        }
        let (ending, ended) = watch::channel(());
        if let Some((listener, domains)) = self.redirect {
            let mut ended = ended.clone();
            let until = async move {
                ended.changed().await.ok();
            };
            tokio::spawn(gateway.clone().serve_redirect(listener, domains, until));
        }
        let shutdown = async move {
            shutdown.await;
            drop(ending);
        };
        if let Some(listener) = self.metrics {
            let address = listener.local_addr()?;
            tracing::info!("metrics are at http://{address}/metrics");
            let metrics = axum::serve(listener, gateway.metrics_router());
            tokio::spawn(metrics.into_future());
        }
        let (end_desk, end_of_desk) = watch::channel(());
        let desk = match self.desk {
            Some(listener) => {
                let desk = desk::open(&gateway, &settings, &self.arguments, listener)?;
                tokio::spawn(desk.serve(end_of_desk))
            }
            None => tokio::spawn(async {}),
        };
        if env::var_os("PURRWALL_SECRET").is_none() {
            let path = settings.secret_file.clone();
            let rekey = rekey::follow(gateway.clone(), path, self.secret, self.rekey);
            tokio::spawn(rekey);
        }
        tokio::spawn(rerune::follow(settings.clone(), self.rerune));
        let reload = reload::follow(gateway.clone(), self.arguments, settings, self.hangup);
        tokio::spawn(reload);
        let shutdown = async move {
            shutdown.await;
            drop(end_desk);
        };
        match self.tls {
            Some(tls) => gateway.serve_tls(self.listener, tls, shutdown).await,
            None => gateway.serve(self.listener, shutdown).await,
        }
        desk.await.context("the desk broke down")?;
        Ok(())
    }
}

/// The descriptors of connections by plain HTTP.
const REDIRECTED: u64 = 128;

/// As many connections as the system allows may wait to be taken (Linux: net.core.somaxconn).
const BACKLOG: u32 = i32::MAX.cast_unsigned();

fn listen(address: SocketAddr, flag: &str) -> Result<TcpListener> {
    let listen = || {
        let socket = match address {
            SocketAddr::V4(_) => TcpSocket::new_v4()?,
            SocketAddr::V6(_) => TcpSocket::new_v6()?,
        };
        // A restart takes the address at once, although its last connections are still remembered.
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        socket.listen(BACKLOG)
    };
    listen()
        .with_context(|| format!("cannot listen on {address}; choose another address with {flag}"))
}

/// Tells systemd that the start is over, and then, where it watches, that the program is alive.
/// Without systemd this does nothing.
pub(crate) fn supervised() -> Result<()> {
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

/// Starts the log, on standard error.
pub(crate) fn start_log(format: LogFormat) -> Result<()> {
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
        .context("cannot read PURRWALL_LOG; an example is `info` or `purrwall_gateway=debug`")
}

/// Where this variable is set, the end of standard input asks the process to end, too: whoever started it
/// may be gone without a word.
pub(crate) const ENDS_WITH_INPUT: &str = "PURRWALL_ENDS_WITH_INPUT";

/// Done when the process is asked to end.
pub(crate) fn shutdown() -> Result<impl Future<Output = ()>> {
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot watch for SIGINT")?;
    let mut terminate = signal(SignalKind::terminate()).context("cannot watch for SIGTERM")?;
    let input = env::var_os(ENDS_WITH_INPUT).map(|_| end_of_input());
    Ok(async move {
        let input = async {
            match input {
                Some(end) => end.await.ok(),
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = input => {}
        }
        tracing::info!("ending");
        if let Err(error) = sd_notify::notify(&[NotifyState::Stopping]) {
            tracing::warn!("cannot answer systemd: {error}");
        }
    })
}

/// Tells of the end of standard input. A thread reads it, for whose end no runtime waits.
fn end_of_input() -> oneshot::Receiver<()> {
    let (ended, end) = oneshot::channel();
    thread::spawn(move || {
        io::copy(&mut io::stdin(), &mut io::sink()).ok();
        ended.send(()).ok();
    });
    end
}

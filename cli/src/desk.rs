//! The owner's desk beside the store: what it is told of the settings, and where it is found.

use std::env;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result};
use purrwall::settings::{Arguments, Certificate, Settings};
use purrwall_desk::{Desk, DeskOptions, ReadText, StoreFile, router};
use purrwall_gateway::options::{CatalogueOptions, TlsOptions};
use purrwall_gateway::{Gateway, Tls};
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::reload::renewed;

/// A desk whose address is taken.
pub(crate) struct OpenDesk {
    gateway: Gateway,
    desk: Desk,
    listener: TcpListener,
    tls: Option<Tls>,
}

/// Opens the desk of this gateway, whose settings came from the arguments.
pub(crate) fn open(
    gateway: &Gateway,
    settings: &Settings,
    arguments: &Arguments,
    listener: TcpListener,
) -> Result<OpenDesk> {
    let address = listener.local_addr()?;
    let files = files(settings).cloned();
    let tls = files.clone().map(Tls::load).transpose()?;
    let url = url(settings, &address.to_string());
    note_address(&settings.data_dir, &url).context("the desk cannot use the data_dir")?;
    tracing::info!("the desk is at {url}; `purrwall desk` prints a code to sign in with");
    let running = settings.options.catalogue.clone();
    let file = running.file.clone().map(|path| StoreFile {
        path,
        read: reader(arguments.clone(), running),
    });
    let options = DeskOptions {
        address,
        tls: files,
        data_dir: settings.data_dir.clone(),
        file,
        secret_file: match env::var_os("PURRWALL_SECRET") {
            Some(_) => None,
            None => Some(settings.secret_file.clone()),
        },
        store: settings.options.store.clone(),
        limits: settings.options.limits.clone(),
        webhooks: settings.webhooks.clone(),
    };
    Ok(OpenDesk {
        desk: Desk::new(gateway.clone(), options),
        gateway: gateway.clone(),
        listener,
        tls,
    })
}

impl OpenDesk {
    /// Serves until the other end of `end` is gone.
    pub(crate) async fn serve(self, mut end: watch::Receiver<()>) {
        let webhooks = &self.desk.options().webhooks;
        if webhooks.urls.is_empty() {
            let (gateway, dir) = (self.gateway.clone(), webhooks.dir.clone());
            tokio::spawn(async move { gateway.keep_refusals(dir).await });
        }
        let shutdown = async move { while end.changed().await.is_ok() {} };
        let router = router(&self.desk);
        self.gateway
            .serve_owner(self.listener, self.tls.as_ref(), router, shutdown)
            .await;
    }
}

/// Reads a text as a reload would read the file.
fn reader(arguments: Arguments, running: CatalogueOptions) -> ReadText {
    Arc::new(move |text| {
        let settings = Settings::with_text(&arguments, text);
        let settings = settings.map_err(|error| format!("{:#}", anyhow::Error::from(error)))?;
        Ok(renewed(&running, settings.options.catalogue))
    })
}

/// The certificate that the desk has, too. One that the gateway gets by itself is the store's alone: its CA
/// knows the store's port.
fn files(settings: &Settings) -> Option<&TlsOptions> {
    settings.certificate.as_ref().and_then(Certificate::files)
}

/// The desk's address for people. Over TLS it has the name that the certificate is for, as far as the
/// settings know it.
pub(crate) fn url(settings: &Settings, address: &str) -> String {
    let files = files(settings);
    let Some(public) = files.and(settings.options.store.public_url.as_ref()) else {
        let scheme = if files.is_some() { "https" } else { "http" };
        return format!("{scheme}://{address}/");
    };
    let host = public.split("://").last().unwrap_or_default();
    let host = host.split(['/', ':']).next().unwrap_or_default();
    let port = address.rsplit(':').next().unwrap_or_default();
    format!("https://{host}:{port}/")
}

/// Where the running desk says its address, which it may have chosen itself.
pub(crate) fn address_file(data_dir: &Path) -> PathBuf {
    data_dir.join("desk/address")
}

fn note_address(data_dir: &Path, url: &str) -> io::Result<()> {
    let path = address_file(data_dir);
    std::fs::create_dir_all(path.with_file_name(""))?;
    durable::write(&path, format!("{url}\n").as_bytes())
}

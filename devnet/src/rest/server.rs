//! Where clnrest listens.

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, ensure};
use axum_server::Handle;
use axum_server::tls_rustls::RustlsConfig;
use tokio::task::JoinHandle;

use super::certificates::{ca_path, server_config};
use super::routes::router;
use crate::node::Node;

/// Where a node's REST interface is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rest {
    /// Where it listens. Its certificate is for `localhost`.
    pub address: SocketAddr,
    /// The file with the certificate of the authority to trust.
    pub ca: PathBuf,
}

/// Listens on a loopback address. The listener and all connections are closed when the task ends.
pub(crate) fn start(
    node: &Arc<Node>,
    address: SocketAddr,
) -> anyhow::Result<(Rest, JoinHandle<()>)> {
    ensure!(
        address.ip().is_loopback(),
        "{address} is not a loopback address; the devnet's REST is for this machine alone, so use \
         127.0.0.1"
    );
    let listen = || format!("cannot listen on {address} for REST; choose another address");
    let listener = TcpListener::bind(address).with_context(listen)?;
    listener.set_nonblocking(true).with_context(listen)?;
    let rest = Rest {
        address: listener.local_addr().with_context(listen)?,
        ca: ca_path(node.dir()),
    };
    let tls = RustlsConfig::from_config(server_config(node.dir())?);
    let closing = CloseOnDrop(Handle::new());
    let server = axum_server::from_tcp_rustls(listener, tls)
        .context("cannot serve REST")?
        .handle(closing.0.clone());
    let router = router(Arc::clone(node));
    let task = tokio::spawn(async move {
        if let Err(error) = server.serve(router.into_make_service()).await {
            tracing::error!(%error, "REST ended");
        }
        drop(closing);
    });
    Ok((rest, task))
}

/// Connections have tasks of their own, which outlive the listener's unless they are told to end.
struct CloseOnDrop(Handle<SocketAddr>);

impl Drop for CloseOnDrop {
    fn drop(&mut self) {
        self.0.shutdown();
    }
}

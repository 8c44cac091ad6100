//! `purrwall guard`: beside lightningd, for a store that must not have lightningd's own socket.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use clap::Args;
use purrwall::settings::{self, Between};
use purrwall_guard::{Guard, listen};
use tokio::net::UnixStream;

use crate::commands::output::say;
use crate::commands::serve::{shutdown, start_log, supervised};

/// What is guarded, and where.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The socket for the store's gateway, which the group may use. Name it there as `lightning`.
    #[arg(long, value_name = "SOCKET")]
    listen_socket: PathBuf,

    #[command(flatten)]
    settings: settings::Arguments,
}

/// Guards until the process is asked to end.
pub(crate) async fn run(arguments: Arguments) -> Result<()> {
    let Between {
        store_id,
        lightning_rpc,
        log_format,
    } = Between::new(&arguments.settings)?;
    start_log(log_format)?;
    let shutdown = shutdown()?;
    let path = arguments.listen_socket;
    let listener = listen(&path).with_context(|| {
        format!(
            "cannot listen at {}; choose another place with --listen-socket, in a folder that this \
             user can write",
            path.display()
        )
    })?;
    // lightningd may come later, or the path may be wrong.
    if let Err(error) = UnixStream::connect(&lightning_rpc).await {
        tracing::warn!("cannot connect to lightningd at {lightning_rpc:?} yet: {error}");
    }
    let guard = Guard {
        lightning_rpc,
        owns: Arc::new(move |label| store_id.owns(label)),
    };
    // Programs that start the guard wait for this line.
    say!("purrwall: guarding at {}", path.display());
    supervised()?;
    tokio::select! {
        () = shutdown => Ok(()),
        error = guard.serve(listener) => Err(error).context("the guard's socket is broken"),
    }
}

//! The lightningd that pays, as commands that buy are told of it.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::Args;
use lightningd::{Endpoint, Rest};

/// An answer of the node's to anything but a payment.
pub(crate) const CALL_DEADLINE: Duration = Duration::from_secs(10);

/// Where the node is: its socket, or clnrest with a rune.
#[derive(Debug, Args)]
pub(crate) struct Payer {
    /// The socket of the lightningd that pays.
    #[arg(long, value_name = "SOCKET", required_unless_present = "lightning")]
    lightning_rpc: Option<PathBuf>,

    /// Instead of the socket, the address of the node's REST plugin clnrest, such as
    /// `https://node.example:3010`.
    #[arg(
        long,
        value_name = "URL",
        requires = "rune_file",
        conflicts_with = "lightning_rpc"
    )]
    lightning: Option<String>,

    /// The file with the rune for clnrest. It has to allow getinfo, listpays and xpay.
    #[arg(long, value_name = "FILE", requires = "lightning")]
    rune_file: Option<PathBuf>,

    /// The file with the certificate that clnrest's own is signed by: ca.pem in lightningd's folder.
    #[arg(long, value_name = "FILE", requires = "lightning")]
    ca_file: Option<PathBuf>,

    /// The name that clnrest's certificate has to be for, by default the host in the address.
    /// clnrest's own is for localhost.
    #[arg(long, value_name = "NAME", requires = "lightning")]
    tls_name: Option<String>,
}

impl Payer {
    /// Reads the files that are named.
    pub(crate) fn endpoint(self) -> Result<Endpoint> {
        let Some(url) = self.lightning else {
            let socket = self.lightning_rpc.expect("clap demands one of the two");
            return Ok(socket.into());
        };
        let rune_file = self.rune_file.expect("clap demands it with the address");
        let rune = String::from_utf8(contents(&rune_file)?).unwrap_or_default();
        let ca = self.ca_file.as_deref().map(contents).transpose()?;
        let rest = Rest::new(&url, &rune, ca.as_deref(), self.tls_name.as_deref());
        let rest = rest.with_context(|| format!("cannot use clnrest at {url:?}"))?;
        Ok(rest.into())
    }
}

fn contents(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

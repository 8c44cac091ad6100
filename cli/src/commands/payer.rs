//! The lightningd that pays and the store that is paid, as commands that buy are told of them.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::Args;
use lightningd::{Endpoint, Rest};
use purrwall_buyer::ticket::Scheme;
use shared::lightning::Payees;

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

/// Who is paid, and how the store is spoken with.
#[derive(Debug, Args)]
pub(crate) struct Seller {
    /// The public key of the node that has to be paid; any other is refused. Several keys, with spaces
    /// or commas between them, are those of a store with several nodes.
    #[arg(long, value_name = "KEYS")]
    pub(crate) payee: Option<Payees>,

    /// The scheme that the store is spoken with: `l402`, or `payment` (MPP).
    #[arg(long, value_name = "SCHEME", default_value = "l402")]
    pub(crate) scheme: Scheme,
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

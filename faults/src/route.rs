//! A service with a price on a route: the gateway's example, which is a program of its own.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result};

use crate::nodes::program;

/// What is paid for.
pub(crate) const PATH: &str = "/forecast";

pub(crate) struct Route {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Route {
    /// Starts it at the node with this socket; it makes its secret at its first start.
    pub(crate) fn open(rpc: &Path, secret: &Path) -> Result<Self> {
        let mut child = Command::new(program("FORECAST", "examples/forecast")?)
            .args([rpc, secret])
            .arg("127.0.0.1:0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("cannot start the example `forecast`")?;
        let stdout = child.stdout.take().context("forecast has no output")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let address = line.trim().split_once("://");
        let (_, address) = address.context("forecast did not start")?;
        let address = address.parse()?;
        Ok(Self { child, address })
    }
}

impl Drop for Route {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

//! What is built: the page as browsers load it, and the programs beside it.
//!
//! `cargo xtask build` makes the page, the widget and their compressed copies.

use std::process::Command;

use anyhow::Result;

use crate::{
    command::{command, root, run},
    setup::setup,
    size::{self, Sizes},
    tools::Purpose,
};

/// Sets up, then builds the page.
pub(crate) fn build() -> Result<()> {
    setup(Purpose::Build)?;
    page()?;
    Ok(())
}

/// Builds page and widget into `dist/` for release, writes the compressed copies beside them, and
/// prints what they weigh. Trunk calls [`crate::hook`] on the way.
pub(crate) fn page() -> Result<Sizes> {
    run(command("trunk").args(["build", "--release"]))?;
    size::compress_all(&root().join("dist"))
}

/// The command that builds the gateway and the devnet.
pub(crate) fn programs() -> Command {
    let mut cargo = command("cargo");
    cargo.args(["build", "--package", "gateway", "--package", "devnet"]);
    cargo
}

//! What is built: the page as browsers load it, and the programs beside it.
//!
//! `cargo xtask build` makes the page alone.

use std::process::Command;

use anyhow::Result;

use crate::{
    command::{command, root, run},
    setup::setup,
    size,
    tools::Purpose,
};

/// Sets up, then builds the page.
pub(crate) fn build() -> Result<()> {
    setup(Purpose::Build)?;
    page()
}

/// Builds the page into `dist/` for release, writes its compressed copies, prints its size, and
/// fails when it is too heavy.
pub(crate) fn page() -> Result<()> {
    run(command("trunk").args(["build", "--release"]))?;
    size::compress_and_check(&root().join("dist"))
}

/// The command that builds the gateway and the devnet.
pub(crate) fn programs() -> Command {
    let mut cargo = command("cargo");
    cargo.args(["build", "--package", "gateway", "--package", "devnet"]);
    cargo
}

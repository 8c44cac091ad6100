//! What is built: the page as browsers load it, and the programs beside it.
//!
//! `cargo xtask build` makes the page and the widget's loader beside it.

use std::process::Command;

use anyhow::Result;

use crate::{
    command::{command, root, run},
    setup::setup,
    size::{self, Sizes},
    tools::Purpose,
    widget,
};

/// Sets up, then builds the page.
pub(crate) fn build() -> Result<()> {
    setup(Purpose::Build)?;
    page()?;
    Ok(())
}

/// Builds the page into `dist/` for release, writes the widget's loader and the compressed copies
/// beside it, and prints what page and widget weigh.
pub(crate) fn page() -> Result<Sizes> {
    let dist = root().join("dist");
    run(command("trunk").args(["build", "--release"]))?;
    widget::write_loader(&dist)?;
    size::compress_all(&dist)
}

/// The command that builds the gateway and the devnet.
pub(crate) fn programs() -> Command {
    let mut cargo = command("cargo");
    cargo.args(["build", "--package", "gateway", "--package", "devnet"]);
    cargo
}

//! What is built: the page as browsers load it, and the programs beside it.
//!
//! `cargo xtask build` makes the page, the widget and their compressed copies.

use std::{path::PathBuf, process::Command, time::SystemTime};

use anyhow::Result;

use crate::{
    changed,
    command::{command, root, run},
    setup::setup,
    size::{self, Sizes},
    tools::Purpose,
};

/// What the page is built from; the tools' versions are in some of these files.
const SOURCES: [&str; 7] = [
    "index.html",
    "Trunk.toml",
    "Cargo.toml",
    "Cargo.lock",
    "frontend",
    "shared",
    "xtask/src",
];

/// Sets up, then builds the page.
pub(crate) fn build() -> Result<()> {
    setup(Purpose::Build)?;
    page()?;
    Ok(())
}

/// Makes the program smaller than stable Rust can: the standard library is compiled with it, for
/// size, and a panic is a bare trap without a message, so that neither places in the source nor
/// `Debug` are needed. `RUSTC_BOOTSTRAP` allows the pinned stable toolchain these unstable options.
/// `trunk serve` does without them, so its panics have messages.
const SMALL: [(&str, &str); 4] = [
    ("RUSTC_BOOTSTRAP", "1"),
    ("CARGO_UNSTABLE_BUILD_STD", "std,panic_abort"),
    ("CARGO_UNSTABLE_BUILD_STD_FEATURES", "optimize_for_size"),
    (
        "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS",
        "-Zunstable-options -Cpanic=immediate-abort -Zfmt-debug=none -Zlocation-detail=none",
    ),
];

/// What names the folder of the page that goes into the program (`gateway/build.rs`).
pub(crate) const PAGE_VARIABLE: &str = "PURRWALL_PAGE";

/// Where the built page is.
pub(crate) fn page_dir() -> PathBuf {
    root().join("dist")
}

/// Builds page and widget into `dist/` for release, writes the compressed copies beside them, and
/// prints what they weigh. Trunk calls [`crate::widget::hook`] on the way.
pub(crate) fn page() -> Result<Sizes> {
    run(command("trunk").args(["build", "--release"]).envs(SMALL))?;
    size::compress_all(&page_dir())
}

/// Builds the page unless nothing has changed since it was built.
pub(crate) fn page_if_changed() -> Result<()> {
    // Of all that a build writes, these come last.
    let built = ["index.html.br", "widget.js.br"];
    let built = built.map(|file| changed::modified(&page_dir().join(file)));
    if let [Ok(page), Ok(widget)] = built
        && newest_source()? <= page.min(widget)
    {
        println!("nothing has changed since it was built");
        return Ok(());
    }
    page()?;
    Ok(())
}

/// When the newest of the files changed that the page is built from.
fn newest_source() -> Result<SystemTime> {
    let mut newest = SystemTime::UNIX_EPOCH;
    for source in SOURCES {
        newest = newest.max(changed::newest(&root().join(source))?);
    }
    Ok(newest)
}

/// The command that builds the gateway and the devnet, and nothing else.
pub(crate) fn programs() -> Command {
    let mut cargo = command("cargo");
    cargo.args(["build", "--package", "purrwall", "--package", "devnet"]);
    cargo
}

/// The command that builds every program that tests start. The workspace as a whole, with an example,
/// has the features that `cargo test` gives it, so that nothing is compiled again after the native tests.
pub(crate) fn tested_programs() -> Command {
    let mut cargo = command("cargo");
    cargo.args(["build", "--workspace", "--exclude", "frontend"]);
    for program in ["purrwall", "devnet", "faults"] {
        cargo.args(["--bin", program]);
    }
    cargo.args(["--example", "forecast"]);
    cargo
}

//! `cargo xtask bench`: the gateway's speed, beside that of what it stands on, or that of its peers.

use std::num::NonZeroU32;

use anyhow::{Context, Result};

use crate::{
    build,
    command::{command, run},
    setup::setup,
    steps::Steps,
    tools::{self, Purpose},
};

/// Measures the gateway in its release build, or these parts of that; `cli/benches/` says what and against what.
pub(crate) fn bench(parts: &[&str]) -> Result<()> {
    let bench = ["bench", "--package", "purrwall", "--bench", "gateway", "--"];
    run(command("cargo").args(bench).args(parts))
}

/// Installs the peers and measures them and the gateway in turns.
pub(crate) fn peers(rounds: &str) -> Result<()> {
    let rounds: NonZeroU32 = rounds
        .parse()
        .with_context(|| format!("--rounds {rounds:?} is no number of rounds, such as 11"))?;
    let mut steps = Steps::new();
    steps.run("tools", || setup(Purpose::Peers))?;
    steps.run("page", build::page_if_changed)?;
    steps.run("measurements", || {
        run(command("cargo")
            .args(["bench", "--package", "purrwall", "--bench", "gateway"])
            .args(["--", "--peers", "--rounds", &rounds.to_string()])
            .env("CHROMIUM", tools::chromium()?))
    })?;
    steps.summary();
    Ok(())
}

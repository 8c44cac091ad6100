//! `cargo xtask faults`: the campaigns that break the store on purpose, on programs built now.

use anyhow::Result;

use crate::{
    build,
    command::{command, programs_dir, run},
};

/// Builds the programs and hands everything else on to `faults/`, which knows the campaigns.
pub(crate) fn faults(args: &[&str]) -> Result<()> {
    run(build::programs().args(["--package", "faults"]))?;
    // As the tests build it, so that nothing is compiled once more after them.
    let example = [
        "--workspace",
        "--exclude",
        "frontend",
        "--example",
        "forecast",
    ];
    run(command("cargo").arg("build").args(example))?;
    let programs = programs_dir()?;
    run(command(programs.join("faults")).args(args))
}

//! `cargo xtask faults`: the campaigns that break the store on purpose, on programs built now.

use anyhow::Result;

use crate::{
    build,
    command::{command, programs_dir, run},
};

/// Builds the programs and hands everything else on to `faults/`, which knows the campaigns.
pub(crate) fn faults(args: &[&str]) -> Result<()> {
    run(&mut build::tested_programs())?;
    let programs = programs_dir()?;
    run(command(programs.join("faults")).args(args))
}

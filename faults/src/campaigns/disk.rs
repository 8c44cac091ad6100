//! A full disk, no descriptors, files that cannot be read or written, and an end at any moment: secret,
//! versions and spool survive.
//!
//! ENOSPC comes from a small disk of its own, EMFILE from a lower limit of descriptors, EIO on reads from
//! a file of the kernel's that can be opened and not read, and EIO on writes from libfiu.

mod broken;
mod cut;
mod failing;
mod full;
mod scarce;
mod shop;

use anyhow::Result;
use fastrand::Rng;

use crate::nodes::Nodes;
use crate::options::Options;
use crate::report::Report;

/// The campaign: without room, without descriptors, with a broken disk, and without time.
pub(crate) fn run(options: &Options, report: &Report) -> Result<()> {
    let nodes = Nodes::start(0)?;
    let mut rng = Rng::with_seed(options.seed);
    full::run(&nodes, &mut rng, report)?;
    scarce::run(options.is_short, &nodes, &mut rng, report)?;
    broken::run(&nodes, &mut rng, report)?;
    failing::run(&nodes, &mut rng, report)?;
    cut::run(options.is_short, &nodes, &mut rng, report)
}

//! What packages for other programmers have in common.

use std::{fs, path::Path};

use anyhow::{Context, Result};

use crate::command::{command, root, run};

const LICENCES: [&str; 2] = ["LICENSE-APACHE", "LICENSE-MIT"];

/// Copies the licences into a package's folder.
pub(crate) fn copy_licences(dir: &Path) -> Result<()> {
    for file in LICENCES {
        fs::copy(root().join(file), dir.join(file))
            .with_context(|| format!("cannot copy {file}"))?;
    }
    Ok(())
}

/// Packs a folder for npm, and puts the packed file beside it.
pub(crate) fn npm_pack(dir: &Path) -> Result<()> {
    run(command("npm")
        .args(["pack", "--silent", "--pack-destination", ".."])
        .current_dir(dir))
}

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

/// Copies a folder, but nothing that has one of the skipped names.
pub(crate) fn copy_folder(from: &Path, to: &Path, skipped: &[&str]) -> Result<()> {
    fs::create_dir_all(to).with_context(|| format!("cannot make {}", to.display()))?;
    let listed = fs::read_dir(from).with_context(|| format!("cannot list {}", from.display()))?;
    for entry in listed {
        let entry = entry?;
        let name = entry.file_name();
        if skipped.iter().any(|skipped| name == *skipped) {
            continue;
        }
        let (from, to) = (entry.path(), to.join(name));
        if from.is_dir() {
            copy_folder(&from, &to, skipped)?;
        } else {
            fs::copy(&from, &to).with_context(|| format!("cannot copy {}", from.display()))?;
        }
    }
    Ok(())
}

/// Packs a folder for npm, and puts the packed file beside it.
pub(crate) fn npm_pack(dir: &Path) -> Result<()> {
    run(command("npm")
        .args(["pack", "--silent", "--pack-destination", ".."])
        .current_dir(dir))
}

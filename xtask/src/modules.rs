//! The modules for servers in other languages: packages for npm and for pip.
//!
//! `cargo xtask modules` makes them in `target/modules/`.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::{
    command::{command, root, run},
    packing,
    tools::python_dir,
};

const SOURCES: &str = "modules";
/// Made by running them where they are, and no part of a package.
const SKIPPED: [&str; 3] = ["__pycache__", "node_modules", "tests"];

/// Packs both.
pub(crate) fn pack() -> Result<()> {
    let target = root().join("target/modules");
    if target.exists() {
        fs::remove_dir_all(&target)?;
    }
    for module in ["javascript", "python"] {
        let dir = target.join(module);
        copy(&root().join(SOURCES).join(module), &dir)?;
        packing::copy_licences(&dir)?;
    }
    packing::npm_pack(&target.join("javascript"))?;
    // What it is built with is there already.
    let python = python_dir().join("bin/python");
    run(command(python)
        .args([
            "-m",
            "pip",
            "wheel",
            "--quiet",
            "--disable-pip-version-check",
        ])
        .args(["--no-index", "--no-deps", "--no-build-isolation"])
        .args(["--wheel-dir", ".", "./python"])
        .current_dir(&target))?;
    println!("the packages are in target/modules");
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    let listed = fs::read_dir(from).with_context(|| format!("cannot list {}", from.display()))?;
    for entry in listed {
        let entry = entry?;
        let name = entry.file_name();
        if SKIPPED.iter().any(|skipped| name == *skipped) {
            continue;
        }
        let (from, to) = (entry.path(), to.join(name));
        if from.is_dir() {
            copy(&from, &to)?;
        } else {
            fs::copy(&from, &to).with_context(|| format!("cannot copy {}", from.display()))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_modules_have_the_workspaces_version() {
        let version = env!("CARGO_PKG_VERSION");
        for (file, line) in [
            (
                "javascript/package.json",
                format!("\"version\": \"{version}\""),
            ),
            ("python/pyproject.toml", format!("version = \"{version}\"")),
        ] {
            let text = fs::read_to_string(root().join(SOURCES).join(file)).unwrap();
            assert!(text.contains(&line), "{file} has no {line}");
        }
    }
}

//! The modules for servers in other languages: packages for npm and for pip.
//!
//! `cargo xtask modules` makes them in `target/modules/`.

use std::fs;

use anyhow::Result;

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
        packing::copy_folder(&root().join(SOURCES).join(module), &dir, &SKIPPED)?;
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

//! What the demo sells: the two cats, the second of them sealed, with its ciphertext on somebody else's site.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

use crate::command::{command, programs_dir, root, run};

/// The store's file, in the demo's folder.
pub(crate) const FILE: &str = "purrwall.toml";

/// Where the built-in cats are.
const CATS: &str = "gateway/cats";

/// Puts the store's file and its goods into the folder, and seals; gives the folder of the ciphertexts, which
/// lie at `place` for everyone.
pub(crate) fn prepare(dir: &Path, place: &str) -> Result<PathBuf> {
    let cats = dir.join("cats");
    fs::create_dir_all(&cats).with_context(|| format!("cannot create {}", cats.display()))?;
    for cat in ["cat.txt", "two-cats.txt"] {
        let from = root().join(CATS).join(cat);
        fs::copy(&from, cats.join(cat))
            .with_context(|| format!("cannot copy {}", from.display()))?;
    }
    let file = dir.join(FILE);
    fs::write(&file, text(place)).with_context(|| format!("cannot write {}", file.display()))?;
    let sealed = dir.join("sealed");
    let mut seal = command(programs_dir()?.join("purrwall"));
    // It asks no node.
    seal.args(["seal", "--lightning-rpc", "none", "--config"])
        .arg(&file)
        .arg("--out")
        .arg(&sealed);
    run(&mut seal)?;
    Ok(sealed)
}

fn text(place: &str) -> String {
    format!(
        r#"# Made by `cargo xtask demo`, again at each start.

[look]
scene = "box"

[[item]]
id = "cat"
title = "A cat"
teaser = "One ASCII cat at night, eyes wide open. She purrs."
file = "cats/cat.txt"
price = "100 sat"

[[item]]
id = "two-cats"
title = "Two cats"
teaser = "Two ASCII cats side by side, tails entwined. Company for your terminal."
file = "cats/two-cats.txt"
price = "100 sat"
sealed = true
sealed_at = ["{place}"]
"#
    )
}

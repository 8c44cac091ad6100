//! The crates for crates.io, with the built page inside, so that `cargo install purrwall` gives a whole
//! store.

use std::{fs, path::PathBuf};

use anyhow::{Context as _, Result, ensure};

use super::sale::{Place, free_address};
use crate::{
    build,
    command::{command, output, root, run, target_dir},
    packing, tools,
};

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// All that are published; the order is cargo's business.
const CRATES: [&str; 8] = [
    "purrwall",
    "purrwall-buyer",
    "purrwall-desk",
    "purrwall-durable",
    "purrwall-gateway",
    "purrwall-guard",
    "purrwall-lightningd",
    "purrwall-shared",
];

/// Packs the crates into `target/crates`, from a copy of the project that has the page where the published
/// crate has it.
pub(crate) fn pack() -> Result<()> {
    let source = source()?;
    if source.exists() {
        fs::remove_dir_all(&source)
            .with_context(|| format!("cannot remove {}", source.display()))?;
    }
    let listed = output(command("git").args(["ls-files", "--cached"]))?;
    for file in listed.lines() {
        let from = root().join(file);
        // One that was removed and not committed yet is listed, too.
        let to = source.join(file);
        if from.is_file() {
            let folder = to.parent().context("a file has a folder")?;
            fs::create_dir_all(folder)
                .with_context(|| format!("cannot make {}", folder.display()))?;
            fs::copy(&from, &to).with_context(|| format!("cannot copy {file}"))?;
        }
    }
    packing::copy_folder(&build::page_dir(), &source.join("gateway/page"), &[])?;
    let mut cargo = command("cargo");
    cargo.args(["package", "--quiet", "--no-verify", "--allow-dirty"]);
    for name in CRATES {
        cargo.args(["--package", name]);
    }
    run(cargo
        .arg("--target-dir")
        .arg(crates_dir()?)
        .current_dir(&source))?;
    println!("in {}", crates_dir()?.join("package").display());
    Ok(())
}

/// Installs the packed program with `cargo install` from an empty folder, and buys a cat from it.
pub(crate) fn check() -> Result<()> {
    let place = Place::new("crates")?;
    let dir = place.dir().join("source");
    fs::create_dir(&dir)?;
    for name in CRATES {
        let packed = crates_dir()?.join(format!("package/{name}-{VERSION}.crate"));
        // As new: the files of a packed crate are decades old, and cargo would take what it compiled of another
        // version for what it would make of them.
        run(command("tar").arg("-xzmf").arg(&packed).arg("-C").arg(&dir))?;
    }
    fs::write(dir.join("Cargo.toml"), workspace()?)?;
    fs::copy(root().join("Cargo.lock"), dir.join("Cargo.lock"))?;
    // The lockfile still names crates that are not published.
    run(command("cargo")
        .args(["fetch", "--quiet"])
        .current_dir(&dir))?;
    let installed = place.dir().join("installed");
    run(command("cargo")
        .args(["install", "--locked", "--quiet", "--no-track"])
        // As for the tests of the Debian package, so that dependencies are compiled once for both.
        .args(["--debug", "--target", &tools::musl_target()?])
        .arg("--root")
        .arg(&installed)
        .arg("--path")
        .arg(dir.join(format!("purrwall-{VERSION}")))
        .env("CARGO_TARGET_DIR", target_dir()?)
        .env_remove(build::PAGE_VARIABLE)
        .current_dir(&dir))?;
    let program = installed.join("bin/purrwall");
    ensure!(program.is_file(), "cargo installed no program");

    let address = free_address()?;
    let mut store = command(&program);
    store
        .arg("--lightning")
        .arg(place.lightning_rpc())
        .arg("--data-dir")
        .arg(place.dir().join("data"))
        .args(["--listen", &address])
        .current_dir(place.dir());
    place.sell(store, &address, &program)?;
    place.clear()
}

/// A manifest that takes the crates from beside it, as crates.io would give them.
fn workspace() -> Result<String> {
    let own = fs::read_to_string(root().join("Cargo.toml")).context("cannot read Cargo.toml")?;
    let (_, profiles) = own
        .split_once("[profile.dev]")
        .context("Cargo.toml has no [profile.dev]")?;
    let dirs = CRATES.map(|name| format!("{name}-{VERSION}"));
    let patches = CRATES.map(|name| format!("{name} = {{ path = \"{name}-{VERSION}\" }}\n"));
    let patches = patches.concat();
    Ok(format!(
        "[workspace]\nresolver = \"3\"\nmembers = {dirs:?}\n\n[patch.crates-io]\n{patches}\n\
         [profile.dev]{profiles}"
    ))
}

fn crates_dir() -> Result<PathBuf> {
    Ok(target_dir()?.join("crates"))
}

/// The copy of the project that is packed, and published by `cargo publish --workspace`.
fn source() -> Result<PathBuf> {
    Ok(crates_dir()?.join("source"))
}

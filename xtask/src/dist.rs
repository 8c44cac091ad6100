//! `cargo xtask dist`: what owners install, in `target/dist`.
//!
//! One static program with the page inside, as a Debian package, as a tarball, and for the
//! Dockerfile in `packaging/`; a list of what it is made of; and the [`crates`] for crates.io. [`debian`],
//! [`container`] and [`crates`] buy a cat from each.

pub(crate) mod container;
pub(crate) mod crates;
pub(crate) mod debian;
mod sale;

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, ensure};

use crate::{
    build,
    command::{command, output, root, run, target_dir},
    setup::setup,
    steps::Steps,
    tools::{self, Purpose},
};

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// How the program is compiled, and where what is made of it goes.
#[derive(Clone, Copy)]
pub(crate) struct Build {
    /// Cargo's name for it.
    profile: &'static str,
    /// The folder in `target/<triple>` that cargo uses for it.
    compiled: &'static str,
    /// The folder in `target`.
    packed: &'static str,
    /// How hard the package is compressed.
    compression: &'static [&'static str],
}

/// For owners.
const RELEASE: Build = Build {
    profile: "release",
    compiled: "release",
    packed: "dist",
    compression: &[],
};

/// For the tests: the same but slow, in a third of the time.
pub(crate) const FOR_TESTS: Build = Build {
    profile: "dev",
    compiled: "debug",
    packed: "test-dist",
    compression: &["--fast"],
};

/// What was made.
pub(crate) struct Packages {
    /// Where they are.
    dir: PathBuf,
    /// The Debian package.
    deb: PathBuf,
    /// The folder that the tarball holds, from which the container is made.
    unpacked: PathBuf,
}

/// Sets up, builds the page and everything that is made of it.
pub(crate) fn dist() -> Result<()> {
    let mut steps = Steps::new();
    steps.run("tools", || setup(Purpose::Packages))?;
    steps.run("page", build::page)?;
    let packages = steps.run("packages", || packages(RELEASE))?;
    steps.run("bill of materials", || bill_of_materials(&packages))?;
    steps.run("crates", crates::pack)?;
    steps.summary();
    Ok(())
}

/// Builds the program with the page that is in `dist/`, and packs it.
pub(crate) fn packages(build: Build) -> Result<Packages> {
    let target = tools::musl_target()?;
    run(command("cargo")
        .args(["build", "--profile", build.profile])
        .args(["--package", "purrwall", "--bin", "purrwall"])
        .args(["--target", &target])
        .env(build::PAGE_VARIABLE, build::page_dir()))?;
    let program = target_dir()?.join(&target).join(build.compiled);
    let program = program.join("purrwall");
    let linked = output(
        command("sh")
            .arg("-c")
            .arg("ldd \"$0\" 2>&1; true")
            .arg(&program),
    )?;
    ensure!(
        linked.contains("statically linked") || linked.contains("not a dynamic executable"),
        "{} is not static: {linked}",
        program.display()
    );

    let dir = target_dir()?.join(build.packed);
    if dir.exists() {
        fs::remove_dir_all(&dir).with_context(|| format!("cannot remove {}", dir.display()))?;
    }
    fs::create_dir_all(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
    let deb = deb(&target, build, &dir)?;
    let unpacked = tarball(&program, &dir)?;
    println!("in {}", dir.display());
    Ok(Packages { dir, deb, unpacked })
}

/// Lists every crate in the program with its version, licence and hash, as CycloneDX has it.
fn bill_of_materials(packages: &Packages) -> Result<()> {
    let name = format!("{}.cdx", file_name(env::consts::ARCH));
    run(command("cargo")
        .args(["cyclonedx", "--format", "json", "--spec-version", "1.5"])
        .args(["--manifest-path", "cli/Cargo.toml"])
        .args(["--target", &tools::musl_target()?])
        .args(["--override-filename", &name]))?;
    // It writes one for each crate of the workspace, beside the crate's manifest.
    let name = format!("{name}.json");
    let listed = fs::read_dir(root()).context("cannot list the project's folder")?;
    for folder in listed.flatten() {
        let made = folder.path().join(&name);
        if !made.is_file() {
            continue;
        }
        if folder.file_name() == "cli" {
            // It names our crates by where they lie; that is nobody's business.
            let here = format!("file://{}", root().display());
            let list = fs::read_to_string(&made)?.replace(&here, "file://");
            fs::write(packages.dir.join(&name), list)?;
        }
        fs::remove_file(&made)?;
    }
    ensure!(
        packages.dir.join(&name).is_file(),
        "cargo-cyclonedx made no {name}"
    );
    Ok(())
}

/// What the tarball is called, and what it holds is in.
fn file_name(arch: &str) -> String {
    format!("purrwall-{VERSION}-{arch}-linux")
}

/// What cargo-deb makes of the metadata in cli/Cargo.toml.
fn deb(target: &str, build: Build, dir: &Path) -> Result<PathBuf> {
    run(command("cargo")
        .args(["deb", "--package", "purrwall", "--no-build", "--locked"])
        .args(["--strip", "--profile", build.profile])
        .args(build.compression)
        .args(["--target", target, "--output"])
        .arg(dir))?;
    let mut entries = fs::read_dir(dir)?.flatten().map(|entry| entry.path());
    let deb = entries.find(|path| path.extension().is_some_and(|end| end == "deb"));
    deb.context("cargo-deb made no package")
}

/// The same for other systems: program, unit, example, docs.
fn tarball(program: &Path, dir: &Path) -> Result<PathBuf> {
    let name = file_name(env::consts::ARCH);
    let staged = dir.join(&name);
    fs::create_dir_all(&staged)?;
    run(command("strip")
        .arg("-o")
        .arg(staged.join("purrwall"))
        .arg(program))?;
    run(command("cp").args(["-R", "packaging", "docs"]).arg(&staged))?;
    run(command("cp")
        .args([
            "README.md",
            "LICENSE-MIT",
            "LICENSE-APACHE",
            "config.example.toml",
        ])
        .arg(&staged))?;
    // The same files give the same bytes, whoever packs them.
    run(command("tar")
        .args(["--sort=name", "--owner=0", "--group=0", "--numeric-owner"])
        .args([
            "--mtime=@0",
            "--mode=u+rw,go+r-w",
            "-czf",
            &format!("{name}.tar.gz"),
            &name,
        ])
        .current_dir(dir))?;
    Ok(staged)
}

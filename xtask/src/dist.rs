//! `cargo xtask dist`: what owners install, in `target/dist`.
//!
//! One static program with the page inside, as a Debian package, as a tarball, and for the
//! Dockerfile in `packaging/`. [`debian`] and [`container`] buy a cat from both.

pub(crate) mod container;
pub(crate) mod debian;
mod sale;

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, ensure};

use crate::{
    build,
    command::{command, output, programs_dir, run},
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
    steps.run("packages", || packages(RELEASE))?;
    steps.summary();
    Ok(())
}

/// Builds the program with the page that is in `dist/`, and packs it.
pub(crate) fn packages(build: Build) -> Result<Packages> {
    let target = tools::musl_target()?;
    run(command("cargo")
        .args(["build", "--profile", build.profile])
        .args(["--package", "purrwall", "--bin", "purrwall"])
        .args(["--features", "embedded-page", "--target", &target]))?;
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
    run(command("sh")
        .args([
            "-c",
            "sha256sum *.deb *.tar.gz > SHA256SUMS && cat SHA256SUMS",
        ])
        .current_dir(&dir))?;
    println!("in {}", dir.display());
    Ok(Packages { deb, unpacked })
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
    let name = format!("purrwall-{VERSION}-{}-linux", env::consts::ARCH);
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

/// Where cargo puts what it builds.
fn target_dir() -> Result<PathBuf> {
    let programs = programs_dir()?;
    let dir = programs.parent().context("cargo's folder has no parent")?;
    Ok(dir.to_owned())
}

//! How other programs are run: from the project's top folder, with our own tools first on PATH.

use std::{
    env,
    ffi::OsStr,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail};

/// The project's top folder.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("xtask lies in the project's top folder")
}

/// Where `cargo install` puts the tools that this project needs in an exact version.
pub(crate) fn tools_dir() -> PathBuf {
    root().join(".tools")
}

/// Where cargo puts the native programs of the dev profile: beside this one.
pub(crate) fn programs_dir() -> Result<PathBuf> {
    let this = env::current_exe().context("cannot find the path of this program")?;
    let dir = this.parent().context("this program lies in no folder")?;
    Ok(dir.to_owned())
}

/// Where cargo puts all that it builds.
pub(crate) fn target_dir() -> Result<PathBuf> {
    let programs = programs_dir()?;
    let dir = programs.parent().context("cargo's folder has no parent")?;
    Ok(dir.to_owned())
}

/// Whether this is continuous integration, where nothing that can be tested may be left out.
pub(crate) fn is_ci() -> bool {
    env::var("CI").is_ok_and(|ci| ci == "true")
}

/// A command that will run in the top folder and finds `.tools/bin` before anything else.
pub(crate) fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(root()).env("PATH", search_path());
    // `cargo run` sets it for this program. Build scripts look at it, and what was compiled by a cargo of one's own
    // would be compiled again by ours.
    command.env_remove("CARGO_MANIFEST_DIR");
    if is_ci() {
        // What would make the next compilation quicker makes the only one slower.
        command.env("CARGO_INCREMENTAL", "0");
    }
    command
}

/// Runs a command with its output on ours; an error names the command and its exit status.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = command
        .status()
        .with_context(|| format!("cannot start `{}`", text(command)))?;
    if !status.success() {
        bail!("`{}` failed ({status})", text(command));
    }
    Ok(())
}

/// What a command prints on standard output, without the white space around it.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot start `{}`", text(command)))?;
    if !output.status.success() {
        bail!("`{}` failed ({})", text(command), output.status);
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// The command as one would type it.
pub(crate) fn text(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words
        .map(OsStr::to_string_lossy)
        .collect::<Vec<_>>()
        .join(" ")
}

fn search_path() -> std::ffi::OsString {
    let inherited = env::var_os("PATH").unwrap_or_default();
    let dirs = std::iter::once(tools_dir().join("bin")).chain(env::split_paths(&inherited));
    env::join_paths(dirs).expect("the folders of PATH hold no separator, nor does ours")
}

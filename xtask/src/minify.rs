//! Scripts as small as browsers can read them.

use std::{io::Write as _, process::Stdio};

use anyhow::{Context as _, Result, anyhow, ensure};

use crate::command::command;

/// Whether scripts are made smaller.
#[derive(Clone, Copy)]
pub(crate) enum Minify {
    /// For pages that are looked at once.
    No,
    /// For visitors.
    ByEsbuild,
}

impl Minify {
    /// The text of the script at `path`, as small as it is wanted.
    pub(crate) fn script(self, path: &str, text: &str) -> Result<String> {
        match self {
            Self::No => Ok(text.to_owned()),
            Self::ByEsbuild => by_esbuild(path, text),
        }
    }
}

/// Without comments and spaces, and with names of a letter. Names of properties stay.
fn by_esbuild(path: &str, text: &str) -> Result<String> {
    let mut esbuild = command("esbuild");
    esbuild
        .args(["--minify", "--format=esm", "--charset=utf8"])
        .args(["--target=es2022", "--log-level=warning"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut running = esbuild.spawn().context("esbuild cannot be started")?;
    let mut input = running.stdin.take().expect("it is piped");
    input.write_all(text.as_bytes())?;
    drop(input);
    let output = running.wait_with_output()?;
    ensure!(output.status.success(), "esbuild cannot read {path}");
    let small = String::from_utf8(output.stdout);
    small.map_err(|_| anyhow!("esbuild made no text of {path}"))
}

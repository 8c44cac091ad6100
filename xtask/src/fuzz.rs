//! `cargo xtask fuzz`: libFuzzer on what strangers can send.
//!
//! The programs in `fuzz/` are built with the coverage that libFuzzer follows, which the stable
//! compiler can do. The folders stay those of cargo-fuzz, which adds sanitizers with a nightly; there
//! is no unsafe code here for them to watch.

use std::{fs, path::PathBuf};

use anyhow::{Context, Result, bail};

use crate::command::{command, output, root, run};

/// What cargo-fuzz tells the compiler, without the sanitizers.
const COVERAGE: &str = "--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1 -Cdebug-assertions \
    -Coverflow-checks";

/// How long each target is fuzzed, if nothing is said.
const DEFAULT_SECONDS: u32 = 600;

/// What can be chosen.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Options {
    /// All targets, if none is named.
    target: Option<String>,
    seconds: u32,
}

impl Options {
    /// Reads what follows `fuzz` on the command line.
    pub(crate) fn parse(args: &[&str]) -> Result<Self> {
        let (target, rest) = match args {
            [name, rest @ ..] if !name.starts_with('-') => (Some((*name).to_owned()), rest),
            _ => (None, args),
        };
        let seconds = match rest {
            [] => DEFAULT_SECONDS,
            ["--seconds", number] => number
                .parse()
                .with_context(|| format!("--seconds wants a number, not {number:?}"))?,
            _ => bail!(
                "fuzz takes a target and --seconds N, not {:?}",
                rest.join(" ")
            ),
        };
        Ok(Self { target, seconds })
    }
}

/// Fuzzes one target after the other, and fails at the first input that breaks a promise.
pub(crate) fn fuzz(options: &Options) -> Result<()> {
    let known = targets()?;
    let chosen = match &options.target {
        Some(target) if known.contains(target) => vec![target.clone()],
        Some(target) => bail!("there is no target {target:?}, only {}", known.join(", ")),
        None => known,
    };
    let triple = host()?;
    run(command("cargo")
        .args(["build", "--release", "--package", "purrwall-fuzz", "--bins"])
        // With a target, build scripts and macros are built without the coverage.
        .args(["--features", "libfuzzer", "--target", &triple])
        .args(["--target-dir", "target/fuzz"])
        .env("RUSTFLAGS", COVERAGE))?;
    let made = root().join("target/fuzz");
    for target in chosen {
        println!("\n=== {target}: {} s", options.seconds);
        let (found, broken) = (made.join("corpus").join(&target), made.join("artifacts/"));
        for dir in [&found, &broken] {
            fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
        }
        run(command(made.join(&triple).join("release").join(&target))
            .arg(format!("-max_total_time={}", options.seconds))
            .arg(format!("-artifact_prefix={}{target}-", broken.display()))
            .args(["-timeout=10", "-print_final_stats=1", "-verbosity=0"])
            // What is found goes to the first folder; the second only gives.
            .args([found, corpora().join(&target)]))
        .with_context(|| {
            format!("the input lies in target/fuzz/artifacts; once mended, it belongs in fuzz/corpus/{target}")
        })?;
    }
    Ok(())
}

/// The targets are those that have a corpus.
fn targets() -> Result<Vec<String>> {
    let dir = corpora();
    let entries = fs::read_dir(&dir).with_context(|| format!("cannot list {}", dir.display()))?;
    let mut names = Vec::new();
    for entry in entries {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

fn corpora() -> PathBuf {
    root().join("fuzz/corpus")
}

fn host() -> Result<String> {
    output(command("rustc").args(["--print", "host-tuple"]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_and_a_time_can_be_chosen() {
        let options = |target: Option<&str>, seconds| Options {
            target: target.map(str::to_owned),
            seconds,
        };
        let parse = |args: &[&str]| Options::parse(args).unwrap();
        assert_eq!(parse(&[]), options(None, DEFAULT_SECONDS));
        assert_eq!(parse(&["claim"]), options(Some("claim"), DEFAULT_SECONDS));
        let both = parse(&["claim", "--seconds", "5"]);
        assert_eq!(both, options(Some("claim"), 5));
        for (args, named) in [
            (&["--seconds"][..], "--seconds"),
            (&["--seconds", "long"], "long"),
            (&["claim", "link"], "link"),
        ] {
            let error = Options::parse(args).unwrap_err().to_string();
            assert!(error.contains(named), "{error}");
        }
    }

    #[test]
    fn each_target_has_its_program() {
        for target in targets().unwrap() {
            let program = root().join(format!("fuzz/fuzz_targets/{target}.rs"));
            assert!(program.is_file(), "there is no {}", program.display());
        }
    }
}

//! `cargo xtask setup`: sees which tools are there and installs what is missing.
//!
//! Tools that must have an exact version are compiled into `.tools`, where they disturb nothing
//! else; the rest comes from the operating system's packages. Where this may not install, it
//! says what to type instead.

use std::{env, fs, process::Command, thread, time::Instant};

use anyhow::{Context, Result, bail};

use crate::{
    command::{command, output, root, run, text, tools_dir},
    steps::seconds,
    tools::{Purpose, PythonPackages, Source, Tool, tools},
};

/// Makes every tool for `purpose` available, or says what to do about those that are not.
pub(crate) fn setup(purpose: Purpose) -> Result<()> {
    let started = Instant::now();
    let tools = tools(purpose)?;
    let missing = missing(tools.iter().collect());
    if !missing.is_empty() {
        install_system_packages(&missing)?;
        // Downloads wait for the network, and compilers for the processor.
        let (compiled, downloaded): (Vec<&Tool>, Vec<&Tool>) = missing
            .iter()
            .partition(|tool| matches!(tool.source, Source::Crate { .. }));
        thread::scope(|scope| {
            let downloads = scope.spawn(|| downloaded.into_iter().try_for_each(install));
            compiled.into_iter().try_for_each(install)?;
            downloads.join().expect("an installation returns errors")
        })?;
        remove_build_dir()?;
        println!();
        let still = self::missing(missing);
        if !still.is_empty() {
            let names: Vec<_> = still.iter().map(|tool| tool.name).collect();
            bail!("cannot go on without {}", names.join(", "));
        }
    }
    println!("tools: ready in {}", seconds(started.elapsed()));
    Ok(())
}

/// Looks for all tools at once, prints what it sees, and returns those that will not do.
fn missing(tools: Vec<&Tool>) -> Vec<&Tool> {
    let found: Vec<Result<String>> = thread::scope(|scope| {
        let searches: Vec<_> = tools.iter().map(|tool| scope.spawn(&tool.find)).collect();
        let results = searches.into_iter().map(thread::ScopedJoinHandle::join);
        results
            .map(|result| result.expect("a search returns errors, it never panics"))
            .collect()
    });
    let mut missing = Vec::new();
    for (tool, found) in tools.into_iter().zip(found) {
        match found {
            Ok(version) => println!("  ok       {} ({version})", tool.name),
            Err(error) => {
                println!("  missing  {} ({}): {error:#}", tool.name, tool.wanted);
                missing.push(tool);
            }
        }
    }
    missing
}

/// Installs a tool that needs no rights beyond those on this folder and the Rust toolchain.
fn install(tool: &Tool) -> Result<()> {
    match &tool.source {
        Source::System { .. } => Ok(()),
        Source::RustTarget(target) => show(command("rustup").args(["target", "add", target]))
            .with_context(|| format!("install the standard library of {target} for your Rust")),
        Source::RustComponent(component) => {
            show(command("rustup").args(["component", "add", component]))
                .with_context(|| format!("install {component} for your Rust"))
        }
        Source::Crate { name, version, .. } if has_binstall() => show(
            command("cargo")
                .args(["binstall", "--no-confirm", "--root"])
                .arg(tools_dir())
                .arg(format!("{name}@{version}")),
        ),
        Source::Crate {
            name,
            version,
            options,
        } => show(
            // An unoptimised build takes a quarter of the time; these tools then run for longer,
            // but that is seconds. One target folder lets them share what they have in common.
            command("cargo")
                .args(["install", "--locked", "--debug", "--root"])
                .arg(tools_dir())
                .args([name, "--version", version])
                .args(*options)
                .env("CARGO_PROFILE_DEV_DEBUG", "0")
                .env("CARGO_PROFILE_DEV_STRIP", "symbols")
                .env("CARGO_TARGET_DIR", tools_dir().join("build")),
        ),
        Source::Npm(dir) => show(
            command("npm")
                .args(["ci", "--no-audit", "--no-fund"])
                .current_dir(root().join(dir)),
        ),
        Source::Python(packages) => install_python(packages),
    }
}

/// Whether tools can be had compiled.
fn has_binstall() -> bool {
    output(command("cargo").args(["binstall", "-V"])).is_ok()
}

/// Makes a new Python environment with exactly these packages. A file with other hashes than the
/// named ones is refused.
fn install_python(packages: &PythonPackages) -> Result<()> {
    let dir = packages.dir();
    let python = packages.python()?;
    show(command(python).args(["-m", "venv", "--clear"]).arg(&dir))?;
    show(
        command(dir.join("bin/python"))
            // The list is complete. Older pips look for what an extra needs once more, without a hash.
            .args(["-m", "pip", "install", "--quiet", "--no-deps"])
            .args(["--require-hashes", "--requirement", packages.list]),
    )?;
    fs::copy(root().join(packages.list), packages.mark())
        .context("cannot note what is installed")?;
    Ok(())
}

/// Installs what comes from the operating system, all at once.
fn install_system_packages(missing: &[&Tool]) -> Result<()> {
    let mut packages: Vec<&str> = Vec::new();
    let mut brews = Vec::new();
    for tool in missing {
        if let Source::System { apt, brew } = tool.source {
            packages.extend(apt);
            brews.push(brew);
        }
    }
    if packages.is_empty() {
        return Ok(());
    }
    if env::consts::OS == "macos" {
        bail!("please type:\n  {}", brews.join("\n  "));
    }
    let packages = packages.join(" ");
    let by_hand = format!(
        "please type:\n  sudo apt-get update && sudo apt-get install {packages}\n\
         or install the same programs in your system's way"
    );
    let apt = "env DEBIAN_FRONTEND=noninteractive apt-get";
    let apt = match rights() {
        Some(Rights::Root) => apt.to_owned(),
        Some(Rights::Sudo) => format!("sudo --non-interactive {apt}"),
        None => bail!(by_hand),
    };
    let script = format!("{apt} update && {apt} install --yes --no-install-recommends {packages}");
    show(command("sh").args(["-c", &script])).context(by_hand)
}

enum Rights {
    Root,
    Sudo,
}

/// With which rights Debian's packages can be installed without asking anyone, if with any.
fn rights() -> Option<Rights> {
    output(command("sh").args(["-c", "command -v apt-get"])).ok()?;
    if rustix::process::geteuid().is_root() {
        return Some(Rights::Root);
    }
    let asked = output(command("sudo").args(["--non-interactive", "true"]));
    asked.ok().map(|_| Rights::Sudo)
}

/// Runs a command in the open: what it is, what it prints, how long it took.
fn show(command: &mut Command) -> Result<()> {
    println!("\n$ {}", text(command));
    let started = Instant::now();
    run(command)?;
    println!("  took {}", seconds(started.elapsed()));
    Ok(())
}

/// The intermediate results take half a gigabyte and serve no second time: the next version of
/// a tool shares little with this one.
fn remove_build_dir() -> Result<()> {
    let dir = tools_dir().join("build");
    if dir.exists() {
        fs::remove_dir_all(&dir).with_context(|| format!("cannot remove {}", dir.display()))?;
    }
    Ok(())
}

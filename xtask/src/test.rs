//! `cargo xtask test`: what CI runs, in the order of what fails fastest.

use std::process::Command;

use anyhow::{Result, bail};

use crate::{
    build,
    command::{command, programs_dir, root, run},
    demo_page, dist, faults, modules,
    setup::setup,
    steps::Steps,
    tools::{self, Purpose},
    widget,
};

type Part = fn(&mut Steps) -> Result<()>;

const PARTS: [(&str, Part); 4] = [
    ("lint", lint),
    ("native", native_tests),
    ("browser", browser_tests),
    ("package", package_test),
];

/// How many tests of one program run at once. They wait for payments and programs more than they compute.
const TESTS_AT_ONCE: usize = 8;

/// The gateway's tests that are about its node, which it reaches by either way.
const TALKS_TO_A_NODE: [&str; 9] = [
    "crowd::",
    "invoices::",
    "neighbours::",
    "payments::",
    "purchase::",
    "refused::",
    "spam::",
    "story::",
    "watcher::",
];

/// Runs the named parts, or all; the first step that fails ends it.
pub(crate) fn test(names: &[&str]) -> Result<()> {
    let known = |name: &str| PARTS.iter().any(|(part, _)| *part == name);
    if let Some(unknown) = names.iter().find(|name| !known(name)) {
        bail!("the tests have no part {unknown:?}, only lint, native, browser and package");
    }
    let mut steps = Steps::new();
    steps.run("tools", || setup(Purpose::Tests))?;
    for (name, part) in PARTS {
        if names.is_empty() || names.contains(&name) {
            part(&mut steps)?;
        }
    }
    steps.summary();
    println!("every step passed");
    Ok(())
}

fn lint(steps: &mut Steps) -> Result<()> {
    steps.run("format", || {
        run(command("cargo").args(["fmt", "--all", "--check"]))
    })?;
    // A release checks the advisories, too; their database needs the network.
    steps.run("dependencies", || {
        let checks = ["licenses", "sources", "bans"];
        run(command("cargo")
            .args(["deny", "--locked", "check"])
            .args(checks))
    })?;
    let deny = ["--all-targets", "--", "-D", "warnings"];
    steps.run("clippy", || run(native("clippy").args(deny)))?;
    steps.run("clippy for browsers", || run(wasm("clippy").args(deny)))?;
    steps.run("documentation", || {
        for mut doc in [native("doc"), wasm("doc")] {
            run(doc
                .args(["--no-deps", "--document-private-items"])
                .env("RUSTDOCFLAGS", "-D warnings"))?;
        }
        Ok(())
    })
}

fn native_tests(steps: &mut Steps) -> Result<()> {
    steps.run("native tests", || run(&mut native("test")))?;
    steps.run("the gateway over clnrest", || {
        // No other crate's tests have these names. The whole workspace is named all the same, because
        // cargo would choose other features for one package and compile its dependencies again.
        run(native("test")
            .args(["--test", "all", "--"])
            .args(TALKS_TO_A_NODE)
            .env("PURRWALL_TEST_REST", "1"))
    })?;
    steps.run("short campaigns of faults", || faults::faults(&["--short"]))
}

fn browser_tests(steps: &mut Steps) -> Result<()> {
    steps.run("components in Chromium", || {
        run(wasm("test")
            .env(
                "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER",
                "wasm-bindgen-test-runner",
            )
            .env("CHROMEDRIVER", tools::chromedriver()?))
    })?;
    let sizes = steps.run("page", build::page)?;
    steps.run("size of the page", || sizes.check())?;
    let demo_page = root().join("target/demo-page");
    steps.run("the demo's page", || demo_page::build(&demo_page))?;
    steps.run("npm package", widget::pack)?;
    steps.run("modules for servers", modules::pack)?;
    steps.run("programs", || run(&mut build::tested_programs()))?;
    steps.run("stories in browsers", || {
        let programs = programs_dir()?;
        run(command("npm")
            .args(["test", "--silent"])
            .current_dir(root().join("e2e"))
            .env("CHROMIUM", tools::headless_chromium()?)
            .env("WHOLE_CHROMIUM", tools::chromium()?)
            .env("FIREFOX", tools::firefox()?)
            .env("PURRWALL", programs.join("purrwall"))
            .env("DEVNET", programs.join("devnet"))
            .env("DEMO_PAGE", &demo_page))
    })
}

/// What owners install, built as it is for them, sells a cat.
fn package_test(steps: &mut Steps) -> Result<()> {
    if !cfg!(target_os = "linux") {
        println!("\n=== packages: skipped, they are made on Linux");
        return Ok(());
    }
    // The other parts have built it already, where they ran.
    if !build::page_dir().join("index.html").is_file() {
        steps.run("page", build::page)?;
    }
    // What the other parts do not compile, because it needs the page.
    steps.run("clippy with the page inside", || {
        // With an example, dependencies have the features that they had for the first clippy.
        run(native("clippy")
            .args(["--lib", "--example", "forecast"])
            .args(["--", "-D", "warnings"])
            .env(build::PAGE_VARIABLE, build::page_dir()))
    })?;
    steps.run("devnet", || run(&mut build::tested_programs()))?;
    let packages = steps.run("packages", || dist::packages(dist::FOR_TESTS))?;
    steps.run("a cat from the Debian package", || {
        dist::debian::check(&packages)
    })?;
    steps.run("a cat from the container", || {
        dist::container::check(&packages)
    })?;
    steps.run("crates", dist::crates::pack)?;
    steps.run("a cat from cargo install", dist::crates::check)
}

/// A cargo command on the crates that run natively.
fn native(subcommand: &str) -> Command {
    let mut cargo = command("cargo");
    cargo.args([subcommand, "--workspace", "--exclude", "frontend"]);
    cargo.env("RUST_TEST_THREADS", TESTS_AT_ONCE.to_string());
    cargo
}

/// A cargo command on the crate that runs in browsers.
fn wasm(subcommand: &str) -> Command {
    let target = "wasm32-unknown-unknown";
    let mut cargo = command("cargo");
    cargo.args([subcommand, "--package", "frontend", "--target", target]);
    cargo
}

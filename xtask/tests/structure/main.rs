//! The structure that the project promises: no cycle between modules, a gateway without a command
//! line or a wallet, no hidden modules, nothing of the machine it was written on.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod cycles;
mod modules;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::cycles::cycles;
use crate::modules::Modules;

/// What the library must not compile: a command line, lightningd's plugins, systemd.
const NOT_IN_THE_GATEWAY: [&str; 3] = ["clap", "cln-plugin", "sd-notify"];
/// The names that documents give to people in examples: `/home/me/…`.
const EXAMPLE_USERS: [&str; 3] = ["me", "user", "bitcoin"];

#[test]
fn no_module_needs_itself_through_others() {
    let mut told = Vec::new();
    let mut read = 0;
    for (name, root) in crates() {
        let modules = Modules::read(&root);
        read += modules.len();
        let cycles = cycles(&modules.uses());
        told.extend(cycles.into_iter().map(|cycle| format!("{name}: {cycle}")));
    }
    assert!(read > 100, "only {read} modules were read");
    assert!(told.is_empty(), "\n{}", told.join("\n\n"));
}

#[test]
fn every_public_module_is_documented() {
    let hidden: Vec<_> = crates()
        .into_iter()
        .flat_map(|(name, root)| {
            let hidden = Modules::read(&root).hidden().into_iter();
            hidden.map(move |module| format!("{name}: {module}"))
        })
        .collect();
    assert!(
        hidden.is_empty(),
        "#[doc(hidden)] pub mod\n{}",
        hidden.join("\n")
    );
}

#[test]
fn the_gateway_has_no_command_line_and_no_wallet() {
    let tree = output(cargo().args([
        "tree",
        "--package",
        "purrwall-gateway",
        "--edges",
        "normal",
        "--prefix",
        "none",
        "--format",
        "{p} features={f}",
    ]));
    let names: BTreeSet<_> = tree
        .lines()
        .filter_map(|line| line.split(' ').next())
        .collect();
    assert!(
        names.contains("axum"),
        "this is no tree of the gateway:\n{tree}"
    );
    for unwanted in NOT_IN_THE_GATEWAY {
        assert!(!names.contains(unwanted), "the gateway compiles {unwanted}");
    }
    let lightningd = tree
        .lines()
        .find(|line| line.starts_with("purrwall-lightningd "));
    let lightningd = lightningd.expect("the gateway speaks with lightningd through its own crate");
    let (_, features) = lightningd.split_once("features=").unwrap();
    let features = features.trim_end_matches(" (*)");
    assert!(
        !features.split(',').any(|name| name == "pay"),
        "the gateway can pay: {features}"
    );
}

#[test]
fn production_needs_no_test_network_and_the_page_no_gateway() {
    let metadata = metadata();
    for package in metadata["packages"].as_array().unwrap() {
        let name = package["name"].as_str().unwrap();
        let needed: Vec<_> = package["dependencies"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|dependency| dependency["kind"].is_null())
            .map(|dependency| dependency["name"].as_str().unwrap())
            .collect();
        let forbidden: &[&str] = match name {
            // What tests use may use the network that they run on.
            "testing" => &["frontend"],
            "devnet" => &["purrwall-gateway", "frontend", "testing"],
            "frontend" => &["devnet", "testing", "purrwall-gateway"],
            "purrwall-gateway" => &["devnet", "testing", "frontend"],
            _ => &["devnet", "testing"],
        };
        let found: Vec<_> = needed
            .iter()
            .filter(|name| forbidden.contains(name))
            .collect();
        assert!(found.is_empty(), "{name} depends on {found:?}");
    }
}

#[test]
fn no_file_names_a_place_on_somebodys_machine() {
    let here = top().display().to_string();
    let mut found = Vec::new();
    let list = output(
        Command::new("git")
            .args(["ls-files", "-z"])
            .current_dir(top()),
    );
    let files: Vec<_> = list.split('\0').filter(|name| !name.is_empty()).collect();
    assert!(files.len() > 200, "only {} files are listed", files.len());
    for file in files {
        // Pictures hold no text, and a file may be deleted but not yet committed.
        let Ok(text) = std::fs::read_to_string(top().join(file)) else {
            continue;
        };
        for (number, line) in text.lines().enumerate() {
            if line.contains(&here) || names_a_home(line) {
                found.push(format!("{file}:{}: {line}", number + 1));
            }
        }
    }
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

/// Whether a line holds the path of a user's folder, other than in an example.
fn names_a_home(line: &str) -> bool {
    ["/home/", "/Users/"].iter().any(|homes| {
        line.match_indices(homes).any(|(at, _)| {
            let rest = &line[at + homes.len()..];
            let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '-');
            let user = &rest[..end.unwrap_or(rest.len())];
            !user.is_empty() && !EXAMPLE_USERS.contains(&user)
        })
    })
}

/// The first file of each crate in the workspace: its library, its programs.
fn crates() -> Vec<(String, PathBuf)> {
    let metadata = metadata();
    let mut crates = Vec::new();
    for package in metadata["packages"].as_array().unwrap() {
        for target in package["targets"].as_array().unwrap() {
            let kind = target["kind"][0].as_str().unwrap();
            if ["lib", "cdylib", "rlib", "bin"].contains(&kind) {
                let name = format!("{} ({kind})", package["name"].as_str().unwrap());
                crates.push((name, target["src_path"].as_str().unwrap().into()));
            }
        }
    }
    crates
}

/// The workspace's own packages.
fn metadata() -> Value {
    let text = output(cargo().args(["metadata", "--no-deps", "--format-version", "1"]));
    serde_json::from_str(&text).unwrap()
}

fn cargo() -> Command {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(top());
    cargo
}

fn output(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

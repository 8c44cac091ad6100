//! packaging/kubernetes, by Kubernetes' own schemas.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use purrwall::settings::{ALL, About};
use testing::tools::{python, skipped};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../packaging/kubernetes")
        .join(name)
}

/// The resources in a folder, without what names them.
fn resources(folder: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = files
        .filter(|path| path.is_file() && !path.ends_with("kustomization.yaml"))
        .collect();
    files.sort();
    files
}

#[test]
fn every_resource_fits_its_schema() {
    let Some(validate) = python("kubernetes-validate") else {
        skipped("kubernetes-validate is not there");
        return;
    };
    for name in [".", "node"] {
        let folder = folder(name);
        let named = fs::read_to_string(folder.join("kustomization.yaml")).unwrap();
        let files = resources(&folder);
        let resources = named.split_once("resources:\n").unwrap().1;
        let named = resources
            .lines()
            .take_while(|line| line.starts_with("  - "));
        assert_eq!(
            named.count(),
            files.len(),
            "kustomization.yaml names every file"
        );
        let output = Command::new(&validate)
            .arg("--strict")
            .args(&files)
            .output();
        let output = output.unwrap();
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        assert!(output.status.success(), "{said}");
        assert_eq!(
            said.matches("passed for resource").count(),
            files.len(),
            "{said}"
        );
        assert!(!said.contains("WARN"), "{said}");
    }
}

#[test]
fn the_gateways_are_told_what_there_is_to_be_told() {
    let deployment = fs::read_to_string(folder("deployment.yaml")).unwrap();
    let known: Vec<_> = ALL.iter().map(About::variable).collect();
    let named = deployment
        .lines()
        .filter_map(|line| line.trim().strip_prefix("- name: PURRWALL_"));
    let named: Vec<_> = named.map(|name| format!("PURRWALL_{name}")).collect();
    assert!(named.len() > 5, "{named:?}");
    for name in named {
        assert!(known.contains(&name), "{name} is no setting");
    }
}

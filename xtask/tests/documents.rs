//! What the documents point at is there: files, headings, tests.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::{fs, iter};

/// The folders whose files may hold a test that a document names.
const TESTS: [&str; 11] = [
    "lightningd",
    "guard",
    "gateway",
    "buyer",
    "cli",
    "desk",
    "testing",
    "shared",
    "devnet",
    "frontend/tests",
    "e2e/tests",
];

/// A release is what its tag, the workspace and the changelog call it.
#[test]
fn the_changelog_has_this_version() {
    let changelog = fs::read_to_string(root().join("CHANGELOG.md")).unwrap();
    let mut headings = changelog
        .lines()
        .filter_map(|line| line.strip_prefix("## "));
    let version = env!("CARGO_PKG_VERSION");
    let newest = headings.next().unwrap();
    match std::env::var("GITHUB_REF_NAME") {
        Ok(tag) if tag.starts_with('v') => {
            assert_eq!(tag, format!("v{version}"), "the tag is not the workspace's");
            assert!(
                newest.starts_with(&format!("[{version}] - ")),
                "CHANGELOG.md begins with {newest:?}, not with [{version}] and a date"
            );
        }
        _ => assert!(
            newest == "Unreleased" || newest.starts_with(&format!("[{version}] - ")),
            "CHANGELOG.md begins with {newest:?}"
        ),
    }
}

#[test]
fn every_relative_link_leads_to_a_file_and_a_heading() {
    let mut broken = Vec::new();
    let mut links = 0;
    for document in documents() {
        let text = fs::read_to_string(&document).unwrap();
        for target in targets(&text) {
            links += 1;
            let (path, anchor) = target.split_once('#').unwrap_or((&target, ""));
            let file = if path.is_empty() {
                document.clone()
            } else {
                document.parent().unwrap().join(path)
            };
            let holds =
                file.exists() && (anchor.is_empty() || anchors(&file).contains(&anchor.to_owned()));
            if !holds {
                broken.push(format!("{}: {target}", document.display()));
            }
        }
    }
    assert!(links > 30, "only {links} links were found");
    assert!(
        broken.is_empty(),
        "these lead nowhere:\n{}",
        broken.join("\n")
    );
}

#[test]
fn every_document_is_a_chapter_of_the_book() {
    let summary = fs::read_to_string(root().join("docs/SUMMARY.md")).unwrap();
    let chapters: Vec<_> = targets(&summary).collect();
    let files = files(&root().join("docs"), "md");
    let names = files
        .iter()
        .map(|file| file.file_name().unwrap().to_str().unwrap());
    for name in names.filter(|name| *name != "SUMMARY.md") {
        assert!(
            chapters.iter().any(|chapter| chapter == name),
            "docs/SUMMARY.md lacks {name}"
        );
    }
}

#[test]
fn every_test_that_the_security_document_names_exists() {
    let text = fs::read_to_string(root().join("docs/security.md")).unwrap();
    let table: Vec<_> = text
        .lines()
        .filter(|line| line.starts_with("| ") && !line.contains("| tests |"))
        .collect();
    let sources: Vec<_> = TESTS
        .iter()
        .flat_map(|dir| ["rs", "mjs"].map(|kind| files(&root().join(dir), kind)))
        .flatten()
        .map(|file| fs::read_to_string(file).unwrap())
        .collect();
    let mut named = 0;
    for line in table {
        let cell = line.trim_end_matches(" |").rsplit(" | ").next().unwrap();
        for test in cell.split('`').skip(1).step_by(2) {
            named += 1;
            let definitions = [format!("fn {test}("), format!("test('{test}'")];
            let exists = |source: &String| definitions.iter().any(|text| source.contains(text));
            let campaign = root().join(format!("faults/src/campaigns/{test}.rs"));
            assert!(
                sources.iter().any(exists) || campaign.is_file(),
                "docs/security.md names no test and no campaign: {test}"
            );
        }
    }
    assert!(named > 15, "only {named} tests were found");
}

#[test]
fn every_package_that_a_command_of_cargos_names_is_there() {
    let manifests: Vec<_> = fs::read_dir(root())
        .unwrap()
        .map(|entry| entry.unwrap().path().join("Cargo.toml"))
        .filter_map(|file| fs::read_to_string(file).ok())
        .collect();
    let mut named = 0;
    for document in documents() {
        let text = fs::read_to_string(&document).unwrap();
        for line in text.lines().filter(|line| line.contains("cargo ")) {
            let words: Vec<_> = line.split([' ', '`']).collect();
            for pair in words.windows(2) {
                let is_there = match *pair {
                    ["-p" | "--package", name] => {
                        let line = format!("name = \"{name}\"");
                        manifests
                            .iter()
                            .any(|text| text.lines().any(|one| one == line))
                    }
                    // What is installed is a program.
                    ["--path", folder] => root().join(folder).join("src/main.rs").is_file(),
                    _ => continue,
                };
                named += 1;
                assert!(is_there, "{}: {line}", document.display());
            }
        }
    }
    assert!(named > 3, "only {named} packages were found");
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

fn documents() -> Vec<PathBuf> {
    let mut documents = files(&root().join("docs"), "md");
    let top = fs::read_dir(root())
        .unwrap()
        .map(|entry| entry.unwrap().path());
    documents.extend(top.filter(|path| path.extension().is_some_and(|kind| kind == "md")));
    documents
}

/// The files of a kind below a folder.
fn files(dir: &Path, kind: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let found = entries.flat_map(|path| {
        if path.is_dir() {
            files(&path, kind)
        } else {
            iter::once(path)
                .filter(|path| path.extension().is_some_and(|found| found == kind))
                .collect()
        }
    });
    found.collect()
}

/// What a text's links and pictures point at, without those that leave the project.
fn targets(text: &str) -> impl Iterator<Item = String> {
    let prose = outside_of_code(text).collect::<Vec<_>>().join("\n");
    let pieces: Vec<_> = prose.split("](").skip(1).map(str::to_owned).collect();
    let targets = pieces
        .into_iter()
        .filter_map(|piece| Some(piece.split_once(')')?.0.to_owned()));
    targets.filter(|target| !target.contains("://") && !target.starts_with("mailto:"))
}

/// The names by which a document's headings can be linked, as GitHub and mdBook make them.
fn anchors(file: &Path) -> Vec<String> {
    let text = fs::read_to_string(file).unwrap();
    let mut seen: HashMap<String, usize> = HashMap::new();
    let headings = outside_of_code(&text).filter(|line| line.starts_with('#'));
    let anchors = headings.map(|line| {
        let heading = line.trim_start_matches('#').trim().to_lowercase();
        let kept = heading
            .chars()
            .filter(|&c| c.is_alphanumeric() || " -_".contains(c));
        let anchor: String = kept.map(|c| if c == ' ' { '-' } else { c }).collect();
        let count = seen.entry(anchor.clone()).or_default();
        *count += 1;
        if *count == 1 {
            anchor
        } else {
            format!("{anchor}-{}", *count - 1)
        }
    });
    anchors.collect()
}

fn outside_of_code(text: &str) -> impl Iterator<Item = &str> {
    let mut in_code = false;
    text.lines().filter(move |line| {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
            return false;
        }
        !in_code
    })
}

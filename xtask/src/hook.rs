//! What Trunk calls when it has built the page: the rest of the work, in Trunk's own folder.
//!
//! A release's files are made smaller here, and get new names and hashes; every build gets the
//! widget's loader.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use sha2::{Digest as _, Sha256};

use crate::{
    command::{command, run},
    dense, wasm,
    widget::{self, Program},
};

/// The page that names the other files.
const PAGE: &str = "index.html";
/// How many digits of a file's hash its name holds.
const DIGITS: usize = 16;

/// Finishes what lies in Trunk's folder.
pub(crate) fn hook() -> Result<()> {
    let dir = env::var_os("TRUNK_STAGING_DIR").context("this is for Trunk to call, as a hook")?;
    let dir = PathBuf::from(dir);
    if env::var("TRUNK_PROFILE").is_ok_and(|profile| profile == "release") {
        shrink(&dir)?;
    }
    widget::write_loader(&dir)
}

fn shrink(dir: &Path) -> Result<()> {
    let page = dir.join(PAGE);
    let mut html = read(&page)?;
    let Program { glue, wasm, .. } = Program::find(dir)?;
    let (module, text) = wasm::shrink(&fs::read(&wasm)?, &read(&glue)?)?;
    replace(&mut html, &wasm, &optimise(&wasm, &module)?)?;
    replace(&mut html, &glue, dense::script(&text)?.as_bytes())?;
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        let extension = path.extension().and_then(|extension| extension.to_str());
        match extension {
            Some("css") => replace(&mut html, &path, dense::style(&read(&path)?).as_bytes())?,
            Some("js") if widget::name(&path)?.starts_with("start-") => {
                replace(&mut html, &path, dense::script(&read(&path)?)?.as_bytes())?;
            }
            _ => {}
        }
    }
    fs::write(page, html)?;
    Ok(())
}

/// Flat code optimises better, and what is called once compresses better where it stands. No memory
/// below 1024 is ever in use: the stack's end is there.
const WASM_OPT: [&str; 8] = [
    "--low-memory-unused",
    "--one-caller-inline-max-function-size=1",
    "--flatten",
    "--rereloop",
    "-Oz",
    "-Oz",
    "--converge",
    "--strip-producers",
];

/// Runs wasm-opt until nothing more can be saved.
fn optimise(path: &Path, module: &[u8]) -> Result<Vec<u8>> {
    let output = path.with_extension("smaller");
    fs::write(path, module)?;
    run(command("wasm-opt")
        .args(WASM_OPT)
        .arg(path)
        .arg("--output")
        .arg(&output))?;
    let optimised = fs::read(&output)?;
    fs::remove_file(output)?;
    Ok(optimised)
}

/// Puts other bytes in a file's place, under a name with their own hash: browsers keep a file for
/// as long as it has its name. The page then names both.
fn replace(html: &mut String, path: &Path, bytes: &[u8]) -> Result<()> {
    let old = widget::name(path)?;
    let new = renamed(old, bytes)?;
    let named = html.find(old).and_then(|at| {
        let start = html[..at].rfind('<')?;
        Some(start..at + html[at..].find('>')?)
    });
    let tag = named.with_context(|| format!("{PAGE} does not name {old}"))?;
    let written = with_integrity(&html[tag.clone()], &widget::integrity(bytes))
        .with_context(|| format!("{PAGE} gives {old} no integrity"))?;
    html.replace_range(tag, &written.replace(old, &new));
    fs::remove_file(path)?;
    fs::write(path.with_file_name(new), bytes)?;
    Ok(())
}

/// A file's name with the hash of other bytes in place of the one in it.
fn renamed(name: &str, bytes: &[u8]) -> Result<String> {
    let mut parts = name.split(['-', '.', '_']);
    // Trunk leaves zeros at the beginning out.
    let hash = parts.find(|part| {
        (DIGITS / 2..=DIGITS).contains(&part.len()) && part.chars().all(|c| c.is_ascii_hexdigit())
    });
    let hash = hash.with_context(|| format!("the name {name} holds no hash"))?;
    let digest = Sha256::digest(bytes);
    let start = digest.iter().take(DIGITS / 2);
    let start = start.fold(0_u64, |start, byte| start << 8 | u64::from(*byte));
    Ok(name.replace(hash, &format!("{start:0DIGITS$x}")))
}

/// A tag with another value of its attribute `integrity`.
fn with_integrity(tag: &str, integrity: &str) -> Option<String> {
    let (before, rest) = tag.split_once("integrity=\"")?;
    let (_, after) = rest.split_once('"')?;
    Some([before, "integrity=\"", integrity, "\"", after].concat())
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_other_bytes_has_another_name_and_integrity_in_the_page() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("wall-6b9b14e083eee13b.css");
        fs::write(&path, "long").unwrap();
        let link = |name: &str, hash: &str| {
            format!(r#"<p>x</p><link integrity="{hash}" href="/{name}" rel="stylesheet"><b>y</b>"#)
        };
        let mut html = link("wall-6b9b14e083eee13b.css", "sha384-old");
        replace(&mut html, &path, b"").unwrap();

        // Of nothing, as sha256sum and openssl say it.
        let name = "wall-e3b0c44298fc1c14.css";
        let hash = "sha384-OLBgp1GsljhM2TJ+sbHjaiH9txEUvgdDTAzHv2P24donTt6/529l+9Ua0vFImLlb";
        assert_eq!(html, link(name, hash));
        assert!(!path.exists());
        assert_eq!(fs::read(dir.path().join(name)).unwrap(), b"");
    }

    #[test]
    fn a_hash_that_begins_with_a_zero_is_found() {
        let name = renamed("purrwall-web-f71035ba2fc1324_bg.wasm", b"").unwrap();
        assert_eq!(name, "purrwall-web-e3b0c44298fc1c14_bg.wasm");
        assert!(renamed("purrwall-web_bg.wasm", b"").is_err());
    }

    #[test]
    fn a_file_that_the_page_does_not_name_is_an_error() {
        let path = Path::new("start-6b9b14e083eee13b.js");
        let error = replace(&mut String::from("<p>"), path, b"").unwrap_err();
        assert!(
            error.to_string().contains("start-6b9b14e083eee13b.js"),
            "{error}"
        );
    }
}

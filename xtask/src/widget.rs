//! The widget: its loader beside the page, and the package for npm.
//!
//! `cargo xtask widget` makes the package in `target/widget/` and packs it.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use sha2::{Digest as _, Sha384};

use crate::{build, command::root, minify::Minify, packing, programs, short_names};

/// The loader's source.
const LOADER: &str = "frontend/js/widget.js";
/// What stands before it: where the program is that the store serves, with names and hashes in the place
/// of the real ones, and where it is in the package.
const SERVED: &str = "frontend/js/served.js";
const PACKAGED: &str = "frontend/js/packaged.js";
/// What opens sealed goods.
const SEALED: &str = "frontend/js/sealed.js";
/// What answers players on the page for them.
const PLAYER: &str = "frontend/js/player.js";
/// What draws an offer, with places for the drawings in `shared/looks`.
const OFFER: &str = "frontend/js/offer.js";
const DRAWINGS: [(&str, &str); 2] = [
    ("the-drawing-of-the-bolt", "bolt.svg"),
    ("the-drawing-of-the-box", "box.svg"),
];
/// What opens the page.
const START: &str = "frontend/js/start.js";
const OFFER_FILE: &str = "offer.js";
const SEALED_FILE: &str = "sealed.js";
const PLAYER_FILE: &str = "player.js";
/// The built page, which names the files, too.
pub(crate) const PAGE: &str = "index.html";
const GLUE: &str = "purrwall-widget.js";
const WASM: &str = "purrwall-widget_bg.wasm";
/// What the package calls them.
const PACKAGED_GLUE: &str = "purrwall-web.js";
const PACKAGED_WASM: &str = "purrwall-web_bg.wasm";
const STYLE: &str = "wall.css";
/// The folder of the languages' words.
pub(crate) const WORDS: &str = "words";
const OFFER_HASH: &str = "sha384-of-the-offer";
const SEALED_HASH: &str = "sha384-of-the-sealed";
const GLUE_HASH: &str = "sha384-of-the-glue";
const WASM_HASH: &str = "sha384-of-the-wasm";
const STYLE_HASH: &str = "sha384-of-the-style";

/// The package's own files, beside what is built.
const PACKAGE: &str = "frontend/npm";
const PACKAGE_FILES: [&str; 5] = [
    "package.json",
    "README.md",
    "widget.d.ts",
    "server.js",
    "custom-elements.json",
];

/// What Trunk and [`hook`] made for the widget.
struct Widget {
    offer: PathBuf,
    sealed: PathBuf,
    glue: PathBuf,
    wasm: PathBuf,
    style: PathBuf,
}

impl Widget {
    /// Finds it in the built page.
    fn find(dist: &Path) -> Result<Self> {
        Ok(Self {
            offer: find(dist, "offer-", ".js")?,
            sealed: find(dist, "sealed-", ".js")?,
            glue: find(dist, programs::WIDGET, ".js")?,
            wasm: find(dist, programs::WIDGET, "_bg.wasm")?,
            style: find(dist, "wall-", ".css")?,
        })
    }
}

/// The file in the built page whose name begins and ends like this.
fn find(dist: &Path, start: &str, end: &str) -> Result<PathBuf> {
    let files = fs::read_dir(dist).with_context(|| format!("cannot list {}", dist.display()))?;
    let mut paths = files.filter_map(|entry| Some(entry.ok()?.path()));
    paths
        .find(|path| name(path).is_ok_and(|name| name.starts_with(start) && name.ends_with(end)))
        .with_context(|| format!("{} holds no {start}…{end}", dist.display()))
}

/// Trunk calls this when it has built the page: writes the loader into Trunk's folder.
pub(crate) fn hook() -> Result<()> {
    let dir = env::var_os("TRUNK_STAGING_DIR").context("this is for Trunk to call, as a hook")?;
    let dir = Path::new(&dir);
    let is_release = env::var("TRUNK_PROFILE").is_ok_and(|profile| profile == "release");
    let minify = if is_release {
        Minify::ByEsbuild
    } else {
        Minify::No
    };
    write_scripts(dir, minify)?;
    for program in programs::ALL {
        shorten_names(dir, program, minify)?;
    }
    write_loader(dir, minify)
}

/// Writes the scripts around a program that is in this folder, and names them in its page.
pub(crate) fn finish(dir: &Path) -> Result<()> {
    write_scripts(dir, Minify::No)?;
    write_loader(dir, Minify::No)
}

fn write_scripts(dir: &Path, minify: Minify) -> Result<()> {
    write_offer(dir, minify)?;
    // What opens sealed goods, and what lets them be played.
    write_part(dir, SEALED, &source(SEALED)?, SEALED_FILE, minify)?;
    write_part(dir, PLAYER, &source(PLAYER)?, PLAYER_FILE, minify)?;
    write_start(dir, minify)
}

/// Writes what draws an offer, with its drawings, under a name with its hash.
fn write_offer(dist: &Path, minify: Minify) -> Result<()> {
    let mut text = source(OFFER)?;
    for (place, file) in DRAWINGS {
        let drawing = source(&format!("shared/looks/{file}"))?;
        text = fill(OFFER, &text, place, drawing.trim())?;
    }
    write_part(dist, OFFER, &text, OFFER_FILE, minify)
}

/// Writes a script under a name with its hash, which the page then names.
fn write_part(dist: &Path, path: &str, text: &str, named: &str, minify: Minify) -> Result<()> {
    let small = minify.script(path, text)?;
    let hash = short_hash(&[small.as_bytes()]);
    let file = named.replace(".js", &format!("-{hash}.js"));
    fs::write(dist.join(&file), small)?;
    let index = dist.join(PAGE);
    let page = fs::read_to_string(&index)?;
    fs::write(&index, fill(PAGE, &page, named, &file)?)?;
    Ok(())
}

/// Writes the page's script, which Trunk has copied as it is.
fn write_start(dist: &Path, minify: Minify) -> Result<()> {
    let old = find(dist, "start-", ".js")?;
    let small = minify.script(START, &source(START)?)?;
    let new = format!("start-{}.js", short_hash(&[small.as_bytes()]));
    let index = dist.join(PAGE);
    let page = fs::read_to_string(&index)?
        .replace(name(&old)?, &new)
        .replace(&integrity_of(&old)?, &integrity(small.as_bytes()));
    fs::write(&index, page)?;
    fs::remove_file(old)?;
    fs::write(dist.join(new), small)?;
    Ok(())
}

/// Writes a program with shorter names, as a file of another name, since browsers keep files by that. Trunk gives
/// the page's a hash of its own, and the widget's none.
fn shorten_names(dist: &Path, program: &str, minify: Minify) -> Result<()> {
    let glue = find(dist, program, ".js")?;
    let wasm = find(dist, program, "_bg.wasm")?;
    let old = name(&glue)?.trim_end_matches(".js");
    let text = fs::read_to_string(&glue)?;
    let (short_wasm, short_glue) = short_names::shorten(&fs::read(&wasm)?, &text)?;
    let short_glue = minify.script(name(&glue)?, &short_glue)?;
    let new = format!(
        "{program}-{}",
        short_hash(&[&short_wasm, short_glue.as_bytes()])
    );
    let index = dist.join(PAGE);
    let page = fs::read_to_string(&index)?.replace(old, &new);
    fs::remove_file(&glue)?;
    fs::remove_file(wasm)?;
    fs::write(dist.join(format!("{new}.js")), short_glue)?;
    fs::write(dist.join(format!("{new}_bg.wasm")), short_wasm)?;
    fs::write(index, page)?;
    Ok(())
}

/// Writes `widget.js` into the built page, always under this name, since sites link to it.
fn write_loader(dist: &Path, minify: Minify) -> Result<()> {
    let widget = Widget::find(dist)?;
    let small = minify.script(LOADER, &loader(&widget)?)?;
    fs::write(dist.join("widget.js"), small)?;
    Ok(())
}

/// What names of files tell their contents apart by: 16 hex digits.
pub(crate) fn short_hash(parts: &[&[u8]]) -> String {
    let mut hash = Sha384::new();
    for part in parts {
        hash.update(part);
    }
    let hash = hash.finalize();
    let hash = u64::from_be_bytes(*hash.first_chunk().expect("SHA-384 has 48 bytes"));
    format!("{hash:016x}")
}

/// Builds the page and the package.
pub(crate) fn package() -> Result<()> {
    build::build()?;
    pack()
}

/// Makes the package's folder from the built page, and packs the folder.
pub(crate) fn pack() -> Result<()> {
    let widget = Widget::find(&root().join("dist"))?;
    let dir = root().join("target/widget/purrwall-widget");
    if dir.exists() {
        fs::remove_dir_all(&dir)?;
    }
    fs::create_dir_all(&dir)?;
    let copy = |from: &Path, to: &str| {
        fs::copy(from, dir.join(to)).with_context(|| format!("cannot copy {}", from.display()))
    };
    // Names without hashes: a package has a version, and bundlers make names of their own.
    copy(&widget.offer, OFFER_FILE)?;
    copy(&widget.sealed, SEALED_FILE)?;
    copy(&widget.wasm, PACKAGED_WASM)?;
    let glue = fs::read_to_string(&widget.glue)?;
    fs::write(
        dir.join(PACKAGED_GLUE),
        fill(GLUE, &glue, WASM, PACKAGED_WASM)?,
    )?;
    // Development servers make scripts of what they know by its name.
    copy(&widget.style, "wall.txt")?;
    fs::create_dir(dir.join(WORDS))?;
    for file in fs::read_dir(root().join("frontend").join(WORDS))? {
        let file = file?.path();
        let language = name(&file)?.trim_end_matches(".json");
        copy(&file, &format!("{WORDS}/{language}.txt"))?;
    }
    // With its comments: some of them tell bundlers what to leave alone.
    fs::write(dir.join("widget.js"), packaged(&source(PACKAGED)?)?)?;
    for file in PACKAGE_FILES {
        copy(&root().join(PACKAGE).join(file), file)?;
    }
    packing::copy_licences(&dir)?;
    packing::npm_pack(&dir)?;
    println!("the package is in target/widget");
    Ok(())
}

/// The package's loader. It has to name the words of each language, because bundlers look for names.
fn packaged(before: &str) -> Result<String> {
    for file in fs::read_dir(root().join("frontend").join(WORDS))? {
        let file = file?.path();
        let named = format!("./{WORDS}/{}.txt", name(&file)?.trim_end_matches(".json"));
        ensure!(before.contains(&named), "{PACKAGED} has to name {named}");
    }
    Ok([before, &source(LOADER)?].concat())
}

/// The text of a file of the project.
pub(crate) fn source(path: &str) -> Result<String> {
    fs::read_to_string(root().join(path)).with_context(|| format!("cannot read {path}"))
}

/// The widget's loader, with the names and hashes of its files.
fn loader(widget: &Widget) -> Result<String> {
    let source = [source(SERVED)?, source(LOADER)?].concat();
    let written = [
        (OFFER_FILE, name(&widget.offer)?),
        (SEALED_FILE, name(&widget.sealed)?),
        (GLUE, name(&widget.glue)?),
        (WASM, name(&widget.wasm)?),
        (STYLE, name(&widget.style)?),
        (OFFER_HASH, &integrity_of(&widget.offer)?),
        (SEALED_HASH, &integrity_of(&widget.sealed)?),
        (GLUE_HASH, &integrity_of(&widget.glue)?),
        (WASM_HASH, &integrity_of(&widget.wasm)?),
        (STYLE_HASH, &integrity_of(&widget.style)?),
    ];
    written.iter().try_fold(source, |text, (place, value)| {
        fill(SERVED, &text, place, value)
    })
}

/// The text of the file at `path` with `value` in the one place for it.
fn fill(path: &str, text: &str, place: &str, value: &str) -> Result<String> {
    ensure!(
        text.matches(place).count() == 1,
        "{path} has to name {place} once"
    );
    Ok(text.replacen(place, value, 1))
}

fn integrity_of(path: &Path) -> Result<String> {
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(integrity(&bytes))
}

/// What Subresource Integrity expects of a file with these bytes.
fn integrity(bytes: &[u8]) -> String {
    let hash = BASE64_STANDARD.encode(Sha384::digest(bytes));
    format!("sha384-{hash}")
}

/// A file's name without its folder.
fn name(path: &Path) -> Result<&str> {
    let name = path.file_name().and_then(|name| name.to_str());
    name.context("the name of a built file is no plain text")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loader_names_the_files_and_their_hashes() {
        let dir = tempfile::tempdir().unwrap();
        let (glue, wasm) = ("purrwall-widget-0a1b.js", "purrwall-widget-0a1b_bg.wasm");
        let (style, offer, sealed) = ("wall-2c3d.css", "offer-4e5f.js", "sealed-6071.js");
        let scripts = [(glue, "glue"), (offer, ""), (sealed, "")];
        for (name, text) in scripts.into_iter().chain([(wasm, ""), (style, "style")]) {
            fs::write(dir.path().join(name), text).unwrap();
        }
        write_loader(dir.path(), Minify::No).unwrap();

        let loader = fs::read_to_string(dir.path().join("widget.js")).unwrap();
        for name in [glue, wasm, style, offer, sealed] {
            assert!(loader.contains(&format!("new URL('./{name}', import.meta.url)")));
        }
        // The SHA-384 of nothing, as `openssl dgst -sha384 -binary /dev/null | base64` says it.
        assert!(loader.contains(
            "wasm: 'sha384-OLBgp1GsljhM2TJ+sbHjaiH9txEUvgdDTAzHv2P24donTt6/529l+9Ua0vFImLlb'"
        ));
    }

    #[test]
    fn a_page_without_the_program_says_so() {
        let dir = tempfile::tempdir().unwrap();
        let error = write_loader(dir.path(), Minify::No)
            .err()
            .unwrap()
            .to_string();
        assert!(error.contains("offer-"), "{error}");
    }

    #[test]
    fn an_offer_is_drawn_with_the_drawings_and_speaks_every_language() {
        let dir = tempfile::tempdir().unwrap();
        let index = dir.path().join(PAGE);
        fs::write(&index, "<link href=/offer.js>").unwrap();
        write_offer(dir.path(), Minify::No).unwrap();
        let page = fs::read_to_string(index).unwrap();
        let file = page
            .trim_start_matches("<link href=/")
            .trim_end_matches('>');
        let script = fs::read_to_string(dir.path().join(file)).unwrap();
        assert!(script.contains("<ellipse class=\"box-shadow\""), "{script}");
        assert!(!script.contains("the-drawing-of"), "{script}");
        for file in fs::read_dir(root().join("frontend").join(WORDS)).unwrap() {
            let file = file.unwrap().path();
            let language = name(&file).unwrap().trim_end_matches(".json");
            assert!(
                script.contains(&format!("'{language}'")),
                "{OFFER} lacks {language}"
            );
        }
    }

    #[test]
    fn the_packages_loader_names_every_language() {
        packaged(&source(PACKAGED).unwrap()).unwrap();
        assert!(packaged("").is_err());
    }

    #[test]
    fn the_package_has_the_workspaces_version() {
        let json = fs::read_to_string(root().join(PACKAGE).join("package.json")).unwrap();
        let version = format!("\"version\": \"{}\"", env!("CARGO_PKG_VERSION"));
        assert!(json.contains(&version), "package.json has no {version}");
    }
}

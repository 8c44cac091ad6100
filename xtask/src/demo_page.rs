//! The demo's page: index.html as Trunk reads it, with the program in the dev profile. Trunk takes longer to
//! compile than all the rest of the demo, and makes what a release needs and a first look does not.

use std::{collections::BTreeMap, fs, path::Path, time::SystemTime};

use anyhow::{Context, Result, anyhow, bail};
use wasm_bindgen_cli_support::Bindgen;

use crate::{
    changed,
    command::{command, root, run, target_dir},
    packing, programs,
    widget::{self, PAGE, WORDS, short_hash, source},
};

const TARGET: &str = "wasm32-unknown-unknown";

/// What the page is made from beside the program.
const SOURCES: [&str; 5] = [
    PAGE,
    "frontend/js",
    "frontend/words",
    "shared/looks",
    "xtask/src",
];

/// The files of each program, by the program's name: what theirs begin with.
type Built = BTreeMap<&'static str, String>;

/// Makes the page in this folder, unless nothing has changed since it was made.
pub(crate) fn build(dir: &Path) -> Result<()> {
    run(command("cargo")
        .args(["build", "--package", "frontend", "--bins"])
        .args(["--target", TARGET]))?;
    let target = target_dir()?.join(TARGET).join("debug");
    let built = programs::ALL.map(|program| target.join(format!("{program}.wasm")));
    let mut newest = SystemTime::UNIX_EPOCH;
    for program in &built {
        newest = newest.max(changed::modified(program)?);
    }
    for source in SOURCES {
        newest = newest.max(changed::newest(&root().join(source))?);
    }
    // Of all that is written, it comes last.
    if changed::modified(&dir.join("widget.js")).is_ok_and(|made| made >= newest) {
        return Ok(());
    }
    if dir.exists() {
        fs::remove_dir_all(dir).with_context(|| format!("cannot remove {}", dir.display()))?;
    }
    fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
    let mut bound = Built::new();
    for (name, program) in programs::ALL.into_iter().zip(&built) {
        bound.insert(name, bind(name, program, dir)?);
    }
    fs::write(dir.join(PAGE), assemble(&source(PAGE)?, &bound, dir)?)?;
    widget::finish(dir)
}

/// Writes a program and what connects it with the browser; gives what the names of these files begin with.
fn bind(name: &str, program: &Path, dir: &Path) -> Result<String> {
    let bytes = fs::read(program).with_context(|| format!("cannot read {}", program.display()))?;
    let name = format!("{name}-{}", short_hash(&[&bytes]));
    let mut bindgen = Bindgen::new();
    bindgen
        .web(true)
        .and_then(|bindgen| {
            bindgen
                .input_bytes(&name, bytes)
                .typescript(false)
                .remove_name_section(true)
                .generate(dir)
        })
        .map_err(|error| anyhow!("wasm-bindgen cannot read the program: {error:#}"))?;
    Ok(name)
}

/// Puts what the elements marked with `data-trunk` name into the folder, and in their place what leads there.
fn assemble(template: &str, built: &Built, dir: &Path) -> Result<String> {
    let mut page = String::new();
    let mut rest = template;
    while let Some(at) = rest.find(" data-trunk") {
        let start = rest[..at]
            .rfind('<')
            .context("data-trunk is no attribute")?;
        let end = at + rest[at..].find('>').context("an element does not end")? + 1;
        page.push_str(&rest[..start]);
        page.push_str(&in_place_of(&rest[start..end], built, dir)?);
        rest = &rest[end..];
    }
    Ok(page + rest)
}

fn in_place_of(element: &str, built: &Built, dir: &Path) -> Result<String> {
    if element.starts_with("<script") {
        let name = copy(attribute(element, "src")?, dir)?;
        return Ok(format!("<script type=\"module\" src=\"/{name}\">"));
    }
    let file = || attribute(element, "href");
    Ok(match attribute(element, "rel")? {
        "icon" => format!("<link rel=\"icon\" href=\"/{}\">", copy(file()?, dir)?),
        "css" => format!(
            "<link rel=\"stylesheet\" href=\"/{}\">",
            copy(file()?, dir)?
        ),
        // The page does not start it.
        "rust" if attribute(element, "data-type").is_ok_and(|kind| kind == "worker") => {
            String::new()
        }
        "rust" => {
            let name = attribute(element, "data-bin")?;
            let program = built
                .get(name)
                .with_context(|| format!("there is no {name}"))?;
            format!(
                "<link rel=\"program\" href=\"/{program}.js\" data-wasm=\"/{program}_bg.wasm\">"
            )
        }
        "inline" => source(file()?)?,
        "copy-dir" => {
            packing::copy_folder(&root().join(file()?), &dir.join(WORDS), &[])?;
            String::new()
        }
        other => bail!("the demo's page cannot make {other:?} of {PAGE}"),
    })
}

/// Copies a file under a name with its hash, since browsers keep files by their names.
fn copy(path: &str, dir: &Path) -> Result<String> {
    let text = source(path)?;
    let path = Path::new(path);
    let part = |part: Option<&std::ffi::OsStr>| -> Result<String> {
        let part = part.and_then(|part| part.to_str());
        Ok(part.context("a file has a name with an end")?.to_owned())
    };
    let (stem, end) = (part(path.file_stem())?, part(path.extension())?);
    let name = format!("{stem}-{}.{end}", short_hash(&[text.as_bytes()]));
    fs::write(dir.join(&name), text)?;
    Ok(name)
}

/// The value of `name="…"` in an element.
fn attribute<'a>(element: &'a str, name: &str) -> Result<&'a str> {
    let found = element.split_once(&format!(" {name}=\""));
    let value = found.and_then(|(_, rest)| rest.split_once('"'));
    let (value, _) = value.with_context(|| format!("{element} has no {name}"))?;
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_the_page_names_is_beside_it() {
        let dir = tempfile::tempdir().unwrap();
        let template = fs::read_to_string(root().join(PAGE)).unwrap();
        let built = programs::ALL.map(|program| (program, format!("{program}-0a1b")));
        let page = assemble(&template, &Built::from(built), dir.path()).unwrap();
        assert!(!page.contains("data-trunk"), "{page}");
        assert!(page.contains("<svg"), "{page}");
        for (program, is_named) in [("purrwall-page", true), ("purrwall-widget", false)] {
            for end in [".js", "_bg.wasm"] {
                let file = format!("{program}-0a1b{end}");
                assert_eq!(page.contains(&format!("\"/{file}\"")), is_named, "{page}");
                fs::write(dir.path().join(file), "").unwrap();
            }
        }
        fs::write(dir.path().join(PAGE), page).unwrap();
        widget::finish(dir.path()).unwrap();

        let page = fs::read_to_string(dir.path().join(PAGE)).unwrap();
        let named: Vec<_> = page
            .split('"')
            .filter_map(|value| value.strip_prefix('/'))
            .filter(|path| path.contains('-'))
            .collect();
        // Two styles, the icon, four scripts, the program and its glue.
        assert_eq!(named.len(), 9, "{named:?}");
        for path in named {
            assert!(dir.path().join(path).is_file(), "{path}");
        }
        assert!(dir.path().join("words/de.json").is_file());
    }

    #[test]
    fn what_it_does_not_know_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let page = "<link data-trunk rel=\"sass\" href=\"a.scss\">";
        let error = assemble(page, &Built::new(), dir.path()).err().unwrap();
        assert!(error.to_string().contains("sass"), "{error}");
    }
}

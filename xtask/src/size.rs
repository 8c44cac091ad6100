//! How many bytes a visitor downloads, and the compressed copies that the gateway serves.

use std::{
    collections::BTreeMap,
    fs,
    io::Write,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use brotli::enc::{BrotliEncoderParams, backward_references::BrotliEncoderMode};
use flate2::{Compression, write::GzEncoder};

use crate::programs;

/// What the whole page may weigh, in bytes after brotli.
///
/// The aim is 130,000. This guards what was reached, and falls with every byte that is saved. The same source weighs
/// up to 250 bytes more in another folder: the names of functions follow from it, and their order from the names.
const LIMIT: usize = 149_200;
/// What it may weigh for visitors who look and do not buy, but for the store's list.
const LOOK_LIMIT: usize = 10_700;
/// What the whole widget may weigh, with what draws an offer before its program is there.
const WIDGET_LIMIT: usize = 148_000;
/// What the widget's loader may weigh, which sites load before anyone looks at an element: 3 KB. The hashes in it make some
/// ten bytes of difference from build to build.
const LOADER_LIMIT: usize = 3 * 1024;
/// What it and all else may weigh that visitors load who look and do not buy, but for the store's list.
const OFFER_LIMIT: usize = 10_500;

/// What opens sealed goods may weigh, which is loaded for who buys some, in page and widget.
const SEALED_LIMIT: usize = 3_500;

/// What lets sealed films be played may weigh, which is loaded for who buys some on the store's page.
const PLAYER_LIMIT: usize = 600;

/// What [`brotli()`] tries: sizes of the window, in bits, and what the bytes may be.
const WINDOWS: [i32; 2] = [18, 22];
const MODES: [BrotliEncoderMode; 2] = [
    BrotliEncoderMode::BROTLI_MODE_GENERIC,
    BrotliEncoderMode::BROTLI_MODE_FONT,
];

/// The kinds of the programs' files.
const PAGE_GLUE: &str = "page's glue";
const PAGE_WASM: &str = "page's wasm";
const WIDGET_GLUE: &str = "widget's glue";
const WIDGET_WASM: &str = "widget's wasm";

/// What one kind of files weighs, in bytes.
#[derive(Clone, Copy, Default)]
struct Weight {
    raw: usize,
    gzip: usize,
    brotli: usize,
}

/// The kinds of files, each with what its files weigh together.
type Kinds = BTreeMap<&'static str, Weight>;

/// What a visitor downloads, of each thing that there is a limit for.
pub(crate) struct Sizes {
    page: Weight,
    look: Weight,
    widget: Weight,
    loader: Weight,
    offer: Weight,
    sealed: Weight,
    player: Weight,
}

impl Sizes {
    /// Fails when something is too heavy.
    pub(crate) fn check(&self) -> Result<()> {
        check("the page", self.page, LIMIT)?;
        check("the page without its program", self.look, LOOK_LIMIT)?;
        check("the widget", self.widget, WIDGET_LIMIT)?;
        check("the widget's loader", self.loader, LOADER_LIMIT)?;
        check("the widget's offer", self.offer, OFFER_LIMIT)?;
        check("what opens sealed goods", self.sealed, SEALED_LIMIT)?;
        check(
            "what lets sealed films be played",
            self.player,
            PLAYER_LIMIT,
        )
    }
}

/// Writes `FILE.br` and `FILE.gz` beside every file of `dist`, and prints what page and widget
/// weigh.
pub(crate) fn compress_all(dist: &Path) -> Result<Sizes> {
    let mut kinds = Kinds::new();
    for path in files(dist)? {
        let weight =
            compress(&path).with_context(|| format!("cannot compress {}", path.display()))?;
        kinds.entry(kind(&path)).or_default().add(weight);
    }
    let sizes = Sizes {
        page: sum(
            &kinds,
            &[
                "page", "start", "style", "wall", "offer", PAGE_GLUE, PAGE_WASM, "other",
            ],
        ),
        look: sum(
            &kinds,
            &["page", "start", "style", "wall", "offer", "other"],
        ),
        widget: sum(
            &kinds,
            &["loader", "offer", "wall", WIDGET_GLUE, WIDGET_WASM],
        ),
        loader: sum(&kinds, &["loader"]),
        offer: sum(&kinds, &["loader", "offer", "wall"]),
        sealed: sum(&kinds, &["sealed"]),
        player: sum(&kinds, &["player"]),
    };
    let sums = [
        ("the page", sizes.page),
        ("until one buys", sizes.look),
        ("the widget", sizes.widget),
        ("until one buys", sizes.offer),
    ];
    print(kinds.into_iter().chain(sums));
    Ok(sizes)
}

/// The table of weights, one line a kind.
fn print(kinds: impl Iterator<Item = (&'static str, Weight)>) {
    println!("{:15}{:>10}{:>10}{:>10}", "bytes", "raw", "gzip", "brotli");
    for (kind, Weight { raw, gzip, brotli }) in kinds {
        println!("{kind:15}{raw:>10}{gzip:>10}{brotli:>10}");
    }
}

fn sum(kinds: &Kinds, names: &[&str]) -> Weight {
    let mut sum = Weight::default();
    for weight in names.iter().filter_map(|name| kinds.get(name)) {
        sum.add(*weight);
    }
    sum
}

fn check(what: &str, weight: Weight, limit: usize) -> Result<()> {
    ensure!(
        weight.brotli <= limit,
        "{what} weighs {} bytes after brotli, more than the {limit} that it may; \
         `cargo tree -p frontend --target wasm32-unknown-unknown -e features` shows what is in the \
         WebAssembly",
        weight.brotli
    );
    Ok(())
}

impl Weight {
    fn add(&mut self, other: Self) {
        self.raw += other.raw;
        self.gzip += other.gzip;
        self.brotli += other.brotli;
    }
}

fn kind(path: &Path) -> &'static str {
    if path.ends_with("widget.js") {
        return "loader";
    }
    let name = path.file_name().and_then(|name| name.to_str());
    let named = ["wall", "offer", "start", "sealed", "player"]
        .into_iter()
        .find(|kind| {
            let rest = name.and_then(|name| name.strip_prefix(kind));
            rest.is_some_and(|rest| rest.starts_with('-'))
        });
    if let Some(kind) = named {
        return kind;
    }
    let is_widgets = name.is_some_and(|name| name.starts_with(programs::WIDGET));
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("html") => "page",
        Some("css") => "style",
        Some("js") if is_widgets => WIDGET_GLUE,
        Some("js") => PAGE_GLUE,
        Some("wasm") if is_widgets => WIDGET_WASM,
        Some("wasm") => PAGE_WASM,
        // One of them is loaded, where the visitor wants no English.
        Some("json") => "words",
        _ => "other",
    }
}

/// All files below `dir` that are not compressed copies themselves.
fn files(dir: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let entries = fs::read_dir(dir).with_context(|| format!("cannot list {}", dir.display()))?;
    for entry in entries {
        let path = entry?.path();
        let extension = path.extension().and_then(|extension| extension.to_str());
        if path.is_dir() {
            files.extend(self::files(&path)?);
        } else if !matches!(extension, Some("br" | "gz")) {
            files.push(path);
        }
    }
    Ok(files)
}

fn compress(path: &Path) -> Result<Weight> {
    let raw = fs::read(path)?;
    let (gzip, brotli) = (gzip(&raw)?, brotli(&raw)?);
    fs::write(with_suffix(path, ".gz"), &gzip)?;
    fs::write(with_suffix(path, ".br"), &brotli)?;
    Ok(Weight {
        raw: raw.len(),
        gzip: gzip.len(),
        brotli: brotli.len(),
    })
}

fn gzip(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?)
}

/// The smallest of what a few settings give: which of them that is differs from file to file.
fn brotli(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut smallest: Option<Vec<u8>> = None;
    for lgwin in WINDOWS {
        for mode in MODES {
            let params = BrotliEncoderParams {
                lgwin,
                mode,
                ..BrotliEncoderParams::default()
            };
            let mut compressed = Vec::new();
            brotli::BrotliCompress(&mut &bytes[..], &mut compressed, &params)?;
            if smallest
                .as_ref()
                .is_none_or(|other| compressed.len() < other.len())
            {
                smallest = Some(compressed);
            }
        }
    }
    smallest.context("nothing was tried")
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(suffix);
    path.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_over_the_limit_fails_with_its_weight() {
        let weight = |brotli| Weight {
            brotli,
            ..Weight::default()
        };
        assert!(check("the page", weight(130_000), 130_000).is_ok());
        let error = check("the page", weight(130_001), 130_000)
            .unwrap_err()
            .to_string();
        assert!(error.contains("the page weighs 130001"), "{error}");
    }

    #[test]
    fn each_program_is_weighed_apart_from_the_other_and_from_the_loader() {
        let kind = |file| kind(&Path::new("dist").join(file));
        assert_eq!(kind("widget.js"), "loader");
        assert_eq!(kind("purrwall-page-0a1b.js"), PAGE_GLUE);
        assert_eq!(kind("purrwall-page-0a1b_bg.wasm"), PAGE_WASM);
        assert_eq!(kind("purrwall-widget-0a1b.js"), WIDGET_GLUE);
        assert_eq!(kind("purrwall-widget-0a1b_bg.wasm"), WIDGET_WASM);
    }
}

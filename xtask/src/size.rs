//! How many bytes a visitor downloads, and the compressed copies that the gateway serves.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use flate2::{Compression, write::GzEncoder};

/// What the whole page may weigh, in bytes after brotli.
const LIMIT: usize = 130_000;

/// What one kind of files weighs, in bytes.
#[derive(Clone, Copy, Default)]
struct Weight {
    raw: usize,
    gzip: usize,
    brotli: usize,
}

/// Writes `FILE.br` and `FILE.gz` beside every file of `dist`, prints what the page weighs, and
/// fails when it is too heavy.
pub(crate) fn compress_and_check(dist: &Path) -> Result<()> {
    let mut kinds: Vec<(&str, Weight)> = ["page", "style", "glue", "wasm", "other"]
        .map(|kind| (kind, Weight::default()))
        .into();
    let mut total = Weight::default();
    for path in files(dist)? {
        let weight =
            compress(&path).with_context(|| format!("cannot compress {}", path.display()))?;
        let kind = kind(&path);
        for (_, sum) in kinds.iter_mut().filter(|(name, _)| *name == kind) {
            sum.add(weight);
        }
        total.add(weight);
    }
    kinds.push(("in all", total));
    print(&kinds);
    check(total)
}

/// The table of weights, one line a kind; a kind without files is left out.
fn print(kinds: &[(&str, Weight)]) {
    println!("{:8}{:>10}{:>10}{:>10}", "bytes", "raw", "gzip", "brotli");
    for (kind, weight) in kinds.iter().filter(|(_, weight)| weight.raw > 0) {
        let Weight { raw, gzip, brotli } = weight;
        println!("{kind:8}{raw:>10}{gzip:>10}{brotli:>10}");
    }
}

fn check(total: Weight) -> Result<()> {
    ensure!(
        total.brotli <= LIMIT,
        "the page weighs {} bytes after brotli, more than the {LIMIT} that it may; \
         `cargo tree -p frontend --target wasm32-unknown-unknown -e features` shows what is in it",
        total.brotli
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
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("html") => "page",
        Some("css") => "style",
        Some("js") => "glue",
        Some("wasm") => "wasm",
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

fn brotli(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut compressed = Vec::new();
    let params = brotli::enc::BrotliEncoderParams::default();
    brotli::BrotliCompress(&mut &bytes[..], &mut compressed, &params)?;
    Ok(compressed)
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
        assert!(check(weight(130_000)).is_ok());
        let error = check(weight(130_001)).unwrap_err().to_string();
        assert!(error.contains("130001"), "{error}");
    }
}

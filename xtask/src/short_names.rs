//! Shorter names between the WebAssembly and its glue, and a glue without what is only for its readers.
//!
//! wasm-bindgen ends most names with a hash of 16 hex digits, which says nothing that a browser needs
//! and which no compression makes smaller. Each stands in both files. Trunk's minifier cannot read the
//! glue, so its comments and indentation go here.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail, ensure};

/// What the hashes are made of, and how long they are.
const HASH: usize = 16;
/// The kinds of sections that name things: what is imported, and what is exported.
const IMPORTS: u8 = 2;
const EXPORTS: u8 = 7;

/// The WebAssembly and its glue with short names in place of those that end with a hash.
pub(crate) fn shorten(wasm: &[u8], glue: &str) -> Result<(Vec<u8>, String)> {
    let mut names = Names::default();
    let wasm = rewrite(wasm, &mut names)?;
    let glue = names.replace_in(&without_comments(glue)?);
    Ok((wasm, glue))
}

/// The glue without comments that have lines of their own, and without indentation. No text in it spans
/// lines, which would change with that.
fn without_comments(glue: &str) -> Result<String> {
    let mut kept = String::with_capacity(glue.len());
    let mut in_comment = false;
    for line in glue.lines().map(str::trim) {
        ensure!(
            in_comment || line.matches('`').count() % 2 == 0,
            "a text of the glue spans lines: {line}"
        );
        in_comment |= line.starts_with("/*");
        if !in_comment && !line.is_empty() && !line.starts_with("//") {
            kept.push_str(line);
            kept.push('\n');
        }
        in_comment &= !line.ends_with("*/");
    }
    Ok(kept)
}

/// The short name of each long one.
#[derive(Default)]
struct Names(BTreeMap<String, String>);

impl Names {
    fn short(&mut self, name: &[u8]) -> Vec<u8> {
        match std::str::from_utf8(name) {
            Ok(long) if ends_with_hash(long) => {
                let next = format!("_{}", self.0.len());
                let short = self.0.entry(long.to_owned()).or_insert(next);
                short.clone().into_bytes()
            }
            _ => name.to_vec(),
        }
    }

    /// Replaces whole words only.
    fn replace_in(&self, glue: &str) -> String {
        let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '$');
        let mut replaced = String::with_capacity(glue.len());
        let mut rest = glue;
        while let Some(start) = rest.find(is_word) {
            let (before, from) = rest.split_at(start);
            let end = from.find(|c| !is_word(c)).unwrap_or(from.len());
            let (word, after) = from.split_at(end);
            replaced.push_str(before);
            replaced.push_str(self.0.get(word).map_or(word, String::as_str));
            rest = after;
        }
        replaced + rest
    }
}

fn ends_with_hash(name: &str) -> bool {
    let hash = name.len().checked_sub(HASH).and_then(|at| name.get(at..));
    hash.is_some_and(|hash| hash.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// The module with other names. [The format](https://webassembly.github.io/spec/core/binary/).
fn rewrite(wasm: &[u8], names: &mut Names) -> Result<Vec<u8>> {
    let mut module = Reader(wasm);
    let mut written = module.take(8)?.to_vec();
    ensure!(written.starts_with(b"\0asm"), "this is not WebAssembly");
    while !module.0.is_empty() {
        let kind = module.byte()?;
        let size = module.number()?;
        let mut section = Reader(module.take(size)?);
        let body = match kind {
            IMPORTS => imports(&mut section, names)?,
            EXPORTS => exports(&mut section, names)?,
            _ => section.0.to_vec(),
        };
        written.push(kind);
        write_bytes(&mut written, &body);
    }
    Ok(written)
}

fn imports(section: &mut Reader<'_>, names: &mut Names) -> Result<Vec<u8>> {
    let count = section.number()?;
    let mut body = Vec::new();
    write_number(&mut body, count);
    for _ in 0..count {
        write_bytes(&mut body, section.bytes()?);
        write_bytes(&mut body, &names.short(section.bytes()?));
        let what = section.byte()?;
        body.push(what);
        ensure!(
            what == 0,
            "only functions are imported, but here is kind {what}"
        );
        write_number(&mut body, section.number()?);
    }
    Ok(body)
}

fn exports(section: &mut Reader<'_>, names: &mut Names) -> Result<Vec<u8>> {
    let count = section.number()?;
    let mut body = Vec::new();
    write_number(&mut body, count);
    for _ in 0..count {
        write_bytes(&mut body, &names.short(section.bytes()?));
        body.push(section.byte()?);
        write_number(&mut body, section.number()?);
    }
    Ok(body)
}

/// What is left to read.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8]> {
        let (taken, rest) = self
            .0
            .split_at_checked(length)
            .context("it ends too early")?;
        self.0 = rest;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8> {
        Ok(self.take(1)?[0])
    }

    /// An unsigned LEB128.
    fn number(&mut self) -> Result<usize> {
        let mut number = 0;
        for shift in (0..35).step_by(7) {
            let byte = self.byte()?;
            number |= usize::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        bail!("a number is too long")
    }

    fn bytes(&mut self) -> Result<&'a [u8]> {
        let length = self.number()?;
        self.take(length)
    }
}

fn write_number(written: &mut Vec<u8>, mut number: usize) {
    loop {
        let low = u8::try_from(number & 0x7f).expect("seven bits fit");
        number >>= 7;
        if number == 0 {
            return written.push(low);
        }
        written.push(low | 0x80);
    }
}

fn write_bytes(written: &mut Vec<u8>, bytes: &[u8]) {
    write_number(written, bytes.len());
    written.extend(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A module that imports `{name}` of `m`, exports it, and has a section of its own.
    fn module(name: &str) -> Vec<u8> {
        let mut wasm = b"\0asm\x01\0\0\0".to_vec();
        let mut section = |kind: u8, body: &[u8]| {
            wasm.push(kind);
            write_bytes(&mut wasm, body);
        };
        section(0, &[200; 300]);
        let mut body = vec![1];
        write_bytes(&mut body, b"m");
        write_bytes(&mut body, name.as_bytes());
        body.extend([0, 0]);
        section(IMPORTS, &body);
        let mut body = vec![1];
        write_bytes(&mut body, name.as_bytes());
        body.extend([0, 0]);
        section(EXPORTS, &body);
        wasm
    }

    #[test]
    fn names_with_a_hash_become_short_in_both_files() {
        let long = "__wbg_fetch_0123456789abcdef";
        let glue = format!("{{ {long}: 1, x{long}: 2 }}; wasm.{long}()");
        let (wasm, glue) = shorten(&module(long), &glue).unwrap();
        assert_eq!(wasm, module("_0"));
        assert_eq!(glue, format!("{{ _0: 1, x{long}: 2 }}; wasm._0()\n"));
    }

    #[test]
    fn other_names_stay() {
        let (wasm, glue) = shorten(&module("mount"), "wasm.mount()").unwrap();
        assert_eq!((wasm, &*glue), (module("mount"), "wasm.mount()\n"));
    }

    #[test]
    fn comments_and_indentation_go() {
        let glue = "/**\n * What.\n */\nfn() {\n    // Why.\n    a(); // how\n\n    /* x */\n}\n";
        assert_eq!(without_comments(glue).unwrap(), "fn() {\na(); // how\n}\n");
        assert!(without_comments("a = `\n  b`;").is_err());
    }

    #[test]
    fn what_is_no_module_is_an_error() {
        assert!(shorten(b"meow", "").is_err());
        let mut cut = module("mount");
        cut.pop();
        assert!(shorten(&cut, "").is_err());
    }
}

//! Shorter names between the WebAssembly and its glue.
//!
//! wasm-bindgen ends most names with a hash of 16 hex digits, which says nothing that a browser needs
//! and which no compression makes smaller. Each stands in both files. Neither wasm-bindgen nor Trunk can
//! leave it out.

use std::collections::BTreeMap;
use std::convert::Infallible;

use anyhow::{Result, anyhow};
use wasm_encoder::reencode::{Error, Reencode};
use wasm_encoder::{ExportSection, ImportSection, Module};
use wasmparser::{Export, ImportSectionReader, Parser};

/// How long the hashes are.
const HASH: usize = 16;

/// The WebAssembly and its glue with short names in place of those that end with a hash.
pub(crate) fn shorten(wasm: &[u8], glue: &str) -> Result<(Vec<u8>, String)> {
    let (mut names, mut module) = (Names::default(), Module::new());
    names
        .parse_core_module(&mut module, Parser::new(0), wasm)
        .map_err(|error| anyhow!("cannot read the WebAssembly: {error}"))?;
    Ok((module.finish(), names.replace_in(glue)))
}

/// The short name of each long one.
#[derive(Default)]
struct Names(BTreeMap<String, String>);

impl Reencode for Names {
    type Error = Infallible;

    fn parse_import_section(
        &mut self,
        imports: &mut ImportSection,
        section: ImportSectionReader<'_>,
    ) -> Result<(), Error<Infallible>> {
        for import in section.into_imports() {
            let import = import?;
            let ty = self.entity_type(import.ty)?;
            imports.import(import.module, &self.short(import.name), ty);
        }
        Ok(())
    }

    fn parse_export(
        &mut self,
        exports: &mut ExportSection,
        export: Export<'_>,
    ) -> Result<(), Error<Infallible>> {
        let kind = self.export_kind(export.kind)?;
        let index = self.external_index(export.kind, export.index)?;
        exports.export(&self.short(export.name), kind, index);
        Ok(())
    }
}

impl Names {
    fn short(&mut self, name: &str) -> String {
        if !ends_with_hash(name) {
            return name.to_owned();
        }
        let next = format!("_{}", self.0.len());
        self.0.entry(name.to_owned()).or_insert(next).clone()
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

#[cfg(test)]
mod tests {
    use super::*;
    use wasm_encoder::{EntityType, ExportKind, TypeSection};

    /// A module that imports `{name}` of `m`, and exports it.
    fn module(name: &str) -> Vec<u8> {
        let (mut types, mut imports) = (TypeSection::new(), ImportSection::new());
        types.ty().function([], []);
        imports.import("m", name, EntityType::Function(0));
        let mut exports = ExportSection::new();
        exports.export(name, ExportKind::Func, 0);
        let mut module = Module::new();
        module.section(&types).section(&imports).section(&exports);
        module.finish()
    }

    #[test]
    fn names_with_a_hash_become_short_in_both_files() {
        let long = "__wbg_fetch_0123456789abcdef";
        let glue = format!("a = {{ {long}: 1, x{long}: 2 }}; // why\n wasm.{long}();");
        let (wasm, glue) = shorten(&module(long), &glue).unwrap();
        assert_eq!(wasm, module("_0"));
        assert_eq!(
            glue,
            format!("a = {{ _0: 1, x{long}: 2 }}; // why\n wasm._0();")
        );
    }

    #[test]
    fn other_names_stay() {
        let (wasm, glue) = shorten(&module("mount"), "wasm.mount()").unwrap();
        assert_eq!((wasm, &*glue), (module("mount"), "wasm.mount()"));
    }

    #[test]
    fn what_is_no_module_is_an_error() {
        assert!(shorten(b"meow", "").is_err());
        let mut cut = module("mount");
        cut.pop();
        assert!(shorten(&cut, "").is_err());
    }
}

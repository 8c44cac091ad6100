//! What a browser never needs of a WebAssembly module, taken out before wasm-opt sees it.
//!
//! A panic becomes a bare trap: its message, its formatting and the places in the source that it
//! would name (with this machine's folders) are a tenth of the program, for a text that no buyer
//! reads. Stable Rust has no option for that, so it happens here, by the functions' names. So does a
//! self-test of what browsers do not use. Builds for development keep everything.

use std::{collections::HashMap, ops::Range};

use anyhow::{Context, Result, bail, ensure};

/// Functions that never return. A call of one becomes a trap.
const PANICS: [&str; 15] = [
    "core::panicking::",
    "core::option::unwrap_failed",
    "core::option::expect_failed",
    "core::result::unwrap_failed",
    "core::cell::panic_already_borrowed",
    "core::cell::panic_already_mutably_borrowed",
    "core::slice::index::slice_index_fail",
    "core::slice::copy_from_slice_impl::len_mismatch_fail",
    "core::str::slice_error_fail",
    "alloc::raw_vec::handle_error",
    "alloc::raw_vec::capacity_overflow",
    "alloc::alloc::handle_alloc_error",
    "std::thread::local::panic_access_error",
    "std::panicking::begin_panic",
    "__rustc::rust_begin_unwind",
];
/// Only a panic calls it, so now nobody does.
const PANIC_HOOK: &str = "console_error_panic_hook::hook::";
/// What `{:?}` calls. It is for people who debug; in a browser it writes nothing.
const DEBUG: &str = "as core::fmt::Debug>::fmt";

/// libsecp256k1 tests a SHA-256 of its own whenever it begins, and complains by the second of these.
/// Only signing needs that hash; browsers read signatures.
const SELF_TEST: [&str; 2] = [
    "rustsecp256k1_v0_10_0_sha256_write",
    "rustsecp256k1_v0_10_0_default_error_callback_fn",
];

/// `unreachable`, without locals.
const TRAP: [u8; 3] = [0, 0x00, 0x0b];
/// `i32.const 0`, which is `Ok(())`, without locals.
const OK: [u8; 4] = [0, 0x41, 0x00, 0x0b];
/// Nothing, without locals, for what returns nothing.
const NOTHING: [u8; 2] = [0, 0x0b];
/// The type (i32, i32) -> i32, which `fmt` has.
const FMT_TYPE: [u8; 6] = [0x60, 2, 0x7f, 0x7f, 1, 0x7f];

/// The name of the one module that the program imports from, in place of the glue's file name.
const GLUE: &str = "a";

const CUSTOM: u8 = 0;
const TYPES: u8 = 1;
const IMPORTS: u8 = 2;
const FUNCTIONS: u8 = 3;
const CODE: u8 = 10;
const DATA: u8 = 11;

/// A module and its glue without what browsers do not need.
///
/// # Errors
///
/// Where the module is not built as ours is: with names, with active data, and with imports from
/// the glue alone.
pub(crate) fn shrink(wasm: &[u8], glue: &str) -> Result<(Vec<u8>, String)> {
    let mut module = Module::parse(wasm)?;
    let imported = module.rename_imports()?;
    module.stub_functions(imported.names.len())?;
    module.forget_places()?;
    Ok((module.bytes(), imported.rename_in(glue)))
}

struct Module {
    sections: Vec<(u8, Vec<u8>)>,
}

/// What the module imports: the functions' names in order, and the file that they are in.
struct Imported {
    names: Vec<String>,
    module: String,
}

impl Module {
    fn parse(wasm: &[u8]) -> Result<Self> {
        let rest = wasm.strip_prefix(b"\0asm\x01\0\0\0");
        let mut reader = Reader::new(rest.context("this is no WebAssembly module of version 1")?);
        let mut sections = Vec::new();
        while !reader.is_empty() {
            sections.push((reader.byte()?, reader.vector()?.to_vec()));
        }
        Ok(Self { sections })
    }

    fn bytes(&self) -> Vec<u8> {
        let mut wasm = b"\0asm\x01\0\0\0".to_vec();
        for (id, bytes) in &self.sections {
            wasm.push(*id);
            put_vector(&mut wasm, bytes);
        }
        wasm
    }

    fn section(&mut self, id: u8) -> Result<&mut Vec<u8>> {
        let mut sections = self.sections.iter_mut();
        let found = sections.find(|(found, _)| *found == id);
        let (_, bytes) = found.with_context(|| format!("the module has no section {id}"))?;
        Ok(bytes)
    }

    /// Gives every imported function a name of a letter or two: each carries a hash of 16 digits,
    /// here and in the glue, and no compression helps against those.
    fn rename_imports(&mut self) -> Result<Imported> {
        let section = self.section(IMPORTS)?;
        let mut reader = Reader::new(section);
        let count = reader.number()?;
        let mut imported = Imported {
            names: Vec::new(),
            module: String::new(),
        };
        let mut renamed = Vec::new();
        put_number(&mut renamed, count);
        for index in 0..count {
            reader.name()?.clone_into(&mut imported.module);
            imported.names.push(reader.name()?.to_owned());
            ensure!(
                reader.byte()? == 0,
                "the module imports what is no function"
            );
            put_vector(&mut renamed, GLUE.as_bytes());
            put_vector(&mut renamed, short_name(index).as_bytes());
            renamed.push(0);
            put_number(&mut renamed, reader.number()?);
        }
        *section = renamed;
        Ok(imported)
    }

    /// Replaces the bodies of functions that only make texts for developers.
    fn stub_functions(&mut self, imported: usize) -> Result<()> {
        let names = self.function_names()?;
        let fmt_type = self.fmt_type()?;
        let mut types = Reader::new(self.section(FUNCTIONS)?);
        let types: Vec<usize> = (0..types.number()?)
            .map(|_| types.number())
            .collect::<Result<_>>()?;
        let section = self.section(CODE)?;
        let mut reader = Reader::new(section);
        let mut code = Vec::new();
        put_number(&mut code, reader.number()?);
        let mut panics = 0;
        for (index, function) in types.into_iter().enumerate() {
            let body = reader.vector()?;
            let name = names.get(&(imported + index)).map_or("", String::as_str);
            let is_panic = PANICS.iter().any(|panic| name.starts_with(panic));
            panics += usize::from(is_panic);
            put_vector(
                &mut code,
                if is_panic || name.starts_with(PANIC_HOOK) {
                    &TRAP
                } else if name.contains(DEBUG) && fmt_type == Some(function) {
                    &OK
                } else if SELF_TEST.contains(&name) {
                    &NOTHING
                } else {
                    body
                },
            );
        }
        ensure!(
            panics > 0,
            "no function of the module has a panic's name; the profile `web` has to keep names"
        );
        *section = code;
        Ok(())
    }

    /// The names of functions by index, without the hashes that Rust puts behind crates' names.
    fn function_names(&self) -> Result<HashMap<usize, String>> {
        let mut names = HashMap::new();
        for (id, bytes) in &self.sections {
            let mut section = Reader::new(bytes);
            if *id != CUSTOM || section.name()? != "name" {
                continue;
            }
            while !section.is_empty() {
                let kind = section.byte()?;
                let mut entries = Reader::new(section.vector()?);
                if kind == 1 {
                    for _ in 0..entries.number()? {
                        let index = entries.number()?;
                        names.insert(index, without_hashes(entries.name()?));
                    }
                }
            }
        }
        Ok(names)
    }

    /// The index of `fmt`'s type.
    fn fmt_type(&mut self) -> Result<Option<usize>> {
        let section = self.section(TYPES)?;
        let mut reader = Reader::new(section);
        for index in 0..reader.number()? {
            let start = reader.position;
            ensure!(
                reader.byte()? == 0x60,
                "the module has a type of no function"
            );
            reader.vector()?;
            reader.vector()?;
            if section[start..reader.position] == FMT_TYPE {
                return Ok(Some(index));
            }
        }
        Ok(None)
    }

    /// Blanks the places in the source that panics would name: no one reads them any more, and
    /// wasm-opt leaves out what is zero.
    fn forget_places(&mut self) -> Result<()> {
        let section = self.section(DATA)?;
        let segments = segments(section)?;
        let mut blank = Vec::new();
        for (address, bytes) in &segments {
            // `core::panic::Location`, aligned: the path's address and length, line and column.
            let first = bytes.start + address.next_multiple_of(4) - address;
            for start in (first..bytes.end.saturating_sub(15)).step_by(4) {
                let [path, length, line, column] =
                    [0, 4, 8, 12].map(|field| word(&section[start + field..]));
                let path = find(&segments, path, length)
                    .filter(|path| length < 400 && section[path.clone()].ends_with(b".rs"));
                if let Some(path) = path
                    && (1..100_000).contains(&line)
                    && (1..1_000).contains(&column)
                {
                    blank.extend([start..start + 16, path]);
                }
            }
        }
        for range in blank {
            section[range].fill(0);
        }
        Ok(())
    }
}

impl Imported {
    fn rename_in(&self, glue: &str) -> String {
        let indices: HashMap<&str, usize> =
            (0..).zip(&self.names).map(|(i, n)| (&**n, i)).collect();
        let quoted = |name: &str| ["\"", name, "\""].concat();
        let glue = glue.replace(&quoted(&self.module), &quoted(GLUE));
        let in_a_name = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
        let mut renamed = String::with_capacity(glue.len());
        let mut rest = &*glue;
        while let Some(first) = rest.chars().next() {
            let word = in_a_name(first);
            let end = rest.find(|c| in_a_name(c) != word).unwrap_or(rest.len());
            let (part, after) = rest.split_at(end);
            match indices.get(part) {
                Some(index) => renamed.push_str(&short_name(*index)),
                None => renamed.push_str(part),
            }
            rest = after;
        }
        renamed
    }
}

/// `$a`, `$b`, …: no name of JavaScript's or the glue's.
fn short_name(mut index: usize) -> String {
    let mut name = String::from("$");
    loop {
        name.push(char::from(b"abcdefghijklmnopqrstuvwxyz"[index % 26]));
        index /= 26;
        if index == 0 {
            return name;
        }
    }
}

/// `core[c5930c85a12de822]::fmt` as `core::fmt`.
fn without_hashes(name: &str) -> String {
    let mut parts = name.split('[');
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        match part.split_once(']') {
            Some((hash, after)) if is_hash(hash) => plain.push_str(after),
            _ => plain.extend(["[", part]),
        }
    }
    plain
}

fn is_hash(text: &str) -> bool {
    text.len() > 8 && text.chars().all(|c| c.is_ascii_hexdigit())
}

/// The data's segments: the address of each, and where its bytes are in the section.
fn segments(section: &[u8]) -> Result<Vec<(usize, Range<usize>)>> {
    let mut reader = Reader::new(section);
    (0..reader.number()?)
        .map(|_| {
            // Active, at a constant address.
            ensure!(
                reader.byte()? == 0 && reader.byte()? == 0x41,
                "the module's data has no fixed address"
            );
            let address = reader.number()?;
            ensure!(reader.byte()? == 0x0b, "the data's address is computed");
            let length = reader.vector()?.len();
            Ok((address, reader.position - length..reader.position))
        })
        .collect()
}

/// Where `length` bytes at an address are in the section.
fn find(segments: &[(usize, Range<usize>)], address: usize, length: usize) -> Option<Range<usize>> {
    segments.iter().find_map(|(start, bytes)| {
        let offset = address.checked_sub(*start)?;
        let range = bytes.start + offset..bytes.start.checked_add(offset)?.checked_add(length)?;
        (range.end <= bytes.end).then_some(range)
    })
}

fn word(bytes: &[u8]) -> usize {
    bytes[..4]
        .iter()
        .rev()
        .fold(0, |word, byte| word << 8 | usize::from(*byte))
}

/// Reads WebAssembly's numbers and vectors.
struct Reader<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl<'a> Reader<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, position: 0 }
    }

    fn is_empty(&self) -> bool {
        self.position == self.bytes.len()
    }

    fn byte(&mut self) -> Result<u8> {
        Ok(self.take(1)?[0])
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8]> {
        let rest = &self.bytes[self.position..];
        let taken = rest.get(..length).context("the module ends too early")?;
        self.position += length;
        Ok(taken)
    }

    /// An unsigned LEB128 number.
    fn number(&mut self) -> Result<usize> {
        let mut number = 0;
        for shift in (0..35).step_by(7) {
            let byte = self.byte()?;
            number |= usize::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        bail!("a number of the module is too long")
    }

    fn vector(&mut self) -> Result<&'a [u8]> {
        let length = self.number()?;
        self.take(length)
    }

    fn name(&mut self) -> Result<&'a str> {
        std::str::from_utf8(self.vector()?).context("a name of the module is no text")
    }
}

fn put_number(out: &mut Vec<u8>, mut number: usize) {
    loop {
        let [low, ..] = number.to_le_bytes();
        number >>= 7;
        if number == 0 {
            return out.push(low);
        }
        out.push(low | 0x80);
    }
}

fn put_vector(out: &mut Vec<u8>, bytes: &[u8]) {
    put_number(out, bytes.len());
    out.extend(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIGNATURE: u8 = 0;

    fn numbered(items: &[&[u8]]) -> Vec<u8> {
        let mut section = Vec::new();
        put_number(&mut section, items.len());
        for item in items {
            section.extend(*item);
        }
        section
    }

    fn vector(bytes: &[u8]) -> Vec<u8> {
        let mut vector = Vec::new();
        put_vector(&mut vector, bytes);
        vector
    }

    /// A module of one import and three functions with names, whose data is at address 1002.
    fn module(names: [&str; 3], data: &[u8]) -> Vec<u8> {
        let import = [
            vector(b"./glue.js"),
            vector(b"__wbg_x_0a1b"),
            vec![0, SIGNATURE],
        ]
        .concat();
        let body = vector(&[0, 0x20, 0, 0x0b]);
        let entries: Vec<Vec<u8>> = (1..)
            .zip(names)
            .map(|(index, name)| [vec![index], vector(name.as_bytes())].concat())
            .collect();
        let entries: Vec<&[u8]> = entries.iter().map(Vec::as_slice).collect();
        let segment = [vec![0, 0x41, 0xea, 0x07, 0x0b], vector(data)].concat();
        let sections = vec![
            (TYPES, numbered(&[&FMT_TYPE])),
            (IMPORTS, numbered(&[&import])),
            (FUNCTIONS, numbered(&[&[SIGNATURE][..]; 3])),
            (CODE, numbered(&[&body, &body, &body])),
            (DATA, numbered(&[&segment])),
            (
                CUSTOM,
                [vector(b"name"), vec![1], vector(&numbered(&entries))].concat(),
            ),
        ];
        Module { sections }.bytes()
    }

    const NAMES: [&str; 3] = [
        "core[c5930c85a12de822]::panicking::panic_fmt",
        "<shop::Cat as core[c5930c85a12de822]::fmt::Debug>::fmt",
        "core::panic_of_cats",
    ];

    #[test]
    fn panics_trap_debug_writes_nothing_and_the_rest_stays() {
        let (small, _) = shrink(&module(NAMES, b""), "").unwrap();
        let mut module = Module::parse(&small).unwrap();
        let stays = [0, 0x20, 0, 0x0b];
        let bodies = numbered(&[&vector(&TRAP), &vector(&OK), &vector(&stays)]);
        assert_eq!(*module.section(CODE).unwrap(), bodies);
    }

    #[test]
    fn imports_have_the_same_short_names_in_the_glue() {
        let glue = r#"({ __wbg_x_0a1b: f, __wbg_x_0a1b2: g }), { "./glue.js": imports }"#;
        let (small, glue) = shrink(&module(NAMES, b""), glue).unwrap();
        assert_eq!(glue, r#"({ $a: f, __wbg_x_0a1b2: g }), { "a": imports }"#);
        let imports = numbered(&[&[vector(b"a"), vector(b"$a"), vec![0, SIGNATURE]].concat()]);
        let mut module = Module::parse(&small).unwrap();
        assert_eq!(*module.section(IMPORTS).unwrap(), imports);
    }

    #[test]
    fn a_place_in_the_source_is_blanked_with_its_path_and_nothing_else() {
        // At 1002: two bytes, the place at 1004, the path at 1020, a word.
        let words = [1020, 9, 77, 5].map(u32::to_le_bytes).concat();
        let data = [b"ab", &words[..], b"src/ok.rs", b"word"].concat();
        let (small, _) = shrink(&module(NAMES, &data), "").unwrap();
        let mut module = Module::parse(&small).unwrap();
        let blank = [&b"ab"[..], &[0; 25], b"word"].concat();
        assert!(module.section(DATA).unwrap().ends_with(&blank));
    }

    #[test]
    fn a_module_without_names_is_an_error() {
        let error = shrink(&module([""; 3], b""), "").unwrap_err().to_string();
        assert!(error.contains("has to keep names"), "{error}");
        assert!(shrink(b"\0asm", "").is_err());
    }

    #[test]
    fn names_are_short_and_each_is_another() {
        assert_eq!(short_name(0), "$a");
        assert_eq!(short_name(25), "$z");
        assert_ne!(short_name(26), short_name(27));
        assert_eq!(short_name(26).len(), 3);
    }
}

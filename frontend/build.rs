//! Tells the linker which of WebAssembly's features browsers need for this program, and the program
//! which languages there are.

use std::fs;

/// Those that rustc uses. The list leaves out reference types, which the standard library also
/// claims: with them wasm-bindgen makes a module that is larger, and that binaryen 108 cannot read.
const FEATURES: &str = "mutable-globals,bulk-memory,sign-ext,nontrapping-fptoint";
/// A file for each language but English.
const WORDS: &str = "words";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-link-arg-bins=--features={FEATURES}");
    println!("cargo::rustc-link-arg-bins=--no-check-features");

    println!("cargo::rerun-if-changed={WORDS}");
    let files = fs::read_dir(WORDS).expect("the folder of languages lies beside this file");
    let mut languages: Vec<String> = files
        .filter_map(|file| Some(file.ok()?.path().file_stem()?.to_str()?.to_owned()))
        .collect();
    languages.sort();
    languages.insert(0, "en".to_owned());
    println!("cargo::rustc-env=LANGUAGES={}", languages.join(","));
}

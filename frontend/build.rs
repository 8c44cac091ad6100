//! Tells the linker which of WebAssembly's features browsers need for this program.

/// Those that rustc uses. The list leaves out reference types, which the standard library also
/// claims: with them wasm-bindgen makes a module that is larger, and that binaryen 108 cannot read.
const FEATURES: &str = "mutable-globals,bulk-memory,sign-ext,nontrapping-fptoint";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-link-arg-bins=--features={FEATURES}");
    println!("cargo::rustc-link-arg-bins=--no-check-features");
}

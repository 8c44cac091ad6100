//! What the modules for other languages are tested on (`modules/`), written by the tests of the Rust code.

use serde_json::Value;

/// Fails if the file at `path` holds other vectors than these; `PURRWALL_WRITE_VECTORS=1` writes it.
pub(crate) fn assert_written(path: &str, vectors: &Value) {
    if std::env::var_os("PURRWALL_WRITE_VECTORS").is_some() {
        let text = serde_json::to_string_pretty(vectors).unwrap() + "\n";
        std::fs::write(path, text).unwrap();
    }
    let written: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    assert_eq!(written, *vectors);
}

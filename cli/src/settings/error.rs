//! Why the settings cannot be used.

use std::io;
use std::path::PathBuf;

/// Why the gateway cannot start as it was asked to.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// A default path begins at home, and there is none.
    #[error("HOME is not set, so {0} has to be given")]
    NoHome(String),
    /// The file cannot be read.
    #[error("cannot read {path:?}; `purrwall new my-store` makes a store with its file")]
    Read {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// A value is not what it has to be.
    #[error("{place}: {why}")]
    Value {
        /// File and line, variable or flag, with key and value.
        place: String,
        /// What is wrong, and the remedy.
        why: String,
    },
}

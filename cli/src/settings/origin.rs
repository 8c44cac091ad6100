//! A value that was set, and where.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::settings::error::SettingsError;

/// Where a value was set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// On the command line.
    Flag,
    /// In this variable.
    Environment(String),
    /// In the configuration file.
    File {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
    },
    /// Nowhere.
    Default,
}

impl Origin {
    /// Which of two wins: the one where this is less.
    pub(super) fn rank(&self) -> u8 {
        match self {
            Self::Flag => 0,
            Self::Environment(_) => 1,
            Self::File { .. } => 2,
            Self::Default => 3,
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag => f.write_str("flag"),
            Self::Environment(name) => write!(f, "environment {name}"),
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
            Self::Default => f.write_str("default"),
        }
    }
}

/// A value that was set somewhere, as text.
#[derive(Clone, Debug)]
pub(super) struct Given {
    /// The key as the file has it.
    pub(super) key: String,
    pub(super) text: String,
    pub(super) origin: Origin,
}

impl Given {
    /// The value as the owner wrote it, with its place.
    pub(super) fn place(&self) -> String {
        let Self { key, text, origin } = self;
        match origin {
            Origin::Flag => format!("{} {text:?}", flag_name(key)),
            Origin::Environment(name) => format!("{name}={text:?}"),
            _ => format!("{origin}: {key} = {text:?}"),
        }
    }

    /// Reads the value; `parse` says what is wrong with it and what it has to be.
    pub(super) fn read<T, E: fmt::Display>(
        &self,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<T, SettingsError> {
        parse(&self.text).map_err(|why| self.wrong(why))
    }

    /// The error that this value is.
    pub(super) fn wrong(&self, why: impl fmt::Display) -> SettingsError {
        SettingsError::Value {
            place: self.place(),
            why: why.to_string(),
        }
    }

    /// A path in the file is seen from the file's folder, every other one from the current one.
    pub(super) fn path(&self) -> PathBuf {
        let Origin::File { path, .. } = &self.origin else {
            return PathBuf::from(&self.text);
        };
        if let Some(rest) = self.text.strip_prefix("~/")
            && let Some(home) = std::env::home_dir()
        {
            return home.join(rest);
        }
        path.parent().unwrap_or(Path::new("")).join(&self.text)
    }
}

/// The flag of a key: `invoice_expiry` is `--invoice-expiry`.
pub(super) fn flag_name(key: &str) -> String {
    format!("--{}", key.replace('_', "-"))
}

/// The variable of a key: `invoice_expiry` is `PURRWALL_INVOICE_EXPIRY`.
pub(super) fn variable_name(key: &str) -> String {
    format!("PURRWALL_{}", key.to_uppercase())
}

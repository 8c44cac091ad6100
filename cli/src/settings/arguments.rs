//! What the command line says.

use std::collections::BTreeMap;
use std::path::Path;

/// The flags that are given, as text by the key of their setting. They are read together with the
/// environment and the file, so that all three are read alike.
#[derive(Clone, Debug, Default)]
pub struct Arguments(BTreeMap<&'static str, String>);

impl Arguments {
    /// A command line that names the store's file and nothing else.
    pub fn of_file(file: &Path) -> Self {
        [("config", file.to_string_lossy().into_owned())]
            .into_iter()
            .collect()
    }

    /// The value of a flag.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }
}

impl FromIterator<(&'static str, String)> for Arguments {
    fn from_iter<I: IntoIterator<Item = (&'static str, String)>>(flags: I) -> Self {
        Self(flags.into_iter().collect())
    }
}

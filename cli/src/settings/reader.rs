//! Reads settings one by one, and notes where each was set.

use std::path::PathBuf;

use crate::settings::error::SettingsError;
use crate::settings::keys::{About, Key};
use crate::settings::origin::{Given, Origin};
use crate::settings::sources::Sources;

/// A setting as it is in force.
#[derive(Clone, Debug)]
pub struct Setting {
    /// The key as the file has it.
    pub key: &'static str,
    /// `None` where it is not set and has no default.
    pub value: Option<String>,
    /// Where it was set.
    pub origin: Origin,
}

/// Reads settings and notes where each was set.
pub(super) struct SettingsReader<'a> {
    pub(super) sources: Sources<'a>,
    pub(super) settings: Vec<Setting>,
}

impl SettingsReader<'_> {
    /// The value, if it is set or has a default.
    pub(super) fn optional<T>(&mut self, key: &Key<T>) -> Result<Option<T>, SettingsError> {
        let given = self.given(key)?;
        given.as_ref().map(key.read).transpose()
    }

    /// The value of a setting whose default stands in the table.
    pub(super) fn required<T>(&mut self, key: &Key<T>) -> Result<T, SettingsError> {
        let value = self.optional(key)?;
        Ok(value.unwrap_or_else(|| panic!("the table has no default for {}", key.about.key)))
    }

    /// A path whose default follows from other settings, or from where home is.
    pub(super) fn path(
        &mut self,
        key: &Key<PathBuf>,
        default: impl FnOnce() -> Option<PathBuf>,
    ) -> Result<PathBuf, SettingsError> {
        let given = self.sources.find(&key.about)?;
        let path = match &given {
            Some(given) => given.path(),
            None => default().ok_or_else(|| SettingsError::NoHome(key.about.flag()))?,
        };
        self.note(&key.about, given.as_ref(), Some(path.display().to_string()));
        Ok(path)
    }

    /// What was given, else the table's default.
    pub(super) fn given<T>(&mut self, key: &Key<T>) -> Result<Option<Given>, SettingsError> {
        self.given_else(key, None)
    }

    /// The value that was given, else this one, which follows from other settings.
    pub(super) fn optional_or<T>(
        &mut self,
        key: &Key<T>,
        default: Option<&str>,
    ) -> Result<Option<T>, SettingsError> {
        let given = self.given_else(key, default)?;
        given.as_ref().map(key.read).transpose()
    }

    /// What was given, else this, which follows from other settings, else the table's default.
    pub(super) fn given_else<T>(
        &mut self,
        key: &Key<T>,
        default: Option<&str>,
    ) -> Result<Option<Given>, SettingsError> {
        let default_text = default.or(key.about.default);
        let about = &key.about;
        let default = |text: &str| Given {
            key: about.key.to_owned(),
            text: text.to_owned(),
            origin: Origin::Default,
        };
        let given = self.sources.find(about)?;
        let given = given.or_else(|| default_text.map(default));
        let text = given.as_ref().map(|given| given.text.clone());
        self.note(about, given.as_ref(), text);
        Ok(given)
    }

    fn note(&mut self, about: &About, given: Option<&Given>, value: Option<String>) {
        self.settings.push(Setting {
            key: about.key,
            value,
            origin: given.map_or(Origin::Default, |given| given.origin.clone()),
        });
    }
}

//! Where a setting comes from: flag, then environment, then file; the first that is set wins. An
//! empty value counts as not set.

use std::ffi::OsString;

use crate::settings::arguments::Arguments;
use crate::settings::error::SettingsError;
use crate::settings::file::ConfigFile;
use crate::settings::keys::About;
use crate::settings::origin::{Given, Origin};

/// Everything that may set a value, in order.
pub(super) struct Sources<'a> {
    pub(super) arguments: &'a Arguments,
    pub(super) environment: &'a dyn Fn(&str) -> Option<OsString>,
    pub(super) file: Option<&'a ConfigFile>,
}

impl Sources<'_> {
    /// The first that sets this key.
    pub(super) fn find(&self, about: &About) -> Result<Option<Given>, SettingsError> {
        let key = about.key;
        if let Some(text) = self.arguments.get(key) {
            return Ok(given(key, text.to_owned(), Origin::Flag));
        }
        let variable = about.variable();
        if let Some(text) = (self.environment)(&variable) {
            let text = text.into_string().map_err(|text| SettingsError::Value {
                place: format!("{variable}={}", text.display()),
                why: "is not UTF-8".into(),
            })?;
            if !text.is_empty() {
                return Ok(given(key, text, Origin::Environment(variable)));
            }
        }
        let found = self.file.and_then(|file| file.settings.get(key));
        Ok(found.filter(|given| !given.text.is_empty()).cloned())
    }
}

fn given(key: &str, text: String, origin: Origin) -> Option<Given> {
    let key = key.to_owned();
    (!text.is_empty()).then_some(Given { key, text, origin })
}

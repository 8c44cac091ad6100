//! The key of the owner's own servers.

use std::fs;

use purrwall_gateway::VerifyKey;

use crate::settings::error::SettingsError;
use crate::settings::origin::Given;
use crate::settings::reader::SettingsReader;

/// The variable that holds the key itself.
const VERIFY_KEY: &str = "PURRWALL_VERIFY_KEY";

/// The key of the environment, or that of the file.
pub(super) fn read(
    reader: &SettingsReader,
    file: Option<&Given>,
) -> Result<Option<VerifyKey>, SettingsError> {
    let variable = (reader.sources.environment)(VERIFY_KEY);
    if let Some(text) = variable.filter(|text| !text.is_empty()) {
        // What is no text is no key, and is told so.
        let key = text.to_str().unwrap_or_default().parse();
        return key.map(Some).map_err(|error| SettingsError::Value {
            place: VERIFY_KEY.to_owned(),
            why: format!("{error}"),
        });
    }
    let Some(file) = file else {
        return Ok(None);
    };
    let text = fs::read(file.path());
    let text = text.map_err(|error| file.wrong(format!("cannot be read: {error}")))?;
    let key = String::from_utf8(text).unwrap_or_default().parse();
    key.map(Some).map_err(|error| file.wrong(error))
}

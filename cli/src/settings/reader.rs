//! Reads settings one by one, and notes where each was set.

use std::path::{Path, PathBuf};

use purrwall_gateway::options::TlsOptions;

use crate::settings::error::SettingsError;
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
    pub(super) fn optional<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&Given) -> Result<T, SettingsError>,
    ) -> Result<Option<T>, SettingsError> {
        let given = self.sources.find(key)?;
        self.note(key, given.as_ref(), None);
        given.as_ref().map(read).transpose()
    }

    pub(super) fn required<T>(
        &mut self,
        key: &'static str,
        default: &str,
        read: impl FnOnce(&Given) -> Result<T, SettingsError>,
    ) -> Result<T, SettingsError> {
        let given = self.sources.find(key)?.unwrap_or_else(|| Given {
            key: key.to_owned(),
            text: default.to_owned(),
            origin: Origin::Default,
        });
        self.note(key, Some(&given), None);
        read(&given)
    }

    pub(super) fn path(
        &mut self,
        key: &'static str,
        default: impl FnOnce() -> Option<PathBuf>,
    ) -> Result<PathBuf, SettingsError> {
        let given = self.sources.find(key)?;
        let path = match &given {
            Some(given) => given.path(),
            None => default().ok_or(SettingsError::NoHome(match key {
                "lightning_rpc" => "--lightning-rpc",
                "secret_file" => "--secret-file",
                _ => "--data-dir",
            }))?,
        };
        self.note(key, given.as_ref(), Some(&path));
        Ok(path)
    }

    /// Neither or both: one is of no use without the other.
    pub(super) fn tls(&mut self) -> Result<Option<TlsOptions>, SettingsError> {
        let certificate = self.sources.find("tls_certificate")?;
        let key = self.sources.find("tls_key")?;
        self.note("tls_certificate", certificate.as_ref(), None);
        self.note("tls_key", key.as_ref(), None);
        match (certificate, key) {
            (Some(certificate), Some(key)) => Ok(Some(TlsOptions {
                certificate: certificate.path(),
                key: key.path(),
            })),
            (None, None) => Ok(None),
            (Some(lone), None) => Err(lone.wrong("needs tls_key, the file of its key")),
            (None, Some(lone)) => {
                Err(lone.wrong("needs tls_certificate, the file of its certificate"))
            }
        }
    }

    fn note(&mut self, key: &'static str, given: Option<&Given>, path: Option<&Path>) {
        let path = path.map(|path| path.display().to_string());
        self.settings.push(Setting {
            key,
            value: path.or(given.map(|given| given.text.clone())),
            origin: given.map_or(Origin::Default, |given| given.origin.clone()),
        });
    }
}

//! Where the store is on the net: its names, its addresses, and whose certificate it has.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use purrwall_gateway::options::{AcmeOptions, TlsOptions};

use crate::settings::error::SettingsError;
use crate::settings::keys;
use crate::settings::reader::SettingsReader;

/// The certificate to speak HTTPS with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Certificate {
    /// In files.
    Files(TlsOptions),
    /// The gateway gets it by itself.
    ByItself(AcmeOptions),
}

impl Certificate {
    /// The files, unless the gateway gets it by itself.
    pub fn files(&self) -> Option<&TlsOptions> {
        match self {
            Self::Files(files) => Some(files),
            Self::ByItself(_) => None,
        }
    }
}

/// Let's Encrypt's directory.
const DIRECTORY: &str = "https://acme-v02.api.letsencrypt.org/directory";

/// Where the store is.
pub(super) struct Named {
    domains: Vec<String>,
    pub(super) public_url: Option<String>,
    pub(super) listen: SocketAddr,
    pub(super) http_listen: Option<SocketAddr>,
    files: Option<TlsOptions>,
    directory: Option<String>,
    authority: Option<PathBuf>,
}

impl Named {
    /// A domain changes what the others are by default. Of a certificate there are both files or none: one is
    /// of no use without the other, and both are of none to a store that gets its own.
    pub(super) fn read(reader: &mut SettingsReader) -> Result<Self, SettingsError> {
        let domains = reader.optional(&keys::domain)?.unwrap_or_default();
        let with_domain = |default: &'static str| (!domains.is_empty()).then_some(default);
        let url = domains.first().map(|domain| format!("https://{domain}"));
        let public_url = reader.optional_or(&keys::public_url, url.as_deref())?;
        let listen = reader.optional_or(&keys::listen, with_domain("[::]:443"))?;
        let needs_domain = |given: Option<&super::origin::Given>| match given {
            Some(given) if domains.is_empty() => {
                Err(given.wrong("needs domain, the name of the host"))
            }
            _ => Ok(()),
        };
        let http_listen = reader.given_else(&keys::http_listen, with_domain("[::]:80"))?;
        needs_domain(http_listen.as_ref())?;
        let certificate = reader.given(&keys::tls_certificate)?;
        let key = reader.given(&keys::tls_key)?;
        let directory = reader.given_else(&keys::acme_directory, with_domain(DIRECTORY))?;
        needs_domain(directory.as_ref())?;
        let authority = reader.given(&keys::acme_ca_file)?;
        needs_domain(authority.as_ref())?;
        let files = match (certificate, key) {
            (Some(lone), _) | (_, Some(lone)) if !domains.is_empty() => {
                return Err(lone.wrong(
                    "is of no use beside domain, which gets a certificate by itself; take one of them out",
                ));
            }
            (Some(certificate), Some(key)) => Some(TlsOptions {
                certificate: certificate.path(),
                key: key.path(),
            }),
            (None, None) => None,
            (Some(lone), None) => return Err(lone.wrong("needs tls_key, the file of its key")),
            (None, Some(lone)) => {
                return Err(lone.wrong("needs tls_certificate, the file of its certificate"));
            }
        };
        Ok(Self {
            public_url,
            listen: listen.expect("the table has a default"),
            http_listen: http_listen
                .as_ref()
                .map(keys::http_listen.read)
                .transpose()?,
            files,
            directory: directory
                .as_ref()
                .map(keys::acme_directory.read)
                .transpose()?,
            authority: authority.map(|given| given.path()),
            domains,
        })
    }

    /// The certificate; one that the gateway gets by itself is kept in this folder.
    pub(super) fn certificate(&self, data_dir: &Path) -> Option<Certificate> {
        let Some(directory) = &self.directory else {
            return self.files.clone().map(Certificate::Files);
        };
        Some(Certificate::ByItself(AcmeOptions {
            domains: self.domains.clone(),
            directory: directory.clone(),
            authority: self.authority.clone(),
            dir: data_dir.join("acme"),
        }))
    }
}

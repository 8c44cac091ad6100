//! The gateway's own certificate, as the desk sees it: when it ends, and whom it is for.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use purrwall_gateway::stamp::Stamp;
use x509_parser::extensions::GeneralName;
use x509_parser::pem::Pem;

/// A certificate in a file, read again when it changes.
pub(crate) struct CertificateFile {
    path: PathBuf,
    known: Mutex<Option<Known>>,
}

/// What the file was when it was read, and what was read.
struct Known {
    stamp: Option<Stamp>,
    certificate: Result<Certificate, String>,
}

/// What a certificate says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Certificate {
    /// In UNIX seconds.
    pub(crate) ends_at: u64,
    /// The names that it is for, in lower case; some begin with `*.`.
    names: Vec<String>,
}

impl CertificateFile {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self {
            path,
            known: Mutex::default(),
        }
    }

    /// What it says now, or why it cannot be read.
    pub(crate) fn read(&self) -> Result<Certificate, String> {
        let stamp = Stamp::at(&self.path);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = &*known
            && known.stamp == stamp
        {
            return known.certificate.clone();
        }
        let read = std::fs::read(&self.path).map_err(|error| error.to_string());
        let certificate = read.and_then(|pem| parse(&pem));
        *known = Some(Known {
            stamp,
            certificate: certificate.clone(),
        });
        certificate
    }
}

impl Certificate {
    /// Whether it is for this host, by name.
    pub(crate) fn is_for(&self, host: &str) -> bool {
        let host = host.to_ascii_lowercase();
        self.names.iter().any(|name| match name.strip_prefix("*.") {
            Some(rest) => host.split_once('.').is_some_and(|(_, above)| above == rest),
            None => *name == host,
        })
    }
}

/// The first certificate of a chain is the host's own.
fn parse(chain: &[u8]) -> Result<Certificate, String> {
    let first = Pem::iter_from_buffer(chain).next();
    let pem = first.ok_or("it holds no certificate")?;
    let pem = pem.map_err(|error| error.to_string())?;
    let certificate = pem.parse_x509().map_err(|error| error.to_string())?;
    let ends_at = certificate.validity().not_after.timestamp();
    let names = certificate.subject_alternative_name().ok().flatten();
    let names = names.map(|names| names.value.general_names.as_slice());
    let names = names
        .unwrap_or_default()
        .iter()
        .filter_map(|name| match name {
            GeneralName::DNSName(name) => Some(name.to_ascii_lowercase()),
            _ => None,
        });
    Ok(Certificate {
        ends_at: u64::try_from(ends_at).unwrap_or_default(),
        names: names.collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_says_when_it_ends_and_whom_it_is_for() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("chain.pem");
        let file = CertificateFile::new(path.clone());
        assert!(file.read().is_err());
        let names = ["desk.example".to_owned(), "*.cats.example".to_owned()];
        let made = rcgen::generate_simple_self_signed(names).unwrap();
        std::fs::write(&path, made.cert.pem()).unwrap();
        let certificate = file.read().unwrap();
        assert!(certificate.ends_at > 1_795_888_800);
        for (host, is_its) in [
            ("desk.example", true),
            ("DESK.example", true),
            ("my.cats.example", true),
            ("cats.example", false),
            ("a.my.cats.example", false),
            ("evil.example", false),
            ("", false),
        ] {
            assert_eq!(certificate.is_for(host), is_its, "{host}");
        }
        std::fs::write(&path, "nonsense").unwrap();
        assert!(file.read().is_err());
    }
}

//! The gateway's root secret: 32 random bytes that every claim follows from.
//!
//! Whoever has it can take every item without paying; gateways that share it accept each other's
//! claims. It lives in a file of its own, 64 hex digits, that is made at the first start.

use std::env;
use std::fmt;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use bitcoin::hex::{DisplayHex as _, FromHex as _};

/// 32 bytes that nobody else may know. `Debug` does not show them.
#[derive(Clone)]
pub struct Secret([u8; 32]);

/// Why there is no secret to start with.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SecretError {
    /// The file cannot be read.
    #[error("cannot read the secret file {path:?}; purrwall's user has to be able to read it")]
    Read {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// The file cannot be made.
    #[error("cannot make the secret file {path:?}; name a place for it with --secret-file")]
    Create {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// Everyone on the machine can read the file.
    #[error(
        "the secret file {path:?} can be read by everyone; run `chmod 600` on it, and if others \
         may have read it, delete it, so that a new one is made (claims of before end with it)"
    )]
    Exposed {
        /// The file.
        path: PathBuf,
    },
    /// `PURRWALL_SECRET` holds something else.
    #[error("cannot use PURRWALL_SECRET")]
    Variable(#[from] ParseSecretError),
    /// The file holds something else.
    #[error(
        "the secret file {path:?} does not hold 64 hex digits; put them back from a backup, or \
         delete the file, so that a new one is made (claims of before end with it)"
    )]
    Malformed {
        /// The file.
        path: PathBuf,
    },
}

/// Text that is no secret. Does not repeat the text.
#[derive(Debug, thiserror::Error)]
#[error("a secret is 64 hex digits; `openssl rand -hex 32` makes one")]
pub struct ParseSecretError;

impl Secret {
    /// Takes the bytes as they are.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Reads the file, or makes it with a new secret where there is none.
    pub fn load_or_create(path: &Path) -> Result<Self, SecretError> {
        if let Some(secret) = Self::load_if_there(path)? {
            return Ok(secret);
        }
        create(path).map_err(|source| SecretError::Create {
            path: path.to_owned(),
            source,
        })?;
        tracing::info!(?path, "made a new secret; keep a copy of this file");
        Self::load(path)
    }

    /// The secret that the variable `PURRWALL_SECRET` gives, in place of any file.
    pub fn from_environment() -> Result<Option<Self>, SecretError> {
        let Some(text) = env::var_os("PURRWALL_SECRET") else {
            return Ok(None);
        };
        let secret = text.to_str().ok_or(ParseSecretError)?.trim().parse()?;
        Ok(Some(secret))
    }

    /// Reads the file; `None` where there is none yet.
    pub fn load_if_there(path: &Path) -> Result<Option<Self>, SecretError> {
        match Self::load(path) {
            Err(SecretError::Read { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                Ok(None)
            }
            loaded => loaded.map(Some),
        }
    }

    /// For deriving keys, never for showing.
    pub(crate) fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    fn load(path: &Path) -> Result<Self, SecretError> {
        let read = |source| SecretError::Read {
            path: path.to_owned(),
            source,
        };
        let text = fs::read(path).map_err(read)?;
        let mode = fs::metadata(path).map_err(read)?.permissions().mode();
        if mode & 0o007 != 0 {
            return Err(SecretError::Exposed {
                path: path.to_owned(),
            });
        }
        String::from_utf8_lossy(&text)
            .trim()
            .parse()
            .map_err(|_| SecretError::Malformed {
                path: path.to_owned(),
            })
    }
}

/// Puts a complete file there in one step: another gateway that starts now sees all or nothing,
/// and a file that exists is never replaced.
fn create(path: &Path) -> io::Result<()> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let text = format!("{}\n", bytes.to_lower_hex_string());
    match durable::create(path, text.as_bytes()) {
        // Another gateway was faster.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        created => created,
    }
}

impl FromStr for Secret {
    type Err = ParseSecretError;
    fn from_str(text: &str) -> Result<Self, ParseSecretError> {
        <[u8; 32]>::from_hex(text)
            .map(Self)
            .map_err(|_| ParseSecretError)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(hidden)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_secret_is_kept_for_its_owner_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("new/secret");
        let made = Secret::load_or_create(&path).unwrap();
        let permissions = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(permissions & 0o777, 0o600);
        let found = Secret::load_or_create(&path).unwrap();
        assert_eq!(made.as_bytes(), found.as_bytes());
        assert_ne!(made.as_bytes(), &[0; 32]);
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[track_caller]
    fn check_error(content: &str, mode: u32, expected: &str) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secret");
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let error = Secret::load_or_create(&path).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
        assert!(error.contains(path.to_str().unwrap()), "{error}");
        assert!(content.is_empty() || !error.contains(content), "{error}");
    }

    #[test]
    fn an_exposed_secret_is_refused_with_the_remedy() {
        check_error(&"ab".repeat(32), 0o644, "chmod 600");
    }

    #[test]
    fn a_short_secret_is_refused_and_left_alone() {
        check_error("abab", 0o600, "64 hex digits");
        check_error("", 0o600, "64 hex digits");
    }

    #[test]
    fn a_folder_in_its_place_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let error = Secret::load_or_create(dir.path()).unwrap_err().to_string();
        assert!(error.contains("cannot read"), "{error}");
    }

    #[test]
    fn debug_does_not_show_it() {
        assert_eq!(format!("{:?}", Secret([0xab; 32])), "Secret(hidden)");
    }
}

//! The store's secret, which every claim follows from: a key of 32 random bytes, and the older keys
//! that it replaced.
//!
//! Whoever has it can take every item without paying; gateways that share it accept each other's
//! claims. It lives in a file of its own that is made at the first start: a key a line, in 64 hex
//! digits. The first is the current one, which makes claims; the others only verify them. One of them
//! may be the next one (`next` stands before it), which every gateway has to know before it becomes
//! current: what one gateway makes with it, another one finds and verifies, whoever hears of it first.

use std::env;
use std::fmt;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use bitcoin::hex::{DisplayHex as _, FromHex as _};
use sha2::{Digest as _, Sha256};
use shared::sealed::{SealSecret, SecretId};

/// What nobody else may know. `Debug` does not show it.
#[derive(Clone)]
pub struct Secret {
    current: Key,
    next: Option<Key>,
    /// The newest first.
    old: Vec<Key>,
}

type Key = [u8; 32];

/// The name of a key, which may be shown: the key does not follow from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct KeyId([u8; 4]);

/// What a key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyUse {
    /// It makes claims, and verifies them.
    Current,
    /// It verifies claims, and will make them.
    Next,
    /// It verifies the claims that it made.
    Old,
}

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
    /// There is a secret already.
    #[error(
        "there is a secret in {path:?} already; `purrwall secret rotate` puts a new key into it"
    )]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The file cannot be changed.
    #[error("cannot change the secret file {path:?}; run the command as the file's owner")]
    Change {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// The current key cannot be taken away.
    #[error("{id} is the current key; `purrwall secret rotate` makes another one current")]
    Current {
        /// Its name.
        id: KeyId,
    },
    /// No key has this name.
    #[error("the secret file {path:?} has no key {id}; `purrwall secret list` shows those it has")]
    NoSuchKey {
        /// The file.
        path: PathBuf,
        /// The name.
        id: KeyId,
    },
    /// Everyone on the machine can read the file.
    #[error(
        "the secret file {path:?} can be read by everyone; run `chmod 600` on it, and if others \
         may have read it, run `purrwall secret rotate` and remove the key that they know"
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
        "the secret file {path:?} does not hold 64 hex digits a line; put it back from a backup"
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

/// Text that is no name of a key.
#[derive(Debug, thiserror::Error)]
#[error("is not the name of a key: 8 hex digits, as `purrwall secret list` shows them")]
pub struct ParseKeyIdError;

impl Secret {
    /// A secret of one key.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self {
            current: bytes,
            next: None,
            old: Vec::new(),
        }
    }

    /// Reads the file, or makes it with a new secret where there is none.
    pub fn load_or_create(path: &Path) -> Result<Self, SecretError> {
        if let Some(secret) = Self::load_if_there(path)? {
            return Ok(secret);
        }
        match Self::create(path) {
            Ok(secret) => {
                tracing::info!(?path, "made a new secret; keep a copy of this file");
                Ok(secret)
            }
            // Another gateway was faster.
            Err(SecretError::Exists { .. }) => Self::load(path),
            Err(error) => Err(error),
        }
    }

    /// Makes the file with a new secret.
    ///
    /// It is there completely or not at all, for a gateway that starts now and after a power cut,
    /// and a file that exists is never replaced.
    pub fn create(path: &Path) -> Result<Self, SecretError> {
        let path_buf = path.to_owned();
        let secret = new_key().map(Self::from_bytes);
        let created = secret.and_then(|secret| {
            make_folder(path)?;
            durable::create(path, secret.to_text().as_bytes())?;
            Ok(secret)
        });
        created.map_err(|source| match source.kind() {
            io::ErrorKind::AlreadyExists => SecretError::Exists { path: path_buf },
            _ => SecretError::Create {
                path: path_buf,
                source,
            },
        })
    }

    /// The secret that the variable `PURRWALL_SECRET` gives, in place of any file.
    pub fn from_environment() -> Result<Option<Self>, SecretError> {
        let Some(text) = env::var_os("PURRWALL_SECRET") else {
            return Ok(None);
        };
        Ok(Some(text.to_str().ok_or(ParseSecretError)?.parse()?))
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

    /// Puts a new key into the file that only verifies, until [`rotate`](Self::rotate) makes it the
    /// current one. Where there is one already, it stays.
    pub fn prepare(path: &Path) -> Result<Self, SecretError> {
        let secret = Self::load(path)?;
        if secret.next.is_some() {
            return Ok(secret);
        }
        let next = Some(new_key().map_err(|source| cannot_change(path, source))?);
        Self { next, ..secret }.replace(path)
    }

    /// Makes the next key the file's current one, or a new key where none was prepared. The others
    /// still verify what they made.
    pub fn rotate(path: &Path) -> Result<Self, SecretError> {
        let Self { current, next, old } = Self::load(path)?;
        let new = match next {
            Some(next) => next,
            None => new_key().map_err(|source| cannot_change(path, source))?,
        };
        let rotated = Self {
            current: new,
            next: None,
            old: [vec![current], old].concat(),
        };
        rotated.replace(path)
    }

    /// Takes a key that is not the current one out of the file. What it made is not accepted any more.
    pub fn remove(path: &Path, id: KeyId) -> Result<Self, SecretError> {
        let mut secret = Self::load(path)?;
        if KeyId::of(&secret.current) == id {
            return Err(SecretError::Current { id });
        }
        let before = secret.keys().count();
        secret.old.retain(|key| KeyId::of(key) != id);
        secret.next = secret.next.filter(|key| KeyId::of(key) != id);
        if secret.keys().count() == before {
            let path = path.to_owned();
            return Err(SecretError::NoSuchKey { path, id });
        }
        secret.replace(path)
    }

    /// The names of its keys, the current one first.
    pub fn ids(&self) -> impl Iterator<Item = KeyId> {
        self.keys().map(KeyId::of)
    }

    /// The same, each with its use.
    pub fn uses(&self) -> impl Iterator<Item = (KeyId, KeyUse)> {
        self.ids().enumerate().map(|(at, id)| {
            let is_next = at == 1 && self.next.is_some();
            let used = match at {
                0 => KeyUse::Current,
                _ if is_next => KeyUse::Next,
                _ => KeyUse::Old,
            };
            (id, used)
        })
    }

    /// Each as a seal secret, with its name; the current one first.
    pub(crate) fn seal_secrets(&self) -> impl Iterator<Item = (SecretId, SealSecret)> {
        self.keys()
            .map(|key| (SecretId(KeyId::of(key).0), SealSecret(*key)))
    }

    /// For deriving keys, never for showing.
    pub(crate) fn current(&self) -> &Key {
        &self.current
    }

    /// The keys that the current one replaced, the newest first.
    pub(crate) fn old(&self) -> &[Key] {
        &self.old
    }

    /// All but the current one: they verify. Another gateway may make claims with the next one already.
    pub(crate) fn verifying(&self) -> impl Iterator<Item = &Key> {
        self.next.iter().chain(&self.old)
    }

    /// The current key, then the next one, then the old ones.
    fn keys(&self) -> impl Iterator<Item = &Key> {
        std::iter::once(&self.current).chain(self.verifying())
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
            .parse()
            .map_err(|_| SecretError::Malformed {
                path: path.to_owned(),
            })
    }

    fn replace(self, path: &Path) -> Result<Self, SecretError> {
        let replaced = durable::rewrite(path, self.to_text().as_bytes());
        replaced.map_err(|source| cannot_change(path, source))?;
        Ok(self)
    }

    fn to_text(&self) -> String {
        let line = |key: &Key| format!("{}\n", key.to_lower_hex_string());
        let next = self.next.iter().map(|key| format!("{NEXT} {}", line(key)));
        let old = self.old.iter().map(line);
        std::iter::once(line(&self.current))
            .chain(next)
            .chain(old)
            .collect()
    }
}

/// What stands before the next key.
const NEXT: &str = "next";

fn cannot_change(path: &Path, source: io::Error) -> SecretError {
    SecretError::Change {
        path: path.to_owned(),
        source,
    }
}

fn new_key() -> io::Result<Key> {
    let mut key = [0; 32];
    getrandom::fill(&mut key).map_err(io::Error::other)?;
    Ok(key)
}

/// Makes the folder of a file, and puts the names of what was made on the disk.
fn make_folder(path: &Path) -> io::Result<()> {
    let Some(folder) = path.parent() else {
        return Ok(());
    };
    let missing = folder.ancestors().take_while(|above| !above.exists());
    let missing: Vec<_> = missing.collect();
    fs::create_dir_all(folder)?;
    missing.into_iter().try_for_each(durable::sync_folder)
}

impl FromStr for Secret {
    type Err = ParseSecretError;

    /// Reads keys with white space between them, the current one first.
    fn from_str(text: &str) -> Result<Self, ParseSecretError> {
        let mut words = text.split_whitespace();
        let key = |word: Option<&str>| {
            let key = word.and_then(|word| Key::from_hex(word).ok());
            key.ok_or(ParseSecretError)
        };
        let mut secret = Self::from_bytes(key(words.next())?);
        while let Some(word) = words.next() {
            if word != NEXT {
                secret.old.push(key(Some(word))?);
            } else if secret.next.replace(key(words.next())?).is_some() {
                return Err(ParseSecretError);
            }
        }
        Ok(secret)
    }
}

impl KeyId {
    pub(crate) fn of(key: &Key) -> Self {
        let hash = Sha256::new_with_prefix("purrwall key_id\0").chain_update(key);
        let hash: [u8; 32] = hash.finalize().into();
        let [a, b, c, d, ..] = hash;
        Self([a, b, c, d])
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.to_lower_hex_string())
    }
}

impl FromStr for KeyId {
    type Err = ParseKeyIdError;

    fn from_str(text: &str) -> Result<Self, ParseKeyIdError> {
        <[u8; 4]>::from_hex(text)
            .map(Self)
            .map_err(|_| ParseKeyIdError)
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
        assert_eq!(made.current, found.current);
        assert_ne!(made.current, [0; 32]);
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
        assert_eq!(
            format!("{:?}", Secret::from_bytes([0xab; 32])),
            "Secret(hidden)"
        );
    }

    #[test]
    fn a_rotation_keeps_the_old_keys_until_they_are_removed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secret");
        Secret::rotate(&path).unwrap_err();
        let first = Secret::create(&path).unwrap();
        let second = Secret::rotate(&path).unwrap();
        let third = Secret::rotate(&path).unwrap();
        assert_eq!(third.old, [second.current, first.current]);
        let read = Secret::load_or_create(&path).unwrap();
        assert!(read.keys().eq(third.keys()));

        let [current, _, oldest] = third.ids().collect::<Vec<_>>()[..] else {
            panic!("three keys");
        };
        let removed = Secret::remove(&path, oldest).unwrap();
        assert_eq!(removed.old, [second.current]);
        let error = Secret::remove(&path, oldest).unwrap_err().to_string();
        assert!(error.contains(&oldest.to_string()), "{error}");
        let error = Secret::remove(&path, current).unwrap_err().to_string();
        assert!(error.contains("secret rotate"), "{error}");
        let read = Secret::load_or_create(&path).unwrap();
        assert!(read.keys().eq(removed.keys()));
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_prepared_key_verifies_until_it_becomes_current() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secret");
        let first = Secret::create(&path).unwrap();
        let old = Secret::rotate(&path).unwrap();
        let prepared = Secret::prepare(&path).unwrap();
        assert_eq!(prepared.current, old.current);
        let uses: Vec<_> = prepared.uses().map(|(_, used)| used).collect();
        assert_eq!(uses, [KeyUse::Current, KeyUse::Next, KeyUse::Old]);
        let again = Secret::prepare(&path).unwrap();
        assert_eq!(again.next, prepared.next, "one is enough");
        let rotated = Secret::rotate(&path).unwrap();
        assert_eq!(Some(rotated.current), prepared.next);
        assert_eq!(rotated.old, [old.current, first.current]);
        assert_eq!(Secret::load(&path).unwrap().next, None);

        let next = Secret::prepare(&path).unwrap().uses().nth(1).unwrap().0;
        assert_eq!(Secret::remove(&path, next).unwrap().next, None);
        let two = format!("{0} next {0} next {0}", "ab".repeat(32));
        for wrong in [&two, "next", &two[..69], &two[65..]] {
            assert!(wrong.parse::<Secret>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_secret_that_exists_is_not_made_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secret");
        let made = Secret::create(&path).unwrap();
        let error = Secret::create(&path).unwrap_err().to_string();
        assert!(error.contains("secret rotate"), "{error}");
        assert_eq!(Secret::load(&path).unwrap().current, made.current);
    }

    #[test]
    fn keys_are_read_with_any_space_between_them() {
        let [new, old] = ["ab", "cd"].map(|digits| digits.repeat(32));
        for text in [format!("{new} {old}"), format!("\n{new}\r\n\n{old}\n")] {
            let secret: Secret = text.parse().unwrap();
            assert_eq!((secret.current, secret.old), ([0xab; 32], vec![[0xcd; 32]]));
        }
        for text in [
            "",
            " ",
            "abab",
            &format!("{new} abab"),
            &[new, old].concat(),
        ] {
            assert!(text.parse::<Secret>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_key_has_a_name_that_does_not_show_it() {
        let id = Secret::from_bytes([0xab; 32]).ids().next().unwrap();
        assert_eq!(id.to_string().parse::<KeyId>().unwrap(), id);
        assert_ne!(id.to_string(), "abababab");
        assert!("cat".parse::<KeyId>().is_err());
    }
}

//! The goods in each version that was offered, kept so that every buyer gets what they paid for.
//!
//! When a file enters the catalogue it is copied to `<data_dir>/goods/<item>/<sha256>/<name>`, and
//! buyers get the copy. So an owner may edit, replace or remove a file at any time: what was sold
//! stays as it was sold, and a claim says which version that is. On a file system that shares
//! blocks between files (Btrfs, XFS) a copy takes no space. Who deletes a version's folder takes
//! it back: buyers are then told that it is gone. A version that nobody was asked to pay for is
//! deleted when it is not sold any more (`unsold`).

pub(crate) mod unsold;

use std::collections::{HashMap, HashSet};
use std::fs::{self, File, Permissions};
use std::io::{self, Read as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use shared::api::ItemId;
use shared::content::{ContentHash, ContentHasher};

use crate::stamp::Stamp;
use unsold::DRAFT;

/// Why a version cannot be sold or delivered.
#[derive(Debug, thiserror::Error)]
pub enum VersionError {
    /// Its owner took it back.
    #[error("this version of the goods is gone")]
    Gone,
    /// It cannot be read.
    #[error("cannot read a kept version of goods")]
    Read(#[source] io::Error),
    /// An invoice would name a version that may not stay.
    #[error("the kept copy of {item} cannot be sold; restart purrwall to make it again")]
    Promise {
        /// Whose version it is.
        item: ItemId,
        /// The reason.
        source: io::Error,
    },
}

impl From<io::Error> for VersionError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => Self::Gone,
            _ => Self::Read(error),
        }
    }
}

/// The folder of kept versions.
#[derive(Debug, Default)]
pub struct Versions {
    dir: PathBuf,
    /// What was kept of a file as it was then, so that a reload reads only what changed.
    seen: Mutex<HashMap<(ItemId, PathBuf), (Stamp, Version)>>,
}

/// One version of an item's goods. Its file never changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// The hash of its bytes.
    pub sha256: ContentHash,
    /// In bytes.
    pub size: u64,
    /// The copy.
    pub path: PathBuf,
}

impl Versions {
    /// Versions in this folder, which is made with the first of them.
    pub fn new(dir: PathBuf) -> Self {
        Self {
            dir,
            seen: Mutex::default(),
        }
    }

    /// Keeps the file as it is now. Reads it to its end, in pieces.
    pub fn keep(&self, item: &ItemId, source: &Path) -> io::Result<Version> {
        let stamp = Stamp::of(&fs::metadata(source)?);
        let key = (item.clone(), source.to_owned());
        let known = self.seen().get(&key).cloned();
        if let Some((seen, version)) = known
            && seen == stamp
            && version.path.exists()
        {
            return Ok(version);
        }
        let sha256 = hash(source)?;
        let version = match self.find(item, sha256)? {
            Some(version) if version.size == stamp.size() => version,
            _ => self.copy(item, source)?,
        };
        self.seen().insert(key, (stamp, version.clone()));
        Ok(version)
    }

    /// The version of this item with this hash, if it is kept.
    pub fn find(&self, item: &ItemId, sha256: ContentHash) -> io::Result<Option<Version>> {
        let folder = self.folder(item).join(sha256.to_hex());
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        for entry in entries {
            let entry = entry?;
            let metadata = entry.metadata()?;
            if metadata.is_file() {
                let (size, path) = (metadata.size(), entry.path());
                return Ok(Some(Version { sha256, size, path }));
            }
        }
        Ok(None)
    }

    /// Deletes the versions that nobody was asked to pay for, but those in `current` (the folders of
    /// what is sold now), once they rest. Gives how many.
    pub fn clean(&self, current: &HashSet<&Path>) -> io::Result<usize> {
        unsold::clean(&self.dir, current)
    }

    /// Copies the file, and puts the copy under its own hash in one step: the file may change while
    /// it is copied, and the program may end at any time.
    fn copy(&self, item: &ItemId, source: &Path) -> io::Result<Version> {
        let folder = self.folder(item);
        fs::create_dir_all(&folder)?;
        let draft = tempfile_in(&folder)?;
        let name = source.file_name().unwrap_or(item.as_str().as_ref());
        let made = self.fill(item, &draft, source, name);
        // The draft is left where it was not put in its place.
        if draft.exists() {
            fs::remove_dir_all(&draft)?;
        }
        made
    }

    fn fill(
        &self,
        item: &ItemId,
        draft: &Path,
        source: &Path,
        name: &std::ffi::OsStr,
    ) -> io::Result<Version> {
        let copy = draft.join(name);
        fs::copy(source, &copy)?;
        let file = File::open(&copy)?;
        file.set_permissions(Permissions::from_mode(0o440))?;
        file.sync_all()?;
        let (sha256, size) = (hash(&copy)?, file.metadata()?.size());
        unsold::mark(draft)?;
        let folder = self.folder(item).join(sha256.to_hex());
        match fs::rename(draft, &folder) {
            // Another gateway was faster.
            Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => {}
            renamed => renamed?,
        }
        let path = folder.join(name);
        Ok(Version { sha256, size, path })
    }

    fn folder(&self, item: &ItemId) -> PathBuf {
        self.dir.join(item.as_str())
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, HashMap<(ItemId, PathBuf), (Stamp, Version)>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether something can be kept in this folder, which is there.
pub fn try_writing(folder: &Path) -> io::Result<()> {
    fs::remove_dir(tempfile_in(folder)?)
}

/// A new folder that no other gateway uses.
fn tempfile_in(folder: &Path) -> io::Result<PathBuf> {
    let random = getrandom::u64().map_err(io::Error::other)?;
    let draft = folder.join(format!("{DRAFT}{random:016x}"));
    fs::create_dir(&draft)?;
    Ok(draft)
}

/// The hash of a file of any size, in little memory.
fn hash(path: &Path) -> io::Result<ContentHash> {
    let mut file = File::open(path)?;
    let mut hasher = ContentHasher::default();
    let mut piece = vec![0; 256 * 1024];
    loop {
        match file.read(&mut piece)? {
            0 => return Ok(hasher.finish()),
            read => hasher.update(&piece[..read]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) struct Place {
        pub(super) dir: tempfile::TempDir,
        pub(super) versions: Versions,
        pub(super) item: ItemId,
    }

    impl Place {
        pub(super) fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            let versions = Versions::new(dir.path().join("versions"));
            let item = "cat".parse().unwrap();
            Self {
                dir,
                versions,
                item,
            }
        }

        fn source(&self) -> PathBuf {
            self.dir.path().join("cat.txt")
        }

        pub(super) fn keep(&self, bytes: &[u8]) -> Version {
            fs::write(self.source(), bytes).unwrap();
            self.versions.keep(&self.item, &self.source()).unwrap()
        }
    }

    #[test]
    fn a_version_stays_as_it_was_when_its_file_changes() {
        let place = Place::new();
        let one = place.keep(b"one");
        let two = place.keep(b"two");
        assert_eq!(one.sha256, ContentHash::of(b"one"));
        assert_eq!(fs::read(&one.path).unwrap(), b"one");
        assert_eq!(fs::read(&two.path).unwrap(), b"two");
        for version in [one, two] {
            let found = place.versions.find(&place.item, version.sha256).unwrap();
            assert_eq!(found, Some(version));
        }
    }

    #[test]
    fn a_version_is_kept_once() {
        let place = Place::new();
        let first = place.keep(b"same");
        let again = place.keep(b"same");
        assert_eq!(first, again);
        let entries = fs::read_dir(place.versions.folder(&place.item)).unwrap();
        assert_eq!(entries.count(), 1);
    }

    #[test]
    fn a_version_that_was_deleted_is_found_no_more_and_kept_anew() {
        let place = Place::new();
        let version = place.keep(b"one");
        fs::remove_dir_all(version.path.parent().unwrap()).unwrap();
        let found = place.versions.find(&place.item, version.sha256).unwrap();
        assert_eq!(found, None);
        assert_eq!(place.keep(b"one"), version);
        assert!(version.path.exists());
    }

    #[test]
    fn other_items_have_other_versions() {
        let place = Place::new();
        let version = place.keep(b"one");
        let other = "dog".parse().unwrap();
        assert_eq!(place.versions.find(&other, version.sha256).unwrap(), None);
    }

    #[test]
    fn nothing_is_left_of_a_copy_that_failed() {
        let place = Place::new();
        fs::create_dir(place.source()).unwrap();
        assert!(place.versions.copy(&place.item, &place.source()).is_err());
        let entries = fs::read_dir(place.versions.folder(&place.item)).unwrap();
        assert_eq!(entries.count(), 0);
    }
}

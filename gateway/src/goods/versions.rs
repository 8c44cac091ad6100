//! The goods in each version that was offered, kept so that every buyer gets what they paid for.
//!
//! When a file enters the catalogue it is copied to `<data_dir>/goods/<item>/<sha256>/<name>`, and
//! buyers get the copy. So an owner may edit, replace or remove a file at any time: what was sold
//! stays as it was sold, and a claim says which version that is. On a file system that shares
//! blocks between files (Btrfs, XFS) a copy takes no space. An owner withdraws a version by deleting
//! its folder: buyers are then told that it is gone. A version that nobody was asked to pay for is
//! deleted once it is no longer sold (`unsold`).
//!
//! No byte of a copy leaves before the whole copy is known to hash to what was promised (`checks`). A
//! damaged copy is made again from the owner's file where that has the promised bytes; otherwise it is
//! neither sold nor delivered.

mod checks;
mod file;
pub(crate) mod unsold;

use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use shared::api::ItemId;
use shared::content::ContentHash;
use tokio::sync::oneshot;

use crate::errors::chain;
use crate::metrics::GoodsCounts;
use crate::stamp::Stamp;
use checks::{Checks, Finding};
use file::draft_in;
pub(crate) use file::hash;

/// Why a version cannot be sold or delivered.
#[derive(Debug, thiserror::Error)]
pub enum VersionError {
    /// Its owner took it back.
    #[error("this version of the goods is gone")]
    Gone,
    /// Its kept copy has other bytes, and so has the owner's file.
    #[error("the kept copy of this version of the goods is damaged")]
    Damaged,
    /// An invoice would name a version whose copy is damaged.
    #[error("the store's copy of {0} is damaged; it is not sold until its owner has put it back")]
    NotForSale(ItemId),
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
    checks: Checks,
    counts: GoodsCounts,
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
    pub(crate) fn new(dir: PathBuf, counts: GoodsCounts) -> Self {
        Self {
            dir,
            counts,
            ..Self::default()
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
        let sha256 = hash(&mut File::open(source)?)?;
        let version = match self.find(item, sha256)? {
            Some(version) => {
                self.mend(&version, source, stamp.size())?;
                Version {
                    size: stamp.size(),
                    ..version
                }
            }
            None => self.copy(item, source)?,
        };
        self.seen().insert(key, (stamp, version.clone()));
        Ok(version)
    }

    /// Makes a copy that is known to be damaged, or that has another size, again from its source.
    fn mend(&self, version: &Version, source: &Path, size: u64) -> io::Result<()> {
        if version.size == size && !self.checks.is_damaged(&version.path) {
            return Ok(());
        }
        if file::replace(&version.path, source, version.sha256)? {
            self.is_repaired(version, source)?;
        }
        Ok(())
    }

    /// How many versions of this item are kept.
    pub(crate) fn count(&self, item: &ItemId) -> io::Result<usize> {
        let folders = unsold::folders(&self.folder(item))?;
        let names = folders.iter().filter_map(|folder| folder.file_name());
        // Anything else is a draft.
        let hashes = names.filter_map(|name| name.to_string_lossy().parse::<ContentHash>().ok());
        Ok(hashes.count())
    }

    /// The version of this item with this hash, if it is kept.
    pub fn find(&self, item: &ItemId, sha256: ContentHash) -> io::Result<Option<Version>> {
        version_in(&self.folder(item).join(sha256.to_hex()), sha256)
    }

    /// Deletes the versions that nobody was asked to pay for, but those in `current` (the folders of
    /// what is sold now), once they rest. Gives how many.
    pub fn clean(&self, current: &HashSet<&Path>) -> io::Result<usize> {
        unsold::clean(&self.dir, current)
    }

    /// The version's bytes, once they are known to be the promised ones. Hashes the copy where it was
    /// not hashed since its file changed; whoever asks meanwhile waits for that.
    pub(crate) async fn open(self: &Arc<Self>, version: &Version) -> Result<File, VersionError> {
        if let Some(opened) = self.open_checked(version)? {
            return opened;
        }
        let turn = self.checks.turn(&version.path).lock_owned().await;
        let (done, checked) = oneshot::channel();
        let (versions, version) = (self.clone(), version.clone());
        // A thread of its own: one of the runtime's would hold up the gateway's end. It goes on where
        // the client gives up, so that large goods are ready for the next try.
        thread::spawn(move || {
            let opened = versions.check(&version);
            drop(turn);
            done.send(opened).ok();
        });
        let ended = |_| VersionError::Read(io::Error::other("the check of its bytes ended"));
        checked.await.map_err(ended)?
    }

    /// The same at once: the version's bytes, which are hashed now where that was not done.
    pub(crate) fn open_whole(&self, version: &Version) -> Result<File, VersionError> {
        self.check(version)
    }

    /// Every version that is kept, of every item.
    pub(crate) fn kept(&self) -> io::Result<Vec<Version>> {
        kept(&self.dir)
    }

    /// The folder of kept versions.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Hashes every kept copy in the background, one after the other, for as long as `self` is used.
    pub(crate) fn check_all(self: &Arc<Self>) {
        let (dir, versions) = (self.dir.clone(), Arc::downgrade(self));
        thread::spawn(move || {
            let kept = match kept(&dir) {
                Ok(kept) => kept,
                Err(error) => {
                    tracing::warn!("cannot check the kept goods in {dir:?}: {error}");
                    return;
                }
            };
            for version in kept {
                let Some(versions) = versions.upgrade() else {
                    return;
                };
                let turn = versions.checks.turn(&version.path);
                let _turn = turn.blocking_lock();
                if let Err(VersionError::Read(error)) = versions.check(&version) {
                    tracing::error!("cannot check the kept copy {:?}: {error}", version.path);
                }
            }
        });
    }

    /// Whether this version may not be sold.
    pub(crate) fn is_damaged(&self, version: &Version) -> bool {
        self.checks.is_damaged(&version.path)
    }

    /// The file where it is known whether it is whole.
    fn open_checked(
        &self,
        version: &Version,
    ) -> Result<Option<Result<File, VersionError>>, VersionError> {
        let file = File::open(&version.path)?;
        let stamp = Stamp::of(&file.metadata()?);
        let found = self.checks.find(&version.path, stamp);
        Ok(found.map(|found| match found {
            Finding::Whole => Ok(file),
            Finding::Damaged => Err(VersionError::Damaged),
        }))
    }

    /// Opens the copy and hashes it where that was not done; makes it again where it is damaged.
    fn check(&self, version: &Version) -> Result<File, VersionError> {
        if let Some(opened) = self.open_checked(version)? {
            return opened;
        }
        if let Some(whole) = self.whole(version)? {
            return Ok(whole);
        }
        for source in self.sources(version) {
            match file::replace(&version.path, &source, version.sha256) {
                Ok(true) => return Ok(self.is_repaired(version, &source)?),
                Ok(false) => {}
                Err(error) => tracing::error!(
                    "cannot make the damaged copy {:?} again: {}",
                    version.path,
                    chain(&error)
                ),
            }
        }
        tracing::error!(
            "the kept copy {:?} is damaged: its bytes do not hash to {}. It is neither sold nor \
             delivered; put a file with these bytes in its place",
            version.path,
            version.sha256
        );
        Err(VersionError::Damaged)
    }

    /// Hashes the copy; gives it where it is whole.
    fn whole(&self, version: &Version) -> io::Result<Option<File>> {
        let mut file = File::open(&version.path)?;
        let stamp = Stamp::of(&file.metadata()?);
        let finding = if hash(&mut file)? == version.sha256 {
            Finding::Whole
        } else {
            Finding::Damaged
        };
        // A file that changed while it was hashed has another stamp by now, so this finding ends.
        let before = self.checks.set(&version.path, stamp, finding);
        let was_damaged = before == Some(Finding::Damaged);
        match (was_damaged, finding) {
            (false, Finding::Damaged) => self.counts.damaged(1),
            (true, Finding::Whole) => self.counts.damaged(-1),
            _ => {}
        }
        Ok((finding == Finding::Whole).then_some(file))
    }

    fn is_repaired(&self, version: &Version, source: &Path) -> io::Result<File> {
        self.counts.repaired();
        tracing::warn!(
            "the kept copy {:?} was damaged; it was made again from {source:?}",
            version.path
        );
        let copy = self.whole(version)?;
        copy.ok_or_else(|| io::Error::other("it changed while it was copied"))
    }

    /// The owner's files that had this version's bytes when they were kept.
    fn sources(&self, version: &Version) -> Vec<PathBuf> {
        let seen = self.seen();
        let of_it = seen
            .iter()
            .filter(|(_, (_, kept))| kept.path == version.path);
        of_it.map(|((_, source), _)| source.clone()).collect()
    }

    /// Copies the file, and puts the copy under its own hash in one step: the file may change while
    /// it is copied, and the program may end at any time.
    fn copy(&self, item: &ItemId, source: &Path) -> io::Result<Version> {
        let folder = self.folder(item);
        fs::create_dir_all(&folder)?;
        let draft = draft_in(&folder)?;
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
        let sha256 = file::copy(source, &copy)?;
        let metadata = fs::metadata(&copy)?;
        unsold::mark(draft)?;
        let folder = self.folder(item).join(sha256.to_hex());
        match fs::rename(draft, &folder) {
            // Another gateway was faster.
            Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => {}
            renamed => renamed?,
        }
        let path = folder.join(name);
        Ok(Version {
            sha256,
            size: metadata.size(),
            path,
        })
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
    fs::remove_dir(draft_in(folder)?)
}

/// Hashes every copy in the folder of kept versions; gives how many there are, and the damaged ones.
pub fn check(dir: &Path) -> io::Result<(usize, Vec<PathBuf>)> {
    let kept = kept(dir)?;
    let count = kept.len();
    let mut damaged = Vec::new();
    for version in kept {
        if hash(&mut File::open(&version.path)?)? != version.sha256 {
            damaged.push(version.path);
        }
    }
    Ok((count, damaged))
}

/// Every version in the folder, of every item.
fn kept(dir: &Path) -> io::Result<Vec<Version>> {
    let mut kept = Vec::new();
    for item in unsold::folders(dir)? {
        for folder in unsold::folders(&item)? {
            // Anything else is a draft.
            let name = folder.file_name().unwrap_or_default().to_string_lossy();
            if let Ok(sha256) = name.parse() {
                kept.extend(version_in(&folder, sha256)?);
            }
        }
    }
    Ok(kept)
}

/// The version in its folder.
fn version_in(folder: &Path, sha256: ContentHash) -> io::Result<Option<Version>> {
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
            let versions = Versions::new(dir.path().join("versions"), GoodsCounts::default());
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

    /// Overwrites a kept copy in place.
    fn damage(version: &Version, bytes: &[u8]) {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(&version.path, fs::Permissions::from_mode(0o640)).unwrap();
        fs::write(&version.path, bytes).unwrap();
    }

    #[test]
    fn a_damaged_copy_is_made_again_from_the_owners_file() {
        let place = Place::new();
        let version = place.keep(b"whole");
        for wrong in [&b"other"[..], b"cut", b""] {
            place.versions.check(&version).unwrap();
            damage(&version, wrong);
            place.versions.check(&version).unwrap();
            assert_eq!(fs::read(&version.path).unwrap(), b"whole");
            assert!(!place.versions.is_damaged(&version));
        }
    }

    #[test]
    fn a_damaged_copy_without_a_source_is_not_given_out_until_it_is_put_right() {
        let place = Place::new();
        let version = place.keep(b"one");
        place.keep(b"two");
        damage(&version, b"eno");
        for _ in 0..2 {
            let refused = place.versions.check(&version);
            assert!(matches!(refused, Err(VersionError::Damaged)));
            assert!(place.versions.is_damaged(&version));
        }
        let (count, damaged) = check(&place.versions.dir).unwrap();
        assert_eq!((count, damaged), (2, vec![version.path.clone()]));
        // The owner offers the old file again.
        assert_eq!(place.keep(b"one"), version);
        assert!(!place.versions.is_damaged(&version));
        place.versions.check(&version).unwrap();
        assert_eq!(fs::read(&version.path).unwrap(), b"one");
    }

    #[test]
    fn a_cut_copy_is_made_again_at_the_next_start() {
        let place = Place::new();
        let version = place.keep(b"whole");
        damage(&version, b"who");
        let again = Versions::new(place.versions.dir.clone(), GoodsCounts::default());
        assert_eq!(again.keep(&place.item, &place.source()).unwrap(), version);
        assert_eq!(fs::read(&version.path).unwrap(), b"whole");
    }
}

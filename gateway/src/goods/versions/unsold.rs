//! Which kept versions may be deleted: those that nobody was ever asked to pay for.
//!
//! A version's folder holds a mark until the first invoice is asked for that names the version. The
//! mark is taken away before the invoice is made, and what has none is never deleted, so a version
//! that somebody paid for, or may still pay for, stays. Gateways share the folder: of the one that
//! asks and the one that deletes, whoever moves the mark first is right.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::goods::versions::file::DRAFT;

/// The mark. A folder, so that goods of this name are not taken for it.
const UNSOLD: &str = ".unsold";
/// What the mark becomes when its version is being deleted.
const GOING: &str = ".going";

/// Another gateway may not have read the new catalogue yet, and a copy may still be made.
const REST: Duration = Duration::from_hours(24);

/// Marks a version that is about to get its place.
pub(super) fn mark(folder: &Path) -> io::Result<()> {
    match fs::create_dir(folder.join(UNSOLD)) {
        // Goods of this name; they are never deleted.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        made => made,
    }
}

/// Keeps the version of this copy from being deleted, because an invoice is about to name it. Fails if
/// it is gone.
pub(crate) fn promise(copy: &Path) -> io::Result<()> {
    let folder = copy.parent().unwrap_or(copy);
    match fs::remove_dir(folder.join(UNSOLD)) {
        // The marker's removal must survive a power cut.
        Ok(()) => File::open(folder)?.sync_all()?,
        Err(error) => match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {}
            _ => return Err(error),
        },
    }
    if folder.join(GOING).exists() {
        return Err(io::ErrorKind::NotFound.into());
    }
    copy.metadata().map(drop)
}

/// Deletes what rests in the folder of kept versions, is unsold and is not in `current` (the
/// folders of what is sold now), and what copies that broke off have left. Gives how many.
pub(super) fn clean(dir: &Path, current: &HashSet<&Path>) -> io::Result<usize> {
    let mut deleted = 0;
    for item in folders(dir)? {
        for folder in folders(&item)? {
            let name = folder.file_name().unwrap_or_default().as_encoded_bytes();
            let goes = if name.starts_with(DRAFT.as_bytes()) {
                rests(&folder)
            } else {
                !current.contains(&*folder) && is_given_up(&folder)?
            };
            if goes {
                delete(&folder)?;
                deleted += 1;
            }
        }
    }
    Ok(deleted)
}

/// Takes the mark of an unsold version, so that nobody can be asked to pay for it any more.
fn is_given_up(folder: &Path) -> io::Result<bool> {
    let (unsold, going) = (folder.join(UNSOLD), folder.join(GOING));
    if unsold.is_dir() && rests(&unsold) {
        match fs::rename(unsold, &going) {
            // Somebody was asked to pay just now.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            renamed => renamed?,
        }
    }
    Ok(going.is_dir())
}

/// The mark goes last: where this breaks off, the next time goes on.
fn delete(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_file() {
            fs::remove_file(path)?;
        }
    }
    fs::remove_dir_all(folder)
}

fn rests(path: &Path) -> bool {
    let modified = path.metadata().and_then(|metadata| metadata.modified());
    let age = modified.map(|modified| SystemTime::now().duration_since(modified));
    matches!(age, Ok(Ok(age)) if age >= REST)
}

/// The folders in a folder; none where that is not there.
pub(super) fn folders(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let paths = entries.map(|entry| Ok(entry?.path()));
    let paths = paths.filter(|path| path.as_ref().map_or(true, |path| path.is_dir()));
    paths.collect()
}

#[cfg(test)]
mod tests {
    use super::super::Version;
    use super::super::tests::Place;
    use super::*;

    fn clean(place: &Place, current: &[&Version]) -> usize {
        let folders = current.iter().map(|version| version.path.parent().unwrap());
        place.versions.clean(&folders.collect()).unwrap()
    }

    fn age(path: &Path) {
        let yesterday = SystemTime::now() - REST;
        File::open(path).unwrap().set_modified(yesterday).unwrap();
    }

    fn mark_of(version: &Version) -> PathBuf {
        version.path.with_file_name(UNSOLD)
    }

    #[test]
    fn a_version_that_nobody_was_asked_to_pay_for_goes_once_it_rests() {
        let place = Place::new();
        let (old, current) = (place.keep(b"one"), place.keep(b"two"));
        assert_eq!(clean(&place, &[&current]), 0);
        age(&mark_of(&old));
        age(&mark_of(&current));
        assert_eq!(clean(&place, &[&current]), 1);
        assert!(!old.path.parent().unwrap().exists());
        assert!(current.path.exists());
        assert!(promise(&old.path).is_err());
        assert!(promise(&current.path).is_ok());
    }

    #[test]
    fn a_version_that_somebody_was_asked_to_pay_for_stays() {
        let place = Place::new();
        let old = place.keep(b"one");
        age(&mark_of(&old));
        promise(&old.path).unwrap();
        promise(&old.path).unwrap();
        assert_eq!(clean(&place, &[]), 0);
        assert_eq!(fs::read(&old.path).unwrap(), b"one");
        let found = place.versions.find(&place.item, old.sha256).unwrap();
        assert_eq!(found, Some(old));
    }

    #[test]
    fn a_version_of_before_there_were_marks_stays() {
        let place = Place::new();
        let old = place.keep(b"one");
        fs::remove_dir(mark_of(&old)).unwrap();
        assert_eq!(clean(&place, &[]), 0);
        assert!(old.path.exists());
    }

    #[test]
    fn nobody_is_asked_to_pay_for_what_is_being_deleted() {
        let place = Place::new();
        let old = place.keep(b"one");
        age(&mark_of(&old));
        assert!(is_given_up(old.path.parent().unwrap()).unwrap());
        assert!(promise(&old.path).is_err());
        // The deletion broke off here; the next one finishes it.
        assert_eq!(clean(&place, &[]), 1);
        assert!(!old.path.exists());
    }

    #[test]
    fn what_broken_copies_left_goes_too() {
        let place = Place::new();
        let version = place.keep(b"one");
        let draft = version.path.parent().unwrap().with_file_name(".new-1");
        fs::create_dir(&draft).unwrap();
        fs::write(draft.join("half"), "h").unwrap();
        assert_eq!(clean(&place, &[&version]), 0);
        age(&draft);
        assert_eq!(clean(&place, &[&version]), 1);
        assert!(!draft.exists() && version.path.exists());
    }

    #[test]
    fn goods_with_the_marks_name_stay() {
        let place = Place::new();
        let source = place.dir.path().join(UNSOLD);
        fs::write(&source, "goods").unwrap();
        let version = place.versions.keep(&place.item, &source).unwrap();
        assert_eq!(clean(&place, &[]), 0);
        promise(&version.path).unwrap();
        assert_eq!(fs::read(&version.path).unwrap(), b"goods");
    }
}

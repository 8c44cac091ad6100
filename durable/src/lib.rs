//! Files that survive a crash whole: the old one or the new one, never half of one. Only their owner
//! can read them.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, fchown};
use std::path::Path;

use tempfile::NamedTempFile;

/// Replaces the file in one step. Its bytes are on the disk when this returns.
pub fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    draft(path, bytes)?.persist(path)?;
    sync_folder(path)
}

/// Replaces a file that exists in one step, for the same readers: it keeps its owner and its mode.
pub fn rewrite(path: &Path, bytes: &[u8]) -> io::Result<()> {
    // A link stays, and the file that it leads to is replaced.
    let path = &fs::canonicalize(path)?;
    let before = fs::metadata(path)?;
    let draft = draft(path, bytes)?;
    draft.as_file().set_permissions(before.permissions())?;
    fchown(draft.as_file(), Some(before.uid()), Some(before.gid()))?;
    draft.as_file().sync_all()?;
    draft.persist(path)?;
    sync_folder(path)
}

/// Makes the file in one step. A file that exists already is left alone; then this returns
/// [`AlreadyExists`](io::ErrorKind::AlreadyExists).
pub fn create(path: &Path, bytes: &[u8]) -> io::Result<()> {
    draft(path, bytes)?.persist_noclobber(path)?;
    sync_folder(path)
}

/// Puts the names in the file's folder on the disk. A renamed or removed file needs it.
pub fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(folder(path))?.sync_all()
}

/// A temporary file beside `path`, on the disk. It removes itself unless it is persisted.
fn draft(path: &Path, bytes: &[u8]) -> io::Result<NamedTempFile> {
    let mut draft = NamedTempFile::new_in(folder(path))?;
    draft.write_all(bytes)?;
    draft.as_file().sync_all()?;
    Ok(draft)
}

fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    #[test]
    fn a_file_is_replaced_and_only_its_owner_reads_it() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let path = dir.path().join("file");
        for text in ["one", "two"] {
            write(&path, text.as_bytes()).expect("the folder can be written");
            assert_eq!(fs::read_to_string(&path).expect("it was written"), text);
        }
        let mode = fs::metadata(&path)
            .expect("it was written")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(fs::read_dir(dir.path()).expect("it is there").count(), 1);
    }

    #[test]
    fn a_file_that_exists_is_not_created_again() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let path = dir.path().join("file");
        create(&path, b"first").expect("nothing is there");
        let error = create(&path, b"second").expect_err("something is there");
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).expect("it was written"), b"first");
        assert_eq!(fs::read_dir(dir.path()).expect("it is there").count(), 1);
    }

    #[test]
    fn a_rewritten_file_keeps_its_mode_and_its_link() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let (path, link) = (dir.path().join("file"), dir.path().join("link"));
        create(&path, b"one").expect("nothing is there");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("it is ours");
        symlink(&path, &link).expect("nothing is there");
        rewrite(&link, b"two").expect("the folder can be written");
        assert!(link.is_symlink());
        assert_eq!(fs::read(&path).expect("it was written"), b"two");
        let mode = fs::metadata(&path).expect("it is there").permissions();
        assert_eq!(mode.mode() & 0o777, 0o640);
    }
}

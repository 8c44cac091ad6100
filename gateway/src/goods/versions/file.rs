//! Files of kept versions: their hashes, and how a copy gets its place.

use std::fs::{self, File, Permissions};
use std::io::{self, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use shared::content::{ContentHash, ContentHasher};

/// How the names of folders begin that have no place yet.
pub(super) const DRAFT: &str = ".new-";

/// The hash of a file of any size, in little memory.
pub(crate) fn hash(file: &mut File) -> io::Result<ContentHash> {
    let mut hasher = ContentHasher::default();
    let mut piece = vec![0; 256 * 1024];
    loop {
        match file.read(&mut piece)? {
            0 => return Ok(hasher.finish()),
            read => hasher.update(&piece[..read]),
        }
    }
}

/// A new folder that no other gateway uses.
pub(super) fn draft_in(folder: &Path) -> io::Result<PathBuf> {
    let random = getrandom::u64().map_err(io::Error::other)?;
    let draft = folder.join(format!("{DRAFT}{random:016x}"));
    fs::create_dir(&draft)?;
    Ok(draft)
}

/// Copies the bytes to a new file that is on the disk when this returns; gives their hash.
pub(super) fn copy(source: &Path, to: &Path) -> io::Result<ContentHash> {
    fs::copy(source, to)?;
    let mut file = File::open(to)?;
    file.set_permissions(Permissions::from_mode(0o440))?;
    file.sync_all()?;
    hash(&mut file)
}

/// Puts a new copy of `source` in the place of a damaged one, in one step, if the source has the
/// promised bytes; says whether it has.
pub(super) fn replace(damaged: &Path, source: &Path, promised: ContentHash) -> io::Result<bool> {
    let folder = damaged.parent().unwrap_or(damaged);
    let draft = draft_in(folder.parent().unwrap_or(folder))?;
    let new = draft.join("copy");
    let replaced = copy(source, &new).and_then(|found| {
        if found != promised {
            return Ok(false);
        }
        fs::rename(&new, damaged)?;
        durable::sync_folder(damaged)?;
        Ok(true)
    });
    fs::remove_dir_all(&draft)?;
    replaced
}

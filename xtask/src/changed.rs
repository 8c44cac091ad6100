//! When files were changed, so that nothing is made twice.

use std::{fs, path::Path, time::SystemTime};

use anyhow::{Context, Result};

/// When the newest of the files in a folder changed, or the file itself.
pub(crate) fn newest(path: &Path) -> Result<SystemTime> {
    if !path.is_dir() {
        return modified(path);
    }
    let listed = fs::read_dir(path).with_context(|| format!("cannot list {}", path.display()))?;
    let mut newest_yet = SystemTime::UNIX_EPOCH;
    for entry in listed {
        newest_yet = newest_yet.max(newest(&entry?.path())?);
    }
    Ok(newest_yet)
}

/// When this file changed.
pub(crate) fn modified(path: &Path) -> Result<SystemTime> {
    let time = fs::metadata(path).and_then(|data| data.modified());
    time.with_context(|| format!("cannot see when {} changed", path.display()))
}

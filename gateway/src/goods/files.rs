//! The files that an owner names in the store's file: which of them may leave the store.

use std::io;
use std::path::{Path, PathBuf};

use crate::options::{CatalogueOptions, NamedFile};

/// Why a file that the store's file names cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It is none that may be shown or sold.
    #[error("{place}: {why}")]
    Wrong {
        /// Where it is named.
        place: String,
        /// What is wrong, and the remedy.
        why: String,
    },
    /// It cannot be read.
    #[error("{place}: cannot read this file; a path begins at the folder of the store's file")]
    Read {
        /// Where it is named.
        place: String,
        /// The reason.
        source: io::Error,
    },
}

impl FileError {
    /// The file cannot be read.
    pub(crate) fn read(named: &NamedFile) -> impl Fn(io::Error) -> Self {
        |source| Self::Read {
            place: named.place.clone(),
            source,
        }
    }

    /// The file is not what it has to be.
    pub(crate) fn wrong(named: &NamedFile, why: impl Into<String>) -> Self {
        Self::Wrong {
            place: named.place.clone(),
            why: why.into(),
        }
    }
}

/// The file, if it lies in the store's folder or below, seen past every symlink and `..`: a slip in the
/// store's file must not give away the owner's keys.
pub(crate) fn find(options: &CatalogueOptions, named: &NamedFile) -> Result<PathBuf, FileError> {
    let read = FileError::read(named);
    let folder = options.file.as_deref().and_then(Path::parent);
    let folder = match folder {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let root = folder.canonicalize().map_err(&read)?;
    let path = root.join(&named.path).canonicalize().map_err(&read)?;
    if !path.starts_with(&root) {
        return Err(FileError::wrong(
            named,
            "leads out of the store's folder; put the file (not a link to it) beside the store's \
             file or below",
        ));
    }
    let covers = |private: &PathBuf| private.canonicalize().is_ok_and(|p| path.starts_with(p));
    if options.private.iter().any(covers) {
        return Err(FileError::wrong(
            named,
            "is the store's own; it can be neither sold nor shown",
        ));
    }
    if !path.metadata().map_err(&read)?.is_file() {
        return Err(FileError::wrong(
            named,
            "is not a file; of a folder, make an archive",
        ));
    }
    Ok(path)
}

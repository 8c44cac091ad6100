//! The files of one purchase: the goods, the receipt, and what is remembered until both are safe.
//!
//! A file is replaced in one step and only after its bytes are on the disk, so a crash leaves the
//! old one or the new one, never half of one. Purchase and receipt are for their owner alone:
//! whoever has the claim can take the goods, and whoever has the receipt can show it as theirs.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use shared::lightning::Preimage;
use shared::receipt::Receipt;
use shared::sealed::{Manifest, SealedSale};

use crate::ticket::Ticket;

/// What must not be forgotten between the challenge and the goods.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Purchase {
    /// The address of the goods.
    pub url: String,
    /// What opens them.
    #[serde(flatten)]
    pub ticket: Ticket,
    /// What is or was paid.
    pub bolt11: String,
    /// The size of the goods as the store advertised it; `None` in files of before it was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// The manifest of sealed goods, and where their ciphertext lies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealed: Option<SealedSale>,
    /// When the node was last told to pay, in UNIX seconds, unless it said that it gave up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempted_at: Option<u64>,
    /// The proof of payment, once it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preimage: Option<Preimage>,
}

/// What the names of files that remember a purchase end with.
pub(crate) const PURCHASE: &str = ".purrwall.json";

/// The files beside `out`. While this lives, no other process can buy into the same file.
#[derive(Debug)]
pub struct Files {
    out: PathBuf,
    part: File,
}

/// A file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The operating system said no.
    #[error("cannot {verb} {path:?}")]
    Io {
        /// What was tried.
        verb: &'static str,
        /// On which file.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// Another `purrwall buy` has the same `--out`.
    #[error("another process is buying into {0:?}; wait until it has ended")]
    Busy(PathBuf),
    /// Not written by us, or by a later version.
    #[error(
        "{0:?} does not hold a purchase that can be read; if nothing was paid with it, delete it"
    )]
    Malformed(PathBuf),
}

impl Files {
    /// Opens the files of the goods at `out`, and keeps others away from them.
    pub fn open(out: &Path) -> Result<Self, FileError> {
        let path = beside(out, ".part");
        let part = OpenOptions::new()
            .create(true)
            .append(true)
            .read(true)
            .open(&path)
            .map_err(io_error("open", &path))?;
        match part.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(FileError::Busy(out.to_owned())),
            Err(TryLockError::Error(source)) => return Err(io_error("lock", &path)(source)),
        }
        // Another process may have finished between the two steps above: then the file that is
        // locked here has become its goods.
        if !is_at(&part, &path) {
            return Err(FileError::Busy(out.to_owned()));
        }
        Ok(Self {
            out: out.to_owned(),
            part,
        })
    }

    /// Where the goods will be.
    pub fn out(&self) -> &Path {
        &self.out
    }

    /// What has come of the goods so far; is appended to.
    pub fn part(&self) -> &File {
        &self.part
    }

    /// Where that is.
    pub fn part_path(&self) -> PathBuf {
        beside(&self.out, ".part")
    }

    /// Where the purchase is remembered.
    pub fn purchase_path(&self) -> PathBuf {
        beside(&self.out, PURCHASE)
    }

    /// Where the receipt will be.
    pub fn receipt_path(&self) -> PathBuf {
        beside(&self.out, ".receipt.json")
    }

    /// Where the ciphertext of sealed goods is until they are open.
    pub fn sealed_path(&self) -> PathBuf {
        beside(&self.out, ".sealed")
    }

    /// What has come of the ciphertext so far.
    pub fn sealed(&self) -> Result<File, FileError> {
        let path = self.sealed_path();
        let options = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(&path);
        options.map_err(io_error("open", &path))
    }

    /// Removes the ciphertext, once the goods are open or others are to come.
    pub fn drop_sealed(&self) -> Result<(), FileError> {
        let path = self.sealed_path();
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(io_error("remove", &path)(error))
            }
            _ => Ok(()),
        }
    }

    /// Writes the manifest, for who has to judge the store; gives where.
    pub fn write_manifest(&self, manifest: &Manifest) -> Result<PathBuf, FileError> {
        let path = beside(&self.out, ".manifest.json");
        let written = durable::write(&path, manifest.to_json().as_bytes());
        written.map_err(io_error("write", &path))?;
        Ok(path)
    }

    /// The purchase that was begun and not finished.
    pub fn purchase(&self) -> Result<Option<Purchase>, FileError> {
        read_purchase(&self.purchase_path())
    }

    /// Remembers the purchase; it is on the disk when this returns.
    pub fn remember(&self, purchase: &Purchase) -> Result<(), FileError> {
        write_json(&self.purchase_path(), purchase)
    }

    /// Puts the complete goods in their place.
    pub fn finish_goods(&self) -> Result<(), FileError> {
        let part = self.part_path();
        self.part.sync_all().map_err(io_error("write", &part))?;
        fs::rename(&part, &self.out).map_err(io_error("write", &self.out))?;
        sync_folder(&self.out)
    }

    /// Writes the receipt.
    pub fn write_receipt(&self, receipt: &Receipt) -> Result<(), FileError> {
        write_json(&self.receipt_path(), receipt)
    }

    /// Forgets the purchase, once goods and receipt are safe.
    pub fn forget(&self) -> Result<(), FileError> {
        let path = self.purchase_path();
        fs::remove_file(&path).map_err(io_error("remove", &path))?;
        sync_folder(&self.out)
    }

    /// Removes the file that kept others away, where nothing came into it.
    pub fn clean_up(&self) {
        let is_empty = self.part.metadata().is_ok_and(|part| part.len() == 0);
        if is_empty && is_at(&self.part, &self.part_path()) {
            // Should it stay, the next purchase removes it.
            fs::remove_file(self.part_path()).ok();
        }
    }
}

/// The purchase that the file remembers; `None` where there is no file.
pub(crate) fn read_purchase(path: &Path) -> Result<Option<Purchase>, FileError> {
    match fs::read(path) {
        // What stands in it is not repeated in the error: it may be a claim.
        Ok(text) => serde_json::from_slice(&text)
            .map(Some)
            .map_err(|_| FileError::Malformed(path.to_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(io_error("read", path)(error)),
    }
}

/// Whether this file is the one of that name: it may have been renamed, or removed.
fn is_at(file: &File, path: &Path) -> bool {
    match (file.metadata(), fs::metadata(path)) {
        (Ok(here), Ok(there)) => (here.dev(), here.ino()) == (there.dev(), there.ino()),
        _ => false,
    }
}

/// `out` with more at the end of its name.
fn beside(out: &Path, suffix: &str) -> PathBuf {
    let mut path: OsString = out.as_os_str().to_owned();
    path.push(suffix);
    path.into()
}

fn write_json(path: &Path, value: &impl Serialize) -> Result<(), FileError> {
    let mut text = serde_json::to_vec_pretty(value).expect("string keys and no failing field");
    text.push(b'\n');
    durable::write(path, &text).map_err(io_error("write", path))
}

fn sync_folder(path: &Path) -> Result<(), FileError> {
    durable::sync_folder(path).map_err(io_error("write", path))
}

pub(crate) fn io_error(verb: &'static str, path: &Path) -> impl FnOnce(io::Error) -> FileError {
    let path = path.to_owned();
    move |source| FileError::Io { verb, path, source }
}

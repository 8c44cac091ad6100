//! The one-time code: `purrwall desk` makes it, the desk takes it. Only its hash lies in the data folder,
//! and only until it is used; a lost one is replaced by a new one.

use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt as _, chown};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use shared::content::ContentHash;

use crate::days::unix;

/// How long a code is good.
pub const GOOD_FOR: Duration = Duration::from_mins(10);
/// Without letters that are taken for another: 32 of them are 5 bits each.
const ALPHABET: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
/// 60 bits: nobody guesses one in ten minutes.
const LENGTH: usize = 12;
const GROUP: usize = 4;

#[derive(Serialize, Deserialize)]
struct Kept {
    sha256: ContentHash,
    /// In UNIX seconds.
    expires_at: u64,
}

/// Why a code opens nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WrongCode {
    /// None was made, or it is used up.
    Unknown,
    Expired,
}

/// Makes a code that is good once, in place of the one before. `data_dir` is the store's folder of data.
///
/// # Errors
/// If the folder cannot be written.
pub fn new_code(data_dir: &Path) -> io::Result<String> {
    let mut random = [0; LENGTH];
    getrandom::fill(&mut random).map_err(io::Error::other)?;
    let letters = random.map(|byte| char::from(ALPHABET[usize::from(byte % 32)]));
    let code: String = letters.iter().collect();
    let kept = Kept {
        sha256: ContentHash::of(code.as_bytes()),
        expires_at: unix(SystemTime::now() + GOOD_FOR),
    };
    let path = file(data_dir);
    let folder = folder(data_dir);
    fs::create_dir_all(&folder)?;
    durable::write(&path, &serde_json::to_vec(&kept)?)?;
    // Whoever administers the machine may ask for a code of a gateway that has a user of its own.
    let owner = fs::metadata(data_dir)?;
    for made in [&folder, &path] {
        let is = fs::metadata(made)?;
        if (is.uid(), is.gid()) != (owner.uid(), owner.gid()) {
            chown(made, Some(owner.uid()), Some(owner.gid()))?;
        }
    }
    let groups = letters.chunks(GROUP).map(|group| group.iter().collect());
    Ok(groups.collect::<Vec<String>>().join("-"))
}

/// Takes a code as it was typed, which is good once.
pub(crate) fn take(data_dir: &Path, typed: &str, now: SystemTime) -> Result<(), WrongCode> {
    let path = file(data_dir);
    let kept = fs::read(&path).map_err(|_| WrongCode::Unknown)?;
    let kept: Kept = serde_json::from_slice(&kept).map_err(|_| WrongCode::Unknown)?;
    let typed = typed.chars().filter(char::is_ascii_alphanumeric);
    let typed: String = typed.map(|char| char.to_ascii_uppercase()).collect();
    // Hashes of what nobody can guess may be compared in any time.
    if ContentHash::of(typed.as_bytes()) != kept.sha256 {
        return Err(WrongCode::Unknown);
    }
    // Of two who type the same code, one removes the file.
    fs::remove_file(&path).map_err(|_| WrongCode::Unknown)?;
    if kept.expires_at <= unix(now) {
        return Err(WrongCode::Expired);
    }
    Ok(())
}

/// What the desk keeps: nothing that its loss would lose.
pub(crate) fn folder(data_dir: &Path) -> PathBuf {
    data_dir.join("desk")
}

fn file(data_dir: &Path) -> PathBuf {
    folder(data_dir).join("code")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_good_once_however_it_is_typed() {
        let dir = tempfile::tempdir().unwrap();
        let now = SystemTime::now();
        assert_eq!(take(dir.path(), "", now), Err(WrongCode::Unknown));
        let code = new_code(dir.path()).unwrap();
        assert_eq!(code.len(), 14);
        assert!(
            !fs::read_to_string(file(dir.path()))
                .unwrap()
                .contains(&code)
        );
        assert_eq!(
            take(dir.path(), "AAAA-AAAA-AAAA", now),
            Err(WrongCode::Unknown)
        );
        let typed = format!(" {} ", code.to_lowercase().replace('-', " "));
        assert_eq!(take(dir.path(), &typed, now), Ok(()));
        assert_eq!(take(dir.path(), &typed, now), Err(WrongCode::Unknown));
    }

    #[test]
    fn an_old_code_and_a_replaced_one_open_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let first = new_code(dir.path()).unwrap();
        let second = new_code(dir.path()).unwrap();
        let now = SystemTime::now();
        assert_eq!(take(dir.path(), &first, now), Err(WrongCode::Unknown));
        let later = now + GOOD_FOR;
        assert_eq!(take(dir.path(), &second, later), Err(WrongCode::Expired));
        assert_eq!(take(dir.path(), &second, now), Err(WrongCode::Unknown));
    }
}

//! The goods of a new store: a folder's files, with the names that follow from theirs.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

/// A file that becomes an item.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) path: PathBuf,
    /// The file's name.
    pub(super) name: String,
    pub(super) id: String,
    pub(super) title: String,
}

/// The files in a folder, by name. Hidden ones and folders are left out.
pub(super) fn find(folder: &Path) -> Result<Vec<Found>> {
    let place = folder.display();
    let cannot = || format!("cannot read the folder {place}; name one with --goods");
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).with_context(cannot)? {
        let entry = entry.with_context(cannot)?;
        let path = entry.path();
        if !path.is_file() || entry.file_name().as_encoded_bytes().starts_with(b".") {
            continue;
        }
        let Ok(name) = entry.file_name().into_string() else {
            bail!(
                "the name of {} is no UTF-8 text; rename the file",
                path.display()
            );
        };
        names.push((name, path));
    }
    if names.is_empty() {
        bail!(
            "there are no files in {place}; put your goods there, or name their folder with --goods"
        );
    }
    names.sort();
    let mut ids = HashSet::new();
    Ok(names
        .into_iter()
        .map(|(name, path)| {
            let stem = Path::new(&name).file_stem().unwrap_or_default();
            let stem = stem.to_string_lossy();
            Found {
                id: unused(&mut ids, &plain(&stem)),
                title: title(&stem),
                path,
                name,
            }
        })
        .collect())
}

/// In lower-case letters, digits and hyphens; empty where nothing of the text can be kept.
pub(super) fn plain(text: &str) -> String {
    let mut plain = String::new();
    for char in text.chars() {
        if char.is_ascii_alphanumeric() {
            plain.push(char.to_ascii_lowercase());
        } else if !plain.is_empty() && !plain.ends_with('-') {
            plain.push('-');
        }
    }
    plain.truncate(40);
    plain.trim_end_matches('-').to_owned()
}

/// An id that no other item has.
fn unused(ids: &mut HashSet<String>, wanted: &str) -> String {
    let wanted = if wanted.is_empty() { "item" } else { wanted };
    let numbered = (2..).map(|number| format!("{wanted}-{number}"));
    let mut ids_to_try = std::iter::once(wanted.to_owned()).chain(numbered);
    let id = ids_to_try.find(|id| !ids.contains(id));
    let id = id.expect("there are numbers enough");
    ids.insert(id.clone());
    id
}

/// The file's name as people write it.
fn title(stem: &str) -> String {
    let words = stem.replace(|char: char| "-_".contains(char) || char.is_control(), " ");
    let words: Vec<_> = words.split_whitespace().collect();
    let title = words.join(" ");
    let mut chars = title.chars();
    match chars.next() {
        Some(first) => first.to_uppercase().chain(chars).take(50).collect(),
        None => "Untitled".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_become_items_with_names_of_their_own() {
        let dir = tempfile::tempdir().unwrap();
        for name in [
            "my_summer-song.mp3",
            "my summer song.flac",
            "\u{732b}.png",
            ".hidden",
            "--.txt",
        ] {
            fs::write(dir.path().join(name), name).unwrap();
        }
        fs::create_dir(dir.path().join("folder")).unwrap();
        let found = find(dir.path()).unwrap();
        let told: Vec<_> = found
            .iter()
            .map(|one| (&*one.name, &*one.id, &*one.title))
            .collect();
        assert_eq!(
            told,
            [
                ("--.txt", "item", "Untitled"),
                ("my summer song.flac", "my-summer-song", "My summer song"),
                ("my_summer-song.mp3", "my-summer-song-2", "My summer song"),
                ("\u{732b}.png", "item-2", "\u{732b}"),
            ]
        );
    }

    #[test]
    fn a_folder_without_files_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let error = find(dir.path()).unwrap_err().to_string();
        assert!(error.contains("there are no files"), "{error}");
        let error = find(&dir.path().join("nowhere")).unwrap_err().to_string();
        assert!(error.contains("--goods"), "{error}");
    }
}

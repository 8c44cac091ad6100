//! Goods as an agent gets them: text as text, a picture as a picture, and anything else, or what is too
//! large to be read in a conversation, as a link to its file.
//!
//! What they are is seen from their bytes, so that what was bought once is given without the store.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use rmcp::model::{ContentBlock, Resource};
use std::os::unix::ffi::OsStrExt as _;

/// The longest text, in bytes: some 25,000 words of what a model can read at once.
const MAX_TEXT: u64 = 100_000;
/// The largest picture, in bytes. Models take pictures of 5 MB in base64, which is a third more.
const MAX_PICTURE: u64 = 3_500_000;

/// The pictures that models read, by how their files begin.
const PICTURES: [(&[u8], &str); 4] = [
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"RIFF", "image/webp"),
];

/// Stands in a path as it is.
const PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// What is in the file.
pub(super) fn content(path: &Path) -> io::Result<ContentBlock> {
    let size = fs::metadata(path)?.len();
    if size > MAX_PICTURE {
        return Ok(link(path, size));
    }
    let mut bytes = Vec::new();
    File::open(path)?
        .take(MAX_PICTURE)
        .read_to_end(&mut bytes)?;
    if let Some(kind) = picture(&bytes) {
        return Ok(ContentBlock::image(BASE64_STANDARD.encode(&bytes), kind));
    }
    match String::from_utf8(bytes) {
        Ok(text) if size <= MAX_TEXT && !text.contains('\0') => Ok(ContentBlock::text(text)),
        _ => Ok(link(path, size)),
    }
}

fn picture(bytes: &[u8]) -> Option<&'static str> {
    let found = PICTURES.iter().find(|(start, _)| bytes.starts_with(start));
    let (_, kind) = found?;
    // Others begin so, too.
    let is_webp = bytes.get(8..12) == Some(b"WEBP");
    (*kind != "image/webp" || is_webp).then_some(kind)
}

fn link(path: &Path, size: u64) -> ContentBlock {
    let uri = percent_encode(path.as_os_str().as_bytes(), PATH);
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    ContentBlock::resource_link(Resource::new(format!("file://{uri}"), name).with_size(size))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn given(bytes: &[u8]) -> ContentBlock {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let path = dir.path().join("two cats");
        fs::write(&path, bytes).expect("it can be written");
        content(&path).expect("it was written")
    }

    #[test]
    fn text_comes_as_text_and_a_picture_as_a_picture() {
        let text = given("miau ≽^•⩊•^≼".as_bytes());
        assert_eq!(text.as_text().map(|text| &*text.text), Some("miau ≽^•⩊•^≼"));
        let picture = given(b"GIF89a");
        let picture = picture.as_image().expect("a picture");
        assert_eq!(
            (&*picture.data, &*picture.mime_type),
            ("R0lGODlh", "image/gif")
        );
        let webp = given(b"RIFF\0\0\0\0WEBP");
        assert_eq!(
            webp.as_image().map(|webp| &*webp.mime_type),
            Some("image/webp")
        );
    }

    #[test]
    fn anything_else_and_what_is_large_comes_as_a_link() {
        let long = vec![b'a'; usize::try_from(MAX_TEXT).expect("it fits") + 1];
        for bytes in [&b"\xfe\xff"[..], b"a\0b", b"RIFF\0\0\0\0WAVE", &long] {
            let link = given(bytes);
            let link = link.as_resource_link().expect("a link");
            assert_eq!(link.size, Some(bytes.len() as u64));
            assert!(link.uri.starts_with("file:///"), "{}", link.uri);
            assert!(link.uri.ends_with("/two%20cats"), "{}", link.uri);
        }
    }
}

//! Goods that are uploaded: streamed to the disk beside the store's other goods, whatever their size. A
//! file that did not arrive whole is gone again.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::body::Body;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use multer::{Field, Multipart};
use tempfile::NamedTempFile;
use tokio::io::AsyncWriteExt as _;

use crate::health::free;
use crate::posted::{CSRF, check};
use crate::refused::Refused;
use crate::sessions::Session;
use crate::shelf_text::Written;
use crate::typed;
use crate::words::said;

/// What a field of text may hold, in bytes.
const MAX_TEXT: usize = 16 * 1024;
/// So much of what is refused is read to its end, so that the browser sees the answer, in bytes.
const MOST_DRAINED: u64 = 256 * 1024 * 1024;
/// What has to stay free on the disk, in bytes: for the secret, webhooks and everything else.
const RESERVE: u64 = 16 * 1024 * 1024;
/// Files that did not arrive whole begin like this, until they are gone.
const DRAFT: &str = ".purrwall-upload-";

/// What arrived.
pub(crate) struct Upload {
    pub(crate) written: Written,
    pub(crate) goods: Arrived,
    pub(crate) preview: Option<Arrived>,
}

/// A file that arrived whole. It is removed unless it is kept.
pub(crate) struct Arrived {
    draft: NamedTempFile,
    stem: String,
    kind: Option<String>,
}

/// Takes an upload in, with its drafts in `folder`.
pub(crate) async fn receive(
    session: &Session,
    headers: &HeaderMap,
    body: Body,
    folder: &Path,
) -> Result<Upload, Refused> {
    let kind = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let boundary = kind.and_then(|kind| multer::parse_boundary(kind).ok());
    let boundary = boundary.ok_or_else(broken)?;
    let mut parts = Multipart::new(body.into_data_stream(), boundary);
    let received = fields(session, headers, &mut parts, folder).await;
    if received.is_err() {
        drain(&mut parts).await;
    }
    received
}

async fn fields(
    session: &Session,
    headers: &HeaderMap,
    parts: &mut Multipart<'_>,
    folder: &Path,
) -> Result<Upload, Refused> {
    // Nothing is kept of anyone who does not send the token first.
    let first = parts.next_field().await.map_err(|_| broken())?;
    let token = match first {
        Some(field) if field.name() == Some(CSRF) => Some(text(field).await?),
        _ => None,
    };
    check(session, token.as_deref())?;
    let mut written = Written::default();
    let (mut goods, mut preview) = (None, None);
    let announced = headers
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok());
    let announced: u64 = announced
        .and_then(|text| text.parse().ok())
        .unwrap_or_default();
    while let Some(field) = parts.next_field().await.map_err(|_| broken())? {
        let name = field.name().unwrap_or_default().to_owned();
        match name.as_str() {
            "title" => written.title = text(field).await?,
            "teaser" => written.teaser = text(field).await?,
            "price" => written.price = text(field).await?,
            "valid_for" => written.valid_for = text(field).await?,
            "file" | "preview" if field.file_name().is_none_or(str::is_empty) => {}
            "file" | "preview" => {
                // The fields before it are there: what is wrong is told before a long wait.
                typed::check(&written)?;
                has_room(folder, announced)?;
                let arrived = file(field, folder).await?;
                *(if name == "file" {
                    &mut goods
                } else {
                    &mut preview
                }) = Some(arrived);
            }
            _ => {}
        }
    }
    typed::check(&written)?;
    let goods = goods.ok_or_else(|| {
        let why = said("No file was chosen.");
        Refused::new(StatusCode::UNPROCESSABLE_ENTITY, why)
    })?;
    Ok(Upload {
        written,
        goods,
        preview,
    })
}

async fn text(mut field: Field<'_>) -> Result<String, Refused> {
    let mut text = Vec::new();
    while let Some(piece) = field.chunk().await.map_err(|_| broken())? {
        text.extend_from_slice(&piece);
        if text.len() > MAX_TEXT {
            let why = said("A text is too long.");
            return Err(Refused::new(StatusCode::PAYLOAD_TOO_LARGE, why));
        }
    }
    let text = String::from_utf8_lossy(&text);
    Ok(text.trim().replace("\r\n", "\n"))
}

async fn file(mut field: Field<'_>, folder: &Path) -> Result<Arrived, Refused> {
    let (stem, kind) = typed::plain_name(field.file_name().unwrap_or_default());
    let make = || {
        fs::create_dir_all(folder)?;
        let draft = tempfile::Builder::new().prefix(DRAFT).tempfile_in(folder)?;
        let file = draft.as_file().try_clone()?;
        Ok((draft, tokio::fs::File::from_std(file)))
    };
    let (draft, mut file) = make().map_err(|error| cannot_keep(&error))?;
    let mut size = 0;
    while let Some(piece) = field.chunk().await.map_err(|_| broken())? {
        size += piece.len() as u64;
        file.write_all(&piece)
            .await
            .map_err(|error| cannot_keep(&error))?;
    }
    file.flush().await.map_err(|error| cannot_keep(&error))?;
    file.sync_all().await.map_err(|error| cannot_keep(&error))?;
    if size == 0 {
        let why = said("The file is empty.");
        return Err(Refused::new(StatusCode::UNPROCESSABLE_ENTITY, why));
    }
    Ok(Arrived { draft, stem, kind })
}

/// The goods and their kept copy have to fit.
fn has_room(folder: &Path, announced: u64) -> Result<(), Refused> {
    let there = folder.ancestors().find(|folder| folder.exists());
    let Some(Ok(free)) = there.map(free) else {
        return Ok(());
    };
    if announced.saturating_mul(2).saturating_add(RESERVE) > free {
        return Err(full());
    }
    Ok(())
}

/// Reads on, so that a browser that is still sending gets to see the answer.
async fn drain(parts: &mut Multipart<'_>) {
    let mut left = MOST_DRAINED;
    while let Ok(Some(mut field)) = parts.next_field().await {
        while let Ok(Some(piece)) = field.chunk().await {
            left = left.saturating_sub(piece.len() as u64);
            if left == 0 {
                return;
            }
        }
    }
}

fn broken() -> Refused {
    let why = said("The upload broke off, or cannot be read. Nothing was kept. Try it again.");
    Refused::new(StatusCode::BAD_REQUEST, why)
}

fn full() -> Refused {
    let why = said(
        "There is not enough room on the disk for this file and the copy that buyers get. Nothing was kept.",
    );
    Refused::new(StatusCode::INSUFFICIENT_STORAGE, why)
}

fn cannot_keep(error: &io::Error) -> Refused {
    if matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    ) {
        return full();
    }
    let why = said(
        "The file cannot be kept in the store’s folder. Nothing was changed. Is the folder writable for purrwall?",
    );
    Refused::new(StatusCode::INSUFFICIENT_STORAGE, why).detail(error.to_string())
}

impl Arrived {
    /// The name that its item may have.
    pub(crate) fn stem(&self) -> &str {
        &self.stem
    }

    /// Keeps it in its folder under a name that no other file has.
    pub(crate) fn keep(self, folder: &Path) -> Result<Placed, Refused> {
        let Self {
            mut draft,
            stem,
            kind,
        } = self;
        let kind = kind.map(|kind| format!(".{kind}")).unwrap_or_default();
        loop {
            let is_taken = |stem: &str| folder.join(format!("{stem}{kind}")).exists();
            let name = format!("{}{kind}", typed::free_name(&stem, is_taken));
            let path = folder.join(&name);
            match draft.persist_noclobber(&path) {
                Ok(_) => {
                    readable(&path)
                        .and_then(|()| durable::sync_folder(&path))
                        .map_err(|error| cannot_keep(&error))?;
                    return Ok(Placed {
                        path,
                        is_sold: false,
                    });
                }
                // Somebody else took the name just now.
                Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {
                    draft = error.file;
                }
                Err(error) => return Err(cannot_keep(&error.error)),
            }
        }
    }
}

/// As readable as a file that was copied there, for the owner's own programs.
fn readable(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(0o644))
}

/// A file in its place. It is removed unless it is sold.
pub(crate) struct Placed {
    path: PathBuf,
    is_sold: bool,
}

impl Placed {
    /// Its path as the store's file names it, from that file's folder on.
    pub(crate) fn named(&self, root: &Path) -> String {
        let path = self.path.strip_prefix(root).unwrap_or(&self.path);
        path.to_string_lossy().into_owned()
    }

    /// It is sold.
    pub(crate) fn stays(mut self) {
        self.is_sold = true;
    }
}

impl Drop for Placed {
    fn drop(&mut self) {
        if !self.is_sold {
            fs::remove_file(&self.path).ok();
        }
    }
}

/// No upload takes longer.
const ABANDONED: Duration = Duration::from_hours(24);

/// Removes what a crash left of uploads.
pub(crate) fn clean(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries.filter_map(Result::ok) {
        let changed = entry.metadata().and_then(|metadata| metadata.modified());
        let is_old = changed.is_ok_and(|at| at.elapsed().is_ok_and(|age| age > ABANDONED));
        if is_old && entry.file_name().to_string_lossy().starts_with(DRAFT) {
            fs::remove_file(entry.path()).ok();
        }
    }
}

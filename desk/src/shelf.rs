//! The store's file, changed from the desk: what somebody else wrote meanwhile is noticed and never
//! overwritten, and what cannot be sold is never written.

use std::fs::{self, File, OpenOptions};
use std::io;

use axum::http::StatusCode;
use purrwall_gateway::chain;
use purrwall_gateway::options::CatalogueOptions;
use shared::content::ContentHash;
use tokio::task::spawn_blocking;

use crate::code::folder;
use crate::desk::{Desk, StoreFile};
use crate::refused::Refused;
use crate::shelf_text::ShelfText;
use crate::words::{Said, said};

/// The file as it was read.
#[derive(Clone)]
pub(crate) struct Read {
    file: StoreFile,
    text: String,
}

/// Why the file was not changed.
#[derive(Debug)]
pub(crate) enum NotWritten {
    /// It is another file than the one that was shown.
    Meanwhile,
    Refused(Box<Refused>),
}

impl From<Refused> for NotWritten {
    fn from(refused: Refused) -> Self {
        Self::Refused(Box::new(refused))
    }
}

impl Read {
    /// Names this state of the file.
    pub(crate) fn version(&self) -> String {
        ContentHash::of(self.text.as_bytes()).to_hex()
    }

    pub(crate) fn shelf(&self) -> Result<ShelfText, Said> {
        ShelfText::parse(&self.text)
    }
}

/// The file as it is now; `None` where the store has none.
pub(crate) fn read(desk: &Desk) -> Result<Option<Read>, Refused> {
    let Some(file) = desk.options.file.clone() else {
        return Ok(None);
    };
    let text = fs::read_to_string(&file.path).map_err(|error| {
        let why =
            said("The store’s file cannot be read at the moment, so nothing was changed: {why}");
        Refused::new(
            StatusCode::SERVICE_UNAVAILABLE,
            why.with("why", error.to_string()),
        )
    })?;
    Ok(Some(Read { file, text }))
}

/// Sells what `edit` makes of the file, and writes it. `seen` is the version that the owner saw; `None`
/// takes the newest. A browser that leaves meanwhile stops nothing half way.
pub(crate) async fn write(
    desk: &Desk,
    seen: Option<&str>,
    edit: impl FnOnce(&mut ShelfText) -> Result<(), Refused> + Send + 'static,
) -> Result<(), NotWritten> {
    let (desk, seen) = (desk.clone(), seen.map(str::to_owned));
    let writing = tokio::spawn(async move { write_whole(&desk, seen.as_deref(), edit).await });
    writing.await.unwrap_or_else(|_| Err(broke_down().into()))
}

/// The program made a mistake.
pub(crate) fn broke_down() -> Refused {
    let why = said("The desk made a mistake. Load the page again to see what was done.");
    Refused::new(StatusCode::INTERNAL_SERVER_ERROR, why)
}

async fn write_whole(
    desk: &Desk,
    seen: Option<&str>,
    edit: impl FnOnce(&mut ShelfText) -> Result<(), Refused>,
) -> Result<(), NotWritten> {
    let _writing = desk.writing.lock().await;
    let _locked = lock(desk).await?;
    let Some(before) = read(desk)? else {
        let why = said(
            "This store has no file, so its goods cannot be changed here. purrwall new makes one.",
        );
        return Err(Refused::new(StatusCode::CONFLICT, why).into());
    };
    if seen.is_some_and(|seen| seen != before.version()) {
        return Err(NotWritten::Meanwhile);
    }
    let cannot = |why| Refused::new(StatusCode::UNPROCESSABLE_ENTITY, why);
    let mut shelf = before.shelf().map_err(cannot)?;
    edit(&mut shelf)?;
    let text = shelf.text();
    let refused = said("The store cannot sell this, so nothing was changed.");
    let options =
        (before.file.read)(&text).map_err(|error| cannot(refused.clone()).detail(error))?;
    // First it is sold: what cannot be read or kept is never written.
    let restocked = desk.gateway.restock(options).await;
    restocked.map_err(|error| cannot(refused).detail(chain(&error)))?;
    let written = match read(desk)? {
        Some(now) if now.text == before.text => {
            durable::rewrite(&before.file.path, text.as_bytes())
        }
        _ => {
            sell_again(desk, &before).await;
            return Err(NotWritten::Meanwhile);
        }
    };
    if let Err(error) = written {
        sell_again(desk, &before).await;
        let why = said(
            "The store’s file cannot be written, so nothing was changed. Is its folder writable for purrwall, and is there room on the disk?",
        );
        let refused = Refused::new(StatusCode::INSUFFICIENT_STORAGE, why);
        return Err(refused.detail(error.to_string()).into());
    }
    Ok(())
}

/// Back to what the file says.
async fn sell_again(desk: &Desk, before: &Read) {
    let options: Result<CatalogueOptions, _> = (before.file.read)(&before.text);
    let Ok(options) = options else { return };
    if let Err(error) = desk.gateway.restock(options).await {
        tracing::error!("the catalogue of before cannot be read: {}", chain(&error));
    }
}

/// Another gateway's desk may change the same file.
async fn lock(desk: &Desk) -> Result<File, Refused> {
    let dir = folder(&desk.options.data_dir);
    let lock = move || -> io::Result<File> {
        fs::create_dir_all(&dir)?;
        let mut options = OpenOptions::new();
        let file = options.create(true).append(true).open(dir.join("lock"))?;
        file.lock()?;
        Ok(file)
    };
    let locked = spawn_blocking(lock).await.map_err(io::Error::other);
    locked.and_then(|locked| locked).map_err(|error| {
        let why = said("The data folder cannot be written, so nothing was changed.");
        Refused::new(StatusCode::INSUFFICIENT_STORAGE, why).detail(error.to_string())
    })
}

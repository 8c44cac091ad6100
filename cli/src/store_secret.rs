//! The secret of the store that the settings describe. One that was lost is not replaced by a new one
//! without a word: nobody who paid would be served any more.

use std::path::PathBuf;

use lightningd::LightningError;
use purrwall_gateway::{Secret, SecretError, sales};

use crate::nodes::lightningds;
use crate::settings::Settings;

/// Why a store cannot have its secret.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreSecretError {
    /// It cannot be read or made.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// Something was sold with another one.
    #[error(
        "there is no secret in {path:?}, but lightningd has invoices that this store made, and who paid \
         them can be served with that store's secret only; put its file back from a backup, or name \
         the place where it is with --secret-file. If this is another store at the same node, give it a store_id of its \
         own; if you are sure that nothing was sold, make a secret with \
         `purrwall secret new --secret-file {path:?}`"
    )]
    Lost {
        /// Where it should be.
        path: PathBuf,
    },
    /// Whether something was sold cannot be told.
    #[error(
        "there is no secret in {path:?}, and lightningd cannot say whether the store has sold \
         anything before; start lightningd first, or name its socket with --lightning-rpc. If this \
         is a new store, make its secret with `purrwall secret new --secret-file {path:?}`"
    )]
    Unknown {
        /// Where it should be.
        path: PathBuf,
        /// Why lightningd cannot say it.
        source: LightningError,
    },
}

/// The secret of the environment, or that of the file. `None` if a new store may make its own.
///
/// # Errors
/// If it cannot be read, or if it was lost.
pub async fn find(settings: &Settings) -> Result<Option<Secret>, StoreSecretError> {
    if let Some(secret) = Secret::from_environment()? {
        return Ok(Some(secret));
    }
    let path = &settings.secret_file;
    if let Some(secret) = Secret::load_if_there(path)? {
        return Ok(Some(secret));
    }
    let options = &settings.options;
    let mut unknown = None;
    for lightningd in lightningds(options) {
        let path = path.clone();
        match sales::has_begun(&lightningd, &options.store.id).await {
            Ok(false) => {}
            Ok(true) => return Err(StoreSecretError::Lost { path }),
            Err(source) => unknown = Some(StoreSecretError::Unknown { path, source }),
        }
    }
    unknown.map_or(Ok(None), Err)
}

/// The secret that [`find`] finds; a new store's is made.
///
/// # Errors
/// If it cannot be read or made, or if it was lost.
pub async fn find_or_create(settings: &Settings) -> Result<Secret, StoreSecretError> {
    match find(settings).await? {
        Some(secret) => Ok(secret),
        None => Ok(Secret::load_or_create(&settings.secret_file)?),
    }
}

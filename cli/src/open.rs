//! A store opened from its file.

use std::path::Path;

use purrwall_gateway::goods::catalogue::CatalogueError;
use purrwall_gateway::{Gateway, NodeError};

use crate::settings::{Arguments, Settings, SettingsError};
use crate::store_rune::{self, DangerousRune};
use crate::store_secret::{StoreSecretError, find_or_create};

/// Opens the store that `purrwall --config FILE` runs, with its catalogue, its rates and its secret.
///
/// As there, a `PURRWALL_…` variable wins over the file. Listening is yours; webhooks, and reading
/// the file again when it changes, are the program's. Keeps a copy of the goods, so it takes as long
/// as they are large.
///
/// # Errors
/// What is wrong with the file, the secret, the goods or the nodes, and the remedy.
///
/// # Panics
/// Outside of a Tokio runtime.
pub async fn open(file: impl AsRef<Path>) -> Result<Gateway, OpenError> {
    let arguments = Arguments::of_file(file.as_ref());
    let settings = Settings::new(&arguments).map_err(Cause::from)?;
    store_rune::check(&settings).map_err(Cause::from)?;
    let secret = find_or_create(&settings).await.map_err(Cause::from)?;
    let gateway = Gateway::with(settings.options, &secret).map_err(Cause::from)?;
    gateway.check_nodes().await.map_err(Cause::from)?;
    Ok(gateway)
}

/// Why a store cannot be opened. With its sources, it says what is wrong, where, and the remedy.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct OpenError(#[from] Cause);

#[derive(Debug, thiserror::Error)]
enum Cause {
    #[error(transparent)]
    Settings(#[from] SettingsError),
    #[error(transparent)]
    Rune(#[from] DangerousRune),
    #[error(transparent)]
    Secret(#[from] StoreSecretError),
    #[error(transparent)]
    Catalogue(#[from] CatalogueError),
    #[error(transparent)]
    Nodes(#[from] NodeError),
}

//! The catalogue read again: on SIGHUP, and when the store's file or one of its goods changes.
//!
//! What changed has to rest between two looks before it is read, so that no half of a copied file is
//! offered. A catalogue that cannot be read leaves the one of before in force, and is tried again until
//! it can.

use std::path::{Path, PathBuf};

use anyhow::Result;
use purrwall::settings::{Arguments, Settings};
use purrwall_gateway::Gateway;
use purrwall_gateway::options::CatalogueOptions;
use purrwall_gateway::stamp::Stamp;
use tokio::signal::unix::Signal;

use crate::watched::next_look;

/// Keeps the gateway's catalogue in step with the files, without end. `settings` are those that it runs
/// with, and came from `arguments`; SIGHUP comes over `hangup`.
pub(crate) async fn follow(
    gateway: Gateway,
    arguments: Arguments,
    mut settings: Settings,
    mut hangup: Signal,
) {
    let running = settings.options.catalogue.clone();
    let Some(file) = running.file.clone() else {
        while hangup.recv().await.is_some() {
            tracing::info!("there is no store's file to read again; name one with --config");
        }
        return;
    };
    let mut files = Files::of(&file, &settings);
    // What the files were when they were read; not known where they may have changed since.
    let mut read = None;
    let mut seen = files.look();
    // A broken file is told of once.
    let mut broken: Option<String> = None;
    loop {
        let asked = next_look(&mut hangup).await;
        let now = files.look();
        let rests = now == seen;
        seen.clone_from(&now);
        if asked {
            broken = None;
        } else if !rests || (read.as_ref() == Some(&now) && broken.is_none()) {
            continue;
        }
        match reload(&gateway, &arguments, &running).await {
            Ok(new) => {
                let items = new.options.catalogue.items.len();
                if asked || read.is_some() {
                    tracing::info!(items, "the catalogue was read again");
                }
                tell_of_settings(&settings, &new);
                settings = new;
                broken = None;
            }
            Err(error) => {
                let cause = format!("{error:#}");
                if broken.as_ref() != Some(&cause) {
                    tracing::error!("the previous catalogue stays in force: {cause}");
                    broken = Some(cause);
                }
            }
        }
        // New files may have changed before they were looked at, so they are read once more.
        let watched = Files::of(&file, &settings);
        read = (watched == files).then_some(now);
        files = watched;
        seen = files.look();
    }
}

/// Sells what the file names now; gives the settings that it has now. Those that are not about the
/// goods stay as they were at the start, which is how `running` has them.
async fn reload(
    gateway: &Gateway,
    arguments: &Arguments,
    running: &CatalogueOptions,
) -> Result<Settings> {
    let settings = Settings::new(arguments)?;
    let named = settings.options.catalogue.clone();
    gateway.restock(renewed(running, named)).await?;
    Ok(settings)
}

/// What a reload takes of what the file names, beside what stays as it is `running`.
pub(crate) fn renewed(running: &CatalogueOptions, named: CatalogueOptions) -> CatalogueOptions {
    CatalogueOptions {
        items: named.items,
        rates: named.rates,
        look: named.look,
        ..running.clone()
    }
}

/// A reload takes none of the settings.
fn tell_of_settings(before: &Settings, now: &Settings) {
    for (before, now) in before.all.iter().zip(&now.all) {
        if before.value != now.value {
            let key = now.key;
            tracing::warn!("{key} was changed; it takes effect when purrwall is started again");
        }
    }
}

/// The files that the catalogue is made of.
#[derive(PartialEq)]
struct Files(Vec<PathBuf>);

impl Files {
    fn of(file: &Path, settings: &Settings) -> Self {
        let catalogue = &settings.options.catalogue;
        let goods = catalogue.items.iter().map(|item| &item.file);
        let previews = catalogue.items.iter().flat_map(|item| &item.preview);
        let look = &catalogue.look;
        let pictures = previews.chain(&look.logo).chain(&look.favicon);
        let others = pictures.chain(&look.wallets).map(|file| &file.path);
        let named = goods.chain(others);
        let named = named.map(|path| file.with_file_name("").join(path));
        Self(std::iter::once(file.to_owned()).chain(named).collect())
    }

    fn look(&self) -> Vec<Option<Stamp>> {
        self.0.iter().map(|path| Stamp::at(path)).collect()
    }
}

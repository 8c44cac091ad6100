//! The catalogue read again: on SIGHUP, and when the store's file or one of its goods changes.
//!
//! Files are looked at once a second rather than watched by the kernel: that works on every file
//! system, and sees through every way in which editors save. A catalogue that cannot be read leaves
//! the one of before in force, and is tried again until it can.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::signal::unix::Signal;
use tokio::time::sleep;

use crate::App;
use crate::catalogue::Catalogue;
use crate::config::{Arguments, Config};
use crate::error::chain;
use crate::kept::Stamp;

/// How often the files are looked at. What changed has to rest for as long before it is read, so
/// that no half of a copied file is offered.
const LOOK: Duration = Duration::from_secs(1);

/// Keeps the catalogue of `app` in step with the files, without end. `config` is what it runs with
/// and came from `arguments`; SIGHUP comes over `hangup`.
pub async fn follow(app: App, arguments: Arguments, mut config: Config, mut hangup: Signal) {
    let Some(file) = config.catalogue.file.clone() else {
        while hangup.recv().await.is_some() {
            tracing::info!("there is no store's file to read again; name one with --config");
        }
        return;
    };
    let mut files = Files::of(&file, &config);
    // What the files were when they were read; not known where they may have changed since.
    let mut read = None;
    let mut seen = files.look();
    // A broken file is told of once.
    let mut broken: Option<String> = None;
    loop {
        let asked = tokio::select! {
            asked = hangup.recv() => asked.is_some(),
            () = sleep(LOOK) => false,
        };
        let now = files.look();
        let rests = now == seen;
        seen.clone_from(&now);
        if asked {
            broken = None;
        } else if !rests || (read.as_ref() == Some(&now) && broken.is_none()) {
            continue;
        }
        match reload(&app, &arguments).await {
            Ok(new) => {
                let items = new.catalogue.items.len();
                if asked || read.is_some() {
                    tracing::info!(items, "the catalogue was read again");
                }
                tell_of_settings(&config, &new);
                config = new;
                broken = None;
            }
            Err(error) if broken.as_ref() == Some(&error) => {}
            Err(error) => {
                tracing::error!("the catalogue of before stays in force: {error}");
                broken = Some(error);
            }
        }
        // New files may have changed before they were looked at, so they are read once more.
        let watched = Files::of(&file, &config);
        read = (watched == files).then_some(now);
        files = watched;
        seen = files.look();
    }
}

async fn reload(app: &App, arguments: &Arguments) -> Result<Config, String> {
    let config = Config::new(arguments).map_err(|error| chain(&error))?;
    let wanted = config.catalogue.clone();
    let before = app.catalogue();
    // Reading the goods takes as long as they are large. Within a runtime, for the rates.
    let load = move || Catalogue::load(&wanted, Some(&before)).map_err(|error| chain(&error));
    let catalogue = tokio::task::spawn_blocking(load)
        .await
        .map_err(|error| error.to_string())??;
    app.set_catalogue(catalogue);
    Ok(config)
}

/// What is not of the catalogue is read at the start only.
fn tell_of_settings(before: &Config, now: &Config) {
    let changed = [
        ("listen", before.listen != now.listen),
        ("lightning_rpc", before.lightning_rpc != now.lightning_rpc),
        ("network", before.network != now.network),
        ("secret_file", before.secret_file != now.secret_file),
        (
            "data_dir",
            before.catalogue.kept_dir != now.catalogue.kept_dir,
        ),
        ("frontend", before.frontend.dir != now.frontend.dir),
        ("store_name", before.store.name != now.store.name),
        (
            "public_url",
            before.store.public_url != now.store.public_url,
        ),
        (
            "invoice_expiry",
            before.store.invoice_expiry_secs != now.store.invoice_expiry_secs,
        ),
        ("tls_certificate or tls_key", before.tls != now.tls),
        ("webhooks", before.webhooks.urls != now.webhooks.urls),
    ];
    for (key, _) in changed.iter().filter(|(_, changed)| *changed) {
        tracing::warn!("{key} was changed; it takes effect when purrwall is started again");
    }
}

/// The files that the catalogue is made of.
#[derive(PartialEq)]
struct Files(Vec<PathBuf>);

impl Files {
    fn of(file: &Path, config: &Config) -> Self {
        let goods = config.catalogue.items.iter();
        let goods = goods.map(|item| file.with_file_name("").join(&item.file));
        Self(std::iter::once(file.to_owned()).chain(goods).collect())
    }

    fn look(&self) -> Vec<Option<Stamp>> {
        let stamp = |path| Some(Stamp::of(&fs::metadata(path).ok()?));
        self.0.iter().map(stamp).collect()
    }
}

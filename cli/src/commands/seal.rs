//! `purrwall seal`: the ciphertexts of what is sold sealed, to be copied to any static host.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use clap::Args;
use purrwall::settings::{Arguments as Store, Settings};
use purrwall_gateway::goods::catalogue;

use crate::commands::output::say;

/// What to seal, and where to.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    store: Store,

    /// The folder to write the ciphertexts into, each under the name that buyers' programs ask for.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

/// Writes a ciphertext for each item that is sold sealed, and says which is whose.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let Arguments { store, out } = arguments;
    let settings = Settings::new(store)?;
    fs::create_dir_all(out).with_context(|| format!("cannot make the folder {}", out.display()))?;
    let options = &settings.options.catalogue;
    let mut count = 0;
    for (id, sealed) in catalogue::write_sealed(options, out) {
        let digests = sealed.with_context(|| format!("item {id}"))?;
        let path = out.join(digests.root().to_hex());
        say!(
            "{id}: {}, {} bytes",
            path.display(),
            digests.layout().file_len()
        );
        count += 1;
    }
    if count == 0 {
        bail!("no item is sold sealed; add `sealed = true` to one in the store's file");
    }
    Ok(())
}

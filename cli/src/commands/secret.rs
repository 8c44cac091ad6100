//! `purrwall secret`: the keys that claims are made and verified with. No key is ever shown.

use std::env;

use anyhow::{Result, bail};
use clap::Subcommand;
use purrwall::settings::{Arguments, Settings};
use purrwall_gateway::{KeyId, Secret};

use crate::commands::output::say;

/// What to do with the store's secret.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Makes the secret of a new store, at a node where another store has sold, too. A store that is
    /// alone at its node makes its own at the first start.
    New(Arguments),
    /// Makes a new key the current one. The old ones still verify what they made, until they are
    /// removed.
    Rotate(Arguments),
    /// Lists the keys by their names, the current one first.
    List(Arguments),
    /// Removes an old key. Claims that were made with it are refused from then on.
    Remove {
        /// The key's name, as `purrwall secret list` shows it.
        key: KeyId,
        #[command(flatten)]
        settings: Arguments,
    },
}

/// Runs the command.
pub(crate) fn run(command: &Command) -> Result<()> {
    let (Command::New(arguments)
    | Command::Rotate(arguments)
    | Command::List(arguments)
    | Command::Remove {
        settings: arguments,
        ..
    }) = command;
    let path = &Settings::new(arguments)?.secret_file;
    if env::var_os("PURRWALL_SECRET").is_some() {
        bail!(
            "PURRWALL_SECRET takes the place of the file {}; unset it for this command, or change \
             it by hand: keys of 64 hex digits with spaces between them, the current one first",
            path.display()
        );
    }
    let secret = match command {
        Command::New(_) => Secret::create(path)?,
        Command::Rotate(_) => Secret::rotate(path)?,
        Command::List(_) => match Secret::load_if_there(path)? {
            Some(secret) => secret,
            None => bail!("there is no secret in {} yet", path.display()),
        },
        Command::Remove { key, .. } => Secret::remove(path, *key)?,
    };
    for (at, id) in secret.ids().enumerate() {
        say!("{id}  {}", if at == 0 { "current" } else { "old" });
    }
    if !matches!(command, Command::List(_)) {
        say!("Keep a copy of {}.", path.display());
    }
    if matches!(command, Command::Rotate(_) | Command::Remove { .. }) {
        say!("Gateways that run with this file take it within seconds, and say so in their logs.");
    }
    Ok(())
}

//! `purrwall secret`: the keys that claims are made and verified with. No key is ever shown.

use std::env;
use std::path::Path;
use std::thread;
use std::time::Duration;

use anyhow::{Result, bail};
use clap::Subcommand;
use purrwall::settings::{Arguments, Settings};
use purrwall_gateway::{KeyId, KeyUse, Secret, SecretError};

use crate::commands::output::say;
use crate::watched::LOOK;

/// What to do with the store's secret.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Makes the secret of a new store, at a node where another store has sold, too. A store that is
    /// alone at its node makes its own at the first start.
    New(Arguments),
    /// Makes a new key that only verifies, until `rotate` makes it the current one. For gateways that
    /// share the secret and not its file: give them all the new file in between.
    Prepare(Arguments),
    /// Makes the prepared key the current one; without one, a new key, once the gateways that run with
    /// this file know it. The old ones still verify what they made, until they are removed.
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
    | Command::Prepare(arguments)
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
        Command::Prepare(_) => Secret::prepare(path)?,
        Command::Rotate(_) => rotate(path)?,
        Command::List(_) => match Secret::load_if_there(path)? {
            Some(secret) => secret,
            None => bail!("there is no secret in {} yet", path.display()),
        },
        Command::Remove { key, .. } => Secret::remove(path, *key)?,
    };
    for (id, used) in secret.uses() {
        let used = match used {
            KeyUse::Current => "current",
            KeyUse::Next => "next",
            KeyUse::Old => "old",
        };
        say!("{id}  {used}");
    }
    if !matches!(command, Command::List(_)) {
        say!("Keep a copy of {}.", path.display());
    }
    if matches!(command, Command::Prepare(_)) {
        say!("Once every gateway has it, `purrwall secret rotate` makes it the current one.");
    }
    if !matches!(command, Command::New(_) | Command::List(_)) {
        say!("Gateways that run with this file take it within seconds, and say so in their logs.");
    }
    Ok(())
}

/// In which every gateway that runs with the file has read it again.
const UNTIL_KNOWN: Duration = Duration::from_secs(3 * LOOK.as_secs());

/// Two gateways that hear of a new key at different moments must not make two invoices of one purchase,
/// or refuse each other's claims. So both know the key before either makes anything with it.
fn rotate(path: &Path) -> Result<Secret, SecretError> {
    let before = Secret::load_if_there(path)?;
    let is_prepared = before.is_some_and(|secret| {
        let mut uses = secret.uses();
        uses.any(|(_, used)| used == KeyUse::Next)
    });
    if !is_prepared {
        Secret::prepare(path)?;
        thread::sleep(UNTIL_KNOWN);
    }
    Secret::rotate(path)
}

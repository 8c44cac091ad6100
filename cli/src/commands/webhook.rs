//! `purrwall webhook`: what the owner of a receiver needs.

use anyhow::{Context as _, Result};
use clap::Subcommand;
use purrwall::settings::{self, Settings};
use purrwall::store_secret::find_or_create;
use purrwall_gateway::webhooks::send_test;
use purrwall_gateway::webhooks::signing::SigningKey;

/// The address is the one that the setting `webhooks` has, to the letter.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Sends a signed webhook of the type `test` to the address, and says what it answered.
    Test {
        /// Such as `https://shop.example/purrwall`.
        url: String,
        #[command(flatten)]
        settings: settings::Arguments,
    },
    /// Shows the secret that the address's receiver checks signatures with. Each address has its
    /// own, which follows from the store's secret.
    Secret {
        /// Such as `https://shop.example/purrwall`.
        url: String,
        #[command(flatten)]
        settings: settings::Arguments,
    },
}

/// Runs the command.
pub(crate) async fn run(command: &Command) -> Result<()> {
    let (Command::Test { url, settings } | Command::Secret { url, settings }) = command;
    let url = settings::webhook_url(url).map_err(anyhow::Error::msg)?;
    let settings = Settings::new(settings)?;
    let secret = find_or_create(&settings).await?;
    let key = SigningKey::of_url(&secret, &url);
    match command {
        Command::Secret { .. } => println!("{}", key.to_text()),
        Command::Test { .. } => {
            let status = send_test(&url, &key, settings.options.timing).await;
            let status = status.context("the receiver did not take the webhook")?;
            println!("the receiver took the webhook (status {status})");
        }
    }
    Ok(())
}

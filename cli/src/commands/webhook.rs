//! `purrwall webhook`: what the owner of a receiver needs.

use std::time::SystemTime;

use anyhow::{Context as _, Result, anyhow};
use clap::Subcommand;
use purrwall::nodes::lightningds;
use purrwall::settings::{self, Settings};
use purrwall::store_secret::find_or_create;
use purrwall_gateway::sales::moment;
use purrwall_gateway::webhooks::signing::SigningKey;
use purrwall_gateway::webhooks::{Which, resend, send_test};

use crate::commands::output::say;

/// An address is the one that the setting `webhooks` has, to the letter.
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
    /// Sends webhooks of payments once more, to every address. The gateway that runs with this
    /// `data_dir` sends them; where none runs, the next one does.
    Resend {
        /// The payment's hash, as 64 hex digits: the `webhook-id`.
        #[arg(required_unless_present = "since", conflicts_with = "since")]
        payment_hash: Option<String>,
        /// All that was paid since then: a date or a time in UTC, or how long ago, such as 30d.
        #[arg(long, value_name = "MOMENT")]
        since: Option<String>,
        #[command(flatten)]
        settings: settings::Arguments,
    },
}

/// Runs the command.
pub(crate) async fn run(command: &Command) -> Result<()> {
    match command {
        Command::Test { url, settings } => {
            let (url, key, settings) = key(url, settings).await?;
            let status = send_test(&url, &key, settings.options.timing).await;
            let status = status.context("the receiver did not take the webhook")?;
            say!("the receiver took the webhook (status {status})");
        }
        Command::Secret { url, settings } => {
            say!("{}", key(url, settings).await?.1.to_text());
        }
        Command::Resend {
            payment_hash,
            since,
            settings,
        } => send_again(payment_hash.as_deref(), since.as_deref(), settings).await?,
    }
    Ok(())
}

async fn key(url: &str, arguments: &settings::Arguments) -> Result<(String, SigningKey, Settings)> {
    let url = settings::webhook_url(url).map_err(anyhow::Error::msg)?;
    let settings = Settings::new(arguments)?;
    let secret = find_or_create(&settings).await?;
    let key = SigningKey::of_url(&secret, &url);
    Ok((url, key, settings))
}

async fn send_again(
    payment_hash: Option<&str>,
    since: Option<&str>,
    arguments: &settings::Arguments,
) -> Result<()> {
    let which = match (payment_hash, since) {
        (Some(hash), _) => Which::Of(hash.parse()?),
        (None, since) => {
            let since = moment(since.unwrap_or_default(), SystemTime::now());
            Which::Since(since.map_err(anyhow::Error::msg).context("--since")?)
        }
    };
    let Settings {
        options, webhooks, ..
    } = Settings::new(arguments)?;
    if webhooks.urls.is_empty() {
        return Err(anyhow!("nobody is told of payments; set `webhooks` first"));
    }
    let nodes = lightningds(&options);
    let count = resend(&nodes, &options.store.id, webhooks.dir, which).await?;
    match (count, which) {
        (0, Which::Of(hash)) => Err(anyhow!("lightningd has no payment {hash} of this store")),
        (1, _) => {
            say!("one payment is told of again");
            Ok(())
        }
        _ => {
            say!("{count} payments are told of again");
            Ok(())
        }
    }
}

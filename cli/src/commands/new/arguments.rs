//! What `purrwall new` is told.

use std::path::PathBuf;

use clap::Args;
use purrwall_gateway::Price;

/// What the store is made of. What is not given is asked for on a terminal.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The folder to make.
    pub(super) dir: PathBuf,

    /// The store's name, as buyers see it.
    #[arg(long)]
    pub(super) name: Option<String>,

    /// A folder whose files are sold, each as an item. They are copied into the store's folder.
    #[arg(long, value_name = "DIR")]
    pub(super) goods: Option<PathBuf>,

    /// What each item costs, such as "500 sat".
    #[arg(long, value_parser = price)]
    pub(super) price: Option<Price>,
}

pub(super) const NAME: &str = "My store";
pub(super) const PRICE: &str = "100 sat";

/// A price that needs nothing else in the store's file.
pub(super) fn price(text: &str) -> Result<Price, String> {
    match text.parse() {
        Ok(Price::Fiat(fiat)) => Err(format!(
            "a price in {} needs a rate; give one in satoshi here, and change it in the store's file",
            fiat.currency
        )),
        Ok(price) => Ok(price),
        Err(error) => Err(format!("{error}")),
    }
}

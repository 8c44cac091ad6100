//! `purrwall buy`: the goods and their receipt, for a payment through the buyer's own node.

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::Args;
use lightningd::Lightningd;
use purrwall_buyer::address::Address;
use purrwall_buyer::store::Store;
use purrwall_buyer::{Buyer, Limits, Timing};
use shared::lightning::Msat;

use crate::commands::output::say;
use crate::commands::payer::{CALL_DEADLINE, Payer, Seller};

/// What to buy, and how.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The item: the address of its page or of its content.
    url: Address,

    #[command(flatten)]
    payer: Payer,

    /// The most to pay, in satoshi. Routing fees come on top: up to 1 % of the price, or 5 satoshi.
    #[arg(long, value_name = "N")]
    max_sat: u64,

    #[command(flatten)]
    seller: Seller,

    /// Where to put the goods. By default a file with the item's name in the current folder. The
    /// receipt comes beside it, as FILE.receipt.json; until both are there, FILE.purrwall.json
    /// remembers the purchase, and the same command goes on with it.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Buys, or goes on with an unfinished purchase.
pub(crate) async fn run(arguments: Arguments) -> Result<()> {
    let Some(max_price) = Msat::from_sat(arguments.max_sat) else {
        bail!("--max-sat {} is more than there is", arguments.max_sat);
    };
    let item = arguments.url.item().as_str();
    let buyer = Buyer {
        out: arguments.out.unwrap_or_else(|| item.into()),
        keeps: false,
        store: Store::new(arguments.url, arguments.seller.scheme),
        lightningd: Lightningd::new(arguments.payer.endpoint()?, CALL_DEADLINE),
        limits: Limits {
            max_price,
            payees: arguments.seller.payee,
        },
        timing: Timing::default(),
    };
    let bought = buyer.buy().await?;
    say!("{}", bought.proof);
    say!("goods: {}", bought.out.display());
    say!("receipt: {}", bought.receipt.display());
    Ok(())
}

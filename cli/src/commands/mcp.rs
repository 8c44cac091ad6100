//! `purrwall mcp`: a store's goods for an agent, which buys them through a lightningd within a budget.
//!
//! The agent speaks the Model Context Protocol over this program's input and output. So nothing else is
//! printed; what there is to say goes to standard error.
//!
//! - `tools`: what the agent can do.
//! - `goods`: how it gets what it bought.

mod goods;
mod tools;

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::Args;
use purrwall::settings::LogFormat;
use purrwall_buyer::Timing;
use purrwall_buyer::address::StoreAddress;
use purrwall_buyer::purse::Purse;
use rmcp::ServiceExt as _;
use rmcp::transport::stdio;
use shared::lightning::Msat;

use crate::commands::payer::{CALL_DEADLINE, Payer, Seller};
use crate::commands::serve::start_log;
use tools::Tools;

/// Whose goods, and whose money.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The store, such as `https://cats.example`.
    store: StoreAddress,

    #[command(flatten)]
    payer: Payer,

    /// The most that one item may cost, in satoshi. Routing fees come on top: up to 1 % of the price, or
    /// 5 satoshi.
    #[arg(long, value_name = "N", value_parser = sat)]
    max_sat: Msat,

    /// The most that all items together may cost, in satoshi. What was spent is read from the folder, so
    /// this holds over all starts with the same one. Routing fees come on top here, too.
    #[arg(long, value_name = "N", value_parser = sat)]
    max_total_sat: Msat,

    /// The folder of what was bought: goods, receipts, and the tickets with which nothing is paid twice.
    /// It is made where there is none. Each store needs its own.
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,

    #[command(flatten)]
    seller: Seller,
}

/// Serves until the agent's program closes the input.
pub(crate) async fn run(arguments: Arguments) -> Result<()> {
    start_log(LogFormat::Text)?;
    let dir = &arguments.dir;
    let folder = || format!("cannot use the folder {}", dir.display());
    fs::create_dir_all(dir).with_context(folder)?;
    let purse = Purse {
        // The agent is told of files by their whole path.
        dir: fs::canonicalize(dir).with_context(folder)?,
        endpoint: arguments.payer.endpoint()?,
        deadline: CALL_DEADLINE,
        scheme: arguments.seller.scheme,
        payees: arguments.seller.payee,
        each: arguments.max_sat,
        total: arguments.max_total_sat,
        timing: Timing::default(),
    };
    purse.remaining().with_context(folder)?;
    let tools = Tools::new(arguments.store, purse);
    let service = tools.serve(stdio()).await;
    let service = service.context("the program that started this does not speak MCP")?;
    service.waiting().await.context("the server broke off")?;
    Ok(())
}

fn sat(text: &str) -> Result<Msat, String> {
    let sat = text.parse().ok().and_then(Msat::from_sat);
    sat.ok_or_else(|| "it is no number of satoshi; write one such as 100".to_owned())
}

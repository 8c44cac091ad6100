//! Breaks the store on purpose, with the real programs, and counts what is lost.
//!
//! Each campaign prints figures, and the program fails where anything was lost. It starts the
//! programs that `PURRWALL`, `DEVNET` and `FORECAST` name, else those beside it; `PURRWALL_STORE_RPC` and
//! `PURRWALL_ALICE_RPC` name nodes of a real lightningd in the devnet's place. The same seed makes
//! the same choices; what they hit depends on the machine.

mod buyer;
mod campaigns;
mod connections;
mod http;
mod kinds;
mod lock;
mod nodes;
mod options;
mod receiver;
mod report;
mod route;
mod socket;
mod store;
mod way;

use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::{Parser, ValueEnum};
use rustix::process::{Resource, getrlimit, setrlimit};

use crate::campaigns::{ageing, crash, disk, flood, owner};
use crate::options::Options;
use crate::report::Report;

/// Breaks the store on purpose and counts what is lost.
#[derive(Parser)]
struct Arguments {
    /// Which; all, if none is named.
    campaigns: Vec<Campaign>,
    /// What the choices are made from; a new one each time if nothing is said.
    #[arg(long)]
    seed: Option<u64>,
    /// How many purchases are made, as far as a campaign counts them.
    #[arg(long)]
    purchases: Option<u32>,
    /// A short run of each, with time to spare for a busy machine.
    #[arg(long)]
    short: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum, PartialEq, Eq)]
enum Campaign {
    /// Gateway, node and the way between them fail while buyers buy.
    Crash,
    /// Strangers take what they can while a fresh buyer comes every second.
    Flood,
    /// lightningd forgets invoices or comes back with an older book, and the store is restarted.
    Ageing,
    /// The disk is full or broken, descriptors run out, or the store ends while it writes.
    Disk,
    /// The owner changes the shelf between purchases.
    Owner,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(losses) => {
            eprintln!("error: {losses} lost");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<usize> {
    take_descriptors()?;
    let chosen = match arguments.campaigns.as_slice() {
        [] => Campaign::value_variants(),
        chosen => chosen,
    };
    let purchases = if arguments.short { 20 } else { 1000 };
    let options = Options {
        seed: arguments.seed.unwrap_or_else(|| fastrand::u64(..1_000_000)),
        purchases: arguments.purchases.unwrap_or(purchases),
        is_short: arguments.short,
    };
    let mut losses = 0;
    for campaign in chosen {
        println!("{campaign:?}, seed {}", options.seed);
        let report = Report::default();
        let run = match campaign {
            Campaign::Crash => crash::run(&options, &report),
            Campaign::Flood => flood::run(&options, &report),
            Campaign::Ageing => ageing::run(&options, &report),
            Campaign::Disk => disk::run(&options, &report),
            Campaign::Owner => owner::run(&options, &report),
        };
        run.with_context(|| format!("{campaign:?} could not be run to its end"))?;
        losses += report.losses();
    }
    Ok(losses)
}

/// Both ends of every connection are ours.
fn take_descriptors() -> Result<()> {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    Ok(setrlimit(Resource::Nofile, limit)?)
}

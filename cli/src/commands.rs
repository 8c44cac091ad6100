//! The commands of `purrwall`, one file each. Without a command it serves.

mod buy;
mod check;
mod config;
mod desk;
mod guard;
mod mcp;
mod new;
mod output;
mod payer;
pub(crate) mod plugin;
mod rune;
mod sales;
mod seal;
mod secret;
mod serve;
mod verify;
mod webhook;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use purrwall::settings::Arguments;

/// Sells goods for Lightning payments, through the lightningd beside it.
#[derive(Debug, Parser)]
#[command(name = "purrwall", version, args_conflicts_with_subcommands = true)]
pub(crate) struct CommandLine {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: Arguments,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Makes a store of your own: a folder with its file, and your goods or two cats in it.
    New(new::Arguments),
    /// Checks the configuration, the files, the rates and the node, without starting.
    Check(Arguments),
    /// Buys an item, paying through a lightningd of yours, and keeps the receipt.
    Buy(buy::Arguments),
    /// Lets an agent buy a store's goods within a budget: an MCP server on standard input and output.
    Mcp(mcp::Arguments),
    /// Checks a receipt, and the goods where they are given, without asking anyone.
    Verify(verify::Arguments),
    /// Shows every setting that is in force, and where it was set.
    Config(Arguments),
    /// Prints the address of the owner's desk, and a code to sign in with, good once.
    Desk(Arguments),
    /// Lists what was sold, and sums it.
    Sales(sales::Arguments),
    /// Writes the ciphertexts of what is sold sealed, to be copied to any static host.
    Seal(seal::Arguments),
    /// Prints the command that makes a rune for this store, with which the gateway cannot spend.
    Rune(rune::Arguments),
    /// Passes a store's calls on to lightningd's socket, and nothing else: runs as lightningd's user,
    /// for a gateway that must not spend.
    Guard(guard::Arguments),
    /// Makes, rotates and lists the keys that claims are made and verified with.
    #[command(subcommand)]
    Secret(secret::Command),
    /// Tries a receiver of webhooks, or shows its secret.
    #[command(subcommand)]
    Webhook(webhook::Command),
}

impl CommandLine {
    /// Runs the command; an error is printed with its causes.
    pub(crate) async fn run(self) -> ExitCode {
        let done = match self.command {
            None => serve::run(self.serve).await,
            Some(Command::Buy(arguments)) => buy::run(arguments).await,
            Some(Command::Mcp(arguments)) => mcp::run(arguments).await,
            Some(Command::Verify(arguments)) => verify::run(&arguments),
            Some(Command::New(arguments)) => new::run(arguments),
            Some(Command::Check(arguments)) => check::run(&arguments).await,
            Some(Command::Config(arguments)) => config::run(&arguments),
            Some(Command::Desk(arguments)) => desk::run(&arguments),
            Some(Command::Sales(arguments)) => sales::run(&arguments).await,
            Some(Command::Seal(arguments)) => seal::run(&arguments),
            Some(Command::Rune(arguments)) => rune::run(&arguments),
            Some(Command::Guard(arguments)) => guard::run(arguments).await,
            Some(Command::Secret(command)) => secret::run(&command),
            Some(Command::Webhook(command)) => webhook::run(&command).await,
        };
        match done {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("purrwall: {error:#}");
                ExitCode::FAILURE
            }
        }
    }
}

//! The program `purrwall`: reads the command line and runs the command that it names.

mod commands;

use std::process::ExitCode;

use clap::Parser as _;

#[tokio::main]
async fn main() -> ExitCode {
    commands::CommandLine::parse().run().await
}

//! The program `purrwall`: reads the command line and runs the command that it names.

mod commands;
mod descriptors;
mod desk;
mod memory;
mod rekey;
mod reload;
mod rerune;
mod runtime;
mod watched;

use std::process::ExitCode;

use clap::Parser as _;
use mimalloc::MiMalloc;

/// Requests are many small pieces of memory; this one hands them out faster than the system's, which in the
/// static build is musl's.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    memory::take_small_pages();
    match runtime::start() {
        Ok(runtime) => runtime.block_on(run()),
        Err(error) => {
            eprintln!("purrwall: cannot start its threads: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> ExitCode {
    // lightningd runs its plugins without arguments, and so may a person the gateway.
    if commands::plugin::is_asked_for() {
        commands::plugin::run().await;
    }
    commands::CommandLine::parse().run().await
}

//! `cargo xtask …`: the commands that everyone who works on Purrwall types.
//!
//! [`setup`] finds or installs the tools and runs before every other command; [`build`] makes
//! the page that browsers load, [`widget`] the package for other sites, [`modules`] those for servers in
//! other languages, [`demo`] runs the whole
//! store over a Lightning network in a box, [`dist`] makes what owners install, [`mod@test`] is what
//! CI runs, [`mod@bench`] measures, [`mod@faults`] breaks the store on purpose, and [`mod@fuzz`] looks
//! for bytes that break a promise. Trunk calls `cargo xtask loader`.
//! Nothing here is needed in production.

mod bench;
mod build;
mod changed;
mod clnrest;
mod command;
mod demo;
mod demo_page;
mod dist;
mod docs;
mod faults;
mod fuzz;
mod goods;
mod minify;
mod modules;
mod packing;
mod programs;
mod scripts;
mod server;
mod setup;
mod short_names;
mod site;
mod size;
mod steps;
mod test;
mod tools;
mod widget;

use std::process::ExitCode;

use anyhow::{Result, bail};

const USAGE: &str = "\
usage: cargo xtask <command>

  setup                         check the tools, install what is missing
  demo [--port PORT]            a store, its Lightning network and two buyers, ready to use;
                                the store listens on PORT (8080), the network on PORT + 1,
                                somebody else's page that sells from it on PORT + 2;
       [--nodes N [--seed S]]   with more nodes: a random network that the seed names;
       [--rune]                 by clnrest, with a rune that cannot spend
  build                         page and widget for browsers, in dist/, with their sizes
  widget                        the widget as an npm package, in target/widget/
  modules                       the modules for servers, as packages for npm and pip, in target/modules/
  docs                          the documents as a book with a search, in target/book/
  pictures                      the documents' pictures again, from the real thing
  lighthouse                    Lighthouse's marks for the built page
  phone                         how long page and widget take on a phone with a slow network
  test [lint|native|browser|package]…
                                everything CI checks, or the named parts of it
  dist                          static program, Debian package and tarball, in target/dist/
  bench [PART…]                 the gateway's speed, beside that of what it stands on, or these parts of it
  bench --peers [--rounds N]    beside other programs that sell, which it installs; writes README.md's table
  faults [CAMPAIGN]… [--seed N] [--purchases N] [--short]
                                break the store on purpose and count what is lost
  fuzz [TARGET] [--seconds N]   random bytes where strangers send theirs, for ten minutes a target";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match dispatch(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(args: &[&str]) -> Result<()> {
    match args {
        ["setup"] => setup::setup(tools::Purpose::Tests),
        ["build"] => build::build(),
        ["widget"] => widget::package(),
        ["modules"] => modules::pack(),
        ["demo", options @ ..] => demo::demo(&demo::Options::parse(options)?),
        ["test", parts @ ..] => test::test(parts),
        ["docs"] => docs::docs(),
        ["pictures"] => scripts::pictures(),
        ["lighthouse"] => scripts::lighthouse(),
        ["phone"] => scripts::phone(),
        ["dist"] => dist::dist(),
        ["bench", "--peers"] => bench::peers("11"),
        ["bench", "--peers", "--rounds", rounds] => bench::peers(rounds),
        ["bench", parts @ ..] => bench::bench(parts),
        ["faults", options @ ..] => faults::faults(options),
        ["fuzz", options @ ..] => fuzz::fuzz(&fuzz::Options::parse(options)?),
        ["loader"] => widget::hook(),
        ["help" | "--help" | "-h"] => {
            println!("{USAGE}");
            Ok(())
        }
        [] => bail!("which command?\n{USAGE}"),
        _ => bail!("cannot make sense of {:?}\n{USAGE}", args.join(" ")),
    }
}

//! `purrwall rune`: the command that makes this store's rune, and what the rune is worth to a thief.

use anyhow::Result;
use clap::Args;
use purrwall::settings::{self, Between};
use purrwall::store_rune::restrictions;

use crate::commands::output::say;

/// For which store, and how fast.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// How many invoices a minute can be made with the rune; 0 is no limit. lightningd makes some
    /// 20,000 a minute.
    #[arg(long, value_name = "NUMBER", default_value_t = 6000)]
    rate: u32,

    #[command(flatten)]
    settings: settings::Arguments,
}

/// Prints the command, and in words what the rune allows.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    // The rune's file need not be there yet.
    let store = Between::new(&arguments.settings)?.store_id;
    let restrictions = serde_json::to_string(&restrictions(&store, arguments.rate))?;
    let labels = store.label_prefix();
    say!("# Run this beside lightningd. It prints the rune of the store {store}:");
    say!("lightning-cli -k createrune restrictions='{restrictions}'");
    say!("");
    say!(
        "# Write the value of \"rune\" into a file that only purrwall can read, and copy ca.pem out of"
    );
    say!("# lightningd's folder. Then, in purrwall.toml:");
    say!("#   lightning = \"https://NODE:3010\"   # clnrest's address: its option clnrest-port");
    say!("#   rune_file = \"rune\"");
    say!("#   ca_file = \"ca.pem\"");
    say!("#   tls_name = \"localhost\"            # the name in clnrest's own certificate");
    say!("");
    say!("Whoever steals this rune, and can reach clnrest, can");
    say!(
        "- make invoices whose labels begin with {labels}{};",
        rate(arguments.rate)
    );
    say!("- delete those of them that have expired unpaid;");
    say!(
        "- read all invoices of the node, those of others, too: labels, amounts, and the preimages of"
    );
    say!("  those that are paid. `purrwall guard`, beside lightningd, hides those of others;");
    say!("- read the node's name, addresses and number of channels.");
    say!(
        "They cannot pay, withdraw, open or close channels, make or list runes, stop the node, make"
    );
    say!("invoices in the name of others, or delete what is paid or still can be.");
    say!("`lightning-cli blacklistrune` with its unique_id ends it.");
    Ok(())
}

fn rate(invoices_per_minute: u32) -> String {
    match invoices_per_minute {
        0 => ", as fast as lightningd can".to_owned(),
        rate => format!(", {rate} a minute at most"),
    }
}

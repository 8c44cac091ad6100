//! The settings as flags of the command line.

use clap::{Arg, ArgMatches, Args, Command, Error, FromArgMatches};

use crate::settings::arguments::Arguments;
use crate::settings::keys::{ALL, About};

const AFTER_HELP: &str = "Each option can also be set by a variable (PURRWALL_LISTEN for --listen) \
    or in the store's file (listen). A flag wins over a variable, a variable over the file. \
    `purrwall config` shows what is in force and where it was set.";

impl Args for Arguments {
    fn augment_args(command: Command) -> Command {
        let flag = |about: &About| {
            let flag = about.flag();
            Arg::new(about.key)
                .long(flag.trim_start_matches('-').to_owned())
                .value_name(about.value)
                .help(help(about))
        };
        command.args(ALL.iter().map(flag)).after_help(AFTER_HELP)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Arguments {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let given = |about: &About| {
            let text: &String = matches.get_one(about.key)?;
            Some((about.key, text.clone()))
        };
        Ok(ALL.iter().filter_map(given).collect())
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// Without a full stop at its end, like every help of clap's.
fn help(about: &About) -> String {
    match about.default {
        Some(default) => format!("{} [default: {default}]", about.help()),
        None => about.help().trim_end_matches('.').to_owned(),
    }
}

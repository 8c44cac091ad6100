//! What commands print.

use std::fmt::Arguments;
use std::io::{self, Write as _};

/// Prints a line. A reader that wants only the first ones, as in `purrwall check | head`, closes the
/// pipe. The command goes on all the same, because its work and its exit code still count.
pub(crate) fn line(line: Arguments) {
    writeln!(io::stdout().lock(), "{line}").ok();
}

/// `println!` that bears a closed pipe.
macro_rules! say {
    ($($line:tt)*) => {
        crate::commands::output::line(format_args!($($line)*))
    };
}

pub(crate) use say;

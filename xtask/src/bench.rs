//! `cargo xtask bench`: the gateway's speed, beside that of what it stands on.

use anyhow::Result;

use crate::command::{command, run};

/// Measures the gateway in its release build; `cli/benches/` says what and against what.
pub(crate) fn bench() -> Result<()> {
    run(command("cargo").args(["bench", "--package", "purrwall"]))
}

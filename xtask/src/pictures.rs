//! `cargo xtask pictures`: the documents' pictures, still and moving, made from the real thing.

use anyhow::Result;

use crate::{
    build,
    command::{command, programs_dir, root, run},
    setup::setup,
    steps::Steps,
    tools::{self, Purpose},
};

/// Builds everything, tells the story once, and writes what was to be seen to `docs/pictures/`.
pub(crate) fn pictures() -> Result<()> {
    let mut steps = Steps::new();
    steps.run("tools", || setup(Purpose::Pictures))?;
    steps.run("programs", || run(&mut build::programs()))?;
    steps.run("page", build::page_if_changed)?;
    steps.run("pictures", || {
        let programs = programs_dir()?;
        run(command("node")
            .arg("pictures.mjs")
            .current_dir(root().join("e2e"))
            .env("CHROMIUM", tools::chromium()?)
            .env("PURRWALL", programs.join("purrwall"))
            .env("DEVNET", programs.join("devnet")))
    })?;
    steps.summary();
    Ok(())
}

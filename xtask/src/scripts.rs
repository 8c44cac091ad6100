//! What needs a browser, a store and a network, and is no test: scripts in `e2e/`.

use anyhow::Result;

use crate::{
    build,
    command::{command, programs_dir, root, run},
    setup::setup,
    steps::Steps,
    tools::{self, Purpose},
};

/// `cargo xtask pictures`: tells the story once, and writes what was to be seen to
/// `docs/pictures/`, still and moving.
pub(crate) fn pictures() -> Result<()> {
    script("pictures")
}

/// `cargo xtask lighthouse`: Lighthouse's marks for the built page.
pub(crate) fn lighthouse() -> Result<()> {
    script("lighthouse")
}

/// `cargo xtask phone`: how fast page and widget are on a phone with a slow network.
pub(crate) fn phone() -> Result<()> {
    script("phone")
}

/// Builds everything, then runs `e2e/{name}.mjs`.
fn script(name: &str) -> Result<()> {
    let mut steps = Steps::new();
    steps.run("tools", || setup(Purpose::Tests))?;
    steps.run("programs", || run(&mut build::programs()))?;
    steps.run("page", build::page_if_changed)?;
    steps.run(name, || {
        let programs = programs_dir()?;
        run(command("node")
            .arg(format!("{name}.mjs"))
            .current_dir(root().join("e2e"))
            .env("CHROMIUM", tools::chromium()?)
            .env("PURRWALL", programs.join("purrwall"))
            .env("DEVNET", programs.join("devnet")))
    })?;
    steps.summary();
    Ok(())
}

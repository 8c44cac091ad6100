//! `cargo xtask docs`: the documents as a book with a search, in `target/book/`.

use anyhow::Result;

use crate::{
    command::{command, root, run},
    setup::setup,
    tools::Purpose,
};

/// Makes the book.
pub(crate) fn docs() -> Result<()> {
    setup(Purpose::Book)?;
    run(command("mdbook").arg("build"))?;
    println!("{}", root().join("target/book/index.html").display());
    Ok(())
}

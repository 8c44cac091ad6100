//! `purrwall desk`: the desk's address, and a code to sign in with.

use anyhow::{Context as _, Result, bail};
use purrwall::settings::{Arguments, Settings};
use purrwall_desk::new_code;

use crate::commands::output::say;
use crate::desk::{address_file, url};

/// Makes a code in place of the one before, and prints it with the address.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let settings = Settings::new(arguments)?;
    let Some(address) = settings.desk_listen else {
        bail!(
            "this store has no desk; set desk_listen = \"127.0.0.1:8090\" in its file and start \
             purrwall again"
        );
    };
    let noted = std::fs::read_to_string(address_file(&settings.data_dir));
    let url = match noted {
        Ok(noted) => noted.trim().to_owned(),
        Err(_) => url(&settings, &address.to_string()),
    };
    let code = new_code(&settings.data_dir).with_context(|| {
        let dir = settings.data_dir.display();
        format!(
            "cannot keep a code in {dir}; start purrwall first, and run this as its user or as root"
        )
    })?;
    say!("Open      {url}");
    say!("and type  {code}");
    say!("The code is good once, for ten minutes.");
    Ok(())
}

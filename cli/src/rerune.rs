//! Runes read again: on SIGHUP, and when a file of one changes. A new rune takes effect so, without a
//! restart.

use std::fs;

use lightningd::rune::Rune;
use purrwall::settings::{RuneFile, Settings};
use purrwall::store_rune::{self, DangerousRune, Findings};
use purrwall_gateway::RestError;
use tokio::signal::unix::Signal;

use crate::watched::{Watched, next_look};

/// Keeps the runes that are shown in step with their files, without end. SIGHUP comes over `hangup`. A file
/// that cannot be read, and a rune that is not taken, leave the rune of before in force.
pub(crate) async fn follow(settings: Settings, mut hangup: Signal) {
    let files = settings.rune_files.iter();
    let mut watched: Vec<_> = files
        .map(|file| (file, Watched::new(file.path.clone())))
        .collect();
    loop {
        let asked = next_look(&mut hangup).await;
        for (file, watched) in &mut watched {
            watched.look(asked, "rune", || replace(file, &settings));
        }
    }
}

#[derive(Debug, thiserror::Error)]
enum RuneError {
    #[error("its file cannot be read: {0}")]
    Read(#[from] std::io::Error),
    #[error("its file holds what {0}")]
    Rune(#[from] RestError),
    #[error(transparent)]
    Dangerous(#[from] DangerousRune),
}

/// Shows the rune that the file holds now, if it is another one.
fn replace(file: &RuneFile, settings: &Settings) -> Result<(), RuneError> {
    let text = String::from_utf8(fs::read(&file.path)?).unwrap_or_default();
    let rune = Rune::parse(text.trim()).ok_or(RestError::Rune)?;
    if rune == file.rest.rune() {
        return Ok(());
    }
    let place = file.rest.url();
    let found = store_rune::check_one(settings, &rune, &place)?;
    file.rest.replace_rune(&text)?;
    tell_of_rune(&place, &found);
    tracing::info!(path = ?file.path, "the rune was read again");
    Ok(())
}

/// Warns of what a rune allows that the store does not need, and of what it lacks.
pub(crate) fn tell_of_rune(place: &str, found: &Findings) {
    for needless in found.dangers.iter().chain(&found.needless) {
        tracing::warn!(
            "the rune for {place} is wider than needed: whoever has it could {needless}"
        );
    }
    for missing in &found.missing {
        tracing::warn!("the rune for {place} does not allow {missing}, which the store needs");
    }
}

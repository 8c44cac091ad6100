//! Runes read again: on SIGHUP, and when a file of one changes. A new rune takes effect so, without a
//! restart.

use std::fs;

use lightningd::rune::Rune;
use purrwall::settings::{RuneFile, Settings};
use purrwall::store_rune::{self, DangerousRune, Findings};
use purrwall_gateway::RestError;
use purrwall_gateway::stamp::Stamp;
use tokio::signal::unix::Signal;
use tokio::time::sleep;

use crate::reload::LOOK;

/// Keeps the runes that are shown in step with their files, without end. SIGHUP comes over `hangup`. A file
/// that cannot be read, and a rune that is not taken, leave the rune of before in force.
pub(crate) async fn follow(settings: Settings, mut hangup: Signal) {
    let mut watched: Vec<_> = settings.rune_files.iter().map(Watched::new).collect();
    loop {
        let asked = tokio::select! {
            asked = hangup.recv() => asked.is_some(),
            () = sleep(LOOK) => false,
        };
        for watched in &mut watched {
            watched.look(&settings, asked);
        }
    }
}

struct Watched<'a> {
    file: &'a RuneFile,
    /// What the file was when it was read. It may have changed since the start.
    read: Option<Stamp>,
    broken: Option<String>,
}

impl<'a> Watched<'a> {
    fn new(file: &'a RuneFile) -> Self {
        Self {
            file,
            read: None,
            broken: None,
        }
    }

    fn look(&mut self, settings: &Settings, asked: bool) {
        let now = fs::metadata(&self.file.path)
            .ok()
            .map(|now| Stamp::of(&now));
        if !asked && now == self.read {
            return;
        }
        match replace(self.file, settings) {
            Ok(is_new) => {
                if is_new {
                    tracing::info!(path = ?self.file.path, "the rune was read again");
                }
                self.broken = None;
            }
            Err(error) => {
                let cause = error.to_string();
                if asked || self.broken.as_ref() != Some(&cause) {
                    let path = &self.file.path;
                    tracing::error!(?path, "the previous rune stays in force: {cause}");
                    self.broken = Some(cause);
                }
            }
        }
        self.read = now;
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

/// Shows the rune that the file holds now; false where it is the same.
fn replace(file: &RuneFile, settings: &Settings) -> Result<bool, RuneError> {
    let text = String::from_utf8(fs::read(&file.path)?).unwrap_or_default();
    let rune = Rune::parse(text.trim()).ok_or(RestError::Rune)?;
    if rune == file.rest.rune() {
        return Ok(false);
    }
    let place = file.rest.url();
    let found = store_rune::check_one(settings, &rune, &place)?;
    file.rest.replace_rune(&text)?;
    tell_of_rune(&place, &found);
    Ok(true)
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

//! A file that is read again: on SIGHUP, and when it changes.
//!
//! Files are looked at once a second rather than watched by the kernel: that works on every file
//! system, and sees through every way in which editors save.

use std::fmt::Display;
use std::path::PathBuf;
use std::time::Duration;

use purrwall_gateway::stamp::Stamp;
use tokio::signal::unix::Signal;
use tokio::time::sleep;

/// How often files are looked at.
pub(crate) const LOOK: Duration = Duration::from_secs(1);

/// Waits until files are to be looked at; whether that was asked for by SIGHUP, which comes over `hangup`.
pub(crate) async fn next_look(hangup: &mut Signal) -> bool {
    tokio::select! {
        asked = hangup.recv() => asked.is_some(),
        () = sleep(LOOK) => false,
    }
}

/// One file, and what became of it when it was read last.
pub(crate) struct Watched {
    path: PathBuf,
    /// What the file was when it was read; `None` where it was not there, and at first, because it may have
    /// changed since the start.
    read: Option<Stamp>,
    broken: Option<String>,
}

impl Watched {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self {
            path,
            read: None,
            broken: None,
        }
    }

    /// Takes on what the file holds, if it has changed or that was asked for. Why it cannot be taken on is
    /// told once, with `kept`: what stays in force.
    pub(crate) fn look<E: Display>(
        &mut self,
        asked: bool,
        kept: &str,
        take: impl FnOnce() -> Result<(), E>,
    ) {
        let now = Stamp::at(&self.path);
        if !asked && now.is_some() && now == self.read {
            return;
        }
        let cause = take().err().map(|error| error.to_string());
        if let Some(cause) = &cause
            && (asked || self.broken.as_ref() != Some(cause))
        {
            tracing::error!(path = ?self.path, "the previous {kept} stays in force: {cause}");
        }
        self.broken = cause;
        self.read = now;
    }
}

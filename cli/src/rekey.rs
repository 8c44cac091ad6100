//! The secret read again: on SIGHUP, and when its file changes. `purrwall secret rotate` and `remove`
//! take effect so, without a restart.

use std::fs;
use std::path::{Path, PathBuf};

use purrwall_gateway::stamp::Stamp;
use purrwall_gateway::{Gateway, Secret, SecretError};
use tokio::signal::unix::Signal;
use tokio::time::sleep;

use crate::reload::LOOK;

/// Keeps the gateway's secret in step with its file, without end. `running` is the one that it has;
/// SIGHUP comes over `hangup`. A file that cannot be read leaves the secret of before in force.
pub(crate) async fn follow(
    gateway: Gateway,
    path: PathBuf,
    mut running: Secret,
    mut hangup: Signal,
) {
    let look = || Some(Stamp::of(&fs::metadata(&path).ok()?));
    // It may have changed since it was read at the start.
    let mut read = None;
    let mut broken: Option<String> = None;
    loop {
        let asked = tokio::select! {
            asked = hangup.recv() => asked.is_some(),
            () = sleep(LOOK) => false,
        };
        let now = look();
        if !asked && read.as_ref() == Some(&now) {
            continue;
        }
        match successor(&path, &running) {
            Ok(secret) => {
                if !secret.ids().eq(running.ids()) {
                    gateway.replace_secret(&secret);
                    let (keys, current) = (secret.ids().count(), secret.ids().next());
                    let current = current.map(tracing::field::display);
                    tracing::info!(keys, current, "the secret was read again");
                    running = secret;
                }
                broken = None;
            }
            Err(error) => {
                let cause = error.to_string();
                if asked || broken.as_ref() != Some(&cause) {
                    tracing::error!("the previous secret stays in force: {cause}");
                    broken = Some(cause);
                }
            }
        }
        read = Some(now);
    }
}

#[derive(Debug, thiserror::Error)]
enum RekeyError {
    #[error(transparent)]
    Secret(#[from] SecretError),
    #[error("its file is gone; put it back from a backup")]
    Gone,
    #[error(
        "its file has none of the keys that are in use, so that nobody who paid would be served; if \
         that is what you want, start purrwall again"
    )]
    Foreign,
}

/// What the file holds now: keys may come and go, but one has to stay.
fn successor(path: &Path, running: &Secret) -> Result<Secret, RekeyError> {
    let secret = Secret::load_if_there(path)?.ok_or(RekeyError::Gone)?;
    let is_known = secret
        .ids()
        .any(|id| running.ids().any(|known| known == id));
    is_known.then_some(secret).ok_or(RekeyError::Foreign)
}

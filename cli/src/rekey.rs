//! The secret read again: on SIGHUP, and when its file changes. `purrwall secret rotate` and `remove`
//! take effect so, without a restart.

use std::path::{Path, PathBuf};

use purrwall_gateway::{Gateway, Secret, SecretError};
use tokio::signal::unix::Signal;

use crate::watched::{Watched, next_look};

/// Keeps the gateway's secret in step with its file, without end. `running` is the one that it has;
/// SIGHUP comes over `hangup`. A file that cannot be read leaves the secret of before in force.
pub(crate) async fn follow(
    gateway: Gateway,
    path: PathBuf,
    mut running: Secret,
    mut hangup: Signal,
) {
    let mut watched = Watched::new(path.clone());
    loop {
        let asked = next_look(&mut hangup).await;
        watched.look(asked, "secret", || {
            let secret = successor(&path, &running)?;
            if !secret.ids().eq(running.ids()) {
                gateway.replace_secret(&secret);
                let (keys, current) = (secret.ids().count(), secret.ids().next());
                let current = current.map(tracing::field::display);
                tracing::info!(keys, current, "the secret was read again");
                running = secret;
            }
            Ok::<_, RekeyError>(())
        });
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

//! Randomness for keys, preimages and ids.

use anyhow::Context;

/// 32 bytes from the operating system.
pub(crate) fn random_bytes() -> anyhow::Result<[u8; 32]> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).context("the operating system gives no random bytes")?;
    Ok(bytes)
}

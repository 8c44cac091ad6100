//! Short channel ids as lightningd writes them: `NxNxN`, the block, the transaction and the output.

use lightning::util::scid_utils::{
    block_from_scid, scid_from_parts, tx_index_from_scid, vout_from_scid,
};

/// Writes a short channel id.
pub(crate) fn scid_text(scid: u64) -> String {
    format!(
        "{}x{}x{}",
        block_from_scid(scid),
        tx_index_from_scid(scid),
        vout_from_scid(scid)
    )
}

/// Reads a short channel id.
pub(crate) fn parse_scid(text: &str) -> Option<u64> {
    let mut parts = text.split('x').map(|part| part.parse().ok());
    let (block, index, output) = (parts.next()??, parts.next()??, parts.next()??);
    if parts.next().is_some() {
        return None;
    }
    scid_from_parts(block, index, output).ok()
}

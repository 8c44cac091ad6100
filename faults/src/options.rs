//! What a campaign is told.

/// Where its choices come from, and how long it goes on.
pub(crate) struct Options {
    pub(crate) seed: u64,
    pub(crate) purchases: u32,
    pub(crate) is_short: bool,
}

//! The wall clock, in the unit that invoices and the API use.

use std::time::{SystemTime, UNIX_EPOCH};

/// Now, in UNIX seconds.
pub(crate) fn unix_now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

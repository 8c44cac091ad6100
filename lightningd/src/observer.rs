//! Who hears of calls.

use std::fmt::Debug;
use std::time::Duration;

use crate::error::LightningError;

/// Hears of each call: who measures or logs hands one in.
pub trait Observer: Send + Sync + Debug {
    /// `method` was answered after `took`, or failed.
    fn called(&self, method: &str, took: Duration, error: Option<&LightningError>);

    /// So many entries in an answer to `method` could not be read, and were skipped.
    fn skipped(&self, method: &str, entries: usize);
}

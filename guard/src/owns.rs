//! Whose invoice a label names.

use std::sync::Arc;

/// Whether an invoice with this label is the store's.
pub type Owns = Arc<dyn Fn(&str) -> bool + Send + Sync>;

//! Everything that buyers read, in their language.

pub mod format;
pub mod language;
pub mod say;

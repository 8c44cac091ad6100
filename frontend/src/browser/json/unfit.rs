//! The one way in which reading and writing fail: nobody is told more.

use std::fmt;

use serde::{de, ser};

/// Not the JSON that was expected, or nothing that JSON of ours can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unfit;

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("this is not the JSON that was expected")
    }
}

impl std::error::Error for Unfit {}

impl de::Error for Unfit {
    fn custom<T: fmt::Display>(_message: T) -> Self {
        Self
    }
}

impl ser::Error for Unfit {
    fn custom<T: fmt::Display>(_message: T) -> Self {
        Self
    }
}

//! Where lightningd is, and how it is spoken to.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::rest::Rest;

/// Where lightningd is. Calls are the same over both ways.
#[derive(Clone, Debug)]
pub enum Endpoint {
    /// Its Unix socket. Whoever can open it can spend.
    Socket(PathBuf),
    /// Its REST plugin, clnrest, with a rune that allows some calls only.
    Rest(Rest),
}

impl Endpoint {
    /// The rune that it is spoken to with; the socket needs none.
    pub fn rest(&self) -> Option<&Rest> {
        match self {
            Self::Socket(_) => None,
            Self::Rest(rest) => Some(rest),
        }
    }
}

/// The socket's path, or the address of clnrest.
impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Socket(path) => write!(f, "{}", path.display()),
            Self::Rest(rest) => f.write_str(&rest.url()),
        }
    }
}

/// The path of a socket.
macro_rules! socket {
    ($($Path:ty),*) => {
        $(impl From<$Path> for Endpoint {
            fn from(path: $Path) -> Self {
                Self::Socket(path.into())
            }
        })*
    };
}

socket!(PathBuf, &PathBuf, &Path, String, &str);

impl From<Rest> for Endpoint {
    fn from(rest: Rest) -> Self {
        Self::Rest(rest)
    }
}

//! Why a call failed, and what the node's owner can do about it.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// A rune does not allow the call, or not so soon after the last one.
pub(crate) const NOT_PERMITTED: i64 = 1502;
/// What lightningd says of runes that it does not take, too: not its own, not permitted, blacklisted.
const RUNE_CODES: std::ops::RangeInclusive<i64> = 1501..=1503;

/// Why lightningd did not do what it was asked. One answer may be told to many who asked the same.
#[derive(Clone, Debug, thiserror::Error)]
pub enum LightningError {
    /// Nobody listens at the socket, or we may not talk to it.
    #[error("cannot connect to lightningd at {socket:?}")]
    Connect {
        /// The socket's path.
        socket: PathBuf,
        /// The reason.
        source: Arc<io::Error>,
    },
    /// Nobody listens where clnrest should be.
    #[error("cannot connect to lightningd's REST plugin at {url}")]
    Unreachable {
        /// Where it should be.
        url: String,
        /// The reason.
        source: Arc<io::Error>,
    },
    /// Whoever listens where clnrest should be has not shown that it is our node.
    #[error("{url} has no certificate for {name} that is signed as ca_file says: {why}")]
    Certificate {
        /// Where clnrest should be.
        url: String,
        /// The name that its certificate has to be for.
        name: String,
        /// What is wrong with it.
        why: String,
    },
    /// The connection ended before the answer was complete.
    #[error("lightningd closed the connection during `{method}`")]
    Closed {
        /// The call.
        method: String,
    },
    /// No answer in time.
    #[error("lightningd did not answer `{method}` within {} ms", after.as_millis())]
    Timeout {
        /// The call.
        method: String,
        /// The deadline.
        after: Duration,
    },
    /// An answer that cannot be read. Its text is not repeated: it may hold a preimage.
    #[error("lightningd's answer to `{method}` has another form than expected (at byte {at})")]
    Decode {
        /// The call.
        method: String,
        /// Where in the answer the reader gave up.
        at: usize,
    },
    /// lightningd's own error.
    #[error("lightningd answered `{method}` with error {code}: {message}")]
    Rpc {
        /// The call.
        method: String,
        /// See the codes that lightningd documents for each call.
        code: i64,
        /// For people.
        message: String,
    },
}

impl LightningError {
    /// The kind of failure in a word, for metrics.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Connect { .. } | Self::Unreachable { .. } => "connect",
            Self::Certificate { .. } => "certificate",
            Self::Closed { .. } => "closed",
            Self::Timeout { .. } => "timeout",
            Self::Decode { .. } => "decode",
            Self::Rpc { .. } => "rpc",
        }
    }

    /// Whether the node cannot be used now: it is not there, does not answer in time, or takes no call
    /// from us. Other errors are its answer to one call.
    pub fn is_away(&self) -> bool {
        match self {
            Self::Connect { .. }
            | Self::Unreachable { .. }
            | Self::Certificate { .. }
            | Self::Closed { .. }
            | Self::Timeout { .. } => true,
            Self::Rpc { code, .. } => RUNE_CODES.contains(code),
            Self::Decode { .. } => false,
        }
    }

    /// What the store's owner can do about it.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::Connect { source, .. } => match source.kind() {
                io::ErrorKind::NotFound => {
                    "start lightningd, or name the socket that it has with --lightning-rpc \
                     (`lightning-cli getinfo` shows its folder as lightning-dir)"
                }
                io::ErrorKind::PermissionDenied => {
                    "run purrwall as the user that runs lightningd, or set lightningd's option \
                     rpc-file-mode=0660 and put purrwall's user into its group"
                }
                io::ErrorKind::ConnectionRefused => {
                    "lightningd has stopped or is still starting: wait a moment, then look at \
                     lightningd's log"
                }
                _ => "check that --lightning-rpc names lightningd's socket",
            },
            Self::Unreachable { .. } => {
                "check that `lightning` names the address where clnrest listens (its option \
                 clnrest-port), that it is running (`lightning-cli plugin list`), and that no \
                 firewall is between"
            }
            Self::Certificate { .. } => {
                "copy ca.pem out of lightningd's folder and name it with ca_file; clnrest's own \
                 certificate is for localhost, so set tls_name = \"localhost\" where the node is \
                 elsewhere"
            }
            Self::Closed { .. } => "lightningd is stopping or restarting: wait until it is back",
            Self::Timeout { .. } => "lightningd is overloaded or hangs: look at its log",
            Self::Decode { .. } => {
                "check that it is a Core Lightning of version 24.02 or newer that --lightning-rpc or \
                 --lightning names"
            }
            Self::Rpc { code, .. } if RUNE_CODES.contains(code) => {
                "the rune does not allow this: `purrwall rune` prints the command that makes one \
                 for this store"
            }
            Self::Rpc { .. } => "look at lightningd's log",
        }
    }
}

//! Channels that a node is opening, from the request to the funding transaction.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use lightning::bitcoin::{Amount, Transaction};
use lightning::ln::types::ChannelId;
use thiserror::Error;
use tokio::sync::oneshot;

use crate::random::random_bytes;

/// A channel whose funding transaction is in the mempool. It is usable after one block.
#[derive(Debug, Clone)]
pub struct OpenedChannel {
    /// The channel's permanent id.
    pub channel_id: ChannelId,
    /// The transaction that funds it.
    pub funding: Transaction,
    /// Which of its outputs that is.
    pub output_index: u16,
}

/// Why a channel is not opened.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum OpenError {
    /// The wallet holds too little.
    #[error("Could not afford {needed} using all available UTXOs: only {available} there")]
    InsufficientFunds {
        /// The channel with the fee of its transaction.
        needed: Amount,
        /// What the wallet can spend.
        available: Amount,
    },
    /// The peer is not connected.
    #[error("Unknown peer")]
    UnknownPeer,
    /// LDK or the peer refused, with their words.
    #[error("{0}")]
    Refused(String),
}

/// The openings under way, by the id that LDK hands back in its events.
#[derive(Default)]
pub(crate) struct Openings {
    pending: Mutex<HashMap<u128, Opening>>,
}

struct Opening {
    funding: Option<Transaction>,
    done: oneshot::Sender<Result<OpenedChannel, OpenError>>,
}

impl Openings {
    /// Notes a new opening: its id, and where its end will be told.
    pub(crate) fn begin(
        &self,
    ) -> Result<(u128, oneshot::Receiver<Result<OpenedChannel, OpenError>>), OpenError> {
        let random = random_bytes().map_err(|error| OpenError::Refused(error.to_string()))?;
        let mut id = [0; 16];
        id.copy_from_slice(&random[..16]);
        let id = u128::from_le_bytes(id);
        let (done, receiver) = oneshot::channel();
        self.pending().insert(
            id,
            Opening {
                funding: None,
                done,
            },
        );
        Ok((id, receiver))
    }

    /// Notes the transaction that will fund the channel.
    pub(crate) fn keep_funding(&self, id: u128, funding: &Transaction) {
        if let Some(opening) = self.pending().get_mut(&id) {
            opening.funding = Some(funding.clone());
        }
    }

    /// The funding transaction is on its way to the chain.
    pub(crate) fn succeed(&self, id: u128, channel_id: ChannelId, output_index: u16) {
        if let Some(Opening {
            funding: Some(funding),
            done,
        }) = self.pending().remove(&id)
        {
            // The caller may have gone away; the channel is there all the same.
            let _ = done.send(Ok(OpenedChannel {
                channel_id,
                funding,
                output_index,
            }));
        }
    }

    /// The opening ended without a channel.
    pub(crate) fn fail(&self, id: u128, error: OpenError) {
        if let Some(opening) = self.pending().remove(&id) {
            let _ = opening.done.send(Err(error));
        }
    }

    fn pending(&self) -> MutexGuard<'_, HashMap<u128, Opening>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

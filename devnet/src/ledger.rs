//! What went through each channel of a node, exact to the millisatoshi.
//!
//! LDK reports capacities, which leave out reserves and round; the sum of what it reports as paid
//! is exact, and it is what `listpeerchannels` has fields for.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use lightning::ln::types::ChannelId;

/// The payments that one channel carried.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many came in.
    pub in_count: u64,
    /// What came in.
    pub in_msat: u64,
    /// How many went out.
    pub out_count: u64,
    /// What went out.
    pub out_msat: u64,
}

/// The tallies of a node's channels, and what forwarding earned.
#[derive(Default)]
pub struct Ledger {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    channels: HashMap<ChannelId, Tally>,
    fees_msat: u64,
}

impl Ledger {
    /// Something came in over a channel.
    pub fn received(&self, channel: ChannelId, msat: u64) {
        let mut state = self.state();
        let tally = state.channels.entry(channel).or_default();
        tally.in_count += 1;
        tally.in_msat += msat;
    }

    /// Something went out over a channel.
    pub fn sent(&self, channel: ChannelId, msat: u64) {
        let mut state = self.state();
        let tally = state.channels.entry(channel).or_default();
        tally.out_count += 1;
        tally.out_msat += msat;
    }

    /// Forwarding earned a fee.
    pub fn earned(&self, msat: u64) {
        self.state().fees_msat += msat;
    }

    /// What forwarding earned so far.
    pub fn fees_msat(&self) -> u64 {
        self.state().fees_msat
    }

    /// What a channel carried so far.
    pub fn tally(&self, channel: ChannelId) -> Tally {
        self.state()
            .channels
            .get(&channel)
            .copied()
            .unwrap_or_default()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

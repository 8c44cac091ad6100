//! How this network configures LDK, and the small services that LDK asks for.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use lightning::chain::ChannelMonitorUpdateStatus;
use lightning::chain::chaininterface::{ConfirmationTarget, FeeEstimator};
use lightning::chain::chainmonitor::Persist;
use lightning::chain::channelmonitor::{ChannelMonitor, ChannelMonitorUpdate};
use lightning::io;
use lightning::routing::gossip::{self, P2PGossipSync};
use lightning::routing::router;
use lightning::routing::scoring::{ProbabilisticScorer, ProbabilisticScoringFeeParameters};
use lightning::sign::{InMemorySigner, KeysManager};
use lightning::util::config::{
    ChannelConfig, ChannelHandshakeConfig, ChannelHandshakeLimits, MaxDustHTLCExposure, UserConfig,
};
use lightning::util::logger::{self, Level, Record};
use lightning::util::persist::{KVStoreSync, MonitorName};

use crate::chain::Chain;
use crate::plan::Fees;

pub(crate) type NetworkGraph = gossip::NetworkGraph<Arc<Logger>>;
pub(crate) type Gossip = P2PGossipSync<Arc<NetworkGraph>, Arc<Chain>, Arc<Logger>>;
pub(crate) type Scorer = ProbabilisticScorer<Arc<NetworkGraph>, Arc<Logger>>;
pub(crate) type DefaultRouter = router::DefaultRouter<
    Arc<NetworkGraph>,
    Arc<Logger>,
    Arc<KeysManager>,
    Arc<RwLock<Scorer>>,
    ProbabilisticScoringFeeParameters,
    Scorer,
>;
/// The largest number of HTLCs that the protocol allows in one direction.
const MAX_HTLCS: u16 = 483;

/// Channels that are public, usable after one confirmation, and as full as the protocol allows.
pub(crate) fn config(fees: Fees) -> UserConfig {
    UserConfig {
        channel_handshake_config: ChannelHandshakeConfig {
            minimum_depth: 1,
            announce_for_forwarding: true,
            max_inbound_htlc_value_in_flight_percent_of_channel: 100,
            our_max_accepted_htlcs: MAX_HTLCS,
            ..ChannelHandshakeConfig::default()
        },
        channel_handshake_limits: ChannelHandshakeLimits {
            force_announced_channel_preference: false,
            ..ChannelHandshakeLimits::default()
        },
        channel_config: ChannelConfig {
            forwarding_fee_base_msat: fees.base_msat,
            forwarding_fee_proportional_millionths: fees.proportional_millionths,
            // A payment of 100 sat is dust on chain, and many of them are in flight at once.
            max_dust_htlc_exposure: MaxDustHTLCExposure::FixedLimitMsat(500_000_000),
            ..ChannelConfig::default()
        },
        ..UserConfig::default()
    }
}

/// One fee rate for every purpose: blocks here are never full.
pub(crate) struct FixedFees;

impl FixedFees {
    /// Satoshi per 1000 weight units: the least that the network relays.
    pub(crate) const PER_KW: u32 = 253;
}

impl FeeEstimator for FixedFees {
    fn get_est_sat_per_1000_weight(&self, _target: ConfirmationTarget) -> u32 {
        Self::PER_KW
    }
}

/// Hands LDK's log to `tracing`, with the node's name.
pub(crate) struct Logger {
    pub(crate) node: String,
}

impl logger::Logger for Logger {
    fn log(&self, record: Record) {
        let (node, message) = (&self.node, record.args);
        match record.level {
            Level::Error => tracing::error!(target: "ldk", node, "{message}"),
            Level::Warn => tracing::warn!(target: "ldk", node, "{message}"),
            Level::Info => tracing::debug!(target: "ldk", node, "{message}"),
            Level::Debug | Level::Trace | Level::Gossip => {
                tracing::trace!(target: "ldk", node, "{message}");
            }
        }
    }
}

/// Storage that ends with the process: a devnet starts from nothing every time.
#[derive(Default)]
pub(crate) struct MemoryStore {
    values: Mutex<HashMap<(String, String, String), Vec<u8>>>,
}

/// Where channel state would be written: it stays in the monitors, which end with the process.
pub(crate) struct NoDisk;

impl Persist<InMemorySigner> for NoDisk {
    fn persist_new_channel(
        &self,
        _name: MonitorName,
        _monitor: &ChannelMonitor<InMemorySigner>,
    ) -> ChannelMonitorUpdateStatus {
        ChannelMonitorUpdateStatus::Completed
    }

    fn update_persisted_channel(
        &self,
        _name: MonitorName,
        _update: Option<&ChannelMonitorUpdate>,
        _monitor: &ChannelMonitor<InMemorySigner>,
    ) -> ChannelMonitorUpdateStatus {
        ChannelMonitorUpdateStatus::Completed
    }

    fn archive_persisted_channel(&self, _name: MonitorName) {}
}

impl MemoryStore {
    fn with<R>(&self, f: impl FnOnce(&mut HashMap<(String, String, String), Vec<u8>>) -> R) -> R {
        f(&mut self.values.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl KVStoreSync for MemoryStore {
    fn read(&self, primary: &str, secondary: &str, key: &str) -> Result<Vec<u8>, io::Error> {
        let path = (primary.into(), secondary.into(), key.into());
        self.with(|values| values.get(&path).cloned())
            .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "no such key"))
    }

    fn write(
        &self,
        primary: &str,
        secondary: &str,
        key: &str,
        value: Vec<u8>,
    ) -> Result<(), io::Error> {
        let path = (primary.into(), secondary.into(), key.into());
        self.with(|values| values.insert(path, value));
        Ok(())
    }

    fn remove(
        &self,
        primary: &str,
        secondary: &str,
        key: &str,
        _lazy: bool,
    ) -> Result<(), io::Error> {
        let path = (primary.into(), secondary.into(), key.into());
        self.with(|values| values.remove(&path));
        Ok(())
    }

    fn list(&self, primary: &str, secondary: &str) -> Result<Vec<String>, io::Error> {
        let is_here = |path: &&(String, String, String)| path.0 == primary && path.1 == secondary;
        Ok(self.with(|values| {
            values
                .keys()
                .filter(is_here)
                .map(|path| path.2.clone())
                .collect()
        }))
    }
}

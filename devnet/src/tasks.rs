//! What runs in the background of a node: LDK's own work, and a quick tick beside it.

use std::future;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use lightning::chain::Filter;
use lightning::ln::msgs::SocketAddress;
use lightning::routing::gossip::NodeId;
use lightning::sign::{ChangeDestinationSourceSync, KeysManager};
use lightning::util::sweep::OutputSweeperSync;
use lightning_background_processor::{
    GossipSync, NO_LIQUIDITY_MANAGER, NO_ONION_MESSENGER, process_events_async_with_kv_store_sync,
};

use crate::chain::Chain;
use crate::clock::unix_time;
use crate::ldk::{FixedFees, Logger, MemoryStore};
use crate::node::Node;

/// How often a node looks for HTLCs to forward and for invoices that expired. LDK alone would
/// hold each HTLC back for 50 ms on average, to hide the path; the devnet has no one to hide from.
const TICK: Duration = Duration::from_millis(5);
/// After how many ticks a node looks whether it has a channel to announce itself for.
const TICKS_PER_ANNOUNCEMENT: u32 = 10;
/// After how many ticks it cleans its book. lightningd's default is an hour.
const TICKS_PER_CLEANING: u32 = 200;

/// Closed channels pay to LDK's keys; nothing sweeps them, as no method here closes channels.
type NoSweeper = OutputSweeperSync<
    Arc<Chain>,
    Arc<dyn ChangeDestinationSourceSync + Send + Sync>,
    Arc<FixedFees>,
    Arc<dyn Filter + Send + Sync>,
    Arc<MemoryStore>,
    Arc<Logger>,
    Arc<KeysManager>,
>;

impl Node {
    /// Starts the node's tasks. They end when `stop` turns true.
    pub(crate) fn spawn_tasks(self: &Arc<Self>) {
        tokio::spawn(Arc::clone(self).run_ldk());
        tokio::spawn(Arc::clone(self).run_ticks());
    }

    async fn run_ldk(self: Arc<Self>) {
        let node = &self;
        let handle_event = |event| {
            node.handle_event(event);
            future::ready(Ok(()))
        };
        let sleep = |duration| {
            let mut stop = node.stop.subscribe();
            Box::pin(async move {
                tokio::select! {
                    () = tokio::time::sleep(duration) => false,
                    // The sender lives in the node, which this task keeps.
                    _ = stop.wait_for(|stopped| *stopped) => true,
                }
            })
        };
        let now = || SystemTime::now().duration_since(UNIX_EPOCH).ok();
        let ended = process_events_async_with_kv_store_sync(
            Arc::clone(&self.ldk.store),
            handle_event,
            Arc::clone(&self.ldk.chain_monitor),
            Arc::clone(&self.ldk.channel_manager),
            NO_ONION_MESSENGER,
            GossipSync::p2p(Arc::clone(&self.ldk.gossip)),
            Arc::clone(&self.ldk.peer_manager),
            NO_LIQUIDITY_MANAGER,
            None::<Arc<NoSweeper>>,
            Arc::clone(&self.ldk.logger),
            Some(Arc::clone(&self.ldk.scorer)),
            sleep,
            false,
            now,
        );
        if let Err(error) = ended.await {
            tracing::error!(node = self.name(), %error, "the node's background work failed");
        }
    }

    async fn run_ticks(self: Arc<Self>) {
        let mut stop = self.stop.subscribe();
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        for tick in 0_u32.. {
            tokio::select! {
                _ = ticks.tick() => {}
                _ = stop.wait_for(|stopped| *stopped) => return,
            }
            if self.ldk.channel_manager.needs_pending_htlc_processing() {
                self.ldk.channel_manager.process_pending_htlc_forwards();
            }
            self.invoices.expire(u64::from(unix_time()));
            if tick.is_multiple_of(TICKS_PER_CLEANING) {
                self.autoclean.clean(&self.invoices, u64::from(unix_time()));
            }
            if self.ldk.patient_gossip.has_news() {
                self.ldk.peer_manager.process_events();
            }
            if tick.is_multiple_of(TICKS_PER_ANNOUNCEMENT) {
                self.announce_new_channels();
            }
        }
    }

    /// Announces the node again whenever it has more public channels than before: a node without
    /// a public channel is of no interest to others, who drop its announcement.
    fn announce_new_channels(&self) {
        let id = NodeId::from_pubkey(&self.ldk.node_id);
        let channels = self
            .ldk
            .graph
            .read_only()
            .node(&id)
            .map_or(0, |node| node.channels.len());
        if channels > self.announced_channels.swap(channels, Ordering::Relaxed) {
            let address = SocketAddress::from(self.address());
            self.ldk.peer_manager.broadcast_node_announcement(
                self.color(),
                self.alias(),
                vec![address],
            );
            self.ldk.peer_manager.process_events();
        }
    }

    /// The node's name, padded to the 32 bytes that an announcement has for it.
    fn alias(&self) -> [u8; 32] {
        let mut alias = [0; 32];
        for (to, from) in alias.iter_mut().zip(self.name().bytes()) {
            *to = from;
        }
        alias
    }
}

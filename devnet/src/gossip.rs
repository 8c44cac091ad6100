//! Gossip that does not lose the first `channel_update` of a new channel, as it otherwise does in
//! two ways.
//!
//! Each end of a new channel announces it to all its peers but the other end, and sends its update
//! after that. An end that is slow to announce can get the other's update before the channel is in
//! its graph, and drops it, as BOLT 7 allows. Its peers then never learn of that direction. Here
//! such an update waits until the channel is there.
//!
//! An announcement also comes from several peers at once. LDK looks for the channel in its graph,
//! then checks four signatures, then adds it; two threads that do so together add it twice, and
//! the second time clears the updates that came in between. Here one announcement is handled after
//! the other.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lightning::bitcoin::secp256k1::PublicKey;
use lightning::ln::msgs::{
    BaseMessageHandler, ChannelAnnouncement, ChannelUpdate, Init, LightningError, MessageSendEvent,
    NodeAnnouncement, QueryChannelRange, QueryShortChannelIds, ReplyChannelRange,
    ReplyShortChannelIdsEnd, RoutingMessageHandler,
};
use lightning::routing::gossip::NodeId;
use lightning::types::features::{InitFeatures, NodeFeatures};

use crate::ldk::Gossip;

/// Updates kept at most; those of private channels never find a channel and fall out in the end.
const KEPT: usize = 64;

/// LDK's gossip with a place for updates that come before their channel.
pub(crate) struct PatientGossip {
    gossip: Arc<Gossip>,
    early: Mutex<VecDeque<ChannelUpdate>>,
    announcing: Mutex<()>,
}

impl PatientGossip {
    pub(crate) fn new(gossip: Arc<Gossip>) -> Self {
        Self {
            gossip,
            early: Mutex::default(),
            announcing: Mutex::default(),
        }
    }

    /// Whether an update waits for a channel that is there now.
    pub(crate) fn has_news(&self) -> bool {
        self.early().iter().any(|update| self.knows(update))
    }

    fn knows(&self, update: &ChannelUpdate) -> bool {
        let graph = self.gossip.network_graph().read_only();
        graph.channel(update.contents.short_channel_id).is_some()
    }

    fn early(&self) -> MutexGuard<'_, VecDeque<ChannelUpdate>> {
        self.early.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl BaseMessageHandler for PatientGossip {
    /// Broadcasts a waiting update once its channel is there. That enters it into our own graph, too.
    fn get_and_clear_pending_msg_events(&self) -> Vec<MessageSendEvent> {
        let mut events = self.gossip.get_and_clear_pending_msg_events();
        self.early().retain(|update| {
            let is_early = !self.knows(update);
            if !is_early {
                let msg = update.clone();
                events.push(MessageSendEvent::BroadcastChannelUpdate { msg });
            }
            is_early
        });
        events
    }

    fn peer_disconnected(&self, peer: PublicKey) {
        self.gossip.peer_disconnected(peer);
    }

    fn provided_node_features(&self) -> NodeFeatures {
        self.gossip.provided_node_features()
    }

    fn provided_init_features(&self, peer: PublicKey) -> InitFeatures {
        self.gossip.provided_init_features(peer)
    }

    fn peer_connected(&self, peer: PublicKey, msg: &Init, inbound: bool) -> Result<(), ()> {
        self.gossip.peer_connected(peer, msg, inbound)
    }
}

impl RoutingMessageHandler for PatientGossip {
    fn handle_node_announcement(
        &self,
        peer: Option<PublicKey>,
        msg: &NodeAnnouncement,
    ) -> Result<bool, LightningError> {
        self.gossip.handle_node_announcement(peer, msg)
    }

    fn handle_channel_announcement(
        &self,
        peer: Option<PublicKey>,
        msg: &ChannelAnnouncement,
    ) -> Result<bool, LightningError> {
        let _alone = self
            .announcing
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        self.gossip.handle_channel_announcement(peer, msg)
    }

    fn handle_channel_update(
        &self,
        peer: Option<PublicKey>,
        msg: &ChannelUpdate,
    ) -> Result<bool, LightningError> {
        if !self.knows(msg) {
            let mut early = self.early();
            early.truncate(KEPT - 1);
            early.push_front(msg.clone());
        }
        self.gossip.handle_channel_update(peer, msg)
    }

    fn get_next_channel_announcement(
        &self,
        start: u64,
    ) -> Option<(
        ChannelAnnouncement,
        Option<ChannelUpdate>,
        Option<ChannelUpdate>,
    )> {
        self.gossip.get_next_channel_announcement(start)
    }

    fn get_next_node_announcement(&self, start: Option<&NodeId>) -> Option<NodeAnnouncement> {
        self.gossip.get_next_node_announcement(start)
    }

    fn handle_reply_channel_range(
        &self,
        peer: PublicKey,
        msg: ReplyChannelRange,
    ) -> Result<(), LightningError> {
        self.gossip.handle_reply_channel_range(peer, msg)
    }

    fn handle_reply_short_channel_ids_end(
        &self,
        peer: PublicKey,
        msg: ReplyShortChannelIdsEnd,
    ) -> Result<(), LightningError> {
        self.gossip.handle_reply_short_channel_ids_end(peer, msg)
    }

    fn handle_query_channel_range(
        &self,
        peer: PublicKey,
        msg: QueryChannelRange,
    ) -> Result<(), LightningError> {
        self.gossip.handle_query_channel_range(peer, msg)
    }

    fn handle_query_short_channel_ids(
        &self,
        peer: PublicKey,
        msg: QueryShortChannelIds,
    ) -> Result<(), LightningError> {
        self.gossip.handle_query_short_channel_ids(peer, msg)
    }

    fn processing_queue_high(&self) -> bool {
        self.gossip.processing_queue_high()
    }
}

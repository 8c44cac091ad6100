//! LDK's parts, put together into a node that has keys but no tasks running yet.

use std::sync::{Arc, RwLock};
use std::time::{SystemTime, UNIX_EPOCH};

use lightning::bitcoin::Network;
use lightning::bitcoin::secp256k1::PublicKey;
use lightning::chain::{Filter, chainmonitor};
use lightning::ln::channelmanager::{self, ChainParameters};
use lightning::ln::peer_handler::{self, IgnoringMessageHandler, MessageHandler};
use lightning::onion_message::messenger::DefaultMessageRouter;
use lightning::routing::scoring::{
    ProbabilisticScoringDecayParameters, ProbabilisticScoringFeeParameters,
};
use lightning::sign::{InMemorySigner, KeysManager, NodeSigner, Recipient};
use lightning_net_tokio::SocketDescriptor;

use crate::chain::Chain;
use crate::clock::unix_time;
use crate::gossip::PatientGossip;
use crate::ldk::{
    DefaultRouter, FixedFees, Gossip, Logger, MemoryStore, NetworkGraph, NoDisk, Scorer, config,
};
use crate::plan::Fees;
use crate::walks::Walks;
use crate::watched_router::WatchedRouter;

pub(crate) type ChainMonitor = chainmonitor::ChainMonitor<
    InMemorySigner,
    Arc<dyn Filter + Send + Sync>,
    Arc<Chain>,
    Arc<FixedFees>,
    Arc<Logger>,
    Arc<NoDisk>,
    Arc<KeysManager>,
>;
pub(crate) type ChannelManager = channelmanager::ChannelManager<
    Arc<ChainMonitor>,
    Arc<Chain>,
    Arc<KeysManager>,
    Arc<KeysManager>,
    Arc<KeysManager>,
    Arc<FixedFees>,
    Arc<WatchedRouter>,
    Arc<DefaultMessageRouter<Arc<NetworkGraph>, Arc<Logger>, Arc<KeysManager>>>,
    Arc<Logger>,
>;
pub(crate) type PeerManager = peer_handler::PeerManager<
    SocketDescriptor,
    Arc<ChannelManager>,
    Arc<PatientGossip>,
    Arc<IgnoringMessageHandler>,
    Arc<Logger>,
    Arc<IgnoringMessageHandler>,
    Arc<KeysManager>,
    Arc<ChainMonitor>,
>;

/// The parts of one node that LDK provides.
pub(crate) struct Parts {
    pub(crate) node_id: PublicKey,
    pub(crate) keys: Arc<KeysManager>,
    pub(crate) chain_monitor: Arc<ChainMonitor>,
    pub(crate) channel_manager: Arc<ChannelManager>,
    pub(crate) peer_manager: Arc<PeerManager>,
    pub(crate) graph: Arc<NetworkGraph>,
    pub(crate) gossip: Arc<Gossip>,
    pub(crate) patient_gossip: Arc<PatientGossip>,
    pub(crate) scorer: Arc<RwLock<Scorer>>,
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) logger: Arc<Logger>,
    pub(crate) walks: Arc<Walks>,
}

impl Parts {
    /// Puts a node together on top of `chain`, with the keys of `seed`; it asks `node_fees` for
    /// forwarding.
    pub(crate) fn assemble(
        name: &str,
        chain: &Arc<Chain>,
        seed: &[u8; 32],
        ephemeral: &[u8; 32],
        node_fees: Fees,
    ) -> Self {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let keys = Arc::new(KeysManager::new(
            seed,
            now.as_secs(),
            now.subsec_nanos(),
            true,
        ));
        let node_id = keys
            .get_node_id(Recipient::Node)
            .expect("keys in memory always have a node id");
        let logger = Arc::new(Logger {
            node: name.to_owned(),
        });
        let fees = Arc::new(FixedFees);
        let store = Arc::new(MemoryStore::default());
        let graph = Arc::new(NetworkGraph::new(Network::Regtest, Arc::clone(&logger)));
        let scorer = Arc::new(RwLock::new(Scorer::new(
            ProbabilisticScoringDecayParameters::default(),
            Arc::clone(&graph),
            Arc::clone(&logger),
        )));
        let router = DefaultRouter::new(
            Arc::clone(&graph),
            Arc::clone(&logger),
            Arc::clone(&keys),
            Arc::clone(&scorer),
            ProbabilisticScoringFeeParameters::default(),
        );
        let walks = Arc::new(Walks::default());
        let chain_monitor = Arc::new(ChainMonitor::new(
            None,
            Arc::clone(chain),
            Arc::clone(&logger),
            Arc::clone(&fees),
            Arc::new(NoDisk),
            Arc::clone(&keys),
            keys.get_peer_storage_key(),
        ));
        let channel_manager = Arc::new(ChannelManager::new(
            fees,
            Arc::clone(&chain_monitor),
            Arc::clone(chain),
            Arc::new(WatchedRouter::new(router, Arc::clone(&walks))),
            Arc::new(DefaultMessageRouter::new(
                Arc::clone(&graph),
                Arc::clone(&keys),
            )),
            Arc::clone(&logger),
            Arc::clone(&keys),
            Arc::clone(&keys),
            Arc::clone(&keys),
            config(node_fees),
            ChainParameters {
                network: Network::Regtest,
                best_block: chain.tip(),
            },
            unix_time(),
        ));
        let gossip = Arc::new(Gossip::new(
            Arc::clone(&graph),
            Some(Arc::clone(chain)),
            Arc::clone(&logger),
        ));
        let patient_gossip = Arc::new(PatientGossip::new(Arc::clone(&gossip)));
        let handlers = MessageHandler {
            chan_handler: Arc::clone(&channel_manager),
            route_handler: Arc::clone(&patient_gossip),
            onion_message_handler: Arc::new(IgnoringMessageHandler {}),
            custom_message_handler: Arc::new(IgnoringMessageHandler {}),
            send_only_message_handler: Arc::clone(&chain_monitor),
        };
        let peer_manager = Arc::new(PeerManager::new(
            handlers,
            unix_time(),
            ephemeral,
            Arc::clone(&logger),
            Arc::clone(&keys),
        ));
        Self {
            node_id,
            keys,
            chain_monitor,
            channel_manager,
            peer_manager,
            graph,
            gossip,
            patient_gossip,
            scorer,
            store,
            logger,
            walks,
        }
    }
}

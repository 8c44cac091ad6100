//! A node's connections to other nodes.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use lightning::bitcoin::secp256k1::PublicKey;
use lightning::ln::peer_handler::PeerDetails;
use thiserror::Error;
use tokio::net::{TcpListener, TcpStream};

use crate::node::Node;

/// How long a connection may take until both sides have said `init`.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How often it is tried to connect.
const ATTEMPTS: usize = 3;

/// Nothing answered at the address, or another node did.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("All addresses failed: {0}: Connection establishment: Connection refused")]
pub struct ConnectError(pub SocketAddr);

impl Node {
    /// Leaves the peer-to-peer network: nobody can pay this node or through it. Its JSON-RPC goes
    /// on.
    pub fn go_offline(&self) {
        self.presence.set_online(false);
        self.ldk.peer_manager.disconnect_all_peers();
    }

    /// Talks to others again, who may connect from now on.
    pub fn go_online(&self) {
        self.presence.set_online(true);
    }

    /// Connects to another node and waits until both are ready to talk.
    ///
    /// # Errors
    /// If that fails several times.
    pub async fn connect(
        &self,
        peer: PublicKey,
        address: SocketAddr,
    ) -> Result<PeerDetails, ConnectError> {
        // Two nodes that connect to each other at the same time may close both connections.
        for _ in 0..ATTEMPTS {
            if let Some(details) = self.peer(peer) {
                return Ok(details);
            }
            if self.is_online()
                && let Some(details) = self.try_to_connect(peer, address).await
            {
                return Ok(details);
            }
        }
        Err(ConnectError(address))
    }

    async fn try_to_connect(&self, peer: PublicKey, address: SocketAddr) -> Option<PeerDetails> {
        let stream = dial(address).await.ok()?;
        let peers = Arc::clone(&self.ldk.peer_manager);
        let closed = lightning_net_tokio::setup_outbound(peers, peer, stream);
        let ready = async {
            loop {
                if let Some(details) = self.peer(peer) {
                    return details;
                }
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::select! {
            details = ready => Some(details),
            () = closed => self.peer(peer),
            () = tokio::time::sleep(CONNECT_TIMEOUT) => None,
        }
    }

    pub(crate) fn peer(&self, peer: PublicKey) -> Option<PeerDetails> {
        self.ldk.peer_manager.peer_by_node_id(&peer)
    }

    /// Takes connections of other nodes, in a task of its own.
    pub(crate) fn listen(self: &Arc<Self>, listener: TcpListener) {
        let node = Arc::downgrade(self);
        let accept = async move {
            while let Ok((stream, _)) = listener.accept().await {
                let Some(node) = node.upgrade() else { return };
                let peers = Arc::clone(&node.ldk.peer_manager);
                if node.is_online()
                    && let Ok(stream) = without_delay(stream)
                {
                    // The connection runs in tasks of its own until it is closed.
                    drop(lightning_net_tokio::setup_inbound(peers, stream));
                }
            }
        };
        let started = self
            .listener
            .start(|| Ok::<_, Infallible>(tokio::spawn(accept)));
        let Ok(()) = started;
    }
}

async fn dial(address: SocketAddr) -> io::Result<std::net::TcpStream> {
    let stream = tokio::time::timeout(CONNECT_TIMEOUT, TcpStream::connect(address)).await??;
    without_delay(stream)
}

/// A payment is a dance of small messages. If TCP waited for an acknowledgement before it sends
/// the next one, which the other side delays, each payment would take 80 ms longer.
fn without_delay(stream: TcpStream) -> io::Result<std::net::TcpStream> {
    stream.set_nodelay(true)?;
    stream.into_std()
}

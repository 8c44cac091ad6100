//! A bad line: each byte comes late, and every so often all connections are cut.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::broadcast;
use tokio::task::JoinSet;

use crate::rest::ANY_PORT;

/// A line to an address; it ends with this.
pub struct Line {
    /// Where it begins.
    pub address: SocketAddr,
    cuts: Arc<AtomicUsize>,
    _tasks: JoinSet<()>,
}

impl Line {
    /// To `far`, with this delay each way, and cut so often.
    pub async fn to(far: SocketAddr, delay: Duration, cut_every: Duration) -> Self {
        let listener = TcpListener::bind(ANY_PORT).await.unwrap();
        let address = listener.local_addr().unwrap();
        let cuts = Arc::new(AtomicUsize::new(0));
        let (cut, _) = broadcast::channel::<()>(1);
        let mut tasks = JoinSet::new();
        let (scissors, counted) = (cut.clone(), cuts.clone());
        tasks.spawn(async move {
            loop {
                tokio::time::sleep(cut_every).await;
                // Only what was cut counts.
                if let Ok(connections) = scissors.send(()) {
                    counted.fetch_add(connections, Ordering::Relaxed);
                }
            }
        });
        tasks.spawn(async move {
            loop {
                let (near, _) = listener.accept().await.unwrap();
                let mut cut = cut.subscribe();
                tokio::spawn(async move {
                    tokio::select! {
                        _ = pass(near, far, delay) => {}
                        _ = cut.recv() => {}
                    }
                });
            }
        });
        Self {
            address,
            cuts,
            _tasks: tasks,
        }
    }

    /// How many connections were cut so far.
    pub fn cuts(&self) -> usize {
        self.cuts.load(Ordering::Relaxed)
    }
}

/// Until one side ends, which ends the other.
async fn pass(near: TcpStream, far: SocketAddr, delay: Duration) -> std::io::Result<()> {
    let far = TcpStream::connect(far).await?;
    let (from_near, to_near) = near.into_split();
    let (from_far, to_far) = far.into_split();
    tokio::select! {
        passed = late(from_near, to_far, delay) => passed,
        passed = late(from_far, to_near, delay) => passed,
    }
}

async fn late(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    delay: Duration,
) -> std::io::Result<()> {
    let mut buffer = [0; 16_384];
    loop {
        let read = from.read(&mut buffer).await?;
        if read == 0 {
            return Ok(());
        }
        tokio::time::sleep(delay).await;
        to.write_all(&buffer[..read]).await?;
    }
}

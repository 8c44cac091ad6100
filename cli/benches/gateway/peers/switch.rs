//! A node that goes away and comes back: its socket does.

use std::fs;
use std::path::{Path, PathBuf};

use tokio::io::copy_bidirectional;
use tokio::net::{UnixListener, UnixStream};
use tokio::task::{JoinHandle, JoinSet};

/// A socket that leads to the node's while it is on. As after lightningd's end, whoever is connected
/// is cut off, the file stays, and connecting to it is refused.
pub(super) struct Switch {
    pub(super) path: PathBuf,
    node: PathBuf,
    task: JoinHandle<()>,
}

impl Switch {
    pub(super) fn new(node: &Path, path: PathBuf) -> Self {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let task = tokio::spawn(pass(bind(&path), node.to_owned()));
        Self {
            path,
            node: node.to_owned(),
            task,
        }
    }

    /// The node goes away.
    pub(super) async fn off(&mut self) {
        self.task.abort();
        // It owns the listener and all connections.
        assert!((&mut self.task).await.unwrap_err().is_cancelled());
    }

    /// The node comes back.
    pub(super) fn on(&mut self) {
        fs::remove_file(&self.path).unwrap();
        self.task = tokio::spawn(pass(bind(&self.path), self.node.clone()));
    }
}

fn bind(path: &Path) -> UnixListener {
    UnixListener::bind(path).unwrap()
}

async fn pass(listener: UnixListener, node: PathBuf) {
    let mut connections = JoinSet::new();
    loop {
        let (mut client, _) = listener.accept().await.unwrap();
        let node = node.clone();
        connections.spawn(async move {
            let mut server = UnixStream::connect(node).await.unwrap();
            // One of them hangs up: that is the end.
            copy_bidirectional(&mut client, &mut server).await.ok();
        });
        while connections.try_join_next().is_some() {}
    }
}

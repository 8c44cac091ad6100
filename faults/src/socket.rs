//! The way between the store and its node: a proxy for lightningd's socket that can be taken away,
//! and that counts the calls.

use std::collections::{BTreeMap, VecDeque};
use std::fs;
use std::io::{self, Read as _, Write as _};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::Value;
use tempfile::TempDir;

use crate::connections::{Between, Open, accept};
use crate::lock::lock;

/// A proxy before a node's socket.
pub(crate) struct NodeSocket {
    dir: TempDir,
    shared: Arc<Shared>,
}

struct Shared {
    node: Mutex<PathBuf>,
    open: Open<UnixStream>,
    is_away: AtomicBool,
    ended: AtomicBool,
    calls: Mutex<BTreeMap<String, usize>>,
    under_way: AtomicUsize,
    most_under_way: AtomicUsize,
    unreadable: AtomicUsize,
}

/// Invoices whose labels begin so are passed on as no client of lightningd's can read them.
pub(crate) const UNREADABLE: &str = "faults/unreadable/";

impl NodeSocket {
    pub(crate) fn before(node: &Path) -> io::Result<Self> {
        let dir = tempfile::tempdir()?;
        let listener = UnixListener::bind(dir.path().join("lightning-rpc"))?;
        let shared = Arc::new(Shared {
            node: Mutex::new(node.to_owned()),
            open: Open::default(),
            is_away: AtomicBool::default(),
            ended: AtomicBool::default(),
            calls: Mutex::default(),
            under_way: AtomicUsize::default(),
            most_under_way: AtomicUsize::default(),
            unreadable: AtomicUsize::default(),
        });
        accept(&shared, move || Ok(listener.accept()?.0));
        Ok(Self { dir, shared })
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.dir.path().join("lightning-rpc")
    }

    /// As if lightningd had been killed: its connections end, and its socket is gone.
    pub(crate) fn go_away(&self) {
        self.shared.is_away.store(true, Ordering::Relaxed);
        fs::rename(self.path(), self.path().with_extension("away")).ok();
        self.shared
            .open
            .drain(|stream| drop(stream.shutdown(Shutdown::Both)));
    }

    pub(crate) fn come_back(&self) {
        self.shared.is_away.store(false, Ordering::Relaxed);
        fs::rename(self.path().with_extension("away"), self.path()).ok();
    }

    /// Another node is there from now on, under the same name.
    pub(crate) fn leads_to(&self, node: &Path) {
        self.go_away();
        node.clone_into(&mut lock(&self.shared.node));
        self.come_back();
    }

    /// How many entries were passed on that cannot be read.
    pub(crate) fn unreadable(&self) -> usize {
        self.shared.unreadable.load(Ordering::Relaxed)
    }

    /// How often lightningd was called so far, but for the calls that wait for a change.
    pub(crate) fn calls(&self) -> usize {
        let calls = lock(&self.shared.calls);
        let counted = calls.iter().filter(|(method, _)| !waits(method));
        counted.map(|(_, count)| count).sum()
    }

    /// The most calls that lightningd had to answer at once, counted likewise.
    pub(crate) fn most_under_way(&self) -> usize {
        self.shared.most_under_way.load(Ordering::Relaxed)
    }
}

impl Drop for NodeSocket {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::Relaxed);
        UnixStream::connect(self.path()).ok();
        self.go_away();
    }
}

impl Between for Shared {
    type Stream = UnixStream;

    fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Relaxed)
    }

    fn forward(&self, client: &UnixStream) -> io::Result<()> {
        if self.is_away.load(Ordering::Relaxed) {
            return Ok(());
        }
        let node = UnixStream::connect(&*lock(&self.node))?;
        let id = self.open.add([client.try_clone()?, node.try_clone()?]);
        let asked = Mutex::new(VecDeque::new());
        thread::scope(|scope| {
            scope.spawn(|| {
                self.requests(client, &node, &asked).ok();
                node.shutdown(Shutdown::Both).ok();
            });
            self.answers(&node, client, &asked).ok();
            client.shutdown(Shutdown::Both).ok();
        });
        let unanswered = lock(&asked).iter().filter(|method| !waits(method)).count();
        self.under_way.fetch_sub(unanswered, Ordering::Relaxed);
        self.open.remove(id);
        Ok(())
    }
}

impl Shared {
    fn requests(
        &self,
        mut from: &UnixStream,
        mut to: &UnixStream,
        asked: &Mutex<VecDeque<String>>,
    ) -> io::Result<()> {
        let (mut piece, mut unread) = ([0; 8192], Vec::new());
        loop {
            let length @ 1.. = from.read(&mut piece)? else {
                return Ok(());
            };
            unread.extend_from_slice(&piece[..length]);
            let mut requests = serde_json::Deserializer::from_slice(&unread).into_iter::<Value>();
            while let Some(Ok(request)) = requests.next() {
                let method = request["method"].as_str().unwrap_or_default().to_owned();
                self.begins(&method);
                lock(asked).push_back(method);
            }
            let read = requests.byte_offset();
            unread.drain(..read);
            to.write_all(&piece[..length])?;
        }
    }

    /// Each answer ends with a blank line.
    fn answers(
        &self,
        mut from: &UnixStream,
        mut to: &UnixStream,
        asked: &Mutex<VecDeque<String>>,
    ) -> io::Result<()> {
        let (mut piece, mut answer) = ([0; 8192], Vec::new());
        loop {
            let length @ 1.. = from.read(&mut piece)? else {
                return Ok(());
            };
            for byte in &piece[..length] {
                answer.push(*byte);
                if answer.ends_with(b"\n\n") {
                    to.write_all(&self.spoiled(std::mem::take(&mut answer)))?;
                    if let Some(method) = lock(asked).pop_front()
                        && !waits(&method)
                    {
                        self.under_way.fetch_sub(1, Ordering::Relaxed);
                    }
                }
            }
        }
    }

    /// The answer, with a status that does not exist where an entry is not to be read.
    fn spoiled(&self, answer: Vec<u8>) -> Vec<u8> {
        let named = |window: &[u8]| window == UNREADABLE.as_bytes();
        if !answer.windows(UNREADABLE.len()).any(named) {
            return answer;
        }
        let Ok(mut value) = serde_json::from_slice::<Value>(&answer) else {
            return answer;
        };
        let result = &mut value["result"];
        let entries = match result["invoices"].as_array_mut() {
            Some(entries) => entries.as_mut_slice(),
            None => std::slice::from_mut(result),
        };
        for entry in entries {
            let label = entry["label"].as_str().unwrap_or_default();
            if label.starts_with(UNREADABLE) && !entry["status"].is_null() {
                entry["status"] = "faulty".into();
                self.unreadable.fetch_add(1, Ordering::Relaxed);
            }
        }
        format!("{value}\n\n").into_bytes()
    }

    fn begins(&self, method: &str) {
        *lock(&self.calls).entry(method.to_owned()).or_default() += 1;
        if !waits(method) {
            let under_way = 1 + self.under_way.fetch_add(1, Ordering::Relaxed);
            self.most_under_way.fetch_max(under_way, Ordering::Relaxed);
        }
    }
}

fn waits(method: &str) -> bool {
    method.starts_with("wait")
}

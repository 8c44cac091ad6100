//! What webhooks must not forget, as files that one can look at:
//!
//! ```text
//! <data_dir>/webhooks/
//!   lock                                 held by the gateway that sends
//!   since                                when webhooks were first sent, in UNIX seconds
//!   index-<node id>                      the last payment of a node that became events: its number,
//!                                        and when it was paid
//!   resend/
//!     <pay_index>-<payment_hash>.json    a sale whose webhooks the owner wants once more
//!   refused/
//!     0-<payment_hash>-<reason>.json     a payment that got nothing, to be told of
//!     told/                              those that were told of: each is told of once
//!   <hash of an address>/
//!     <pay_index>-<id>.json              a body that this address has not taken yet
//! ```

use std::error::Error;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::SystemTime;

use bitcoin::hex::DisplayHex as _;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use shared::lightning::{NodeId, PaymentHash};

use crate::payments::sales::Sale;
use crate::payments::webhooks::place::Place;

/// The folder.
#[derive(Debug)]
pub(super) struct Spool {
    dir: PathBuf,
}

/// Where what is asked for once more lies. No address's folder has this name.
const RESEND: &str = "resend";
/// Where refusals lie. No address's folder has this name.
const REFUSED: &str = "refused";
/// Beside them, those that are events.
const TOLD: &str = "told";

/// A sale as it is asked for once more.
#[derive(Serialize, Deserialize)]
struct Asked {
    #[serde(flatten)]
    sale: Sale,
    pay_index: u64,
}

/// An undelivered event.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Entry {
    /// The payment's number; 0 where the event is of a refusal.
    pub(super) pay_index: u64,
    /// The event's id: the payment_hash in hex, and of a refusal also the reason.
    pub(super) id: String,
}

/// A refusal as the owner's programs are told of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// Names the payment.
    pub payment_hash: PaymentHash,
    /// What the buyer asked for: an item's id, or `route:` and the name of a route.
    pub item: String,
    /// Why nothing was given, as the metrics call it.
    pub reason: String,
    /// When, in UNIX seconds.
    pub refused_at: u64,
}

impl Told {
    pub(super) fn entry(&self) -> Entry {
        Entry {
            pay_index: 0,
            id: format!("{}-{}", self.payment_hash.to_hex(), self.reason),
        }
    }
}

/// A file that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("cannot {verb} {path:?}; purrwall's user has to be able to write there")]
pub struct SpoolError {
    verb: &'static str,
    path: PathBuf,
    source: io::Error,
}

impl Spool {
    pub(super) fn new(dir: PathBuf) -> Self {
        Self { dir }
    }

    /// Keeps other gateways from sending while the file lives; `None` where one of them does. The
    /// operating system ends the lock with its process, however that ends.
    pub(super) fn lock(&self) -> Result<Option<File>, SpoolError> {
        make_folder(&self.dir)?;
        let path = self.dir.join("lock");
        let file = OpenOptions::new().create(true).append(true).open(&path);
        let file = file.map_err(|source| failed("open", &path, source))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(file)),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(source)) => Err(failed("lock", &path, source)),
        }
    }

    /// When webhooks were first sent from this folder, in UNIX seconds: now, if they never were.
    pub(super) fn since(&self, now: u64) -> Result<u64, SpoolError> {
        let path = self.dir.join("since");
        if let Some(since) = read_line(&path)? {
            return Ok(since);
        }
        write(&path, format!("{now}\n").as_bytes())?;
        Ok(now)
    }

    /// The last payment of this node that became events; `None` before the first start with it.
    pub(super) fn place(&self, node: NodeId) -> Result<Option<Place>, SpoolError> {
        read_line(&self.index_file(node))
    }

    /// Gives the index to this node that was kept while a store had one node only.
    pub(super) fn hand_over(&self, node: NodeId) -> Result<(), SpoolError> {
        let (old, new) = (self.dir.join("index"), self.index_file(node));
        if new.exists() || !old.exists() {
            return Ok(());
        }
        fs::rename(&old, &new).map_err(|source| failed("rename", &old, source))
    }

    pub(super) fn set_place(&self, node: NodeId, place: Place) -> Result<(), SpoolError> {
        write(&self.index_file(node), format!("{place}\n").as_bytes())
    }

    /// Keeps an event for an address. The same event again changes nothing.
    pub(super) fn put(&self, url: &str, entry: &Entry, body: &[u8]) -> Result<(), SpoolError> {
        let path = self.path(url, entry);
        make_folder(&self.folder(url))?;
        write(&path, body)
    }

    /// What the address has not taken yet, in the order of payments.
    pub(super) fn undelivered(&self, url: &str) -> Result<Vec<Entry>, SpoolError> {
        entries(&self.folder(url))
    }

    /// The event's body; `None` where it was taken before.
    pub(super) fn body(&self, url: &str, entry: &Entry) -> Result<Option<Vec<u8>>, SpoolError> {
        let path = self.path(url, entry);
        match fs::read(&path) {
            Ok(body) => Ok(Some(body)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(failed("read", &path, source)),
        }
    }

    /// Forgets a delivered event.
    pub(super) fn remove(&self, url: &str, entry: &Entry) -> Result<(), SpoolError> {
        let path = self.path(url, entry);
        match fs::remove_file(&path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                Err(failed("remove", &path, source))
            }
            _ => Ok(()),
        }
    }

    /// Asks the gateway that sends for the webhooks of this sale once more.
    pub(super) fn ask_again(&self, sale: &Sale) -> Result<(), SpoolError> {
        let folder = self.dir.join(RESEND);
        make_folder(&folder)?;
        let path = folder.join(Entry::of(sale).file_name());
        let asked = Asked {
            sale: sale.clone(),
            pay_index: sale.pay_index,
        };
        let text = serde_json::to_vec(&asked).expect("string keys and no failing field");
        write(&path, &text)
    }

    /// What was asked for once more, in the order of payments.
    pub(super) fn asked_again(&self) -> Result<Vec<(PathBuf, Sale)>, SpoolError> {
        let folder = self.dir.join(RESEND);
        let mut asked = Vec::new();
        for entry in entries(&folder)? {
            let path = folder.join(entry.file_name());
            let text = fs::read(&path).map_err(|source| failed("read", &path, source))?;
            let read: Asked = serde_json::from_slice(&text)
                .map_err(|error| failed("read", &path, error.into()))?;
            let pay_index = read.pay_index;
            asked.push((
                path,
                Sale {
                    pay_index,
                    ..read.sale
                },
            ));
        }
        Ok(asked)
    }

    /// Forgets what was asked for once more: it is in the spool.
    pub(super) fn was_kept(asked: &Path) -> Result<(), SpoolError> {
        fs::remove_file(asked).map_err(|source| failed("remove", asked, source))
    }

    /// Whether this refusal is, or was, to be told of.
    pub(super) fn knows_refusal(&self, told: &Told) -> bool {
        let (folder, name) = (self.dir.join(REFUSED), told.entry().file_name());
        folder.join(&name).exists() || folder.join(TOLD).join(name).exists()
    }

    /// Asks the gateway that sends to tell of a refusal.
    pub(super) fn ask_to_tell(&self, told: &Told) -> Result<(), SpoolError> {
        let folder = self.dir.join(REFUSED);
        make_folder(&folder)?;
        let path = folder.join(told.entry().file_name());
        let text = serde_json::to_vec(told).expect("string keys and no failing field");
        write(&path, &text)
    }

    /// The refusals to tell of.
    pub(super) fn refusals(&self) -> Result<Vec<Told>, SpoolError> {
        refusals_in(&self.dir.join(REFUSED))
    }

    /// The refusals that were told of.
    pub(super) fn told(&self) -> Result<Vec<Told>, SpoolError> {
        refusals_in(&self.dir.join(REFUSED).join(TOLD))
    }

    /// Since when the oldest webhook of an address waits; `None` where none does, or it was just taken.
    pub(super) fn oldest(&self, url: &str) -> Option<SystemTime> {
        let oldest = self.undelivered(url).ok()?.into_iter().next()?;
        let metadata = fs::metadata(self.path(url, &oldest)).ok()?;
        metadata.modified().ok()
    }

    /// The refusal is an event now, and never becomes one again.
    pub(super) fn was_told(&self, told: &Told) -> Result<(), SpoolError> {
        let (folder, name) = (self.dir.join(REFUSED), told.entry().file_name());
        make_folder(&folder.join(TOLD))?;
        let path = folder.join(&name);
        let moved = fs::rename(&path, folder.join(TOLD).join(&name));
        moved.map_err(|source| failed("move", &path, source))
    }

    fn index_file(&self, node: NodeId) -> PathBuf {
        self.dir.join(format!("index-{node}"))
    }

    fn path(&self, url: &str, entry: &Entry) -> PathBuf {
        self.folder(url).join(entry.file_name())
    }

    /// Addresses hold characters that names of folders may not, and passwords.
    fn folder(&self, url: &str) -> PathBuf {
        let hash = Sha256::digest(url.as_bytes());
        self.dir.join(hash[..8].to_lower_hex_string())
    }
}

impl Entry {
    /// That of a sale.
    pub(super) fn of(sale: &Sale) -> Self {
        Self {
            pay_index: sale.pay_index,
            id: sale.payment_hash.to_hex(),
        }
    }

    fn file_name(&self) -> String {
        format!("{:020}-{}.json", self.pay_index, self.id)
    }

    fn parse(name: &str) -> Option<Self> {
        let (pay_index, id) = name.strip_suffix(".json")?.split_once('-')?;
        Some(Self {
            pay_index: pay_index.parse().ok()?,
            id: id.to_owned(),
        })
    }
}

/// The entries of a folder, in the order of payments; none where it is not there.
fn entries(folder: &Path) -> Result<Vec<Entry>, SpoolError> {
    let names = match fs::read_dir(folder) {
        Ok(names) => names,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(failed("read", folder, source)),
    };
    let mut entries = Vec::new();
    for name in names {
        let name = name.map_err(|source| failed("read", folder, source))?;
        // Anything else is a draft of a process that crashed; its payment comes again.
        entries.extend(Entry::parse(&name.file_name().to_string_lossy()));
    }
    entries.sort_unstable();
    Ok(entries)
}

fn refusals_in(folder: &Path) -> Result<Vec<Told>, SpoolError> {
    let read = |entry: Entry| {
        let path = folder.join(entry.file_name());
        let text = fs::read(&path).map_err(|source| failed("read", &path, source))?;
        serde_json::from_slice(&text).map_err(|error| failed("read", &path, error.into()))
    };
    entries(folder)?.into_iter().map(read).collect()
}

fn make_folder(path: &Path) -> Result<(), SpoolError> {
    fs::create_dir_all(path).map_err(|source| failed("make", path, source))
}

/// What a file of one line says; `None` where there is none.
fn read_line<T>(path: &Path) -> Result<Option<T>, SpoolError>
where
    T: FromStr<Err: Error + Send + Sync + 'static>,
{
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(failed("read", path, source)),
    };
    let read = text.trim().parse().map(Some);
    read.map_err(|error| failed("read", path, io::Error::other(error)))
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), SpoolError> {
    durable::write(path, bytes).map_err(|source| failed("write", path, source))
}

fn failed(verb: &'static str, path: &Path, source: io::Error) -> SpoolError {
    let path = path.to_owned();
    SpoolError { verb, path, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "https://shop.example/hook";

    fn entry(pay_index: u64) -> Entry {
        let id = format!("{pay_index:064x}");
        Entry { pay_index, id }
    }

    #[test]
    fn undelivered_events_come_back_in_order() {
        let dir = tempfile::tempdir().unwrap();
        let spool = Spool::new(dir.path().join("webhooks"));
        assert_eq!(spool.undelivered(URL).unwrap(), []);
        for pay_index in [10, 9, 100] {
            let body = pay_index.to_string();
            spool.put(URL, &entry(pay_index), body.as_bytes()).unwrap();
        }
        spool
            .put("https://other.example/", &entry(1), b"1")
            .unwrap();
        // A crash left a draft.
        let draft = spool.path(URL, &entry(101)).with_extension("json.new");
        fs::write(draft, "half").unwrap();

        let expected = [entry(9), entry(10), entry(100)];
        assert_eq!(spool.undelivered(URL).unwrap(), expected);
        assert_eq!(spool.body(URL, &entry(10)).unwrap().unwrap(), b"10");
        spool.remove(URL, &entry(10)).unwrap();
        assert_eq!(spool.body(URL, &entry(10)).unwrap(), None);
        spool.remove(URL, &entry(10)).unwrap();
        assert_eq!(spool.undelivered(URL).unwrap(), [entry(9), entry(100)]);
    }

    fn place(pay_index: u64) -> Place {
        Place {
            pay_index,
            paid_at: Some(1_700_000_000 + pay_index),
        }
    }

    #[test]
    fn each_nodes_index_is_kept_and_a_broken_one_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let spool = Spool::new(dir.path().to_owned());
        let [one, other] = ["02", "03"].map(|first| {
            let id =
                format!("{first}79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798");
            id.parse::<NodeId>().unwrap()
        });
        assert_eq!(spool.place(one).unwrap(), None);
        spool.set_place(one, place(7)).unwrap();
        spool.set_place(one, place(8)).unwrap();
        assert_eq!(spool.place(one).unwrap(), Some(place(8)));
        assert_eq!(spool.place(other).unwrap(), None);
        fs::write(dir.path().join(format!("index-{one}")), "x").unwrap();
        let error = spool.place(one).unwrap_err().to_string();
        assert!(error.contains("index"), "{error}");
    }

    #[test]
    fn the_index_of_before_goes_to_one_node_once() {
        let dir = tempfile::tempdir().unwrap();
        let spool = Spool::new(dir.path().to_owned());
        let id = "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";
        let node: NodeId = id.parse().unwrap();
        spool.hand_over(node).unwrap();
        assert_eq!(spool.place(node).unwrap(), None);
        fs::write(dir.path().join("index"), "7\n").unwrap();
        spool.hand_over(node).unwrap();
        let kept = || spool.place(node).unwrap().unwrap().pay_index;
        assert_eq!(kept(), 7);
        fs::write(dir.path().join("index"), "9\n").unwrap();
        spool.hand_over(node).unwrap();
        assert_eq!(kept(), 7, "its own one counts");
    }

    #[test]
    fn the_first_start_is_remembered() {
        let dir = tempfile::tempdir().unwrap();
        let spool = Spool::new(dir.path().to_owned());
        assert_eq!(spool.since(7).unwrap(), 7);
        assert_eq!(spool.since(8).unwrap(), 7);
        fs::write(dir.path().join("since"), "x").unwrap();
        let error = spool.since(9).unwrap_err().to_string();
        assert!(error.contains("since"), "{error}");
    }

    #[test]
    fn one_holds_the_lock() {
        let dir = tempfile::tempdir().unwrap();
        let spool = Spool::new(dir.path().to_owned());
        let lock = spool.lock().unwrap();
        assert!(lock.is_some());
        assert!(spool.lock().unwrap().is_none());
        drop(lock);
        assert!(spool.lock().unwrap().is_some());
    }
}

//! A full disk, and an end at any moment: secret, versions and spool survive.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use fastrand::Rng;
use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};
use rustix::process::geteuid;
use shared::content::ContentHash;
use tempfile::TempDir;

use crate::buyer::Purchase;
use crate::lock::lock;
use crate::nodes::Nodes;
use crate::options::Options;
use crate::report::Report;
use crate::store::{Item, Store, until};

const PATIENCE: Duration = Duration::from_mins(1);
const UNLIMITED: &str = "invoices_per_minute = 0\nopen_invoices = 0";
/// Purchases before, during and after.
const EACH: u32 = 5;
/// Times that the store is killed while it starts or reads its goods again.
const KILLS: u32 = 200;
const KILLS_SHORT: u32 = 15;

/// The campaign: first without room, then without time.
pub(crate) fn run(options: &Options, report: &Report) -> Result<()> {
    let nodes = Nodes::start(0)?;
    let mut rng = Rng::with_seed(options.seed);
    if geteuid().is_root() {
        match Disk::small() {
            Ok(disk) => without_room(&disk, &nodes, &mut rng, report)?,
            Err(error) => report.figure("full disk", format!("skipped: {error:#}")),
        }
    } else {
        report.figure("full disk", "skipped: only root can mount a small disk");
    }
    let kills = if options.is_short { KILLS_SHORT } else { KILLS };
    without_time(kills, &nodes, &mut rng, report)
}

/// Purchases and their webhooks before the disk is full, while it is, over a restart, and after.
fn without_room(disk: &Disk, nodes: &Nodes, rng: &mut Rng, report: &Report) -> Result<()> {
    let receiver = Receiver::open()?;
    let settings = format!("{UNLIMITED}\nwebhooks = \"{}\"", receiver.url);
    let store = Store::new(&nodes.store, &settings, &[Item::cat()])?;
    let mut store = store.with_data_dir(&disk.path().join("data"));
    store.open()?;
    let mut purchases = Vec::new();
    let mut undelivered = 0;
    let mut buy = |store: &Store| -> Result<()> {
        for _ in 0..EACH {
            let mut purchase = Purchase::new("cat", rng.u32(1..), rng);
            let bought = purchase.complete(store.address()?, nodes, rng, PATIENCE);
            undelivered += usize::from(bought.is_err());
            purchases.push(purchase);
        }
        Ok(())
    };
    buy(&store)?;
    let full = disk.fill()?;
    buy(&store)?;
    let mut chatter = lines_while_nothing_happens(&store);
    store.kill();
    store
        .open()
        .context("the store does not start on a full disk")?;
    buy(&store)?;
    chatter = chatter.max(lines_while_nothing_happens(&store));
    report.figure("lines of log in 3 s of a full disk", chatter);
    fs::remove_file(full)?;
    buy(&store)?;
    let missing = || {
        let told = lock(&receiver.told);
        let is_untold = |purchase: &&Purchase| {
            let hash = purchase.claim().map(|claim| claim.payment_hash().to_hex());
            hash.is_ok_and(|hash| !told.iter().any(|event| event.contains(&hash)))
        };
        purchases.iter().filter(is_untold).count()
    };
    until("the webhooks", PATIENCE, || Ok(missing() == 0)).ok();
    report.figure("purchases around a full disk", purchases.len());
    report.must_be_none("paid and undelivered", undelivered);
    report.must_be_none("webhooks that never came", missing());
    if chatter > 6 {
        report.loss("the same warning over and over");
    }
    store.stop()
}

fn lines_while_nothing_happens(store: &Store) -> usize {
    let before = store.log().lines().count();
    thread::sleep(Duration::from_secs(3));
    store.log().lines().count() - before
}

/// Kills the store while it writes its secret and the versions of its goods, at moments that the seed
/// chooses; where they fall between two system calls is chance.
fn without_time(kills: u32, nodes: &Nodes, rng: &mut Rng, report: &Report) -> Result<()> {
    let data = tempfile::tempdir()?;
    let data_dir = data.path().join("data");
    let mut item = Item::cat();
    let store = Store::new(&nodes.store, UNLIMITED, std::slice::from_ref(&item))?;
    let mut store = store.with_data_dir(&data_dir);
    let (mut secret, mut secrets_made, mut damaged) = (None, 0, 0);
    let mut purchases: Vec<Purchase> = Vec::new();
    for number in 0..kills {
        if rng.bool() {
            // Large enough for a write to take a while.
            item.goods = format!("Version {number}.\n").repeat(rng.usize(1..100_000));
            store.describe(std::slice::from_ref(&item))?;
        }
        store.start_and_kill(Duration::from_millis(rng.u64(1..250)))?;
        let found = fs::read_to_string(data_dir.join("secret")).ok();
        match (&secret, found) {
            (None, Some(made)) => {
                secrets_made += 1;
                damaged += usize::from(made.trim().len() != 64);
                secret = Some(made);
            }
            (Some(before), found) => damaged += usize::from(found.as_ref() != Some(before)),
            (None, None) => {}
        }
        if number % 5 == 4 {
            // It starts from whatever is left, sells, and reads a change again when it is killed.
            store.open()?;
            let mut purchase = Purchase::new("cat", number + 1, rng);
            purchase.complete(store.address()?, nodes, rng, PATIENCE)?;
            purchases.push(purchase);
            item.goods = format!("Version {number} and a half.\n").repeat(rng.usize(1..100_000));
            store.describe(std::slice::from_ref(&item))?;
            store.hang_up()?;
            thread::sleep(Duration::from_millis(rng.u64(1..100)));
            store.kill();
        }
    }
    store.open()?;
    let mut undelivered = 0;
    for purchase in &purchases {
        let answer = purchase.fetch(store.address()?, rng.bool())?;
        undelivered += usize::from(!purchase.is_delivery(&answer));
    }
    let (whole, broken) = versions(&data_dir)?;
    report.figure("ends at any moment", kills);
    report.figure("of those, in which the secret was made", secrets_made);
    report.figure("versions that are whole", whole);
    report.must_be_none("versions whose bytes are not those of their name", broken);
    report.must_be_none("secrets that were lost, changed or cut", damaged);
    report.must_be_none("paid and undelivered", undelivered);
    ensure!(!purchases.is_empty(), "nothing was sold");
    Ok(())
}

/// Kept copies lie in a folder that their hash names.
fn versions(data_dir: &Path) -> Result<(usize, usize)> {
    let (mut whole, mut broken) = (0, 0);
    let mut folders = vec![data_dir.to_owned()];
    while let Some(folder) = folders.pop() {
        let named = folder.file_name().and_then(|name| name.to_str());
        let named: Option<ContentHash> = named.and_then(|name| name.parse().ok());
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if let Some(hash) = named
                && path.extension().is_some_and(|extension| extension == "txt")
            {
                let is_whole = ContentHash::of(&fs::read(&path)?) == hash;
                whole += usize::from(is_whole);
                broken += usize::from(!is_whole);
            }
        }
    }
    Ok((whole, broken))
}

/// A disk of two megabytes.
struct Disk(TempDir);

impl Disk {
    fn small() -> Result<Self> {
        let dir = tempfile::tempdir()?;
        mount(
            "tmpfs",
            dir.path(),
            "tmpfs",
            MountFlags::empty(),
            Some(c"size=2m"),
        )
        .context("cannot mount a small disk")?;
        Ok(Self(dir))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// Takes all the room that is left; it is there again once this file is deleted.
    fn fill(&self) -> Result<PathBuf> {
        let path = self.path().join("ballast");
        let mut file = File::create(&path)?;
        for size in [65_536, 4096, 1] {
            while file.write_all(&vec![0; size]).is_ok() {}
        }
        Ok(path)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        unmount(self.path(), UnmountFlags::DETACH).ok();
    }
}

/// Takes webhooks.
struct Receiver {
    url: String,
    told: Arc<Mutex<Vec<String>>>,
}

impl Receiver {
    fn open() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let url = format!("http://{}/sold", listener.local_addr()?);
        let told = Arc::new(Mutex::new(Vec::new()));
        let taking = Arc::clone(&told);
        thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                stream
                    .set_read_timeout(Some(Duration::from_millis(500)))
                    .ok();
                let (mut text, mut piece) = (Vec::new(), [0; 8192]);
                // An event is small: its body ends with its object.
                while let Ok(length @ 1..) = stream.read(&mut piece) {
                    text.extend_from_slice(&piece[..length]);
                    if text.ends_with(b"}") {
                        break;
                    }
                }
                lock(&taking).push(String::from_utf8_lossy(&text).into_owned());
                let taken = b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n";
                stream.write_all(taken).ok();
            }
        });
        Ok(Self { url, told })
    }
}

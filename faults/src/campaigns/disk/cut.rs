//! A power cut, as far as a program can see one: the store ends in the middle of a write, between a
//! write and its rename, or at any other moment.
//!
//! A limit on the size of files ends the program in the very write that passes it, so every length can
//! be tried. A watch on a folder ends it as soon as a draft appears there; whether that falls before
//! the rename is chance, and counted.

use std::fs;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use anyhow::{Result, ensure};
use fastrand::Rng;
use rustix::fs::inotify;
use rustix::process::{Signal, kill_process};
use shared::content::ContentHash;

use super::shop::{PATIENCE, Shop, UNLIMITED};
use crate::buyer::Purchase;
use crate::nodes::Nodes;
use crate::report::Report;
use crate::store::{Item, Limits, Store, until};

/// Bytes of a secret's file: 64 digits and the end of the line.
const SECRET: u64 = 65;
/// The body of a webhook is longer.
const EVENT: u64 = 150;
/// What the drafts of files begin with.
const DRAFT: &str = ".tmp";

/// How often each is tried.
struct Extent {
    /// One of so many lengths of a secret is tried.
    step: usize,
    versions: u32,
    events: u32,
}

pub(super) fn run(is_short: bool, nodes: &Nodes, rng: &mut Rng, report: &Report) -> Result<()> {
    let extent = if is_short {
        Extent {
            step: 32,
            versions: 10,
            events: 4,
        }
    } else {
        Extent {
            step: 1,
            versions: 200,
            events: 60,
        }
    };
    secrets(&extent, nodes, report)?;
    versions(extent.versions, nodes, rng, report)?;
    events(extent.events, nodes, rng, report)
}

/// A secret is there whole or not at all, and a rotation is done or not.
fn secrets(extent: &Extent, nodes: &Nodes, report: &Report) -> Result<()> {
    let data = tempfile::tempdir()?;
    let secret = data.path().join("secret");
    let store = Store::new(&nodes.store, UNLIMITED, &[Item::cat()])?.with_data_dir(data.path());
    let (mut cut, mut broken) = (0, 0);
    for bytes in (0..=SECRET).step_by(extent.step) {
        let limits = Limits::file_size(bytes);
        let is_made = store.command(&["secret", "new"], limits)?.status.success();
        cut += usize::from(!is_made);
        broken += usize::from(secret.exists() != is_made);
        if !is_made {
            let made = store.command(&["secret", "new"], Limits::NONE)?;
            broken += usize::from(!made.status.success());
        }
        let made = fs::read(&secret).unwrap_or_default();
        broken += usize::from(u64::try_from(made.len())? != SECRET);
        fs::remove_file(&secret)?;
    }
    ensure!(cut > 0, "no secret was cut");
    store.command(&["secret", "new"], Limits::NONE)?;
    let first = fs::read_to_string(&secret)?;
    // While the new key is only prepared, a word stands before it.
    for bytes in (0..=2 * SECRET + 5).step_by(extent.step) {
        fs::write(&secret, &first)?;
        let limits = Limits::file_size(bytes);
        let rotated = store.command(&["secret", "rotate"], limits)?;
        let is_rotated = rotated.status.success();
        cut += usize::from(!is_rotated);
        let after = fs::read_to_string(&secret)?;
        let is_whole = if is_rotated {
            after.len() == 2 * first.len() && after.ends_with(&first)
        } else {
            after == first
        };
        broken += usize::from(!is_whole);
    }
    report.figure("secrets cut in the middle", cut);
    report.must_be_none("  lost, changed or half", broken);
    Ok(())
}

/// The store ends while it keeps versions of its goods.
fn versions(count: u32, nodes: &Nodes, rng: &mut Rng, report: &Report) -> Result<()> {
    let data = tempfile::tempdir()?;
    let data_dir = data.path().join("data");
    let mut item = Item::cat();
    let store = Store::new(&nodes.store, UNLIMITED, std::slice::from_ref(&item))?;
    let mut store = store.with_data_dir(&data_dir).without_log();
    store.command(&["secret", "new"], Limits::NONE)?;
    let secret = fs::read(data_dir.join("secret"))?;
    let mut purchases: Vec<Purchase> = Vec::new();
    let (mut cut, mut lost) = (0, 0);
    for number in 0..count {
        // Large enough for a write to take a while.
        item.goods = format!("Version {number}.\n").repeat(rng.usize(1..100_000));
        store.describe(std::slice::from_ref(&item))?;
        if rng.bool() {
            let bytes = rng.u64(0..u64::try_from(item.goods.len())?);
            cut += usize::from(store.start_under(Limits::file_size(bytes))?);
        } else {
            store.start_and_kill(Duration::from_millis(rng.u64(1..250)))?;
        }
        lost += usize::from(fs::read(data_dir.join("secret"))? != secret);
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
    ensure!(!purchases.is_empty(), "nothing was sold");
    store.open()?;
    let mut undelivered = 0;
    for purchase in &purchases {
        let answer = purchase.fetch(store.address()?, rng.bool())?;
        undelivered += usize::from(!purchase.is_delivery(&answer));
    }
    let (whole, broken) = kept(&data_dir)?;
    report.figure("ends while goods are kept", count);
    report.figure("  of them in the middle of a write", cut);
    report.figure("  versions that are whole", whole);
    report.must_be_none("  versions whose bytes are not those of their name", broken);
    report.must_be_none("  secrets that were lost or changed", lost);
    report.must_be_none("  paid and undelivered", undelivered);
    Ok(())
}

/// The store ends while it keeps a webhook, or the place in the book up to which it kept them.
fn events(count: u32, nodes: &Nodes, rng: &mut Rng, report: &Report) -> Result<()> {
    let data = tempfile::tempdir()?;
    let data_dir = data.path().join("data");
    let mut shop = Shop::in_folder(&data_dir, nodes)?;
    shop.store = shop.store.without_log();
    shop.store.command(&["secret", "new"], Limits::NONE)?;
    shop.store.open()?;
    shop.sell(1, rng)?;
    let (mut cut, mut before_rename) = (0, 0);
    for number in 0..count {
        let mut purchase = Purchase::new("cat", number + 1, rng);
        until("an invoice", PATIENCE, || {
            Ok(purchase.ask(shop.store.address()?).is_ok())
        })?;
        if rng.bool() {
            let bytes = rng.u64(0..EVENT);
            shop.store.limit(Limits::file_size(bytes))?;
            purchase.pay(nodes)?;
            until("the write", PATIENCE, || shop.store.has_ended())?;
            cut += 1;
        } else {
            let watch = Watch::of(&spools(&data_dir)?)?;
            thread::scope(|scope| {
                let pays = scope.spawn(|| purchase.pay(nodes).map(drop));
                watch.kills_at_draft(&shop.store, Duration::from_micros(rng.u64(0..2000)))?;
                pays.join().expect("nothing panics there")
            })?;
            before_rename += usize::from(has_draft(&spools(&data_dir)?)?);
        }
        shop.store.kill();
        shop.store.open()?;
        let address = shop.store.address()?;
        purchase.complete(address, nodes, rng, PATIENCE).ok();
        shop.purchases.push(purchase);
    }
    report.figure("webhooks cut in the middle", cut);
    report.figure("  before their rename", before_rename);
    shop.judge("around them", report)
}

/// The folders that webhooks wait in, and that of their index.
fn spools(data_dir: &Path) -> Result<Vec<PathBuf>> {
    let all = data_dir.join("webhooks");
    let mut folders = vec![all.clone()];
    for entry in fs::read_dir(all)? {
        let path = entry?.path();
        if path.is_dir() {
            folders.push(path);
        }
    }
    Ok(folders)
}

/// Whether a file was begun and not renamed. Drafts of earlier ends are removed.
fn has_draft(folders: &[PathBuf]) -> Result<bool> {
    let mut found = false;
    for folder in folders {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with(DRAFT) {
                fs::remove_file(entry.path())?;
                found = true;
            }
        }
    }
    Ok(found)
}

/// Sees files appear in folders.
struct Watch(OwnedFd);

impl Watch {
    fn of(folders: &[PathBuf]) -> Result<Self> {
        let watch = inotify::init(inotify::CreateFlags::CLOEXEC)?;
        for folder in folders {
            inotify::add_watch(&watch, folder, inotify::WatchFlags::CREATE)?;
        }
        Ok(Self(watch))
    }

    /// Kills the store so long after the next draft appeared.
    fn kills_at_draft(&self, store: &Store, after: Duration) -> Result<()> {
        let mut buffer = [MaybeUninit::uninit(); 4096];
        let mut events = inotify::Reader::new(&self.0, &mut buffer);
        let is_draft = |event: inotify::Event| {
            let name = event.file_name();
            name.is_some_and(|name| name.to_bytes().starts_with(DRAFT.as_bytes()))
        };
        while !is_draft(events.next()?) {}
        thread::sleep(after);
        Ok(kill_process(store.pid()?, Signal::KILL)?)
    }
}

/// Kept copies lie in a folder that their hash names: how many are whole, and how many are not.
fn kept(data_dir: &Path) -> Result<(usize, usize)> {
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

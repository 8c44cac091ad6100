//! ENOSPC: purchases and their webhooks before the disk is full, while it is, over a restart, and after.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result};
use fastrand::Rng;
use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};
use rustix::process::geteuid;
use tempfile::TempDir;

use super::shop::Shop;
use crate::nodes::Nodes;
use crate::report::Report;
use crate::store::{Limits, Store};

/// Purchases before, during and after.
const EACH: u32 = 5;
/// As many lines of log as a few seconds may take: one for each thing that fails, and no more.
const MOST_LINES: usize = 6;

pub(super) fn run(nodes: &Nodes, rng: &mut Rng, report: &Report) -> Result<()> {
    if !geteuid().is_root() {
        report.figure("full disk", "skipped: only root can mount a small disk");
        return Ok(());
    }
    match Disk::small() {
        Ok(disk) => on(&disk, nodes, rng, report),
        Err(error) => {
            report.figure("full disk", format!("skipped: {error:#}"));
            Ok(())
        }
    }
}

fn on(disk: &Disk, nodes: &Nodes, rng: &mut Rng, report: &Report) -> Result<()> {
    let data_dir = disk.path().join("data");
    let mut shop = Shop::in_folder(&data_dir, nodes)?;
    // The disk may be another store's, at whose node something was sold before.
    shop.store.command(&["secret", "new"], Limits::NONE)?;
    shop.store.open()?;
    shop.sell(EACH, rng)?;
    let full = disk.fill()?;
    shop.sell(EACH, rng)?;
    let mut chatter = lines_while_nothing_happens(&shop.store);
    let before = fs::read(data_dir.join("secret"))?;
    let rotated = shop.store.command(&["secret", "rotate"], Limits::NONE)?;
    let is_lost = rotated.status.success() || fs::read(data_dir.join("secret"))? != before;
    shop.store.kill();
    shop.store
        .open()
        .context("the store does not start on a full disk")?;
    shop.sell(EACH, rng)?;
    chatter = chatter.max(lines_while_nothing_happens(&shop.store));
    report.figure("lines of log in 3 s of a full disk", chatter);
    if chatter > MOST_LINES {
        report.loss("the same warning over and over");
    }
    fs::remove_file(full)?;
    shop.sell(EACH, rng)?;
    shop.judge("around a full disk", report)?;
    report.must_be_none("  secrets lost by a rotation", usize::from(is_lost));
    shop.store.stop()
}

fn lines_while_nothing_happens(store: &Store) -> usize {
    let before = store.log().lines().count();
    thread::sleep(Duration::from_secs(3));
    store.log().lines().count() - before
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

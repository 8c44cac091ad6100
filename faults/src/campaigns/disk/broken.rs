//! EIO: files that can be opened and not read. What cannot be read is neither replaced nor delivered,
//! and is used again once it can be read.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use fastrand::Rng;

use super::shop::{PATIENCE, Shop};
use crate::buyer::Purchase;
use crate::nodes::Nodes;
use crate::report::Report;
use crate::store::{Item, Limits, until};

/// Reading its first byte fails with EIO, because no process has memory there.
const UNREADABLE: &str = "/proc/self/mem";
const EACH: u32 = 3;

pub(super) fn run(nodes: &Nodes, rng: &mut Rng, report: &Report) -> Result<()> {
    let error = fs::read(UNREADABLE).err();
    let is_broken = error.is_some_and(|error| error.raw_os_error() == Some(5));
    if !is_broken {
        let why = format!("skipped: {UNREADABLE} can be read");
        report.figure("broken disk", why);
        return Ok(());
    }
    let data = tempfile::tempdir()?;
    let data_dir = data.path().join("data");
    let mut shop = Shop::in_folder(&data_dir, nodes)?;
    shop.store.command(&["secret", "new"], Limits::NONE)?;
    shop.store.open()?;
    shop.sell(EACH, rng)?;

    // The copy that was sold, while its owner sells another version already.
    let sold = shop.purchases.len();
    let copy = copies(&data_dir)?.pop().context("nothing is kept")?;
    let newer = Item {
        goods: "Another version.\n".repeat(50),
        ..Item::cat()
    };
    shop.store.kill();
    shop.store.describe(&[newer])?;
    let away = data.path().join("away");
    let broken = Broken::make(&copy, &away)?;
    shop.store.open()?;
    let (mut refused, mut wrong) = (0, 0);
    for purchase in &shop.purchases[..sold] {
        let answer = purchase.fetch(shop.store.address()?, true)?;
        refused += usize::from(answer.status >= 400);
        wrong += usize::from(answer.status < 400 && !purchase.is_delivery(&answer));
    }
    broken.mend()?;
    shop.sell(EACH, rng)?;
    until("the copy to be read again", PATIENCE, || {
        let address = shop.store.address()?;
        let has_goods = |purchase: &Purchase| {
            let answer = purchase.fetch(address, true);
            answer.is_ok_and(|answer| purchase.is_delivery(&answer))
        };
        Ok(shop.purchases[..sold].iter().all(has_goods))
    })?;

    // The place in the book from which webhooks go on.
    shop.store.kill();
    let mut kept = fs::read_dir(data_dir.join("webhooks"))?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<Vec<_>>>()?
        .into_iter();
    let is_index = |path: &PathBuf| path.to_string_lossy().contains("/index-");
    let index = kept
        .find(is_index)
        .context("no place in the book is kept")?;
    let broken = Broken::make(&index, &away)?;
    shop.store.open()?;
    shop.sell(EACH, rng)?;
    thread::sleep(Duration::from_millis(rng.u64(100..1000)));
    broken.mend()?;
    shop.sell(EACH, rng)?;

    // The secret: nothing starts without it, and nothing takes its place.
    shop.store.kill();
    let secret = data_dir.join("secret");
    let before = fs::read(&secret)?;
    let broken = Broken::make(&secret, &away)?;
    let has_started = !shop.store.start_under(Limits::NONE)?;
    let rotated = shop.store.command(&["secret", "rotate"], Limits::NONE)?;
    let is_replaced = !secret.is_symlink();
    broken.mend()?;
    let is_lost = is_replaced || rotated.status.success() || fs::read(&secret)? != before;
    ensure!(
        shop.store.log().contains("secret"),
        "the log names no secret"
    );
    shop.store.open()?;
    shop.sell(EACH, rng)?;
    shop.judge("around a broken disk", report)?;
    report.figure("  refused while their copy could not be read", refused);
    report.must_be_none("  other goods in its place", wrong);
    report.must_be_none("  starts without the secret", usize::from(has_started));
    report.must_be_none("  secrets that were replaced", usize::from(is_lost));
    Ok(())
}

/// A file in whose place lies one that cannot be read.
struct Broken {
    path: PathBuf,
    away: PathBuf,
}

impl Broken {
    fn make(path: &Path, away: &Path) -> Result<Self> {
        fs::rename(path, away)?;
        symlink(UNREADABLE, path)?;
        Ok(Self {
            path: path.to_owned(),
            away: away.to_owned(),
        })
    }

    /// The file as it was.
    fn mend(self) -> Result<()> {
        Ok(fs::rename(&self.away, &self.path)?)
    }
}

/// The kept copies of goods.
fn copies(data_dir: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for version in fs::read_dir(data_dir.join("goods/cat"))? {
        found.push(version?.path().join("cat.txt"));
    }
    found.retain(|copy| copy.is_file());
    Ok(found)
}

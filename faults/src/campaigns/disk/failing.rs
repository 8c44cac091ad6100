//! EIO: writes that the disk does not take. libfiu makes `fsync` and `rename` fail in the store's
//! process, which is where a broken disk shows: a write itself only reaches the system's memory.

use std::fs;

use anyhow::{Result, ensure};
use fastrand::Rng;

use super::shop::Shop;
use crate::nodes::Nodes;
use crate::report::Report;
use crate::store::{Item, Limits};

/// Half of all tries, with the number of EIO.
const FAULTS: &str = "enable_random name=posix/io/sync/*,probability=0.5,failinfo=5\n\
                      enable_random name=posix/io/dir/rename,probability=0.5,failinfo=5";
const EACH: u32 = 5;
const ROTATIONS: usize = 10;

pub(super) fn run(nodes: &Nodes, rng: &mut Rng, report: &Report) -> Result<()> {
    let data = tempfile::tempdir()?;
    let data_dir = data.path().join("data");
    let mut shop = Shop::in_folder(&data_dir, nodes)?;
    shop.store.command(&["secret", "new"], Limits::NONE)?;
    shop.store.open()?;
    shop.sell(EACH, rng)?;
    shop.store.stop()?;

    // The versions are kept already, so the store starts; webhooks and their index have to be written.
    shop.store.set_faults(Some(FAULTS));
    shop.store.open()?;
    shop.sell(EACH, rng)?;
    let newer = Item {
        goods: "Another version.\n".repeat(50),
        ..Item::cat()
    };
    shop.store.describe(&[newer])?;
    shop.store.hang_up()?;
    shop.sell(EACH, rng)?;
    let secret = data_dir.join("secret");
    let (mut failed, mut lost) = (0, 0);
    for _ in 0..ROTATIONS {
        let before = fs::read_to_string(&secret)?;
        let rotated = shop.store.command(&["secret", "rotate"], Limits::NONE)?;
        let after = fs::read_to_string(&secret)?;
        let is_done = rotated.status.success();
        let (before, after) = (keys(&before), keys(&after));
        // A rotation that failed may have prepared its key, or may only lack the folder's sync.
        let is_true = before.iter().all(|key| after.contains(key))
            && after.iter().all(|key| key.len() == 64)
            && after.len() <= before.len() + 1
            && (after.first() != before.first() || !is_done);
        failed += usize::from(!rotated.status.success());
        lost += usize::from(!is_true);
    }
    shop.store.stop()?;

    shop.store.set_faults(None);
    shop.store.open()?;
    shop.sell(EACH, rng)?;
    shop.judge("around writes that fail", report)?;
    report.figure("  rotations that failed", failed);
    ensure!(failed > 0, "no rotation failed, so libfiu was not there");
    report.must_be_none("  secrets lost, changed or half", lost);
    shop.store.stop()
}

/// The keys in a secret's file, the current one first.
fn keys(file: &str) -> Vec<&str> {
    file.split_whitespace()
        .filter(|word| *word != "next")
        .collect()
}

//! EIO: writes that the disk does not take. libfiu makes `fsync` and `rename` fail in the store's
//! process, which is where a broken disk shows: a write itself only reaches the system's memory.

use std::fs;
use std::path::Path;

use anyhow::{Result, ensure};
use fastrand::Rng;

use super::shop::Shop;
use crate::nodes::Nodes;
use crate::report::Report;
use crate::store::{Item, Limits};

const LIBRARY: &str = "/usr/lib/fiu/fiu_posix_preload.so";
/// Half of all tries, with the number of EIO.
const FAULTS: &str = "enable_random name=posix/io/sync/*,probability=0.5,failinfo=5\n\
                      enable_random name=posix/io/dir/rename,probability=0.5,failinfo=5";
const EACH: u32 = 5;
const ROTATIONS: usize = 10;

pub(super) fn run(nodes: &Nodes, rng: &mut Rng, report: &Report) -> Result<()> {
    ensure!(
        Path::new(LIBRARY).is_file(),
        "there is no {LIBRARY}: install fiu-utils, or run `cargo xtask setup`"
    );
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
        let is_added = after.len() > before.len() && after.ends_with(&before);
        // A folder that cannot be synced leaves it open whether a power cut would undo the rotation.
        let is_true = is_added || (after == before && !rotated.status.success());
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

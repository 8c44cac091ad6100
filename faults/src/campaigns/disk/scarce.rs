//! EMFILE: the running store can open next to nothing for a while, again and again, and a command
//! cannot open what it needs.

use std::fs;
use std::time::Duration;

use anyhow::{Result, ensure};
use fastrand::Rng;
use shared::api::STORE_PATH;
use shared::content::ContentHash;

use super::shop::{PATIENCE, Shop};
use crate::http::Request;
use crate::nodes::Nodes;
use crate::report::Report;
use crate::store::{Item, Limits, until};

const ROUNDS: u64 = 60;
const ROUNDS_SHORT: u64 = 3;
/// Buyers in each round.
const EACH: u32 = 3;
/// The program itself needs a few; from here on it finds enough for everything.
const DESCRIPTORS: std::ops::Range<u64> = 3..16;

pub(super) fn run(is_short: bool, nodes: &Nodes, rng: &mut Rng, report: &Report) -> Result<()> {
    let data = tempfile::tempdir()?;
    let data_dir = data.path().join("data");
    let mut shop = Shop::in_folder(&data_dir, nodes)?;
    shop.store.command(&["secret", "new"], Limits::NONE)?;
    shop.store.open()?;
    let rounds = if is_short { ROUNDS_SHORT } else { ROUNDS };
    for round in 0..rounds {
        // From none up to enough for some of what a purchase needs.
        shop.store.spare_descriptors(round * 4 % 13)?;
        let item = Item {
            goods: format!("Version {round}.\n").repeat(50),
            ..Item::cat()
        };
        shop.store.describe(std::slice::from_ref(&item))?;
        shop.store.hang_up()?;
        let relief = shop
            .store
            .relief(Duration::from_millis(rng.u64(100..500)))?;
        shop.sell(EACH, rng)?;
        relief.join().expect("nothing panics there")?;
        let promised = ContentHash::of(item.goods.as_bytes()).to_hex();
        until("the new version", PATIENCE, || {
            let offered = Request::get(STORE_PATH).send(shop.store.address()?)?;
            Ok(offered.json()["items"][0]["sha256"] == promised.as_str())
        })?;
    }
    report.figure("times without descriptors", rounds);
    shop.judge("around them", report)?;

    let (mut rotated, mut lost) = (0, 0);
    for most in DESCRIPTORS {
        let before = fs::read_to_string(data_dir.join("secret"))?;
        let limits = Limits::descriptors(most);
        let is_done = shop.store.command(&["secret", "rotate"], limits)?;
        let is_done = is_done.status.success();
        let after = fs::read_to_string(data_dir.join("secret"))?;
        let is_whole = if is_done {
            after.len() > before.len() && after.ends_with(&before)
        } else {
            after == before
        };
        rotated += usize::from(is_done);
        lost += usize::from(!is_whole);
    }
    report.figure(
        "rotations with few descriptors that were refused",
        DESCRIPTORS.count() - rotated,
    );
    report.must_be_none("  secrets lost by them", lost);
    ensure!(rotated > 0, "no rotation had descriptors enough");
    shop.store.kill();
    shop.store.open()?;
    shop.judge("after them", report)
}

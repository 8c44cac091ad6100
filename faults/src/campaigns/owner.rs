//! The owner changes prices, limits, versions and the shelf between purchases: what was sold stays
//! as it was sold.

use std::time::Duration;

use anyhow::{Result, ensure};
use fastrand::Rng;
use serde_json::Value;
use shared::api::STORE_PATH;

use crate::buyer::Purchase;
use crate::http::Request;
use crate::nodes::Nodes;
use crate::options::Options;
use crate::report::Report;
use crate::store::{Item, Store, until};

const PATIENCE: Duration = Duration::from_mins(1);
/// Seconds for which goods can be fetched; long enough for no campaign to see the end.
const LIMITS: [Option<u64>; 4] = [None, Some(7200), Some(86_400), Some(604_800)];
const MOST: u32 = 300;

/// A purchase and what it was made for.
struct Sold {
    purchase: Purchase,
    price_msat: u64,
    /// The claim's end.
    valid_until: Option<u64>,
}

/// What the owner did.
#[derive(Default)]
struct Changes {
    prices: usize,
    limits: usize,
    versions: usize,
    removals: usize,
    returns: usize,
    restarts: usize,
}

/// The owner's mind.
struct Owner {
    /// Everything that was ever on sale, and whether it is now.
    shelf: Vec<(Item, bool)>,
    version: u32,
    changes: Changes,
}

/// The campaign: every purchase stays deliverable, and its limit equals what was sold.
pub(crate) fn run(options: &Options, report: &Report) -> Result<()> {
    let mut rng = Rng::with_seed(options.seed);
    let nodes = Nodes::start(0)?;
    let dog = Item {
        id: "dog",
        goods: "Woof.\n".repeat(50),
        ..Item::cat()
    };
    let mut owner = Owner {
        shelf: vec![(Item::cat(), true), (dog, true)],
        version: 0,
        changes: Changes::default(),
    };
    let limits = "invoices_per_minute = 0\nopen_invoices = 0";
    let mut store = Store::new(&nodes.store, limits, &owner.on_sale())?;
    store.open()?;
    let mut sold: Vec<Sold> = Vec::new();
    let count = options.purchases.min(MOST);
    while sold.len() < usize::try_from(count)? {
        if rng.u8(0..3) == 0 {
            owner.changes_something(&mut rng);
            store.describe(&owner.on_sale())?;
            store.hang_up()?;
            if rng.u8(0..4) == 0 {
                owner.changes.restarts += 1;
                store.kill();
                store.start()?;
            }
            until("the change", PATIENCE, || owner.is_followed(&store))?;
            check(
                &sold[sold.len().saturating_sub(10)..],
                &store,
                &nodes,
                &mut rng,
                report,
            )?;
        }
        let on_sale = owner.on_sale();
        let item = &on_sale[rng.usize(..on_sale.len())];
        let mut purchase = Purchase::new(item.id, u32::try_from(sold.len())? + 1, &mut rng);
        purchase.ask(store.address()?)?;
        if rng.bool() {
            ensure!(purchase.pay(&nodes)?, "alice could not pay");
        }
        sold.push(Sold::new(purchase, item, report)?);
    }
    // Some pay only now for what was sold before all the changes.
    for Sold { purchase, .. } in &mut sold {
        ensure!(purchase.pay(&nodes)?, "alice could not pay");
    }
    let changes = &owner.changes;
    report.figure("purchases", sold.len());
    report.figure(
        "changes",
        format!(
            "{} of prices, {} of limits, {} of versions, {} removals, {} returns, {} restarts",
            changes.prices,
            changes.limits,
            changes.versions,
            changes.removals,
            changes.returns,
            changes.restarts
        ),
    );
    check(&sold, &store, &nodes, &mut rng, report)?;
    let mut undelivered = 0;
    for Sold { purchase, .. } in &sold {
        let answer = purchase.fetch(store.address()?, rng.bool())?;
        undelivered += usize::from(!purchase.is_delivery(&answer));
    }
    report.must_be_none("paid and undelivered", undelivered);
    Ok(())
}

impl Sold {
    fn new(purchase: Purchase, item: &Item, report: &Report) -> Result<Self> {
        let valid_until = purchase.claim()?.valid_until();
        let bought = purchase.bought.as_ref().expect("it has a claim");
        let expected = item
            .valid_for
            .map(|valid| bought.invoice.expires_at + valid);
        if valid_until != expected {
            report.loss(format!(
                "sold until {expected:?}, the claim says {valid_until:?}"
            ));
        }
        let price_msat = bought.invoice.amount_msat.0;
        if price_msat != item.sats * 1000 {
            report.loss(format!("{} sat became {price_msat} msat", item.sats));
        }
        Ok(Self {
            purchase,
            price_msat,
            valid_until,
        })
    }
}

/// Asking again for a purchase changes nothing of it, and paid goods are the version that was sold.
fn check(
    sold: &[Sold],
    store: &Store,
    nodes: &Nodes,
    rng: &mut Rng,
    report: &Report,
) -> Result<()> {
    for sold in sold {
        let mut again = sold.purchase.asked_again();
        // What left the shelf is not sold again; the claim still counts.
        if again.ask(store.address()?).is_ok() {
            let valid_until = again.claim()?.valid_until();
            if valid_until != sold.valid_until {
                let was = sold.valid_until;
                report.loss(format!("sold until {was:?}, renewed until {valid_until:?}"));
            }
            let asked = again
                .bought
                .as_ref()
                .map(|bought| bought.invoice.amount_msat.0);
            if asked != Some(sold.price_msat) {
                report.loss(format!("sold for {} msat, now {asked:?}", sold.price_msat));
            }
        }
        let hash = sold.purchase.claim()?.payment_hash();
        let answer = sold.purchase.fetch(store.address()?, rng.bool())?;
        let is_delivery = sold.purchase.is_delivery(&answer);
        if is_delivery != nodes.is_paid(hash)? {
            let code = answer.code();
            report.loss(format!(
                "paid: {}, but {} {code}",
                !is_delivery, answer.status
            ));
        }
    }
    Ok(())
}

impl Owner {
    fn on_sale(&self) -> Vec<Item> {
        let on_sale = self.shelf.iter().filter(|(_, is_on_sale)| *is_on_sale);
        on_sale.map(|(item, _)| item.clone()).collect()
    }

    fn changes_something(&mut self, rng: &mut Rng) {
        let is_last = self.on_sale().len() == 1;
        let place = rng.usize(..self.shelf.len());
        let (item, is_on_sale) = &mut self.shelf[place];
        if !*is_on_sale {
            *is_on_sale = true;
            self.changes.returns += 1;
            return;
        }
        match rng.u8(0..4) {
            0 => {
                item.sats = rng.u64(1..20);
                self.changes.prices += 1;
            }
            1 => {
                item.valid_for = LIMITS[rng.usize(..LIMITS.len())];
                self.changes.limits += 1;
            }
            2 if !is_last => {
                *is_on_sale = false;
                self.changes.removals += 1;
            }
            _ => {
                self.version += 1;
                item.goods = format!("Version {} of the {}.\n", self.version, item.id);
                self.changes.versions += 1;
            }
        }
    }

    /// Whether the store sells what the owner says, as the owner says.
    fn is_followed(&self, store: &Store) -> Result<bool> {
        let offered = Request::get(STORE_PATH).send(store.address()?)?.json();
        let offers = offered["items"].as_array().cloned().unwrap_or_default();
        let on_sale = self.on_sale();
        let is_same = |(offer, item): (&Value, &Item)| {
            let goods = shared::content::ContentHash::of(item.goods.as_bytes());
            offer["id"] == item.id
                && offer["price_msat"] == item.sats * 1000
                && offer["valid_for_secs"].as_u64() == item.valid_for
                && offer["sha256"] == goods.to_hex()
        };
        Ok(offers.len() == on_sale.len() && offers.iter().zip(&on_sale).all(is_same))
    }
}

//! The owner changes prices, limits, versions, rates, the shelf and the secret between purchases, and
//! two gateways learn of it apart: what was sold stays as it was sold.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use fastrand::Rng;
use serde_json::Value;
use shared::api::STORE_PATH;
use shared::content::ContentHash;

use crate::buyer::Purchase;
use crate::http::Request;
use crate::nodes::Nodes;
use crate::options::Options;
use crate::report::Report;
use crate::store::{Item, Limits, RATE, Store, until};

const PATIENCE: Duration = Duration::from_mins(1);
/// Nothing of the campaign expires before its end.
const SETTINGS: &str = "invoices_per_minute = 0\nopen_invoices = 0\ninvoice_expiry = \"1d\"";
/// Seconds for which goods can be fetched; long enough for no campaign to see the end.
const LIMITS: [Option<u64>; 4] = [None, Some(7200), Some(86_400), Some(604_800)];
const MOST: u32 = 300;
/// After a change, so many of the newest purchases are looked at; in the end all are.
const NEWEST: usize = 10;

/// The campaign: every purchase stays deliverable, and its limit equals what was sold.
pub(crate) fn run(options: &Options, report: &Report) -> Result<()> {
    let mut rng = Rng::with_seed(options.seed);
    let nodes = Nodes::start(0)?;
    let data = tempfile::tempdir()?;
    let mut owner = Owner::new();
    let data_dir = data.path().join("data");
    let mut pair = Pair::open(&nodes, &data_dir, &owner.shelf)?;
    let mut sold: Vec<Sold> = Vec::new();
    let count = usize::try_from(options.purchases.min(MOST))?;
    while sold.len() < count {
        if rng.u8(0..3) == 0 {
            owner.changes_something(&mut rng);
            pair.hears(&mut owner, &mut rng)?;
            let newest = sold.len().saturating_sub(NEWEST);
            check(&sold[newest..], &pair, &nodes, &mut rng, report)?;
        }
        let gateway = pair.any(&mut rng);
        let Some(item) = rng.choice(gateway.shelf.for_sale()) else {
            continue;
        };
        let mut purchase = Purchase::new(item.id, u32::try_from(sold.len())? + 1, &mut rng);
        purchase.ask(gateway.store.address()?)?;
        if rng.bool() {
            ensure!(purchase.pay(&nodes)?, "alice could not pay");
        }
        sold.push(Sold::new(purchase, item, report)?);
    }
    // Some pay only now for what was sold before all the changes.
    for Sold { purchase, .. } in &mut sold {
        ensure!(purchase.pay(&nodes)?, "alice could not pay");
    }
    report.figure("purchases", sold.len());
    report.figure("changes", &owner.changes);
    check(&sold, &pair, &nodes, &mut rng, report)?;
    let mut undelivered = 0;
    for Sold { purchase, .. } in &sold {
        let address = pair.any(&mut rng).store.address()?;
        let answer = purchase.fetch(address, rng.bool())?;
        undelivered += usize::from(!purchase.is_delivery(&answer));
    }
    report.must_be_none("paid and undelivered", undelivered);
    Ok(())
}

/// Everything that was ever on sale, with whether it is now, and whether there is a rate.
#[derive(Clone)]
struct Shelf {
    items: Vec<(Item, bool)>,
    has_rate: bool,
}

impl Shelf {
    /// What the file names.
    fn named(&self) -> Vec<Item> {
        let named = self.items.iter().filter(|(_, is_named)| *is_named);
        named.map(|(item, _)| item.clone()).collect()
    }

    /// What can be bought: a price in dollars needs a rate.
    fn for_sale(&self) -> impl ExactSizeIterator<Item = &Item> {
        let priced = |item: &Item| self.has_rate || !item.in_dollars;
        let for_sale = self.items.iter().filter(|(_, is_named)| *is_named);
        let for_sale = for_sale.map(|(item, _)| item);
        let for_sale: Vec<_> = for_sale.filter(|item| priced(item)).collect();
        for_sale.into_iter()
    }

    /// The rate as the file states it. Nothing listens at a source's address, so it never has one.
    fn rates(&self) -> String {
        let source = if self.has_rate {
            format!("fixed = {RATE}")
        } else {
            "url = \"http://127.0.0.1:1/\"\npointer = \"/usd\"".to_owned()
        };
        format!("\n[rates.USD]\n{source}\n")
    }
}

/// What the owner did.
#[derive(Default)]
struct Changes {
    prices: usize,
    limits: usize,
    versions: usize,
    removals: usize,
    returns: usize,
    rates: usize,
    rotations: usize,
    restarts: usize,
    apart: usize,
}

impl fmt::Display for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} of prices, {} of limits, {} of versions, {} removals, {} returns, {} of rates, {} \
             rotations, {} restarts; {} reached one gateway only",
            self.prices,
            self.limits,
            self.versions,
            self.removals,
            self.returns,
            self.rates,
            self.rotations,
            self.restarts,
            self.apart
        )
    }
}

/// The owner's mind.
struct Owner {
    shelf: Shelf,
    version: u32,
    changes: Changes,
}

impl Owner {
    fn new() -> Self {
        let dog = Item {
            id: "dog",
            goods: "Woof.\n".repeat(50),
            ..Item::cat()
        };
        let bird = Item {
            id: "bird",
            in_dollars: true,
            goods: "Tweet.\n".repeat(50),
            ..Item::cat()
        };
        let items = [Item::cat(), dog, bird].map(|item| (item, true));
        Self {
            shelf: Shelf {
                items: items.to_vec(),
                has_rate: true,
            },
            version: 0,
            changes: Changes::default(),
        }
    }

    fn changes_something(&mut self, rng: &mut Rng) {
        let is_last = self.shelf.named().len() == 1;
        let place = rng.usize(..self.shelf.items.len());
        let (item, is_named) = &mut self.shelf.items[place];
        if !*is_named {
            *is_named = true;
            self.changes.returns += 1;
            return;
        }
        match rng.u8(0..5) {
            0 => {
                item.sats = rng.u64(1..20);
                self.changes.prices += 1;
            }
            1 => {
                item.valid_for = LIMITS[rng.usize(..LIMITS.len())];
                self.changes.limits += 1;
            }
            2 => {
                self.shelf.has_rate = !self.shelf.has_rate;
                self.changes.rates += 1;
            }
            3 if !is_last => {
                *is_named = false;
                self.changes.removals += 1;
            }
            _ => {
                self.version += 1;
                item.goods = format!("Version {} of the {}.\n", self.version, item.id);
                self.changes.versions += 1;
            }
        }
    }
}

/// Two gateways with one secret and one folder of versions, each with a file of its own.
struct Pair([Gateway; 2]);

struct Gateway {
    store: Store,
    /// As it was told last.
    shelf: Shelf,
}

impl Pair {
    fn open(nodes: &Nodes, data_dir: &Path, shelf: &Shelf) -> Result<Self> {
        let gateway = || -> Result<Gateway> {
            let store = Store::new(&nodes.store, SETTINGS, &[])?.with_data_dir(data_dir);
            store.describe_with(&shelf.named(), &shelf.rates())?;
            Ok(Gateway {
                store,
                shelf: shelf.clone(),
            })
        };
        let mut pair = Self([gateway()?, gateway()?]);
        let Self([first, second]) = &mut pair;
        let made = first.store.command(&["secret", "new"], Limits::NONE)?;
        ensure!(made.status.success(), "no secret was made");
        first.store.open()?;
        second.store.open()?;
        Ok(pair)
    }

    fn any(&self, rng: &mut Rng) -> &Gateway {
        &self.0[rng.usize(..self.0.len())]
    }

    /// One gateway or both read the owner's change; perhaps one is restarted, or the secret rotated.
    fn hears(&mut self, owner: &mut Owner, rng: &mut Rng) -> Result<()> {
        let who = rng.usize(..3);
        owner.changes.apart += usize::from(who < 2);
        for (number, gateway) in self.0.iter_mut().enumerate() {
            if who == number || who == 2 {
                gateway.shelf = owner.shelf.clone();
                let (items, rates) = (gateway.shelf.named(), gateway.shelf.rates());
                gateway.store.describe_with(&items, &rates)?;
                gateway.store.hang_up()?;
            }
        }
        if rng.u8(0..4) == 0 {
            owner.changes.restarts += 1;
            let number = rng.usize(..self.0.len());
            self.0[number].restarts()?;
        }
        if rng.u8(0..8) == 0 {
            owner.changes.rotations += 1;
            let rotated = self.0[0]
                .store
                .command(&["secret", "rotate"], Limits::NONE)?;
            ensure!(rotated.status.success(), "the secret was not rotated");
            // Those that share it have to be started again together.
            self.0.iter_mut().try_for_each(Gateway::restarts)?;
        }
        for gateway in &self.0 {
            until("the change", PATIENCE, || gateway.follows())?;
        }
        Ok(())
    }
}

impl Gateway {
    fn restarts(&mut self) -> Result<()> {
        self.store.kill();
        self.store.start()
    }

    /// Whether it sells what the owner told it, as the owner told it.
    fn follows(&self) -> Result<bool> {
        let offered = Request::get(STORE_PATH).send(self.store.address()?)?.json();
        let offers = offered["items"].as_array().context("no items")?;
        let is_same = |(offer, item): (&Value, &Item)| {
            let goods = ContentHash::of(item.goods.as_bytes());
            offer["id"] == item.id
                && offer["price_msat"] == item.sats * 1000
                && offer["valid_for_secs"].as_u64() == item.valid_for
                && offer["sha256"] == goods.to_hex()
        };
        let for_sale = self.shelf.for_sale();
        Ok(offers.len() == for_sale.len() && offers.iter().zip(for_sale).all(is_same))
    }
}

/// A purchase and what it was made for.
struct Sold {
    purchase: Purchase,
    item: &'static str,
    price_msat: u64,
    /// The claim's end.
    valid_until: Option<u64>,
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
            item: item.id,
            price_msat,
            valid_until,
        })
    }

    /// Asking again for a purchase changes nothing of it.
    fn is_asked_again(&self, gateway: &Gateway, report: &Report) -> Result<()> {
        let mut again = self.purchase.asked_again();
        let asked = again.ask(gateway.store.address()?);
        if let Err(error) = asked {
            // What left the shelf is not sold again; the claim still counts.
            if gateway.shelf.for_sale().any(|item| item.id == self.item) {
                report.loss(format!("asked again: {error:#}"));
            }
            return Ok(());
        }
        let valid_until = again.claim()?.valid_until();
        if valid_until != self.valid_until {
            let was = self.valid_until;
            report.loss(format!("sold until {was:?}, renewed until {valid_until:?}"));
        }
        if again.claim()?.payment_hash() != self.purchase.claim()?.payment_hash() {
            report.loss("a second invoice for one purchase");
        }
        let asked = again
            .bought
            .as_ref()
            .map(|bought| bought.invoice.amount_msat.0);
        if asked != Some(self.price_msat) {
            report.loss(format!("sold for {} msat, now {asked:?}", self.price_msat));
        }
        Ok(())
    }

    /// Paid goods are the version that was sold, and only what is paid is delivered.
    fn is_fetched(
        &self,
        gateway: &Gateway,
        nodes: &Nodes,
        with_proof: bool,
        report: &Report,
    ) -> Result<()> {
        let hash = self.purchase.claim()?.payment_hash();
        let answer = self.purchase.fetch(gateway.store.address()?, with_proof)?;
        let is_delivery = self.purchase.is_delivery(&answer);
        if is_delivery != nodes.is_paid(hash)? {
            let (status, code) = (answer.status, answer.code());
            report.loss(format!("paid: {}, but {status} {code}", !is_delivery));
        }
        Ok(())
    }
}

/// Each purchase is asked for again and fetched, at gateways that chance chooses.
fn check(sold: &[Sold], pair: &Pair, nodes: &Nodes, rng: &mut Rng, report: &Report) -> Result<()> {
    for sold in sold {
        sold.is_asked_again(pair.any(rng), report)?;
        sold.is_fetched(pair.any(rng), nodes, rng.bool(), report)?;
    }
    Ok(())
}

//! lightningd forgets invoices, comes back with an older book, and has entries that nobody can read;
//! the store is restarted; and buyers of every kind come back for what is theirs.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use fastrand::Rng;
use serde_json::json;
use shared::lightning::PaymentHash;
use tempfile::TempDir;

use crate::buyer::Purchase;
use crate::kinds::claim::ClaimKeeper;
use crate::kinds::command::CommandBuyer;
use crate::kinds::page::PageBuyer;
use crate::kinds::program::Program;
use crate::kinds::returns::{Outcome, Places, Returns};
use crate::nodes::{Nodes, call};
use crate::options::Options;
use crate::receiver::Receiver;
use crate::report::Report;
use crate::route::Route;
use crate::socket::{NodeSocket, UNREADABLE};
use crate::store::{Item, Limits, Store, until};

/// How long lightningd may take to forget.
const PATIENCE: Duration = Duration::from_mins(5);
/// Buyers of each kind.
const MOST: u32 = 50;
/// Invoices of others that the devnet's book begins with.
const OLD_INVOICES: usize = 1_000_000;
const OLD_INVOICES_SHORT: usize = 200;
/// The book of the older database.
const OLDER_INVOICES: usize = 100;
const SETTINGS: &str = "invoices_per_minute = 0\nopen_invoices = 0";
/// So that they expire while one waits.
const SHORT_LIVED: &str = "invoice_expiry = \"1s\"";

/// The campaign: paid means delivered, or the truth told; never a new offer.
pub(crate) fn run(options: &Options, report: &Report) -> Result<()> {
    let mut rng = Rng::with_seed(options.seed);
    let book = if options.is_short {
        OLD_INVOICES_SHORT
    } else {
        OLD_INVOICES
    };
    let nodes = Nodes::start(book)?;
    if nodes.is_devnet() {
        report.figure("invoices of others in the book", book);
    }
    let count = (options.purchases / 4).clamp(1, MOST);
    let mut place = Place::open(&nodes)?;
    let mut crowd = Crowd::default();
    crowd.buys(&place, &nodes, count, &mut rng)?;
    report.figure("buyers", crowd.buyers.len());
    if rng.bool() {
        place.restarts(&mut rng)?;
    }

    // Webhooks cannot tell of what is deleted before the store has read it.
    place.has_told(&crowd.payments);
    forget_paid(&nodes, &crowd.payments)?;
    crowd.comes_back(&place, "forgotten", report)?;
    place.restarts(&mut rng)?;
    crowd.comes_back(&place, "forgotten and restarted", report)?;
    crowd.paid_once(&nodes, report)?;
    report.figure(
        "with the purchase's id alone: offered anew",
        crowd.offered_anew(&place)?,
    );
    expire(&mut place, &nodes, count, &mut crowd, &mut rng, report)?;

    if nodes.is_devnet() {
        let older = Nodes::start(OLDER_INVOICES)?;
        place.socket.leads_to(&older.store);
        crowd.comes_back(&place, "an older book", report)?;
        let mut newcomers = Crowd::default();
        newcomers.buys(&place, &older, count.min(5), &mut rng)?;
        place.restarts(&mut rng)?;
        crowd.comes_back(&place, "an older book and restarted", report)?;
        newcomers.comes_back(&place, "new buyers of the older book", report)?;
        crowd.payments.extend(newcomers.payments);
    } else {
        report.figure("older book", "skipped: the nodes are not ours");
    }
    place.judge(&crowd.payments, report);
    Ok(())
}

/// Everything that sells, before one socket.
struct Place {
    socket: NodeSocket,
    store: Store,
    route: Route,
    receiver: Receiver,
    folder: TempDir,
}

impl Place {
    fn open(nodes: &Nodes) -> Result<Self> {
        let socket = NodeSocket::before(&nodes.store)?;
        let receiver = Receiver::open()?;
        let settings = settings(&receiver);
        let mut store = Store::new(&socket.path(), &settings, &[Item::cat()])?;
        store.command(&["secret", "new"], Limits::NONE)?;
        store.open()?;
        store.stay_here()?;
        let folder = tempfile::tempdir()?;
        let route = Route::open(&socket.path(), &folder.path().join("route.secret"))?;
        Ok(Self {
            socket,
            store,
            route,
            receiver,
            folder,
        })
    }

    /// Both gateways end, and begin again.
    fn restarts(&mut self, rng: &mut Rng) -> Result<()> {
        if rng.bool() {
            self.store.kill();
        } else {
            self.store.stop()?;
        }
        self.route = Route::open(
            &self.socket.path(),
            &self.folder.path().join("route.secret"),
        )?;
        // Another program may hold its address for a moment.
        until("the store to be back", PATIENCE, || {
            self.store.open()?;
            Ok(true)
        })
    }

    fn places(&self) -> Result<Places> {
        Ok(Places {
            store: self.store.address()?,
            route: self.route.address,
        })
    }

    /// Waits for the webhooks of these payments; how many never came.
    fn has_told(&self, payments: &[PaymentHash]) -> usize {
        let missing = || self.receiver.missing(payments.iter().copied());
        until("the webhooks", PATIENCE, || Ok(missing() == 0)).ok();
        missing()
    }

    fn judge(&self, payments: &[PaymentHash], report: &Report) {
        let missing = self.has_told(payments);
        report.figure("entries that could not be read", self.socket.unreadable());
        report.figure("payments that webhooks have to tell of", payments.len());
        report.must_be_none("webhooks that never came", missing);
    }
}

fn settings(receiver: &Receiver) -> String {
    format!("{SETTINGS}\nwebhooks = \"{}\"", receiver.url)
}

/// Buyers of every kind, and what they paid for.
#[derive(Default)]
struct Crowd {
    buyers: Vec<Box<dyn Returns>>,
    /// What the store was paid; its webhooks tell of all of it.
    payments: Vec<PaymentHash>,
    /// Purchases by their ids alone.
    forgetful: Vec<Purchase>,
    /// Those who buy by command, and what their node had paid before them.
    commands: usize,
    paid_before: usize,
}

impl Crowd {
    /// So many of each kind buy, while others are paid at the same node for what cannot be read.
    fn buys(&mut self, place: &Place, nodes: &Nodes, count: u32, rng: &mut Rng) -> Result<()> {
        let places = place.places()?;
        for _ in 0..count {
            pay_for_something_else(nodes, rng)?;
            for has_proof in [false, true] {
                let mut purchase = Purchase::new("cat", rng.u32(1..1 << 24), rng);
                purchase.ask(places.store)?;
                ensure!(purchase.pay(nodes)?, "alice could not pay");
                if rng.bool() {
                    purchase.fetch(places.store, false)?;
                }
                self.forgetful.push(purchase.asked_again());
                self.takes(ClaimKeeper {
                    purchase,
                    has_proof,
                });
            }
            let client = rng.u32(1..1 << 24);
            self.takes(PageBuyer::buys(places.store, nodes, client, rng)?);
            self.takes(Program::buys(&places, nodes, false)?);
            // Its gateway has no webhooks, but the store's tell of all sales at the node.
            self.takes(Program::buys(&places, nodes, true)?);
        }
        self.paid_before = payments_of_alice(nodes)?;
        for number in 0..count {
            let folder = place.folder.path();
            self.takes(CommandBuyer::buys(&places, nodes, folder, number, rng)?);
            self.commands += 1;
        }
        Ok(())
    }

    fn takes(&mut self, buyer: impl Returns + 'static) {
        self.payments.extend(buyer.payment());
        self.buyers.push(Box::new(buyer));
    }

    fn comes_back(&mut self, place: &Place, when: &str, report: &Report) -> Result<()> {
        let places = place.places()?;
        let mut tallies: BTreeMap<_, [usize; 3]> = BTreeMap::new();
        for buyer in &mut self.buyers {
            let kind = buyer.kind();
            let [delivered, told, neither] = tallies.entry(kind).or_default();
            match buyer.comes_back(&places)? {
                Outcome::Delivered => *delivered += 1,
                Outcome::Told => *told += 1,
                Outcome::Neither(what) => {
                    *neither += 1;
                    report.loss(format!("{kind}: {what}"));
                }
            }
        }
        for (kind, [delivered, told, neither]) in tallies {
            report.figure(
                &format!("{when}: {kind}"),
                format!("{delivered} delivered, {told} told the truth, {neither} neither"),
            );
        }
        Ok(())
    }

    /// Each who buys by command paid once, whatever happened on the way.
    fn paid_once(&self, nodes: &Nodes, report: &Report) -> Result<()> {
        let paid = payments_of_alice(nodes)? - self.paid_before;
        let twice = paid.saturating_sub(self.commands);
        report.must_be_none("paid twice by command", twice);
        Ok(())
    }

    /// The store keeps nothing of its own, so of an id alone it cannot know that it was paid for.
    fn offered_anew(&mut self, place: &Place) -> Result<usize> {
        let mut anew = 0;
        for purchase in &mut self.forgetful {
            anew += usize::from(purchase.ask(place.store.address()?).is_ok());
        }
        Ok(anew)
    }
}

/// Somebody else sells at the same node, by entries that no client can read.
fn pay_for_something_else(nodes: &Nodes, rng: &mut Rng) -> Result<()> {
    let label = format!("{UNREADABLE}{:016x}", rng.u64(..));
    let params = json!({"amount_msat": 1000, "label": label, "description": "something else"});
    let made = call(&nodes.store, "invoice", &params)?;
    let bolt11 = made["bolt11"].as_str().context("no invoice")?;
    let hash = made["payment_hash"].as_str().context("no hash")?;
    nodes.pay_surely(bolt11, hash.parse()?)?;
    Ok(())
}

fn payments_of_alice(nodes: &Nodes) -> Result<usize> {
    let listed = call(&nodes.alice, "listpays", &json!({}))?;
    let pays = listed["pays"].as_array().into_iter().flatten();
    Ok(pays.filter(|pay| pay["status"] == "complete").count())
}

/// Invoices expire and are deleted before anyone pays: nothing is delivered for them, and who comes
/// back with the purchase gets a new one.
fn expire(
    place: &mut Place,
    nodes: &Nodes,
    count: u32,
    crowd: &mut Crowd,
    rng: &mut Rng,
    report: &Report,
) -> Result<()> {
    let settings = settings(&place.receiver);
    place
        .store
        .set_settings(&format!("{settings}\n{SHORT_LIVED}"));
    place.store.describe(&[Item::cat()])?;
    place.restarts(rng)?;
    let mut late = Vec::new();
    for _ in 0..count {
        let mut purchase = Purchase::new("cat", rng.u32(1..1 << 24), rng);
        purchase.ask(place.store.address()?)?;
        late.push(purchase);
    }
    let hashes: Result<Vec<_>> = late
        .iter()
        .map(|purchase| Ok(purchase.claim()?.payment_hash()))
        .collect();
    forget(nodes, &hashes?, "expired")?;
    let mut delivered = 0;
    for purchase in &late {
        let answer = purchase.fetch(place.store.address()?, false)?;
        delivered += usize::from(answer.status == 200);
    }
    place.store.set_settings(&settings);
    place.store.describe(&[Item::cat()])?;
    place.restarts(rng)?;
    let mut undelivered = 0;
    for purchase in late {
        let mut again = purchase.asked_again();
        let bought = again.complete(place.store.address()?, nodes, rng, PATIENCE);
        undelivered += usize::from(bought.is_err());
        let has_proof = rng.bool();
        crowd.takes(ClaimKeeper {
            purchase: again,
            has_proof,
        });
    }
    report.figure("invoices that expired and were deleted", count);
    report.must_be_none("delivered for them", delivered);
    report.must_be_none("bought anew and undelivered", undelivered);
    Ok(())
}

/// lightningd forgets what was paid, as autoclean or its owner has it.
fn forget_paid(nodes: &Nodes, hashes: &[PaymentHash]) -> Result<()> {
    if nodes.is_devnet() {
        let params = json!({"config": "autoclean-paidinvoices-age", "val": 1});
        call(&nodes.store, "setconfig", &params)?;
    }
    forget(nodes, hashes, "paid")?;
    if nodes.is_devnet() {
        let params = json!({"config": "autoclean-paidinvoices-age", "val": 0});
        call(&nodes.store, "setconfig", &params)?;
    }
    Ok(())
}

/// These invoices are deleted once they have this status. On the devnet autoclean does it, on a real
/// node `delinvoice`: what else is there is not ours to delete.
fn forget(nodes: &Nodes, hashes: &[PaymentHash], status: &str) -> Result<()> {
    let mut left = hashes.to_vec();
    until("lightningd to forget", PATIENCE, || {
        if nodes.is_devnet() {
            let params = json!({"subsystem": format!("{status}invoices"), "age": 1});
            call(&nodes.store, "autoclean-once", &params)?;
        }
        let mut kept = Vec::new();
        for hash in &left {
            let Some(invoice) = nodes.invoice(*hash)? else {
                continue;
            };
            if invoice["status"] == status && !nodes.is_devnet() {
                let params = json!({"label": invoice["label"], "status": status});
                call(&nodes.store, "delinvoice", &params)?;
            } else {
                kept.push(*hash);
            }
        }
        left = kept;
        Ok(left.is_empty())
    })
}

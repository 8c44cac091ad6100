//! Twenty buyers, while gateway, node and the way between them are killed, cut, delayed and garbled.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;
use fastrand::Rng;
use shared::lightning::PaymentHash;

use crate::buyer::Purchase;
use crate::lock::lock;
use crate::nodes::Nodes;
use crate::options::Options;
use crate::report::Report;
use crate::socket::NodeSocket;
use crate::store::{Item, Store};
use crate::way::Way;

const BUYERS: u32 = 20;
/// How long a buyer goes on. A fault lasts seconds, so only what is lost takes this long.
const PATIENCE: Duration = Duration::from_mins(5);
/// One of so many buyers looks, but does not pay.
const ONLY_LOOKS: u32 = 12;

/// What happened to the machinery.
#[derive(Default)]
struct Faults {
    gateway_killed: usize,
    node_killed: usize,
    node_offline: usize,
    way_closed: usize,
}

/// The campaign: paid and undelivered 0, unpaid and delivered 0, paid twice 0.
pub(crate) fn run(options: &Options, report: &Report) -> Result<()> {
    let nodes = Nodes::start(0)?;
    let socket = NodeSocket::before(&nodes.store)?;
    let limits = "invoices_per_minute = 0\nopen_invoices = 0";
    let mut store = Store::new(&socket.path(), limits, &[Item::cat()])?;
    let way = Way::open(options.seed)?;
    store.open()?;
    way.leads_to(store.address()?);
    let store = Mutex::new(store);

    let started = Instant::now();
    let (next, over, leaked) = (
        AtomicU32::new(0),
        AtomicBool::new(false),
        AtomicUsize::new(0),
    );
    let (purchases, late) = (Mutex::new(Vec::new()), Mutex::new(Vec::new()));
    let buy = |buyer: u32| {
        let mut rng = Rng::with_seed(options.seed ^ u64::from(buyer + 1) << 32);
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= options.purchases || over.load(Ordering::Relaxed) {
                return;
            }
            let mut purchase = Purchase::new("cat", number + 1, &mut rng);
            let only_looks = rng.u32(0..ONLY_LOOKS) == 0;
            if only_looks || rng.u8(0..4) == 0 {
                // Whoever has not paid gets nothing.
                purchase.ask(way.address).ok();
                let tried = purchase.fetch(way.address, false);
                let is_leak = tried.is_ok_and(|answer| purchase.is_delivery(&answer));
                leaked.fetch_add(usize::from(is_leak), Ordering::Relaxed);
            }
            if !only_looks {
                let bought = purchase.complete(way.address, &nodes, &mut rng, PATIENCE);
                if let Err(error) = bought {
                    lock(&late).push((purchase.id.to_hex(), format!("{error:#}")));
                }
            }
            lock(&purchases).push((purchase, only_looks));
        }
    };
    let faults = thread::scope(|scope| {
        let breaks = scope.spawn(|| {
            let mut rng = Rng::with_seed(options.seed);
            let mut faults = Faults::default();
            while !over.load(Ordering::Relaxed) {
                let broken = break_something(&mut rng, &mut faults, &store, &socket, &nodes, &way);
                if broken.is_err() {
                    // What cannot be repaired leaves nothing to buy.
                    over.store(true, Ordering::Relaxed);
                }
                broken?;
                thread::sleep(Duration::from_millis(rng.u64(100..600)));
            }
            anyhow::Ok(faults)
        });
        let buyers: Vec<_> = (0..BUYERS)
            .map(|buyer| scope.spawn(move || buy(buyer)))
            .collect();
        for buyer in buyers {
            buyer.join().ok();
        }
        over.store(true, Ordering::Relaxed);
        breaks.join().expect("nothing panics there")
    })?;

    report.figure("gateway killed", faults.gateway_killed);
    report.figure("node killed", faults.node_killed);
    report.figure("node without peers", faults.node_offline);
    report.figure("way closed", faults.way_closed);
    report.figure("connections", way.harmed());
    report.figure("seconds", started.elapsed().as_secs());
    let store = lock(&store).address()?;
    let finished = Finished {
        purchases: purchases
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner),
        late: late.into_inner().unwrap_or_else(PoisonError::into_inner),
        leaked: leaked.into_inner(),
    };
    finished.judge(store, &nodes, report)
}

/// What the buyers left.
struct Finished {
    /// Each with whether its buyer only looked.
    purchases: Vec<(Purchase, bool)>,
    /// Who gave up, and why.
    late: Vec<(String, String)>,
    leaked: usize,
}

impl Finished {
    /// Asks the node what was paid and the store what it hands out, with nothing in the way.
    fn judge(mut self, store: SocketAddr, nodes: &Nodes, report: &Report) -> Result<()> {
        let (mut paid, mut twice, mut undelivered, mut kept_out) = (0, 0, 0, 0);
        for (purchase, only_looks) in &self.purchases {
            let hashes: BTreeSet<_> = purchase.shown.values().map(|hash| hash.0).collect();
            let mut times = 0;
            for hash in hashes {
                times += usize::from(nodes.is_paid(PaymentHash(hash))?);
            }
            paid += usize::from(times > 0);
            twice += usize::from(times > 1);
            let now = purchase.fetch(store, false);
            let is_delivered = now.is_ok_and(|answer| purchase.is_delivery(&answer));
            self.leaked += usize::from(times == 0 && is_delivered);
            let late = self.late.iter();
            let late = late.filter(|(id, _)| *id == purchase.id.to_hex()).count() > 0;
            if times > 0 {
                undelivered += usize::from(late || !is_delivered);
            } else {
                kept_out += usize::from(!only_looks);
            }
        }
        for (_, why) in &self.late {
            report.figure("a buyer gave up", why);
        }
        report.figure("purchases", self.purchases.len());
        report.figure("paid", paid);
        report.must_be_none("paid and undelivered", undelivered);
        report.must_be_none("unpaid and delivered", self.leaked);
        report.must_be_none("paid twice", twice);
        report.must_be_none("could not pay", kept_out);
        Ok(())
    }
}

/// One fault, and its end.
fn break_something(
    rng: &mut Rng,
    faults: &mut Faults,
    store: &Mutex<Store>,
    socket: &NodeSocket,
    nodes: &Nodes,
    way: &Way,
) -> Result<()> {
    let pause = Duration::from_millis(rng.u64(50..1000));
    match rng.u8(0..10) {
        0..4 => {
            faults.gateway_killed += 1;
            let mut store = lock(store);
            store.kill();
            thread::sleep(pause / 4);
            store.start()?;
            way.leads_to(store.address()?);
        }
        4..7 => {
            faults.node_killed += 1;
            socket.go_away();
            thread::sleep(pause);
            socket.come_back();
        }
        7 if nodes.is_devnet() => {
            faults.node_offline += 1;
            nodes.set_online(false)?;
            thread::sleep(pause);
            nodes.set_online(true)?;
        }
        _ => {
            faults.way_closed += 1;
            way.close();
            thread::sleep(pause);
            way.open_again();
        }
    }
    Ok(())
}

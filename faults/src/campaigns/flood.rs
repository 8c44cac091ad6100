//! Strangers do what costs them little and the store much, while a fresh buyer comes every second.

use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;
use fastrand::Rng;
use shared::api::INVOICE_PATH;

use crate::buyer::Purchase;
use crate::http::{Request, connect};
use crate::lock::lock;
use crate::nodes::{Nodes, call};
use crate::options::Options;
use crate::report::Report;
use crate::socket::NodeSocket;
use crate::store::{Item, Limits, Store};

/// The store's descriptors, as many programs have them.
const DESCRIPTORS: u64 = 1024;
/// What one address opens.
const IDLE: usize = 2000;
const WAITING: usize = 1000;
/// An address of this machine that is no trusted proxy's.
const STRANGER: Ipv4Addr = Ipv4Addr::new(127, 0, 7, 7);
/// Invoices that one address asks for.
const EACH: u32 = 30;
const THREADS: usize = 8;
/// What one head may cost.
const CALLS_A_HEAD: usize = 4;
const CREDENTIALS: usize = 63;
/// The gateway takes heads of 16 kB.
const LONGEST_HEAD: usize = 15_500;
const MOST_UNDER_WAY: usize = 32;
const CONTENT: &str = "/api/v1/items/cat/content";

/// How much of everything there is.
struct Extent {
    strangers: u32,
    heads: usize,
    asks: usize,
    lasting: Duration,
    within: Duration,
}

/// The store under siege.
struct Siege<'a> {
    nodes: &'a Nodes,
    store: SocketAddr,
    extent: Extent,
    rng: Mutex<Rng>,
    next_buyer: AtomicU32,
    report: &'a Report,
}

/// The campaign: every fresh buyer gets through, and lightningd is asked no more than it has to be.
pub(crate) fn run(options: &Options, report: &Report) -> Result<()> {
    let extent = if options.is_short {
        Extent {
            strangers: 40,
            heads: 10,
            asks: 50,
            lasting: Duration::from_secs(2),
            within: Duration::from_mins(3),
        }
    } else {
        Extent {
            strangers: 400,
            heads: 200,
            asks: 100,
            lasting: Duration::from_secs(20),
            within: Duration::from_secs(5),
        }
    };
    let nodes = Nodes::start(0)?;
    let socket = NodeSocket::before(&nodes.store)?;
    let store = Store::new(&socket.path(), "", &[Item::cat()])?;
    let mut store = store.with_limits(Limits::descriptors(DESCRIPTORS));
    store.open()?;
    let siege = Siege {
        nodes: &nodes,
        store: store.address()?,
        extent,
        rng: Mutex::new(Rng::with_seed(options.seed)),
        next_buyer: AtomicU32::new(1),
        report,
    };
    siege.heads(&socket)?;
    siege.readiness(&socket);
    siege.while_buyers_come("idle and waiting connections", || siege.connections())?;
    let calls = socket.calls();
    let started = Instant::now();
    siege.while_buyers_come("one unpaid claim, asked with again and again", || {
        siege.pressure()
    })?;
    let calls = socket.calls() - calls;
    let seconds = started.elapsed().as_secs().max(1);
    report.figure(
        "  calls a second meanwhile",
        calls / usize::try_from(seconds)?,
    );
    siege.while_buyers_come("invoices that nobody pays", || {
        siege.invoices();
        Ok(())
    })?;
    let most = socket.most_under_way();
    report.figure("most calls at once", most);
    if most > MOST_UNDER_WAY {
        report.loss(format!("lightningd had {most} calls to answer at once"));
    }
    Ok(())
}

impl Siege<'_> {
    /// A fresh buyer every second for as long as the strangers are at it; all have to get through.
    fn while_buyers_come(&self, name: &str, strangers: impl FnOnce() -> Result<()>) -> Result<()> {
        let over = AtomicBool::new(false);
        let bought = Mutex::new(Vec::new());
        let done = thread::scope(|scope| {
            let comes = scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    scope.spawn(|| self.buyer(&bought));
                    thread::sleep(Duration::from_secs(1));
                }
            });
            let done = strangers();
            over.store(true, Ordering::Relaxed);
            comes.join().ok();
            done
        });
        let bought = lock(&bought);
        let served: Vec<_> = bought.iter().flatten().collect();
        let slowest = served.iter().map(|time| time.as_millis()).max();
        self.report.figure(
            name,
            format!(
                "{} of {} fresh buyers served, the slowest in {} ms",
                served.len(),
                bought.len(),
                slowest.unwrap_or_default()
            ),
        );
        done
    }

    fn buyer(&self, bought: &Mutex<Vec<Option<Duration>>>) {
        // A network of its own, behind a proxy or not.
        let number = self.next_buyer.fetch_add(1, Ordering::Relaxed);
        let mut rng = lock(&self.rng).fork();
        let mut purchase = Purchase::new("cat", number << 8, &mut rng);
        if number.is_multiple_of(2) {
            let [.., high, low] = number.to_be_bytes();
            purchase = purchase.directly(Ipv4Addr::new(127, 1 + high, low, 1));
        }
        let started = Instant::now();
        let done = purchase.complete(self.store, self.nodes, &mut rng, self.extent.within);
        let took = started.elapsed();
        let is_served = done.is_ok() && took <= self.extent.within;
        match done {
            Err(error) => self.report.loss(format!("a fresh buyer: {error:#}")),
            Ok(()) if !is_served => {
                self.report
                    .loss(format!("a fresh buyer took {} ms", took.as_millis()));
            }
            Ok(()) => {}
        }
        lock(bought).push(is_served.then_some(took));
    }

    /// An unpaid invoice's claim.
    fn claim(&self, client: u32) -> Result<Purchase> {
        let mut purchase = Purchase::new("cat", client, &mut lock(&self.rng));
        purchase.ask(self.store)?;
        Ok(purchase)
    }

    /// Many credentials in one head: the same, different ones, and those of a deleted invoice.
    fn heads(&self, socket: &NodeSocket) -> Result<()> {
        let different: Vec<_> = (0..10)
            .map(|client| self.claim(client << 8 | 0x00f0_0001))
            .collect::<Result<_>>()?;
        let deleted = self.claim(0x00f1_0001)?;
        let hash = deleted.claim()?.payment_hash();
        if let Some(invoice) = self.nodes.invoice(hash)? {
            let params = serde_json::json!({"label": invoice["label"], "status": "unpaid"});
            call(&self.nodes.store, "delinvoice", &params)?;
        }
        for (name, purchases) in [
            ("one unpaid claim", &different[..1]),
            ("ten unpaid claims", &different[..]),
            ("the claim of a deleted invoice", &[deleted]),
        ] {
            let claims: Vec<_> = purchases
                .iter()
                .map(|purchase| Ok(purchase.claim()?.to_base64()))
                .collect::<Result<_>>()?;
            let before = socket.calls();
            let (mut sent, started) = (0, Instant::now());
            for _ in 0..self.extent.heads {
                let mut request = Request::new("HEAD", CONTENT);
                let mut length = 0;
                for claim in claims.iter().cycle().take(CREDENTIALS) {
                    length += claim.len() + 30;
                    if length < LONGEST_HEAD {
                        request = request.header("Authorization", &format!("L402 {claim}"));
                    }
                }
                sent += usize::from(request.send(self.store).is_ok());
            }
            let calls = socket.calls() - before;
            self.report.figure(
                &format!("heads full of {name}"),
                format!("{calls} calls for {sent}"),
            );
            // The store itself looks after its book now and then.
            let own = usize::try_from(started.elapsed().as_secs())? + 2;
            if calls > CALLS_A_HEAD * self.extent.heads + own {
                self.report
                    .loss(format!("{calls} calls for {sent} heads full of {name}"));
            }
        }
        Ok(())
    }

    /// Whether the store is ready is asked of lightningd once a second.
    fn readiness(&self, socket: &NodeSocket) {
        let (before, started) = (socket.calls(), Instant::now());
        thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    for _ in 0..self.extent.asks / THREADS {
                        Request::get("/readyz").send(self.store).ok();
                    }
                });
            }
        });
        let (calls, seconds) = (socket.calls() - before, started.elapsed().as_secs());
        self.report.figure(
            "calls for /readyz",
            format!(
                "{calls} for {} asked within {} s",
                self.extent.asks,
                seconds + 1
            ),
        );
        // One a second, and what the store does by itself.
        if calls > 2 * usize::try_from(seconds).unwrap_or(usize::MAX) + 3 {
            self.report
                .loss(format!("/readyz: {calls} calls within {} s", seconds + 1));
        }
    }

    /// One address opens connections and says nothing, or waits for a payment that does not come.
    fn connections(&self) -> Result<()> {
        let claim = self.claim(0x00f2_0001)?.claim()?.to_base64();
        let open = || connect(STRANGER, self.store, Duration::from_secs(2)).ok();
        let wait = |mut stream: TcpStream| {
            let asked = write!(
                stream,
                "GET {INVOICE_PATH}?wait=30 HTTP/1.1\r\nHost: store\r\nAuthorization: L402 {claim}\r\n\r\n"
            );
            asked.is_ok().then_some(stream)
        };
        let end = Instant::now() + self.extent.lasting * 2;
        let in_time = |_: &usize| Instant::now() < end;
        let waiting: Vec<_> = (0..WAITING)
            .take_while(in_time)
            .filter_map(|_| open().and_then(wait))
            .collect();
        let idle: Vec<_> = (0..IDLE)
            .take_while(in_time)
            .filter_map(|_| open())
            .collect();
        self.report.figure(
            "connections from one address",
            format!("{} idle, {} waiting", idle.len(), waiting.len()),
        );
        thread::sleep(self.extent.lasting);
        Ok(())
    }

    /// One claim on a few connections, as fast as the store answers.
    fn pressure(&self) -> Result<()> {
        let claim = format!("L402 {}", self.claim(0x00f3_0001)?.claim()?.to_base64());
        let end = Instant::now() + self.extent.lasting;
        let asked = AtomicU32::new(0);
        thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    let request = Request::new("HEAD", CONTENT).header("Authorization", &claim);
                    while Instant::now() < end {
                        request.send(self.store).ok();
                        asked.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
        });
        self.report.figure("requests with it", asked.into_inner());
        Ok(())
    }

    /// Many addresses, and many networks of one provider, ask for as many invoices as they may.
    fn invoices(&self) {
        let (next, made) = (AtomicU32::new(0), AtomicU32::new(0));
        let end = Instant::now() + self.extent.lasting * 6;
        let most = self.extent.strangers * EACH;
        thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    while Instant::now() < end {
                        let number = next.fetch_add(1, Ordering::Relaxed);
                        if number >= most {
                            return;
                        }
                        let request = Request::get(CONTENT)
                            .header("X-Forwarded-For", &stranger(number % self.extent.strangers));
                        let answer = request.send(self.store);
                        let has_invoice = answer.is_ok_and(|answer| answer.status == 402);
                        made.fetch_add(u32::from(has_invoice), Ordering::Relaxed);
                    }
                });
            }
        });
        let asked = next.into_inner().min(most);
        self.report.figure(
            "invoices for strangers",
            format!("{} of {asked}", made.into_inner()),
        );
        // The places stay taken until the invoices expire; buyers still come.
        thread::sleep(self.extent.lasting);
    }
}

/// Half of them have an IPv4 network each, the others one of the 256 of an IPv6 /56.
fn stranger(number: u32) -> String {
    let [.., high, low] = number.to_be_bytes();
    if number.is_multiple_of(2) {
        format!("198.{}.{low}.7", 18 + high)
    } else {
        format!("2001:db8:0:{:x}::7", number / 2 % 256)
    }
}

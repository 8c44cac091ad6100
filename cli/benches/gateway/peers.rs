//! Other programs that sell over Lightning, beside the gateway at the same node: LNbits, and Lightning
//! Charge where `PURRWALL_CHARGE` names a checkout of it with its modules. All take turns in every
//! round, and so does the node's bare socket. What comes out is a table in README.md.
//!
//! `cargo xtask bench --peers` installs what this needs, and runs it.

mod buyer;
mod charge;
mod lnbits;
mod memory;
mod page;
mod purrwall;
mod restart;
mod seller;
mod switch;
mod table;
mod websocket;

use std::env;
use std::path::{Path, PathBuf};
use std::time::Duration;

use devnet::Pace;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::sleep;

use crate::{
    Http, HttpInvoices, Nodes, Repeated, STATUS_CONNECTIONS, Socket, SocketInvoices, Work,
    newest_pay_index, pay, rate,
};

use buyer::Buyer;
use seller::{Seller, sell};
use switch::Switch;
use table::Table;

type Sellers = Vec<Box<dyn Seller>>;

pub(crate) async fn measure(rounds: usize) {
    let dir = tempfile::tempdir().unwrap();
    let nodes = Nodes::find(&dir).await;
    if let Some(devnet) = &nodes.devnet {
        devnet.store().set_pace(Pace::Lightningd);
    }
    let sellers = start(&nodes.store, &dir).await;
    let mut table = Table::new(&nodes, rounds, sellers.iter().map(|seller| seller.name())).await;
    for concurrency in [1, 8] {
        let rates = creations(&sellers, &nodes.store, concurrency, rounds).await;
        table.rates(
            &format!("invoices per second, {concurrency} at once"),
            &rates,
        );
    }
    table.rates(
        &format!("status answers per second, {STATUS_CONNECTIONS} at once"),
        &answers(&sellers, &nodes.store, rounds).await,
    );
    table.delays(&delays(&sellers, &nodes, 3 * rounds).await);
    let mut pages = Vec::new();
    for seller in &sellers {
        pages.push(seller.page(&sell(&**seller).await).weigh(seller.program()));
    }
    table.pages(&pages);
    drop(sellers);

    // New ones, as nothing of what the others did may count as the waiters' memory.
    let mut switch = Switch::new(&nodes.store, dir.path().join("switch/lightning-rpc"));
    let sellers = start(&switch.path, &dir).await;
    let mut taken = Vec::new();
    for seller in &sellers {
        taken.push(memory::measure(&**seller).await);
    }
    table.memory(&taken);
    let mut restarts = Vec::new();
    for seconds in restart::AWAY {
        let away = Duration::from_secs(seconds);
        let mut round = Vec::new();
        for seller in &sellers {
            round.push(restart::measure(&**seller, &nodes, &mut switch, away).await);
        }
        restarts.push(round);
    }
    table.restarts(&restarts);
    table.write();
}

async fn start(socket: &Path, dir: &TempDir) -> Sellers {
    let mut sellers: Sellers = vec![
        Box::new(purrwall::Purrwall::start(socket, dir)),
        Box::new(lnbits::Lnbits::start(socket, dir).await),
    ];
    if let Some(checkout) = env::var_os("PURRWALL_CHARGE") {
        sellers.push(Box::new(charge::Charge::start(checkout, socket, dir).await));
    }
    sellers
}

/// The rates of each round: every seller's, and the bare socket's last.
async fn creations(
    sellers: &Sellers,
    node: &Path,
    concurrency: usize,
    rounds: usize,
) -> Vec<Vec<f64>> {
    let mut rates = Vec::new();
    for _ in 0..rounds {
        let mut round = Vec::new();
        for seller in sellers {
            let invoices = || HttpInvoices::at(seller.program(), seller.creation());
            round.push(rate(concurrency, invoices).await);
        }
        round.push(rate(concurrency, || SocketInvoices::new(node)).await);
        rates.push(round);
    }
    rates
}

async fn answers(sellers: &Sellers, node: &Path, rounds: usize) -> Vec<Vec<f64>> {
    let mut questions = Vec::new();
    for seller in sellers {
        let sale = sell(&**seller).await;
        let mut client = Http::connect(&seller.program().address).await;
        // The first answer may be asked of the node; the watcher settles meanwhile.
        for _ in 0..50 {
            client.ask(&sale.status).await;
            sleep(Duration::from_millis(20)).await;
        }
        questions.push(sale.status);
    }
    let mut invoices = SocketInvoices::new(node);
    invoices.connect().await;
    let hash = invoices.make().await["payment_hash"].clone();
    let mut rates = Vec::new();
    for _ in 0..rounds {
        let mut round = Vec::new();
        for (seller, question) in sellers.iter().zip(&questions) {
            let repeated = || Repeated::new(seller.program(), question);
            round.push(rate(STATUS_CONNECTIONS, repeated).await);
        }
        round.push(rate(STATUS_CONNECTIONS, || Lookups::new(node, &hash)).await);
        rates.push(round);
    }
    rates
}

/// For each payment how many milliseconds later than the socket says it each seller's buyer knows.
async fn delays(sellers: &Sellers, nodes: &Nodes, payments: usize) -> Vec<Vec<f64>> {
    let mut last = newest_pay_index(&nodes.store).await;
    let mut delays = Vec::new();
    for _ in 0..payments {
        let mut round = Vec::new();
        for seller in sellers {
            let sale = sell(&**seller).await;
            let buyer = Buyer::arrive(&seller.program().address, &sale.wait, 0).await;
            let delay;
            (delay, last) = pay(nodes, &sale.bolt11, last, buyer.told()).await;
            round.push(delay);
        }
        delays.push(round);
    }
    delays
}

/// The least that an answer about an invoice takes: the node's own.
struct Lookups {
    node: PathBuf,
    params: Value,
    socket: Option<Socket>,
}

impl Lookups {
    fn new(node: &Path, payment_hash: &Value) -> Self {
        Self {
            node: node.to_owned(),
            params: json!({ "payment_hash": payment_hash }),
            socket: None,
        }
    }
}

impl Work for Lookups {
    async fn connect(&mut self) {
        self.socket = Some(Socket::connect(&self.node).await);
    }

    async fn once(&mut self) {
        let socket = self.socket.as_mut().unwrap();
        let listed = socket.call("listinvoices", &self.params).await;
        assert_eq!(listed["result"]["invoices"][0]["status"], "unpaid");
    }
}

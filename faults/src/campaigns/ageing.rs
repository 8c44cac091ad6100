//! lightningd forgets paid invoices, the store is restarted, and buyers come back for what is theirs.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use fastrand::Rng;
use serde_json::json;
use shared::invoice::Invoice;
use shared::lightning::PaymentHash;

use crate::buyer::Purchase;
use crate::http::{Answer, Request};
use crate::nodes::{Nodes, call};
use crate::options::Options;
use crate::report::Report;
use crate::store::{Item, Store, until};

/// How long lightningd may take to forget.
const PATIENCE: Duration = Duration::from_secs(90);
/// Buyers of each kind.
const MOST: u32 = 50;
const OLD_INVOICES: usize = 5000;
const OLD_INVOICES_SHORT: usize = 200;

/// A buyer with a browser and no script: a cookie is all that is kept.
struct PageBuyer {
    cookie: String,
    payment_hash: PaymentHash,
}

/// What became of buyers of one kind.
#[derive(Default)]
struct Tally {
    delivered: usize,
    told: usize,
    lost: usize,
}

/// The campaign: paid means delivered, or the truth told; never a new offer.
pub(crate) fn run(options: &Options, report: &Report) -> Result<()> {
    let mut rng = Rng::with_seed(options.seed);
    let book = if options.is_short {
        OLD_INVOICES_SHORT
    } else {
        OLD_INVOICES
    };
    let nodes = Nodes::start(book)?;
    let limits = "invoices_per_minute = 0\nopen_invoices = 0";
    let mut store = Store::new(&nodes.store, limits, &[Item::cat()])?;
    store.open()?;
    let count = (options.purchases / 4).clamp(1, MOST);
    let mut purchases = Vec::new();
    let mut page_buyers = Vec::new();
    for number in 0..count {
        let mut purchase = Purchase::new("cat", 2 * number + 1, &mut rng);
        purchase.ask(store.address()?)?;
        ensure!(purchase.pay(&nodes)?, "alice could not pay");
        if rng.bool() {
            purchase.fetch(store.address()?, false)?;
        }
        purchases.push(purchase);
        page_buyers.push(PageBuyer::buys(&store, &nodes, number, &mut rng)?);
    }
    if rng.bool() {
        store.kill();
        store.open()?;
    }

    forget(&nodes, &purchases, &page_buyers)?;
    let (mut with_claim, mut with_proof, mut with_cookie) =
        (Tally::default(), Tally::default(), Tally::default());
    // While the store may remember, and when it cannot.
    for after_restart in [false, true] {
        if after_restart {
            if rng.bool() {
                store.kill();
            } else {
                store.stop()?;
            }
            store.open()?;
        }
        for purchase in &purchases {
            let address = store.address()?;
            let answer = purchase.fetch(address, false)?;
            let is_told = answer.status == 404 && tells_the_truth(&answer);
            with_claim.count(
                report,
                "claim",
                &answer,
                purchase.is_delivery(&answer),
                is_told,
            );
            let answer = purchase.fetch(address, true)?;
            // This opens for good, so no other answer will do.
            let is_delivery = purchase.is_delivery(&answer);
            with_proof.count(report, "claim with preimage", &answer, is_delivery, false);
        }
        for buyer in &mut page_buyers {
            let (answer, is_delivery) = buyer.comes_back(&store)?;
            let is_told = tells_the_truth(&answer);
            with_cookie.count(report, "cookie", &answer, is_delivery, is_told);
        }
    }
    let mut new_offers = 0;
    for purchase in &mut purchases {
        // The store keeps nothing of its own, so of an id alone it cannot know that it was paid for.
        let before = purchase.shown.len();
        purchase.ask(store.address()?).ok();
        new_offers += usize::from(purchase.shown.len() > before);
    }
    report.figure("purchases of each kind, each asked for twice", count);
    for (name, tally) in [
        ("claim", with_claim),
        ("claim with preimage", with_proof),
        ("cookie", with_cookie),
    ] {
        report.figure(
            name,
            format!(
                "{} delivered, {} told the truth, {} neither",
                tally.delivered, tally.told, tally.lost
            ),
        );
    }
    report.figure(
        "without claim: offered anew by the purchase's id",
        new_offers,
    );
    Ok(())
}

impl PageBuyer {
    fn buys(store: &Store, nodes: &Nodes, number: u32, rng: &mut Rng) -> Result<Self> {
        let id = format!("{:032x}", rng.u128(..));
        let [_, b, c, d] = (2 * number + 2).to_be_bytes();
        let pressed = Request::new("POST", "/buy/cat")
            .header("X-Forwarded-For", &format!("10.{b}.{c}.{d}"))
            .header("Sec-Fetch-Site", "same-origin")
            .form(format!("purchase_id={id}"))
            .send(store.address()?)?;
        let mut buyer = Self {
            cookie: String::new(),
            payment_hash: PaymentHash([0; 32]),
        };
        buyer.keep(&pressed);
        ensure!(!buyer.cookie.is_empty(), "no cookie: {}", pressed.status);
        let page = buyer.get(store, "/buy/cat")?.text().to_lowercase();
        let found = page
            .find("lightning:ln")
            .context("the page has no invoice")?;
        let bolt11 = &page[found + "lightning:".len()..];
        let end = bolt11.find(|letter: char| !letter.is_ascii_alphanumeric());
        let bolt11 = &bolt11[..end.unwrap_or(bolt11.len())];
        buyer.payment_hash = Invoice::decode(bolt11)?.payment_hash;
        nodes.pay_surely(bolt11, buyer.payment_hash)?;
        // Some see the page again at once, others come back much later.
        if rng.bool() {
            buyer.get(store, "/buy/cat")?;
        }
        Ok(buyer)
    }

    /// What the buyer sees, and whether the goods can be had.
    fn comes_back(&mut self, store: &Store) -> Result<(Answer, bool)> {
        let page = self.get(store, "/buy/cat")?;
        let goods = self.get(store, "/buy/cat/content")?;
        let is_delivery = goods.status == 200 && goods.body == Item::cat().goods.as_bytes();
        Ok((page, is_delivery))
    }

    fn get(&mut self, store: &Store, path: &str) -> Result<Answer> {
        let request = Request::get(path).header("Cookie", &self.cookie);
        let answer = request.send(store.address()?)?;
        self.keep(&answer);
        Ok(answer)
    }

    /// As a browser does.
    fn keep(&mut self, answer: &Answer) {
        let set = answer.header("set-cookie");
        if let Some((cookie, _)) = set.and_then(|set| set.split_once(';')) {
            cookie.clone_into(&mut self.cookie);
        }
    }
}

impl Tally {
    fn count(
        &mut self,
        report: &Report,
        who: &str,
        answer: &Answer,
        is_delivery: bool,
        is_told: bool,
    ) {
        if is_delivery {
            self.delivered += 1;
        } else if is_told {
            self.told += 1;
        } else {
            self.lost += 1;
            report.loss(format!("{who}: {} {}", answer.status, answer.code()));
        }
    }
}

/// It names what opens the purchase all the same, the preimage, and offers nothing as if nothing had
/// been paid.
fn tells_the_truth(answer: &Answer) -> bool {
    let text = answer.text();
    let offers = answer.header("www-authenticate").is_some()
        || text.contains("lightning:")
        || text.contains("name=\"purchase_id\"");
    text.contains("preimage") && !offers
}

/// lightningd forgets the paid invoices, as autoclean or its owner has it.
fn forget(nodes: &Nodes, purchases: &[Purchase], page_buyers: &[PageBuyer]) -> Result<()> {
    let hashes = || {
        let claims = purchases
            .iter()
            .flat_map(|purchase| purchase.shown.values());
        claims.chain(page_buyers.iter().map(|buyer| &buyer.payment_hash))
    };
    if nodes.is_devnet() {
        let params = json!({"config": "autoclean-paidinvoices-age", "val": 1});
        call(&nodes.store, "setconfig", &params)?;
    } else {
        // What else a real node was paid for is not ours to delete.
        for hash in hashes() {
            if let Some(invoice) = nodes.invoice(*hash)? {
                let params = json!({"label": invoice["label"], "status": "paid"});
                call(&nodes.store, "delinvoice", &params)?;
            }
        }
    }
    until("lightningd to forget", PATIENCE, || {
        if nodes.is_devnet() {
            let params = json!({"subsystem": "paidinvoices", "age": 1});
            call(&nodes.store, "autoclean-once", &params)?;
        }
        for hash in hashes() {
            if nodes.invoice(*hash)?.is_some() {
                return Ok(false);
            }
        }
        Ok(true)
    })
}

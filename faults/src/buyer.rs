//! A buyer who keeps to docs/api.md: names the purchase first, checks what comes, pays once, and goes
//! on asking until the goods are there.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use fastrand::Rng;
use serde_json::json;
use shared::api::{CreatedInvoice, INVOICE_PATH, PurchaseId, content_path, invoices_path};
use shared::claim::Claim;
use shared::content::{ContentHash, commitment};
use shared::invoice::Invoice;
use shared::lightning::PaymentHash;

use crate::http::{Answer, Request};
use crate::nodes::Nodes;

/// One request may take this long on a way that delays.
const PATIENCE: Duration = Duration::from_secs(20);

/// A purchase as its buyer remembers it.
pub(crate) struct Purchase {
    pub(crate) id: PurchaseId,
    item: String,
    /// The address that a proxy names, and that of who connects: the proxy, or the buyer.
    client: String,
    from: Ipv4Addr,
    pub(crate) bought: Option<CreatedInvoice>,
    /// Every invoice that the buyer was ever shown for it.
    pub(crate) shown: BTreeMap<String, PaymentHash>,
    pub(crate) preimage: Option<String>,
}

impl Purchase {
    /// A new one, by a client of this number.
    pub(crate) fn new(item: &str, client: u32, rng: &mut Rng) -> Self {
        let mut id = [0; 16];
        rng.fill(&mut id);
        let [_, b, c, d] = client.to_be_bytes();
        Self {
            id: PurchaseId(id),
            item: item.to_owned(),
            client: format!("10.{b}.{c}.{d}"),
            from: Ipv4Addr::LOCALHOST,
            bought: None,
            shown: BTreeMap::new(),
            preimage: None,
        }
    }

    /// By a buyer who comes without a proxy, from this address.
    pub(crate) fn directly(mut self, from: Ipv4Addr) -> Self {
        self.from = from;
        self
    }

    /// The same purchase by a buyer who kept nothing but its id.
    pub(crate) fn asked_again(&self) -> Self {
        Self {
            id: self.id,
            item: self.item.clone(),
            client: self.client.clone(),
            from: self.from,
            bought: None,
            shown: BTreeMap::new(),
            preimage: None,
        }
    }

    /// Asks for the invoice, and remembers what is good about the answer.
    pub(crate) fn ask(&mut self, store: SocketAddr) -> Result<()> {
        let path = invoices_path(&self.item.parse()?);
        let request = self.request("POST", &path);
        let asked = request
            .json(&json!({ "purchase_id": self.id }))
            .send(store)?;
        ensure!(
            matches!(asked.status, 200 | 201),
            "{} {}",
            asked.status,
            asked.code()
        );
        let created: CreatedInvoice = serde_json::from_slice(&asked.body)?;
        let invoice = Invoice::decode(&created.invoice.bolt11)?;
        let hash = invoice.payment_hash;
        self.shown.insert(created.invoice.bolt11.clone(), hash);
        ensure!(created.claim.payment_hash() == hash, "a claim for another");
        // Whoever has paid keeps to what was paid for.
        let paid = self.preimage.as_ref().and(self.bought.as_ref());
        if let Some(paid) = paid {
            ensure!(paid.claim.payment_hash() == hash, "another invoice");
        }
        self.bought = Some(created);
        Ok(())
    }

    /// Has the node pay, unless it has; whether it is paid now.
    pub(crate) fn pay(&mut self, nodes: &Nodes) -> Result<bool> {
        if self.preimage.is_none() {
            let bought = self.bought.as_ref().context("nothing to pay")?;
            let hash = bought.claim.payment_hash();
            self.preimage = nodes.pay(&bought.invoice.bolt11, hash)?;
        }
        Ok(self.preimage.is_some())
    }

    /// Asks how the payment stands.
    pub(crate) fn status(&self, store: SocketAddr, wait: u32) -> Result<Answer> {
        let path = format!("{INVOICE_PATH}?wait={wait}");
        let request = self.request("GET", &path);
        Ok(request
            .header(
                "Authorization",
                &format!("L402 {}", self.claim()?.to_base64()),
            )
            .send(store)?)
    }

    /// Asks for the goods, with the proof of payment or without it.
    pub(crate) fn fetch(&self, store: SocketAddr, with_proof: bool) -> Result<Answer> {
        let mut credential = self.claim()?.to_base64();
        if let (true, Some(preimage)) = (with_proof, &self.preimage) {
            credential.extend([":", preimage]);
        }
        let path = content_path(&self.item.parse()?);
        let request = self.request("GET", &path);
        Ok(request
            .header("Authorization", &format!("L402 {credential}"))
            .send(store)?)
    }

    /// Whether these are the goods that the invoice promised.
    pub(crate) fn is_delivery(&self, answer: &Answer) -> bool {
        let promised = self.bought.as_ref();
        let promised = promised.and_then(|bought| commitment(&bought.invoice.description));
        answer.status == 200 && promised == Some(ContentHash::of(&answer.body))
    }

    /// Buys to the end: pays, and asks for the goods until they come.
    pub(crate) fn complete(
        &mut self,
        store: SocketAddr,
        nodes: &Nodes,
        rng: &mut Rng,
        patience: Duration,
    ) -> Result<()> {
        let end = Instant::now() + patience;
        while let Err(error) = self.try_once(store, nodes, rng) {
            if Instant::now() > end {
                bail!(error);
            }
            std::thread::sleep(Duration::from_millis(rng.u64(20..300)));
        }
        Ok(())
    }

    fn try_once(&mut self, store: SocketAddr, nodes: &Nodes, rng: &mut Rng) -> Result<()> {
        if self.bought.is_none() {
            self.ask(store)?;
        }
        ensure!(self.pay(nodes)?, "not paid yet");
        // Some wait for the store's word first, as the page does.
        if rng.bool() {
            let status = self.status(store, 5)?;
            ensure!(status.json()["status"] == "paid", "{}", status.text());
        }
        let answer = self.fetch(store, rng.bool())?;
        if answer.status == 401 {
            // The claim came garbled: the same purchase has the same claim.
            self.ask(store)?;
        }
        ensure!(
            self.is_delivery(&answer),
            "{} {}",
            answer.status,
            answer.code()
        );
        Ok(())
    }

    fn request(&self, method: &str, path: &str) -> Request {
        Request::new(method, path)
            .from(self.from)
            .header("X-Forwarded-For", &self.client)
            .within(PATIENCE)
    }

    pub(crate) fn claim(&self) -> Result<&Claim> {
        Ok(&self.bought.as_ref().context("no claim yet")?.claim)
    }
}

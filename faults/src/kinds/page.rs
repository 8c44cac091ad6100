//! A buyer with a browser and no script: a cookie is all that is kept.

use std::net::SocketAddr;

use anyhow::{Context as _, Result, ensure};
use fastrand::Rng;
use shared::invoice::Invoice;
use shared::lightning::PaymentHash;

use crate::http::{Answer, Request};
use crate::kinds::returns::{Outcome, Places, Returns};
use crate::nodes::Nodes;
use crate::store::Item;

pub(crate) struct PageBuyer {
    cookie: String,
    payment_hash: PaymentHash,
}

impl PageBuyer {
    /// Buys the cat on its page, as the client of this number.
    pub(crate) fn buys(
        store: SocketAddr,
        nodes: &Nodes,
        number: u32,
        rng: &mut Rng,
    ) -> Result<Self> {
        let id = format!("{:032x}", rng.u128(..));
        let [_, b, c, d] = number.to_be_bytes();
        let pressed = Request::new("POST", "/buy/cat")
            .header("X-Forwarded-For", &format!("10.{b}.{c}.{d}"))
            .header("Sec-Fetch-Site", "same-origin")
            .form(format!("purchase_id={id}"))
            .send(store)?;
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

    fn get(&mut self, store: SocketAddr, path: &str) -> Result<Answer> {
        let request = Request::get(path).header("Cookie", &self.cookie);
        let answer = request.send(store)?;
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

impl Returns for PageBuyer {
    fn kind(&self) -> &'static str {
        "page without scripts"
    }

    fn payment(&self) -> Option<PaymentHash> {
        Some(self.payment_hash)
    }

    fn comes_back(&mut self, places: &Places) -> Result<Outcome> {
        let page = self.get(places.store, "/buy/cat")?;
        let goods = self.get(places.store, "/buy/cat/content")?;
        let is_delivery = goods.status == 200 && goods.body == Item::cat().goods.as_bytes();
        Ok(Outcome::of(&page, is_delivery))
    }
}

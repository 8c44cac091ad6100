//! A program that speaks L402: it pays what `WWW-Authenticate` asks for, and shows the proof from then
//! on.

use std::net::SocketAddr;

use anyhow::{Context as _, Result};
use shared::api::content_path;
use shared::invoice::Invoice;
use shared::lightning::PaymentHash;

use crate::http::{Answer, Request};
use crate::kinds::returns::{Outcome, Places, Returns};
use crate::nodes::Nodes;
use crate::route;
use crate::store::Item;

pub(crate) struct Program {
    credential: String,
    payment_hash: PaymentHash,
    /// Whether it bought access to a route, and not the cat.
    has_route: bool,
}

impl Program {
    pub(crate) fn buys(places: &Places, nodes: &Nodes, has_route: bool) -> Result<Self> {
        let asked = get(has_route)?.send(address(places, has_route))?;
        let challenge = asked.header("www-authenticate");
        let challenge = challenge.with_context(|| format!("no challenge: {}", asked.status))?;
        let parameter = |name: &str| {
            let (_, after) = challenge.split_once(&format!("{name}=\""))?;
            Some(after.split_once('"')?.0.to_owned())
        };
        let macaroon = parameter("macaroon").context("a challenge without a macaroon")?;
        let bolt11 = parameter("invoice").context("a challenge without an invoice")?;
        let payment_hash = Invoice::decode(&bolt11)?.payment_hash;
        let preimage = nodes.pay_surely(&bolt11, payment_hash)?;
        Ok(Self {
            credential: format!("L402 {macaroon}:{preimage}"),
            payment_hash,
            has_route,
        })
    }

    fn is_delivery(&self, answer: &Answer) -> bool {
        let is_right = if self.has_route {
            answer.json().is_array()
        } else {
            answer.body == Item::cat().goods.as_bytes()
        };
        answer.status == 200 && is_right
    }
}

impl Returns for Program {
    fn kind(&self) -> &'static str {
        if self.has_route {
            "program at a priced route"
        } else {
            "program"
        }
    }

    fn payment(&self) -> Option<PaymentHash> {
        Some(self.payment_hash)
    }

    fn comes_back(&mut self, places: &Places) -> Result<Outcome> {
        let answer = get(self.has_route)?
            .header("Authorization", &self.credential)
            .send(address(places, self.has_route))?;
        Ok(Outcome::must_be(&answer, self.is_delivery(&answer)))
    }
}

fn get(has_route: bool) -> Result<Request> {
    let path = if has_route {
        route::PATH.to_owned()
    } else {
        content_path(&Item::cat().id.parse()?)
    };
    Ok(Request::get(&path))
}

fn address(places: &Places, has_route: bool) -> SocketAddr {
    if has_route {
        places.route
    } else {
        places.store
    }
}

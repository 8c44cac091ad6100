//! The flow of a purchase in a browser without scripts: the offer, its button, the invoice.
//!
//! The buyer's claim is kept in a cookie, never in an address. No page makes an invoice but the
//! answer to the button, and none asks lightningd for more than its memory lacks, so buyers may
//! refresh a page as often as they like.

use axum::http::header::{REFRESH, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Redirect, Response};
use shared::api::{PurchaseId, Scene};
use shared::claim::Claim;
use shared::content::ContentHash;
use shared::invoice::Invoice;
use shared::lightning::{Msat, Preimage};

use crate::clock::unix_now;
use crate::http::admission::random_purchase_id;
use crate::http::problem::Error;
use crate::http::visitor::Visitor;
use crate::pages::cookie;
use crate::pages::stage::{Stage, stage, tickets};
use crate::pages::views::{self, REFRESH_SECS, Site, Ware};
use crate::payments::claims::Credential;
use crate::payments::purchases::{Offer, Purchases};

/// Where a visitor stands: before one thing that is sold.
pub(crate) struct Counter<'a> {
    pub(crate) purchases: &'a Purchases,
    pub(crate) site: Site<'a>,
    /// What is sold, as labels, claims and cookies call it.
    pub(crate) name: &'a str,
    /// The page's address without the host, and that of the page that does not refresh itself.
    pub(crate) here: &'a str,
    pub(crate) still: &'a str,
    /// The cookie goes to this path and below.
    pub(crate) cookie_path: &'a str,
    pub(crate) visitor: Visitor,
    pub(crate) headers: &'a HeaderMap,
}

/// What a visitor sees.
pub(crate) enum Shown {
    /// It is paid, with this claim: what was sold is the caller's to show, with the cookie where there
    /// is a new one.
    Paid(Claim, Option<HeaderValue>),
    /// The invoice of this claim.
    Invoice(Box<Invoice>, Claim, Response),
    /// A page with a button that makes an invoice.
    Offer(Response),
}

/// What a visitor pressed.
pub(crate) enum Pressed {
    /// The button that makes an invoice.
    Buy(PurchaseId),
    /// The same, by a buyer who says that the purchase which the cookie knows was not paid.
    BuyAnew(PurchaseId),
    /// The buyer's proof of payment, as it was typed in.
    Proof(String),
}

impl Counter<'_> {
    /// What the visitor sees. A page that is `watching` refreshes itself. Only an offer needs to know
    /// what the `ware` costs now: what was bought is shown from its invoice.
    pub(crate) async fn show(
        &self,
        watching: bool,
        ware: impl FnOnce() -> Result<Ware, Error>,
    ) -> Result<Shown, Error> {
        let site = self.site;
        Ok(
            match stage(self.purchases, self.name, self.headers).await? {
                Stage::Paid(paid) => {
                    let is_https = self.visitor.is_https;
                    let cookie = paid.news(self.name, self.cookie_path, is_https);
                    Shown::Paid(paid.claim, cookie)
                }
                Stage::Payable(claim) => {
                    let bolt11 = self.purchases.nodes().bolt11(&claim).await?;
                    let invoice = Invoice::decode(&bolt11).map_err(|error| {
                        Error::Internal(format!("lightningd has no valid invoice: {error}"))
                    })?;
                    let page = self.invoice_page(&invoice, claim.valid_until(), watching);
                    Shown::Invoice(Box::new(invoice), claim, page)
                }
                Stage::Offer => {
                    let page = views::offer(site, &ware()?, random_purchase_id()?);
                    Shown::Offer(page.into_response())
                }
                Stage::Expired => {
                    let page = views::expired(site, &ware()?, random_purchase_id()?);
                    Shown::Offer(page.into_response())
                }
                Stage::Unconfirmed => {
                    // What is no longer sold cannot be bought anew, but may have been paid for.
                    let ware = ware().ok();
                    let purchase_id = random_purchase_id()?;
                    let page =
                        views::unconfirmed(site, self.name, self.here, ware.as_ref(), purchase_id);
                    Shown::Offer(page.into_response())
                }
            },
        )
    }

    /// A button was pressed: makes the invoice, unless the buyer has one that can be paid or may be
    /// paid, and leads back to the page.
    pub(crate) async fn press<'o>(
        &self,
        pressed: Pressed,
        offer: impl FnOnce() -> Result<Offer<'o>, Error>,
    ) -> Result<Response, Error> {
        let back = Redirect::to(self.here);
        if comes_from_elsewhere(self.headers) {
            return Ok(back.into_response());
        }
        let (purchase_id, is_anew) = match pressed {
            Pressed::Buy(purchase_id) => (purchase_id, false),
            Pressed::BuyAnew(purchase_id) => (purchase_id, true),
            Pressed::Proof(typed) => {
                let proven = self.prove(&typed)?;
                return Ok(([(SET_COOKIE, self.cookie(&proven))], back).into_response());
            }
        };
        match stage(self.purchases, self.name, self.headers).await? {
            Stage::Payable(_) | Stage::Paid(_) => return Ok(back.into_response()),
            // The ticket is removed only if the buyer says so.
            Stage::Unconfirmed if !is_anew => return Ok(back.into_response()),
            Stage::Unconfirmed | Stage::Offer | Stage::Expired => {}
        }
        let offer = offer()?;
        let client = self.visitor.key();
        let created = self.purchases.create_or_find(client, &offer, purchase_id);
        let (_, created) = created.await?;
        let ticket = Credential {
            claim: created.claim,
            preimage: None,
        };
        Ok(([(SET_COOKIE, self.cookie(&ticket))], back).into_response())
    }

    /// The ticket in the cookie, with the preimage that the buyer typed in.
    fn prove(&self, typed: &str) -> Result<Credential, Error> {
        let invalid = |why: &str| Error::InvalidRequest(why.to_owned());
        let preimage: Preimage = typed.trim().parse().map_err(|_| {
            invalid("a preimage has 64 hex digits; your wallet shows it with the payment")
        })?;
        let mut tickets = tickets(self.purchases, self.name, self.headers);
        let ticket = tickets.find(|ticket| ticket.claim.payment_hash() == preimage.payment_hash());
        let ticket = ticket.ok_or_else(|| {
            invalid(
                "this preimage does not belong to the purchase that this browser knows; look for \
                 the payment of this store's invoice in your wallet",
            )
        })?;
        Ok(Credential {
            preimage: Some(preimage),
            ..ticket
        })
    }

    fn cookie(&self, ticket: &Credential) -> HeaderValue {
        cookie::keep(ticket, self.name, self.cookie_path, self.visitor.is_https)
    }

    /// What to pay.
    ///
    /// A refresh is answered at once. One that waited for the payment would be cancelled by the click
    /// on the `lightning:` link, or die with the phone's tab while the wallet is open; and the page
    /// would never learn of the payment.
    fn invoice_page(&self, invoice: &Invoice, until: Option<u64>, watching: bool) -> Response {
        let price = invoice.amount_msat.map(Msat::for_people);
        let ware = Ware {
            id: self.name.to_owned(),
            title: invoice.title().to_owned(),
            teaser: String::new(),
            price: price.unwrap_or_default(),
            until,
            scene: Scene::Card,
            button: String::new(),
            seed: ContentHash::of(self.name.as_bytes()),
            code: None,
            here: self.here.to_owned(),
            still: self.still.to_owned(),
        };
        let page = views::invoice(self.site, &ware, invoice, unix_now(), watching);
        let refresh = watching.then(|| [(REFRESH, HeaderValue::from(REFRESH_SECS))]);
        (refresh, page).into_response()
    }
}

/// Whether another site posted the form. It could choose the purchase id and so share what the
/// buyer pays for, and the new cookie would replace one that is paid for. Browsers too old to say
/// where a form comes from leave out the cookie all the same (`SameSite=Lax`): with them, another
/// site can only make an invoice that nobody asked for.
pub(crate) fn comes_from_elsewhere(headers: &HeaderMap) -> bool {
    headers
        .get("sec-fetch-site")
        .is_some_and(|site| site != "same-origin" && site != "none")
}

//! The flow of a purchase in a browser without scripts: the offer, its button, the invoice.
//!
//! The buyer's claim is kept in a cookie, never in an address. No page makes an invoice but the
//! answer to the button, and none asks lightningd for more than its memory lacks, so buyers may
//! refresh a page as often as they like.

use axum::http::header::{REFRESH, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Redirect, Response};
use shared::api::PurchaseId;
use shared::claim::Claim;
use shared::invoice::Invoice;

use crate::clock::unix_now;
use crate::http::admission::random_purchase_id;
use crate::http::problem::Error;
use crate::http::visitor::Visitor;
use crate::pages::cookie;
use crate::pages::stage::{Stage, stage};
use crate::pages::views::{self, REFRESH_SECS, Site, Ware};
use crate::payments::purchases::{Offer, Purchases};

/// What a visitor sees.
pub(crate) enum Shown {
    /// It is paid, with this claim: what was sold is the caller's to show.
    Paid(Claim),
    /// The invoice of this claim.
    Invoice(Box<Invoice>, Claim, Response),
    /// A button that makes an invoice.
    Offer(Response),
}

/// What a page says of what is sold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum For {
    /// What it costs now. Without a price there is no offer.
    Offer,
    /// What the invoice was made for. The invoice says its amount.
    Invoice,
}

/// What a visitor sees of what is called `name`. A page that is `watching` refreshes itself.
pub(crate) async fn show(
    purchases: &Purchases,
    site: Site<'_>,
    name: &str,
    headers: &HeaderMap,
    watching: bool,
    ware: impl FnOnce(For) -> Result<Ware, Error>,
) -> Result<Shown, Error> {
    Ok(match stage(purchases, name, headers).await? {
        Stage::Paid(claim) => Shown::Paid(claim),
        Stage::Payable(claim) => {
            let bolt11 = purchases.invoices().bolt11(claim.payment_hash()).await?;
            let invoice = Invoice::decode(&bolt11).map_err(|error| {
                Error::Internal(format!("lightningd has no valid invoice: {error}"))
            })?;
            let page = invoice_page(site, &ware(For::Invoice)?, &invoice, watching);
            Shown::Invoice(Box::new(invoice), claim, page)
        }
        Stage::Offer => {
            let page = views::offer(site, &ware(For::Offer)?, random_purchase_id()?);
            Shown::Offer(page.into_response())
        }
        Stage::Expired => {
            let page = views::expired(site, &ware(For::Offer)?, random_purchase_id()?);
            Shown::Offer(page.into_response())
        }
    })
}

/// The button was pressed: makes the invoice, unless the buyer has one that can be paid or is paid,
/// and leads back to the page at `here`. The claim goes into a cookie for `cookie_path` and below.
pub(crate) async fn press<'a>(
    purchases: &Purchases,
    visitor: Visitor,
    headers: &HeaderMap,
    name: &str,
    offer: impl FnOnce() -> Result<Offer<'a>, Error>,
    purchase_id: PurchaseId,
    (here, cookie_path): (&str, &str),
) -> Result<Response, Error> {
    let back = Redirect::to(here);
    if comes_from_elsewhere(headers) {
        return Ok(back.into_response());
    }
    if let Stage::Payable(_) | Stage::Paid(_) = stage(purchases, name, headers).await? {
        return Ok(back.into_response());
    }
    let offer = offer()?;
    let created = purchases.create_or_find(visitor.key(), &offer, purchase_id);
    let (_, created) = created.await?;
    let cookie = cookie::keep(&created.claim, name, cookie_path, visitor.is_https);
    Ok(([(SET_COOKIE, cookie)], back).into_response())
}

/// What to pay.
///
/// A refresh is answered at once. One that waited for the payment would be cancelled by the click
/// on the `lightning:` link, or die with the phone's tab while the wallet is open; and the page
/// would never learn of the payment.
fn invoice_page(site: Site<'_>, ware: &Ware, invoice: &Invoice, watching: bool) -> Response {
    let page = views::invoice(site, ware, invoice, unix_now(), watching);
    let refresh = watching.then(|| [(REFRESH, HeaderValue::from(REFRESH_SECS))]);
    (refresh, page).into_response()
}

/// Whether another site posted the form. It could choose the purchase id and so share what the
/// buyer pays for, and the new cookie would replace one that is paid for. Browsers too old to say
/// where a form comes from leave out the cookie all the same (`SameSite=Lax`): with them, another
/// site can only make an invoice that nobody asked for.
fn comes_from_elsewhere(headers: &HeaderMap) -> bool {
    headers
        .get("sec-fetch-site")
        .is_some_and(|site| site != "same-origin" && site != "none")
}

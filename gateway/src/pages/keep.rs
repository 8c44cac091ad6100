//! What a buyer without scripts may take along: the receipt, and the purchase's link, which opens it in
//! another browser. The link's secret part stands behind `#`, which browsers send to nobody, and in the
//! body of the form that opens it here.

use std::sync::Arc;

use axum::Form;
use axum::extract::rejection::{FormRejection, PathRejection};
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_DISPOSITION, HOST, SET_COOKIE};
use axum::response::{IntoResponse, Json, Redirect, Response};
use maud::Markup;
use serde::Deserialize;
use shared::api::{ItemId, PurchaseId};
use shared::claim::Claim;
use shared::content::{ContentHash, commitment};
use shared::invoice::Invoice;
use shared::lightning::Preimage;
use shared::link::Link;
use shared::purchase::Saved;
use shared::receipt::Receipt;

use crate::app::Shelf;
use crate::clock::unix_now;
use crate::http::api::content::sold;
use crate::http::problem::{Demand, Error};
use crate::http::visitor::Visitor;
use crate::options::StoreOptions;
use crate::pages::base::Base;
use crate::pages::cookie;
use crate::pages::flow::comes_from_elsewhere;
use crate::pages::stage::{Stage, stage, tickets};
use crate::pages::views;
use crate::payments::claims::Credential;
use crate::payments::invoices::InvoiceError;
use crate::payments::purchases::Purchases;

/// `GET /buy/{item}/keep`: the purchase's link, and the receipt once it is paid.
pub(crate) async fn show(
    State(store): State<Arc<StoreOptions>>,
    State(shelf): State<Shelf>,
    State(purchases): State<Purchases>,
    visitor: Visitor,
    base: Base,
    item: Result<Path<ItemId>, PathRejection>,
    headers: HeaderMap,
) -> Result<Markup, Error> {
    let Path(id) = item?;
    let (claim, preimage) = purchase(&purchases, &id, &headers).await?;
    let invoice = invoice(&purchases, &claim).await?;
    let link = Link {
        purchase: Saved {
            bolt11: invoice.as_ref().map(|invoice| invoice.bolt11.clone()),
            metadata: invoice.and_then(|invoice| invoice.metadata),
            claim: Some(claim.clone()),
            preimage,
            // Nobody asks by this id: the claim says all that it would find.
            ..Saved::begun(purchase_id(&claim))
        },
        item: id.clone(),
    };
    let json = serde_json::to_string(&link).map_err(|error| Error::Internal(error.to_string()))?;
    let origin = match &store.public_url {
        Some(url) => url.clone(),
        None => origin(visitor, &headers),
    };
    let address = format!("{origin}/#{}", Link::fragment(&json));
    let catalogue = shelf.catalogue();
    let title = catalogue
        .find(&id)
        .map_or(id.as_str(), |goods| &goods.title);
    let site = base.site(&store, &catalogue);
    Ok(views::keep(site, &id, title, &address, preimage.is_some()))
}

/// `GET /buy/{item}/receipt`: the proof of the purchase, to be saved.
pub(crate) async fn receipt(
    State(shelf): State<Shelf>,
    State(purchases): State<Purchases>,
    item: Result<Path<ItemId>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let Path(id) = item?;
    let (claim, preimage) = purchase(&purchases, &id, &headers).await?;
    let preimage = preimage.ok_or(Error::PaymentRequired(Demand::default()))?;
    let invoice = invoice(&purchases, &claim).await?;
    let invoice = invoice.ok_or(Error::UnknownInvoice)?;
    let sha256 = invoice.description.as_deref().and_then(commitment);
    let content = sold(&shelf, purchases.refusals(), &id, &claim)?;
    let name = format!("attachment; filename=\"{id}-receipt.json\"");
    let receipt = Receipt {
        sha256: sha256.ok_or(Error::UnknownInvoice)?,
        size: content.size,
        item: id,
        bolt11: invoice.bolt11,
        preimage,
        metadata: invoice.metadata,
    };
    Ok(([(CONTENT_DISPOSITION, name)], Json(receipt)).into_response())
}

/// The form with a link.
#[derive(Deserialize)]
pub(crate) struct Pasted {
    link: String,
}

/// `POST /buy`: opens the purchase of a link in this browser.
pub(crate) async fn open(
    State(purchases): State<Purchases>,
    visitor: Visitor,
    base: Base,
    headers: HeaderMap,
    form: Result<Form<Pasted>, FormRejection>,
) -> Result<Response, Error> {
    // Another site could let the buyer pay for a purchase that it knows.
    if comes_from_elsewhere(&headers) {
        return Ok(Redirect::to(&base.path).into_response());
    }
    let damaged = || {
        let why = "this is no purchase's link, or a part of it is missing; copy it again";
        Error::InvalidRequest(why.to_owned())
    };
    let Form(Pasted { link }) = form.map_err(|_| damaged())?;
    let link = read(&link).ok_or_else(damaged)?;
    let (id, claim) = (link.item, link.purchase.claim.ok_or_else(damaged)?);
    if purchases.claims().verify(&claim, unix_now()) != Ok(id.as_str()) {
        let why =
            "this link's ticket is not valid here: it may be another store's, or its time is over";
        return Err(Error::InvalidRequest(why.to_owned()));
    }
    let mut kept = tickets(&purchases, id.as_str(), &headers);
    if kept.any(|ticket| ticket.claim != claim) {
        let why = "this browser holds another purchase of this, which the link would replace; open \
                   the link in a private window, or keep the other one's link first";
        return Err(Error::InvalidRequest(why.to_owned()));
    }
    let page = format!("{}/{id}", base.path);
    let ticket = Credential {
        preimage: link.purchase.preimage,
        claim,
    };
    let cookie = cookie::keep(&ticket, id.as_str(), &page, visitor.is_https);
    Ok(([(SET_COOKIE, cookie)], Redirect::to(&page)).into_response())
}

/// The link in what was pasted, which may be the fragment alone.
fn read(pasted: &str) -> Option<Link> {
    let pasted = pasted.trim();
    let fragment = pasted.split_once('#').map_or(pasted, |(_, rest)| rest);
    serde_json::from_str(&Link::json(fragment).ok()?).ok()
}

/// The purchase in the cookie, and its proof once it is paid.
async fn purchase(
    purchases: &Purchases,
    id: &ItemId,
    headers: &HeaderMap,
) -> Result<(Claim, Option<Preimage>), Error> {
    match stage(purchases, id.as_str(), headers).await? {
        Stage::Paid(paid) => Ok((paid.claim, paid.preimage)),
        Stage::Payable(claim) => Ok((claim, None)),
        Stage::Unconfirmed => Err(Error::UnknownInvoice),
        Stage::Offer | Stage::Expired => Err(Error::PaymentRequired(Demand::default())),
    }
}

/// The claim's invoice, with its metadata where it is a code's; `None` where lightningd no longer has it.
async fn invoice(purchases: &Purchases, claim: &Claim) -> Result<Option<Invoice>, Error> {
    let bolt11 = match purchases.nodes().bolt11(claim).await {
        Ok(bolt11) => bolt11,
        Err(InvoiceError::Unknown) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let invoice = Invoice::decode(&bolt11)
        .map_err(|error| Error::Internal(format!("lightningd has no valid invoice: {error}")))?;
    if invoice.description_hash.is_none() {
        return Ok(Some(invoice));
    }
    let found = purchases.nodes().find(claim.payment_hash()).await?;
    let metadata = found.map(|(_, found)| found.description);
    Ok(Some(invoice.described(metadata.as_deref())))
}

fn purchase_id(claim: &Claim) -> PurchaseId {
    let hash = ContentHash::of(claim.to_base64().as_bytes());
    let mut id = [0; 16];
    id.copy_from_slice(&hash.0[..16]);
    PurchaseId(id)
}

/// Where the browser is, as it says itself: only its own page shows it.
fn origin(visitor: Visitor, headers: &HeaderMap) -> String {
    let scheme = if visitor.is_https { "https" } else { "http" };
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    format!("{scheme}://{}", host.unwrap_or("localhost"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_read_with_or_without_its_address() {
        let link = Link {
            item: "cat".parse().unwrap(),
            purchase: Saved::begun(PurchaseId([7; 16])),
        };
        let fragment = Link::fragment(&serde_json::to_string(&link).unwrap());
        for pasted in [
            format!("https://store.example/#{fragment}"),
            format!(" {fragment}\n"),
        ] {
            assert_eq!(read(&pasted).as_ref(), Some(&link));
        }
        assert_eq!(read("https://store.example/"), None);
        assert_eq!(read(&fragment[..fragment.len() - 3]), None);
    }
}

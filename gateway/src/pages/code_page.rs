//! The page of a purchase that was made by a code on paper: opens it by the preimage that the buyer's wallet
//! shows. Its address is no secret, and opens nothing without that.

use std::sync::Arc;

use axum::Form;
use axum::extract::rejection::{FormRejection, PathRejection};
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::http::header::{REFRESH, SET_COOKIE};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use shared::api::{ItemId, Status};
use shared::claim::Identifier;
use shared::lightning::Preimage;

use crate::app::Shelf;
use crate::http::problem::Error;
use crate::http::visitor::Visitor;
use crate::options::StoreOptions;
use crate::pages::base::Base;
use crate::pages::cookie;
use crate::pages::flow::comes_from_elsewhere;
use crate::pages::stage::tickets;
use crate::pages::views::{self, REFRESH_SECS};
use crate::payments::claims::Credential;
use crate::payments::purchases::Purchases;

/// `GET /buy/{item}/paid/{tag}`
pub(crate) async fn show(
    State(store): State<Arc<StoreOptions>>,
    State(shelf): State<Shelf>,
    State(purchases): State<Purchases>,
    base: Base,
    path: Result<Path<(ItemId, String)>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let Path((id, tag)) = path?;
    let payment_hash = identifier(&purchases, &id, &tag)?.payment_hash;
    let catalogue = shelf.catalogue();
    let site = base.site(&store, &catalogue);
    let item_page = site.page_of(&id);
    let mut kept = tickets(&purchases, id.as_str(), &headers);
    if kept.any(|ticket| ticket.claim.payment_hash() == payment_hash) {
        return Ok(Redirect::to(&item_page).into_response());
    }
    let (_, standing) = purchases.nodes().search(payment_hash).await?;
    let title = catalogue.find(&id);
    let title = title.map_or(id.as_str(), |goods| &goods.title);
    let here = format!("{item_page}/paid/{tag}");
    let page = views::by_code(site, &id, title, &here, standing.status);
    // What is typed in would be gone after a refresh.
    let waits = standing.status == Status::Unpaid;
    let refresh = waits.then(|| [(REFRESH, REFRESH_SECS.to_string())]);
    Ok((refresh, page).into_response())
}

/// The form of the page.
#[derive(Deserialize)]
pub(crate) struct Proof {
    purrwall_preimage: String,
}

/// `POST /buy/{item}/paid/{tag}`: the proof, as the buyer typed it in.
pub(crate) async fn open(
    State(purchases): State<Purchases>,
    visitor: Visitor,
    base: Base,
    path: Result<Path<(ItemId, String)>, PathRejection>,
    headers: HeaderMap,
    form: Result<Form<Proof>, FormRejection>,
) -> Result<Response, Error> {
    let Path((id, tag)) = path?;
    let identifier = identifier(&purchases, &id, &tag)?;
    let item_page = format!("{}/{id}", base.path);
    if comes_from_elsewhere(&headers) {
        return Ok(Redirect::to(&item_page).into_response());
    }
    let invalid = |why: &str| Error::InvalidRequest(why.to_owned());
    let typed = form.map_or_else(|_| String::new(), |Form(proof)| proof.purrwall_preimage);
    let preimage: Preimage = typed.trim().parse().map_err(|_| {
        invalid("a preimage has 64 hex digits; your wallet shows it with the payment")
    })?;
    if preimage.payment_hash() != identifier.payment_hash {
        return Err(invalid(
            "this preimage is of another payment; look in your wallet for the payment that this page's \
             address came with",
        ));
    }
    let client = visitor.key();
    let found = purchases
        .find_identified(client, id.as_str(), identifier)
        .await?;
    let claim = found.ok_or(Error::UnknownInvoice)?.claim;
    let mut kept = tickets(&purchases, id.as_str(), &headers);
    if kept.any(|ticket| ticket.claim != claim) {
        return Err(invalid(
            "this browser holds another purchase of this, which yours would replace; open this page in a \
             private window, or keep the other one's link first",
        ));
    }
    let ticket = Credential {
        claim,
        preimage: Some(preimage),
    };
    let cookie = cookie::keep(&ticket, id.as_str(), &item_page, visitor.is_https);
    Ok(([(SET_COOKIE, cookie)], Redirect::to(&item_page)).into_response())
}

fn identifier(purchases: &Purchases, id: &ItemId, tag: &str) -> Result<Identifier, Error> {
    let identifier = purchases.claims().tagged(id.as_str(), tag);
    identifier.ok_or(Error::NotFound)
}

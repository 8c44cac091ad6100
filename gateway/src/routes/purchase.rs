//! A purchase in a browser without scripts: where it stands, by its cookie, and the page that says
//! so.

use std::time::Duration;

use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, REFRESH};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use shared::api::{PurchaseId, Status};
use shared::claim::Claim;
use shared::invoice::Invoice;
use tokio::time::Instant;

use super::invoices::random_purchase_id;
use crate::App;
use crate::clock::unix_now;
use crate::error::{Error, Told};
use crate::plain::{self, REFRESH_SECS, Site, Ware, cookie};

/// Where the purchase stands.
pub(super) enum Stage {
    /// Nothing was bought, or lightningd has forgotten it.
    Offer,
    /// This claim's invoice can be paid.
    Payable(Claim),
    /// It is paid, with this claim.
    Paid(Claim),
    /// It was not paid in time.
    Expired,
}

/// Looks into the cookie for a claim to what is called `name`. One that this store did not make for
/// it is as good as none.
pub(super) async fn stage(app: &App, name: &str, headers: &HeaderMap) -> Result<Stage, Error> {
    let now = unix_now();
    let mut claims = cookie::kept(name, headers).into_iter();
    let Some(claim) = claims.find(|claim| app.claims.verify(claim, now) == Ok(name)) else {
        return Ok(Stage::Offer);
    };
    let payment_hash = claim.payment_hash();
    let mut standing = match app.payments.standing(payment_hash).await {
        Err(Error::UnknownInvoice) => return Ok(Stage::Offer),
        answered => answered?,
    };
    let is_over = standing.expires_at <= now;
    if standing.status == Status::Unpaid && is_over {
        // A payment in the last moment counts, and lightningd's word comes a moment later.
        let until = Instant::now() + LAST_WORD;
        standing = app.payments.wait(payment_hash, until).await?;
    }
    Ok(match standing.status {
        Status::Paid => Stage::Paid(claim),
        Status::Unpaid if !is_over => Stage::Payable(claim),
        Status::Unpaid | Status::Expired => Stage::Expired,
    })
}

/// How long lightningd may take to say that an invoice has expired.
const LAST_WORD: Duration = Duration::from_secs(3);

/// The invoice of a claim.
pub(super) async fn invoice(app: &App, claim: &Claim) -> Result<Invoice, Error> {
    let bolt11 = app.payments.bolt11(claim.payment_hash()).await?;
    Invoice::decode(&bolt11)
        .map_err(|error| Error::Internal(format!("lightningd has no valid invoice: {error}")))
}

/// What to pay. A page that is watching asks again by itself.
///
/// A refresh is answered at once. One that waited for the payment would be cancelled by the click
/// on the `lightning:` link, or die with the phone's tab while the wallet is open; and the page
/// would never learn of the payment.
pub(super) fn invoice_page(
    site: Site<'_>,
    ware: &Ware<'_>,
    invoice: &Invoice,
    watching: bool,
) -> Response {
    let page = plain::invoice(site, ware, invoice, unix_now(), watching);
    let refresh = watching.then(|| [(REFRESH, HeaderValue::from(REFRESH_SECS))]);
    (refresh, page).into_response()
}

/// A button that makes an invoice; `expired` where there was one.
pub(super) fn offer_page(
    site: Site<'_>,
    ware: &Ware<'_>,
    expired: bool,
) -> Result<Response, Error> {
    let id = random_purchase_id()?;
    let page = if expired {
        plain::expired(site, ware, id)
    } else {
        plain::offer(site, ware, id)
    };
    Ok(page.into_response())
}

/// The form of the button.
#[derive(Deserialize)]
pub(super) struct Buy {
    /// Drawn with the page, so that two clicks on its button are one purchase.
    pub(super) purchase_id: PurchaseId,
}

/// Whether another site posted the form. It could choose the purchase id and so share what the
/// buyer pays for, and the new cookie would take the place of one that is paid for. Browsers too
/// old to say leave out the cookie all the same (`SameSite=Lax`): with them, another site can make
/// an invoice that nobody asked for.
pub(super) fn comes_from_elsewhere(headers: &HeaderMap) -> bool {
    headers
        .get("sec-fetch-site")
        .is_some_and(|site| site != "same-origin" && site != "none")
}

/// Tells an error as a page for people, with the same status. Where trying again helps, the page does:
/// it asks for `path`, also after a form, which is not sent twice. Any other answer stays as it is.
pub(super) fn problem_page(site: Site<'_>, path: &str, response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    let Some(Told(problem)) = parts.extensions.remove() else {
        return Response::from_parts(parts, body);
    };
    if let Some(secs) = plain::comes_back_in(&problem) {
        let refresh = format!("{secs}; url={path}");
        let refresh = HeaderValue::try_from(refresh).expect("the path came in a request's head");
        parts.headers.insert(REFRESH, refresh);
    }
    parts.headers.remove(CONTENT_TYPE);
    parts.headers.remove(CONTENT_LENGTH);
    let page = plain::problem(site, &problem);
    let (page_parts, body) = page.into_response().into_parts();
    parts.headers.extend(page_parts.headers);
    Response::from_parts(parts, body)
}

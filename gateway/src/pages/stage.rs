//! Where a purchase in a browser without scripts stands, by its cookie.

use std::time::Duration;

use axum::http::HeaderMap;
use shared::api::Status;
use shared::claim::Claim;
use tokio::time::Instant;

use crate::clock::unix_now;
use crate::http::problem::Error;
use crate::pages::cookie;
use crate::payments::invoices::InvoiceError;
use crate::payments::purchases::Purchases;

/// Where the purchase stands.
pub(crate) enum Stage {
    /// Nothing was bought, or lightningd no longer has the invoice.
    Offer,
    /// This claim's invoice can be paid.
    Payable(Claim),
    /// It is paid, with this claim.
    Paid(Claim),
    /// It was not paid in time.
    Expired,
}

/// Looks into the cookie for a claim to what is called `name`. A claim that this store did not make
/// for it counts as none.
pub(crate) async fn stage(
    purchases: &Purchases,
    name: &str,
    headers: &HeaderMap,
) -> Result<Stage, Error> {
    let now = unix_now();
    let mut claims = cookie::kept(name, headers).into_iter();
    let Some(claim) = claims.find(|claim| purchases.claims().verify(claim, now) == Ok(name)) else {
        return Ok(Stage::Offer);
    };
    let payment_hash = claim.payment_hash();
    let mut standing = match purchases.invoices().standing(payment_hash).await {
        Err(InvoiceError::Unknown) => return Ok(Stage::Offer),
        answered => answered?,
    };
    let is_over = standing.expires_at <= now;
    if standing.status == Status::Unpaid && is_over {
        // A payment at the last moment counts, and lightningd's word comes a moment later.
        let until = Instant::now() + LAST_WORD;
        standing = purchases.invoices().wait(payment_hash, until).await?;
    }
    Ok(match standing.status {
        Status::Paid => Stage::Paid(claim),
        Status::Unpaid if !is_over => Stage::Payable(claim),
        Status::Unpaid | Status::Expired => Stage::Expired,
    })
}

/// How long lightningd may take to say that an invoice has expired.
const LAST_WORD: Duration = Duration::from_secs(3);

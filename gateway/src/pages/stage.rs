//! Where a purchase in a browser without scripts stands, by its cookie.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue};
use shared::api::Status;
use shared::claim::Claim;
use shared::lightning::Preimage;
use tokio::time::Instant;

use crate::clock::unix_now;
use crate::http::problem::Error;
use crate::pages::cookie;
use crate::payments::claims::Credential;
use crate::payments::invoices::InvoiceError;
use crate::payments::purchases::Purchases;
use crate::payments::refusals::Refusal;

/// Where the purchase stands.
pub(crate) enum Stage {
    /// Nothing was bought.
    Offer,
    /// This claim's invoice can be paid.
    Payable(Claim),
    /// It is paid.
    Paid(Paid),
    /// It was not paid in time.
    Expired,
    /// lightningd no longer has the invoice, so nobody here can tell whether it was paid.
    Unconfirmed,
}

/// A purchase that is paid.
pub(crate) struct Paid {
    /// Its ticket.
    pub(crate) claim: Claim,
    /// The proof; `None` where lightningd has none to give.
    pub(crate) preimage: Option<Preimage>,
    /// Whether lightningd told the proof, and the cookie does not hold it yet.
    is_news: bool,
}

impl Paid {
    /// The cookie with the proof, where the buyer's does not hold it yet. It is for what is called `name`,
    /// at `path` and below.
    pub(crate) fn news(&self, name: &str, path: &str, is_https: bool) -> Option<HeaderValue> {
        let proven = Credential {
            claim: self.claim.clone(),
            preimage: self.preimage,
        };
        self.is_news
            .then(|| cookie::keep(&proven, name, path, is_https))
    }
}

/// The credentials in the cookie that this store issued for what is called `name`.
pub(crate) fn tickets(
    purchases: &Purchases,
    name: &str,
    headers: &HeaderMap,
) -> impl Iterator<Item = Credential> {
    let now = unix_now();
    let kept = cookie::kept(name, headers).into_iter();
    kept.filter(move |kept| purchases.claims().verify(&kept.claim, now) == Ok(name))
}

/// Looks into the cookie for a claim to what is called `name`. A claim that this store did not make
/// for it counts as none.
pub(crate) async fn stage(
    purchases: &Purchases,
    name: &str,
    headers: &HeaderMap,
) -> Result<Stage, Error> {
    let mut tickets: Vec<_> = tickets(purchases, name, headers).collect();
    tickets.sort_by_key(|ticket| ticket.proves_payment() != Ok(true));
    let Some(ticket) = tickets.into_iter().next() else {
        return Ok(Stage::Offer);
    };
    let is_proven = ticket.proves_payment() == Ok(true);
    let claim = ticket.claim;
    if is_proven {
        return Ok(Stage::Paid(Paid {
            claim,
            preimage: ticket.preimage,
            is_news: false,
        }));
    }
    let nodes = purchases.nodes();
    let mut standing = match nodes.standing(&claim).await {
        Err(InvoiceError::Unknown) => {
            let refusals = purchases.refusals();
            refusals.tell(Refusal::Unconfirmed, name, claim.payment_hash());
            return Ok(Stage::Unconfirmed);
        }
        answered => answered?,
    };
    let now = unix_now();
    let is_over = standing.expires_at <= now;
    if standing.status == Status::Unpaid && is_over {
        // A payment at the last moment counts, and lightningd's word comes a moment later.
        let until = Instant::now() + LAST_WORD;
        standing = nodes.wait(&claim, until).await?;
    }
    Ok(match standing.status {
        Status::Paid => Stage::Paid(Paid {
            claim,
            preimage: standing.preimage,
            is_news: standing.preimage.is_some(),
        }),
        Status::Unpaid if !is_over => Stage::Payable(claim),
        Status::Unpaid | Status::Expired => Stage::Expired,
    })
}

/// How long lightningd may take to say that an invoice has expired.
const LAST_WORD: Duration = Duration::from_secs(3);

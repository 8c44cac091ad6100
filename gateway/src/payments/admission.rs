//! Who gets in: what the credentials of a request are worth.

use std::collections::HashSet;
use std::sync::Arc;

use shared::api::Status;
use shared::claim::Claim;

use crate::clock::unix_now;
use crate::payments::claims::{ClaimRejection, Credential};
use crate::payments::invoices::InvoiceError;
use crate::payments::purchases::Purchases;
use crate::payments::refusals::Refusal;

/// What the credentials of a request are worth together.
pub(crate) enum Admission {
    /// One of them unlocks: this.
    Paid(Claim),
    /// One of them has an invoice that can still be paid: this.
    Unpaid(Claim, Arc<str>),
    /// There are none, or their invoices expired.
    Nothing,
}

/// So many calls to lightningd are made for the credentials of one request.
const MOST_CALLS: usize = 4;

/// Why the credentials of a request are refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AdmissionError {
    #[error(transparent)]
    Claim(#[from] ClaimRejection),
    #[error(transparent)]
    Invoice(#[from] InvoiceError),
    #[error(
        "of your many claims, {MOST_CALLS} were looked up at the store's node, and none is paid; send \
         fewer at once, or each with its preimage: `Authorization: L402 <claim>:<preimage>`"
    )]
    TooMany,
}

impl Purchases {
    /// Looks for a credential that unlocks `item`. What can be decided without lightningd is decided
    /// first, over all credentials.
    ///
    /// lightningd is asked about each invoice once, and about a few only: one request may have many
    /// claims in its head. If some were left out and none is paid, that is an error, and no invoice is
    /// offered, because what was left out may be paid.
    pub(crate) async fn admit(
        &self,
        item: &str,
        credentials: Vec<Result<Credential, ClaimRejection>>,
    ) -> Result<Admission, AdmissionError> {
        let mut verified = Vec::new();
        let mut refused = Vec::new();
        let mut rejection = None;
        for credential in credentials {
            let checked = credential.and_then(|credential| {
                let checked = self.verify(item, &credential);
                let refusal = checked.err().and_then(|why| Refusal::of(&credential, why));
                refused.extend(refusal.map(|refusal| (refusal, credential.payment_hash())));
                Ok((checked?, credential))
            });
            match checked {
                Ok((true, credential)) => return Ok(Admission::Paid(credential.claim)),
                Ok((false, credential)) => verified.push(credential),
                Err(why) => rejection = Some(why),
            }
        }
        if let (true, Some(why)) = (verified.is_empty(), rejection) {
            for (refusal, payment_hash) in refused {
                self.refusals().tell(refusal, item, payment_hash);
            }
            return Err(why.into());
        }

        let mut seen = HashSet::new();
        verified.retain(|credential| seen.insert(credential.payment_hash()));
        let mut answer = Ok(Admission::Nothing);
        let mut unknown = None;
        let mut calls = 0;
        let mut is_complete = true;
        for credential in verified {
            if !self.invoices().is_known(credential.payment_hash()) {
                if calls == MOST_CALLS {
                    is_complete = false;
                    continue;
                }
                calls += 1;
            }
            match self.ask(&credential).await {
                Ok(Admission::Nothing) => {}
                Ok(Admission::Paid(claim)) => return Ok(Admission::Paid(claim)),
                // An invoice to pay says more than that another one cannot be asked about.
                Ok(unpaid) => answer = Ok(unpaid),
                Err(_) if matches!(answer, Ok(Admission::Unpaid(..))) => {}
                Err(error) => {
                    if matches!(error, InvoiceError::Unknown) {
                        unknown = Some(credential.payment_hash());
                    }
                    answer = Err(error.into());
                }
            }
        }
        if let (Err(_), Some(payment_hash)) = (&answer, unknown) {
            let refusals = self.refusals();
            refusals.tell(Refusal::Unconfirmed, item, payment_hash);
        }
        if is_complete {
            answer
        } else {
            Err(AdmissionError::TooMany)
        }
    }

    /// The first credential whose claim this store issued, for any item.
    pub(crate) fn issued(
        &self,
        credentials: Vec<Result<Credential, ClaimRejection>>,
    ) -> Result<Credential, ClaimRejection> {
        let mut rejection = ClaimRejection::Missing;
        for credential in credentials {
            let checked = credential.and_then(|credential| {
                self.claims().verify(&credential.claim, unix_now())?;
                Ok(credential)
            });
            match checked {
                Ok(credential) => return Ok(credential),
                Err(why) => rejection = why,
            }
        }
        Err(rejection)
    }

    /// Whether the credential, which has to be this store's for this item, proves the payment.
    fn verify(&self, item: &str, credential: &Credential) -> Result<bool, ClaimRejection> {
        if self.claims().verify(&credential.claim, unix_now())? != item {
            return Err(ClaimRejection::Item);
        }
        credential.proves_payment()
    }

    /// lightningd's word on a verified credential.
    async fn ask(&self, credential: &Credential) -> Result<Admission, InvoiceError> {
        let payment_hash = credential.payment_hash();
        let claim = || credential.claim.clone();
        match self.invoices().standing(payment_hash).await?.status {
            Status::Paid => Ok(Admission::Paid(claim())),
            Status::Expired => Ok(Admission::Nothing),
            Status::Unpaid => {
                let bolt11 = self.invoices().bolt11(payment_hash).await?;
                Ok(Admission::Unpaid(claim(), bolt11))
            }
        }
    }
}

//! Who gets in: what the credentials of a request are worth.

use std::collections::HashSet;
use std::sync::Arc;

use shared::api::Status;
use shared::claim::Claim;
use shared::mpp;

use crate::clock::unix_now;
use crate::payments::charges::Charged;
use crate::payments::claims::{ClaimRejection, Credential, Scheme, parts};
use crate::payments::invoices::InvoiceError;
use crate::payments::purchases::Purchases;
use crate::payments::refusals::Refusal;

/// The credentials of a request, none of them verified.
pub(crate) struct Presented {
    /// Of L402.
    pub(crate) claims: Vec<Result<Credential, ClaimRejection>>,
    /// Of the scheme `Payment`.
    pub(crate) charges: Vec<Result<mpp::Credential, ClaimRejection>>,
}

impl Presented {
    /// Reads the values of the `Authorization` headers.
    pub(crate) fn read(headers: &[&[u8]]) -> Self {
        let mut presented = Self {
            claims: Vec::new(),
            charges: Vec::new(),
        };
        for (scheme, part) in parts(headers.iter().copied()) {
            match scheme {
                Scheme::L402 => presented.claims.push(Credential::read_one(part)),
                Scheme::Payment => {
                    let charge = mpp::Credential::decode(part).map_err(Into::into);
                    presented.charges.push(charge);
                }
            }
        }
        presented
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.claims.is_empty() && self.charges.is_empty()
    }
}

/// What the credentials of a request are worth together.
pub(crate) enum Admission {
    /// One of them unlocks.
    Paid(Paid),
    /// One of them has an invoice that can still be paid: this.
    Unpaid(Claim, Arc<str>),
    /// There are none, or their invoices expired, or they do not suffice for this reason.
    Nothing(Option<ClaimRejection>),
}

/// A credential that unlocks.
pub(crate) struct Paid {
    pub(crate) claim: Claim,
    /// Where it was one of the scheme `Payment`: its challenge's id.
    pub(crate) challenge_id: Option<String>,
}

impl From<Claim> for Paid {
    fn from(claim: Claim) -> Self {
        Self {
            claim,
            challenge_id: None,
        }
    }
}

/// What a claim of this store's is answered that does not open what is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Insufficient {
    /// It is not valid here.
    IsRefused,
    /// As if there was none: what to pay. For addresses where programs send the claim that they have
    /// for the host, and pay if it does not suffice.
    IsNone,
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
    /// Those of the scheme `Payment` prove their payment themselves. One that fails is always answered
    /// by what to pay, as the scheme wants it, whatever else was sent.
    pub(crate) async fn admit(
        &self,
        item: &str,
        presented: Presented,
        insufficient: Insufficient,
    ) -> Result<Admission, AdmissionError> {
        let Presented { claims, charges } = presented;
        let mut failed = None;
        for charge in charges {
            match charge.and_then(|charge| self.admit_charge(item, &charge)) {
                Ok(paid) => return Ok(Admission::Paid(paid)),
                Err(why) => failed = Some(why),
            }
        }
        match self.admit_claims(item, claims, insufficient).await {
            Ok(Admission::Nothing(why)) => Ok(Admission::Nothing(why.or(failed))),
            Err(AdmissionError::Claim(_)) if failed.is_some() => Ok(Admission::Nothing(failed)),
            answer => answer,
        }
    }

    fn admit_charge(&self, item: &str, charge: &mpp::Credential) -> Result<Paid, ClaimRejection> {
        let Charged {
            credential,
            challenge_id,
        } = self.claims().charged(charge)?;
        // The charge is not ours without the proof of its payment.
        self.verify(item, &credential)?;
        Ok(Paid {
            claim: credential.claim,
            challenge_id: Some(challenge_id),
        })
    }

    /// lightningd is asked about each invoice once, and about a few only: one request may have many
    /// claims in its head. If some were left out and none is paid, that is an error, and no invoice is
    /// offered, because what was left out may be paid.
    async fn admit_claims(
        &self,
        item: &str,
        credentials: Vec<Result<Credential, ClaimRejection>>,
        insufficient: Insufficient,
    ) -> Result<Admission, AdmissionError> {
        let mut verified = Vec::new();
        let mut refused = Vec::new();
        let mut rejection = None;
        let mut is_issued = false;
        for credential in credentials {
            let checked = credential.and_then(|credential| {
                let checked = self.verify(item, &credential);
                let refusal = checked.err().and_then(|why| Refusal::of(&credential, why));
                refused.extend(refusal.map(|refusal| (refusal, credential.payment_hash())));
                Ok((checked?, credential))
            });
            match checked {
                Ok((true, credential)) => return Ok(Admission::Paid(credential.claim.into())),
                Ok((false, credential)) => verified.push(credential),
                Err(why) => {
                    is_issued |= why.is_insufficient();
                    rejection = Some(why);
                }
            }
        }
        if let (true, Some(why)) = (verified.is_empty(), rejection) {
            if is_issued && insufficient == Insufficient::IsNone {
                return Ok(Admission::Nothing(Some(why)));
            }
            for (refusal, payment_hash) in refused {
                self.refusals().tell(refusal, item, payment_hash);
            }
            return Err(why.into());
        }

        let mut seen = HashSet::new();
        verified.retain(|credential| seen.insert(credential.payment_hash()));
        let mut answer = Ok(Admission::Nothing(None));
        let mut unknown = None;
        let mut calls = 0;
        let mut is_complete = true;
        for credential in verified {
            if !self.nodes().is_known(&credential.claim) {
                if calls == MOST_CALLS {
                    is_complete = false;
                    continue;
                }
                calls += 1;
            }
            match self.ask(&credential).await {
                Ok(Admission::Nothing(_)) => {}
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
        let claim = &credential.claim;
        match self.nodes().standing(claim).await?.status {
            Status::Paid => Ok(Admission::Paid(claim.clone().into())),
            Status::Expired => Ok(Admission::Nothing(None)),
            Status::Unpaid => {
                let bolt11 = self.nodes().bolt11(claim).await?;
                Ok(Admission::Unpaid(claim.clone(), bolt11))
            }
        }
    }
}

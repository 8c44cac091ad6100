//! Charges: the scheme `Payment` beside L402, for the same invoice. A charge's challenge says what the
//! claim is minted from, so that a credential of either scheme opens the same.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bitcoin::hex::{DisplayHex as _, FromHex as _};
use hmac::Mac as _;
use shared::claim::{CAVEAT_ITEM, Claim, Identifier};
use shared::content::Description;
use shared::invoice::Invoice;
use shared::lightning::PaymentHash;
use shared::lnurl;
use shared::mpp::{self, Challenge, ChargeRequest, MethodDetails};

use crate::mac::over;
use crate::payments::claims::{ClaimRejection, Claims, Credential, Terms};

/// What charges are issued and checked by.
const CHARGES: &[u8] = b"purrwall payment challenge\0";
/// What is asked for in satoshi.
const CURRENCY: &str = "sat";

/// A charge that this store issued, with the proof that it is paid.
pub(crate) struct Charged {
    /// What it is worth: what a claim with its preimage is.
    pub(crate) credential: Credential,
    /// Its challenge's id.
    pub(crate) challenge_id: String,
}

impl Claims {
    /// The charge for the claim's invoice, at the host `realm`.
    ///
    /// `None` where this scheme cannot say it: a part of a satoshi; or a claim that is not as it was
    /// minted, because its holder narrowed it and the charge would not be narrow.
    pub(crate) fn charge(
        &self,
        realm: &str,
        claim: &Claim,
        invoice: &Invoice,
    ) -> Option<Challenge> {
        let amount = invoice.amount_msat?.0;
        let description = invoice.description.clone()?;
        let item = claim.caveats(CAVEAT_ITEM).next()?;
        let identifier = *claim.identifier();
        let terms = Terms {
            node: Some(invoice.payee),
            ..terms(&description, invoice.expires_at)
        };
        let minted = self.mint(item, identifier, terms);
        if amount % 1000 != 0 || minted != *claim {
            return None;
        }
        let request = ChargeRequest {
            amount: (amount / 1000).to_string(),
            currency: CURRENCY.to_owned(),
            external_id: Some(external_id(item, &identifier.token_id)),
            description: Some(description),
            method_details: MethodDetails {
                invoice: invoice.bolt11.clone(),
                network: mpp::network_name(invoice.network),
                payment_hash: invoice.payment_hash,
            },
        };
        let mut challenge = Challenge {
            id: String::new(),
            realm: realm.to_owned(),
            method: mpp::METHOD.to_owned(),
            intent: mpp::INTENT.to_owned(),
            request: request.encode(),
            description: None,
            opaque: None,
            digest: None,
            expires: Some(time(invoice.expires_at)),
        };
        let id = over(self.derived_key(CHARGES), &[challenge.bound().as_bytes()]);
        challenge.id = mpp::encode(&id.finalize().into_bytes());
        Some(challenge)
    }

    /// Checks that this store issued the challenge and that the preimage proves its payment.
    ///
    /// When the invoice can no longer be paid, the charge stays good: it was paid in time.
    pub(crate) fn charged(&self, presented: &mpp::Credential) -> Result<Charged, ClaimRejection> {
        // Neither is ever issued, and clients may leave out what they do not know.
        let challenge = Challenge {
            description: None,
            opaque: None,
            digest: None,
            ..presented.challenge.clone()
        };
        let id = mpp::decode(&challenge.id)?;
        let bound = challenge.bound();
        let is_issued = |key| over(key, &[bound.as_bytes()]).verify_slice(&id).is_ok();
        if !self.derived_keys(CHARGES).any(is_issued) {
            return Err(ClaimRejection::Signature);
        }
        // From here on, all of it is what was issued.
        let request = challenge.charge()?;
        let preimage = presented.preimage()?;
        let payment_hash = request.method_details.payment_hash;
        if preimage.payment_hash() != payment_hash {
            return Err(ClaimRejection::Preimage);
        }
        let claim = self.claim(&challenge, &request, payment_hash);
        Ok(Charged {
            credential: Credential {
                claim: claim.ok_or(ClaimRejection::Unreadable)?,
                preimage: Some(preimage),
            },
            challenge_id: challenge.id,
        })
    }

    /// Mints the claim again that the charge was issued with, but for the node: nobody has to ask it.
    fn claim(
        &self,
        challenge: &Challenge,
        request: &ChargeRequest,
        payment_hash: PaymentHash,
    ) -> Option<Claim> {
        let (item, token_id) = request.external_id.as_ref()?.rsplit_once('/')?;
        let identifier = Identifier {
            payment_hash,
            token_id: <[u8; 32]>::from_hex(token_id).ok()?,
        };
        let expires = humantime::parse_rfc3339(challenge.expires.as_ref()?).ok()?;
        let expires_at = expires.duration_since(UNIX_EPOCH).ok()?.as_secs();
        let terms = terms(request.description.as_ref()?, expires_at);
        Some(self.mint(item, identifier, terms))
    }
}

/// What follows from an invoice: what was sold, and until when. The invoice of a code has metadata, which say
/// its description.
pub(crate) fn terms(description: &str, expires_at: u64) -> Terms {
    let said = lnurl::description(description);
    let Description {
        valid_secs, sha256, ..
    } = Description::read(said.as_deref().unwrap_or(description));
    Terms::sold(sha256, expires_at, valid_secs)
}

/// An item's name has no slash.
fn external_id(item: &str, token_id: &[u8; 32]) -> String {
    format!("{item}/{}", token_id.to_lower_hex_string())
}

/// A time in UNIX seconds, as the scheme writes it.
pub(crate) fn time(unix_secs: u64) -> String {
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(unix_secs);
    humantime::format_rfc3339_seconds(time).to_string()
}

#[cfg(test)]
mod tests {
    use shared::api::PurchaseId;
    use shared::content::ContentHash;
    use shared::lightning::{Msat, Network, NodeId, Preimage};

    use super::*;
    use crate::secret::Secret;

    const EXPIRES: u64 = 1_800_000_000;
    const PREIMAGE: Preimage = Preimage([1; 32]);

    fn claims(byte: u8) -> Claims {
        Claims::new(&Secret::from_bytes([byte; 32]))
    }

    fn invoice(msat: u64) -> Invoice {
        let sha256 = ContentHash::of(b"cat");
        let node = format!("02{}", "ab".repeat(32));
        Invoice {
            bolt11: "lnbcrt1invoice".to_owned(),
            payment_hash: PREIMAGE.payment_hash(),
            amount_msat: Some(Msat(msat)),
            payee: node.parse::<NodeId>().unwrap(),
            network: Network::Regtest,
            description: Some(format!("A cat & \"co\" valid:60 sha256:{sha256}")),
            description_hash: None,
            metadata: None,
            created_at: EXPIRES - 600,
            expires_at: EXPIRES,
        }
    }

    fn claim(claims: &Claims, invoice: &Invoice) -> Claim {
        let identifier = Identifier {
            payment_hash: invoice.payment_hash,
            token_id: claims.token_id("cat", PurchaseId([2; 16])),
        };
        let terms = Terms {
            node: Some(invoice.payee),
            ..terms(invoice.description.as_ref().unwrap(), EXPIRES)
        };
        claims.mint("cat", identifier, terms)
    }

    fn issued(claims: &Claims) -> Challenge {
        let invoice = invoice(21_000);
        let claim = claim(claims, &invoice);
        claims.charge("cats.example", &claim, &invoice).unwrap()
    }

    #[test]
    fn a_charge_is_worth_the_claim_that_it_was_issued_with() {
        let claims = claims(7);
        let challenge = issued(&claims);
        assert_eq!(challenge.expires.as_deref(), Some("2027-01-15T08:00:00Z"));
        let request = challenge.charge().unwrap();
        assert_eq!((&*request.amount, &*request.currency), ("21", "sat"));
        assert_eq!(request.method_details.network, "regtest");
        let read = Challenge::read_all(&challenge.to_header());
        assert_eq!(read, std::slice::from_ref(&challenge));

        let credential = mpp::Credential::for_charge(challenge.clone(), PREIMAGE);
        let charged = claims.charged(&credential).unwrap();
        assert_eq!(charged.challenge_id, challenge.id);
        let claim = claim(&claims, &invoice(21_000));
        let again = charged.credential.claim.clone();
        assert_eq!(again.identifier().to_bytes(), claim.identifier().to_bytes());
        let told = |claim: &Claim| claims.verify(claim, EXPIRES).map(str::to_owned);
        assert_eq!(
            (told(&again), Claims::version(&again)),
            (told(&claim), Claims::version(&claim))
        );
        assert_eq!(again.valid_until(), claim.valid_until());
        assert_eq!(charged.credential.proves_payment(), Ok(true));
        assert_eq!(claim.valid_until(), Some(EXPIRES + 60));
    }

    #[test]
    fn a_charge_outlives_a_rotation() {
        let [old, new] = ["07", "08"].map(|digits| digits.repeat(32));
        let rotated = Claims::new(&format!("{new}\n{old}").parse().unwrap());
        let credential = mpp::Credential::for_charge(issued(&claims(7)), PREIMAGE);
        assert!(rotated.charged(&credential).is_ok());
    }

    #[test]
    fn nothing_that_was_changed_is_worth_anything() {
        let claims = claims(7);
        let challenge = issued(&claims);
        let refused = |challenge: Challenge, preimage| {
            let credential = mpp::Credential::for_charge(challenge, preimage);
            claims.charged(&credential).err()
        };
        let other = self::claims(8);
        assert_eq!(
            refused(issued(&other), PREIMAGE),
            Some(ClaimRejection::Signature)
        );
        assert_eq!(
            refused(challenge.clone(), Preimage([2; 32])),
            Some(ClaimRejection::Preimage)
        );
        let change: [fn(&mut Challenge); 5] = [
            |challenge| challenge.realm.push('x'),
            |challenge| challenge.request.push_str("AA"),
            |challenge| challenge.expires = None,
            |challenge| challenge.intent = "session".to_owned(),
            |challenge| challenge.id = mpp::encode(&[0; 32]),
        ];
        for change in change {
            let mut changed = challenge.clone();
            change(&mut changed);
            assert_eq!(refused(changed, PREIMAGE), Some(ClaimRejection::Signature));
        }
    }

    #[test]
    fn what_clients_add_or_leave_out_of_their_own_does_not_count() {
        let claims = claims(7);
        let mut challenge = issued(&claims);
        challenge.opaque = Some("e30".to_owned());
        challenge.digest = Some("sha-256=:x:".to_owned());
        challenge.description = Some("of mine".to_owned());
        let credential = mpp::Credential::for_charge(challenge, PREIMAGE);
        assert!(claims.charged(&credential).is_ok());
    }

    #[test]
    fn a_part_of_a_satoshi_and_a_narrowed_claim_have_no_charge() {
        let claims = claims(7);
        let odd = invoice(1_500);
        assert_eq!(claims.charge("x", &claim(&claims, &odd), &odd), None);
        let whole = invoice(2_000);
        let mut narrowed = claim(&claims, &whole).macaroon().clone();
        narrowed.caveats.push(b"valid_until=1".to_vec());
        let narrowed = Claim::new(narrowed).unwrap();
        assert_eq!(claims.charge("x", &narrowed, &whole), None);
    }
}

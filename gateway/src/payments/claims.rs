//! Claims: minting and verifying the buyer's ticket, and reading it from an `Authorization` header.
//!
//! A claim's root key follows from the store's secret and the claim's identifier, so nothing is
//! stored and every gateway with the same secret mints the same claim for the same purchase. Claims
//! are made with the secret's current key, which they name, and verified with all of its keys. The chain of
//! HMACs is that of libmacaroons, so other implementations can check and narrow it.

use std::sync::{Arc, PoisonError, RwLock};

use hmac::Mac as _;
use shared::api::PurchaseId;
use shared::claim::{
    CAVEAT_ITEM, CAVEAT_KEY, CAVEAT_NODE, CAVEAT_SHA256, CAVEAT_VALID_UNTIL, Claim, Identifier,
};
use shared::content::ContentHash;
use shared::lightning::{NodeId, PaymentHash, Preimage};
use shared::macaroon::Macaroon;
use shared::mpp::{self, MppError};

use crate::mac::{HmacSha256, keyed, over, sum};
use crate::options::MAX_EXPIRY;
use crate::payments::verified::Verified;
use crate::secret::{KeyId, Secret};

/// Mints and verifies claims with the store's secret. A clone has the same secret, also after that was
/// replaced.
#[derive(Clone)]
pub struct Claims {
    keys: Arc<RwLock<Arc<Keys>>>,
    generator: HmacSha256,
}

struct Keys {
    secret: Secret,
    current: Key,
    /// The others: what they made is verified and found. The next one comes first, which another
    /// gateway may use already; then the old ones, the newest first.
    others: Vec<Key>,
    /// The claims that were made with one of these.
    verified: Verified,
}

struct Key {
    id: KeyId,
    /// Keyed once: keying is half the work of a short HMAC.
    mac: HmacSha256,
}

impl Key {
    fn of(key: &[u8; 32]) -> Self {
        Self {
            id: KeyId::of(key),
            mac: keyed(key),
        }
    }

    /// Another key, which follows from this one and a name.
    fn derive(&self, name: &[u8]) -> HmacSha256 {
        keyed(&sum(self.mac.clone(), &[name]))
    }
}

impl Keys {
    fn of(secret: &Secret) -> Arc<Self> {
        Arc::new(Self {
            secret: secret.clone(),
            current: Key::of(secret.current()),
            others: secret.verifying().map(Key::of).collect(),
            verified: Verified::default(),
        })
    }

    fn all(&self) -> impl Iterator<Item = &Key> {
        [&self.current].into_iter().chain(&self.others)
    }
}

/// What a claim says besides its item and its payment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// The version of the goods that was sold.
    pub sha256: Option<ContentHash>,
    /// The last second in which it is accepted, in UNIX seconds.
    pub valid_until: Option<u64>,
    /// The node that has the invoice.
    pub node: Option<NodeId>,
}

impl Terms {
    /// What was sold under an invoice that can be paid until `expires_at`, for as long as its
    /// description says. Longer than any claim can be limited is for good.
    pub(crate) fn sold(
        sha256: Option<ContentHash>,
        expires_at: u64,
        valid_secs: Option<u64>,
    ) -> Self {
        let longest = CENTURY_SECS - MAX_EXPIRY.as_secs();
        let valid_secs = valid_secs.filter(|secs| *secs <= longest);
        Self {
            sha256,
            valid_until: valid_secs.map(|secs| expires_at.saturating_add(secs)),
            node: None,
        }
    }
}

/// Why a claim is worth nothing here. For the buyer; says nothing that helps to forge one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClaimRejection {
    /// Changed, cut, or made with another secret.
    #[error("it was not issued by this store")]
    Signature,
    /// It says that it was made with a key that is not in this store's secret: one that was removed, or
    /// another store's. For the buyer that is the same.
    #[error("it was not issued by this store")]
    UnknownKey(#[source] UnknownKey),
    /// Bound to another item, or to none.
    #[error("it is for another item")]
    Item,
    /// Bound to two versions of the goods, or to none that can be read.
    #[error("it is for another version of the goods")]
    Version,
    /// A time limit in it has passed, or is not a time.
    #[error("its time is over")]
    Expired,
    /// A time limit in it is further away than any that means something.
    #[error(
        "its caveat `valid_until` is more than a century ahead; it has to be UNIX time in seconds, not \
         milliseconds"
    )]
    TooLate,
    /// The preimage beside it belongs to another payment.
    #[error("the preimage does not belong to it")]
    Preimage,
    /// The header names the scheme, but what follows cannot be read.
    #[error("it cannot be read; the form is `L402 <claim>` or `L402 <claim>:<preimage>`")]
    Unreadable,
    /// The header names the scheme `Payment`, but what follows cannot be read.
    #[error(transparent)]
    Charge(#[from] MppError),
    /// There is none.
    #[error("there is none; send it as `Authorization: L402 <claim>`")]
    Missing,
}

/// A key that is not in the store's secret. For the owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it names the key {0}, which was removed from the secret or is another store's")]
pub struct UnknownKey(pub KeyId);

impl ClaimRejection {
    /// Whether the claim is this store's, but does not open what is asked for: paying again would.
    pub fn is_insufficient(self) -> bool {
        matches!(self, Self::Item | Self::Expired)
    }
}

/// A time limit that is further away is no limit: somebody wrote milliseconds.
pub(crate) const CENTURY_SECS: u64 = 100 * 365 * 86_400;

impl Claims {
    /// Claims of the gateways that have this secret.
    pub fn new(secret: &Secret) -> Self {
        Self {
            keys: Arc::new(RwLock::new(Keys::of(secret))),
            generator: keyed(b"macaroons-key-generator"),
        }
    }

    /// Uses this secret from now on.
    pub(crate) fn replace_secret(&self, secret: &Secret) {
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Keys::of(secret);
    }

    /// The secret that is in use.
    pub(crate) fn secret(&self) -> Secret {
        self.keys().secret.clone()
    }

    fn keys(&self) -> Arc<Keys> {
        let keys = self.keys.read();
        keys.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The name of a purchase in labels and identifiers; the same purchase has the same name.
    pub fn token_id(&self, item: &str, purchase_id: PurchaseId) -> [u8; 32] {
        token_id(&self.keys().current.mac, item, purchase_id)
    }

    /// What the purchase would have been called before each rotation, and what a gateway calls it that
    /// has gone on to the next key already.
    pub fn other_token_ids(&self, item: &str, purchase_id: PurchaseId) -> Vec<[u8; 32]> {
        let keys = self.keys();
        let others = keys.others.iter();
        others
            .map(|key| token_id(&key.mac, item, purchase_id))
            .collect()
    }

    /// Mints the claim for an item and the payment of its invoice. The same arguments make the same
    /// claim.
    ///
    /// # Panics
    /// Never: the identifier is written here.
    pub fn mint(&self, item: &str, identifier: Identifier, terms: Terms) -> Claim {
        let identifier = identifier.to_bytes();
        let Terms {
            sha256,
            valid_until,
            node,
        } = terms;
        let keys = self.keys();
        let caveats: Vec<Vec<u8>> = [
            Some(format!("{CAVEAT_ITEM}={item}")),
            sha256.map(|sha256| format!("{CAVEAT_SHA256}={sha256}")),
            valid_until.map(|until| format!("{CAVEAT_VALID_UNTIL}={until}")),
            node.map(|node| format!("{CAVEAT_NODE}={node}")),
            Some(format!("{CAVEAT_KEY}={}", keys.current.id)),
        ]
        .into_iter()
        .flatten()
        .map(String::into_bytes)
        .collect();
        let chain = self.chain(&keys.current.mac, &identifier, &caveats);
        let signature = chain.finalize().into_bytes();
        Claim::new(Macaroon {
            location: None,
            identifier,
            caveats,
            signature: signature.into(),
        })
        .expect("the identifier was written by Identifier::to_bytes")
    }

    /// Checks that this store issued the claim and that none of its limits has passed at `now`
    /// (UNIX seconds). Gives the name of what it is bound to: the id of an item of the catalogue, or
    /// that of a route with a price.
    ///
    /// Whoever has a claim may add caveats, so each of ours has to hold, wherever it stands.
    pub fn verify<'a>(&self, claim: &'a Claim, now: u64) -> Result<&'a str, ClaimRejection> {
        let keys = self.keys();
        let name = Verified::name(claim.macaroon());
        if !keys.verified.contains(&name) {
            self.verify_chain(&keys, claim)?;
            keys.verified.insert(name);
        }

        for limit in claim.caveats(CAVEAT_VALID_UNTIL).map(str::parse::<u64>) {
            match limit {
                Ok(limit) if limit < now => return Err(ClaimRejection::Expired),
                Ok(limit) if limit - now > CENTURY_SECS => return Err(ClaimRejection::TooLate),
                Ok(_) => {}
                Err(_) => return Err(ClaimRejection::Expired),
            }
        }
        let mut items = claim.caveats(CAVEAT_ITEM);
        let item = items.next().ok_or(ClaimRejection::Item)?;
        if items.any(|other| other != item) {
            return Err(ClaimRejection::Item);
        }
        Ok(item)
    }

    /// Checks that one of the keys made the claim.
    fn verify_chain(&self, keys: &Keys, claim: &Claim) -> Result<(), ClaimRejection> {
        let macaroon = claim.macaroon();
        let made_with = |key: &Key| {
            let chain = self.chain(&key.mac, &macaroon.identifier, &macaroon.caveats);
            chain.verify_slice(&macaroon.signature).is_ok()
        };
        // Ours stands before what its holder may have added; claims of before keys were named have none.
        let named = claim.caveats(CAVEAT_KEY).next();
        let named: Option<KeyId> = named.and_then(|id| id.parse().ok());
        let known = keys.all().find(|key| Some(key.id) == named);
        if known.is_some_and(made_with) || keys.all().any(made_with) {
            return Ok(());
        }
        Err(match (named, known) {
            (Some(id), None) => ClaimRejection::UnknownKey(UnknownKey(id)),
            _ => ClaimRejection::Signature,
        })
    }

    /// The version of the goods that a verified claim is for; claims of before versions were sold
    /// name none. Whoever has such a claim may add one, so a version is only ever one of the item.
    pub fn version(claim: &Claim) -> Result<Option<ContentHash>, ClaimRejection> {
        let mut versions = claim.caveats(CAVEAT_SHA256).map(str::parse);
        let Some(version) = versions.next() else {
            return Ok(None);
        };
        match version {
            Ok(version) if versions.all(|other| other == Ok(version)) => Ok(Some(version)),
            _ => Err(ClaimRejection::Version),
        }
    }

    /// The node that has the invoice, by the claim's own word; claims of before stores had several nodes
    /// name none. It says whom to ask first, and nothing else.
    pub(crate) fn node(claim: &Claim) -> Option<NodeId> {
        claim.caveats(CAVEAT_NODE).next()?.parse().ok()
    }

    /// The key for what is issued beside claims, by its name.
    pub(crate) fn derived_key(&self, name: &[u8]) -> HmacSha256 {
        self.keys().current.derive(name)
    }

    /// The keys that it is checked with, the current one first.
    pub(crate) fn derived_keys(&self, name: &[u8]) -> impl Iterator<Item = HmacSha256> + use<> {
        let keys = self.keys();
        let derived = keys.all().map(|key| key.derive(name));
        derived.collect::<Vec<_>>().into_iter()
    }

    /// The HMAC over the last part of a macaroon, keyed by the part before it.
    fn chain(&self, key: &HmacSha256, identifier: &[u8], caveats: &[Vec<u8>]) -> HmacSha256 {
        let root_key = sum(key.clone(), &[b"purrwall root_key\0", identifier]);
        let key = sum(self.generator.clone(), &[&root_key]);
        caveats
            .iter()
            .fold(over(keyed(&key), &[identifier]), |before, caveat| {
                over(keyed(&before.finalize().into_bytes()), &[caveat])
            })
    }
}

fn token_id(key: &HmacSha256, item: &str, purchase_id: PurchaseId) -> [u8; 32] {
    // An item's name has no zero byte, so the parts cannot be confused.
    let parts: [&[u8]; 4] = [
        b"purrwall token_id\0",
        item.as_bytes(),
        b"\0",
        &purchase_id.0,
    ];
    sum(key.clone(), &parts)
}

/// A claim as it was presented, with the proof of payment where there is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    /// Not verified yet.
    pub claim: Claim,
    /// Not compared with the claim yet.
    pub preimage: Option<Preimage>,
}

impl Credential {
    /// Whether the preimage beside the claim proves its payment; without one, nothing is proven.
    pub fn proves_payment(&self) -> Result<bool, ClaimRejection> {
        match self.preimage {
            None => Ok(false),
            Some(preimage) if preimage.payment_hash() == self.payment_hash() => Ok(true),
            Some(_) => Err(ClaimRejection::Preimage),
        }
    }

    /// The payment that unlocks.
    pub fn payment_hash(&self) -> PaymentHash {
        self.claim.payment_hash()
    }

    /// The form that [`read_one`](Self::read_one) reads.
    pub(crate) fn write(&self) -> String {
        let claim = self.claim.to_base64();
        match self.preimage {
            Some(preimage) => format!("{claim}:{}", preimage.to_hex()),
            None => claim,
        }
    }

    /// Reads the values of the `Authorization` headers: every part of each that names the scheme
    /// `L402` or `LSAT`. Other schemes are none of ours.
    ///
    /// Clients put several claims into one header or into several, so each comma begins a part.
    pub fn read<'a>(
        headers: impl IntoIterator<Item = &'a [u8]>,
    ) -> Vec<Result<Self, ClaimRejection>> {
        parts(headers)
            .filter(|(scheme, _)| *scheme == Scheme::L402)
            .map(|(_, part)| Self::read_one(part))
            .collect()
    }

    /// Reads `<claim>` or `<claim>:<preimage>`.
    pub(crate) fn read_one(part: &str) -> Result<Self, ClaimRejection> {
        let (claim, preimage) = part.trim().split_once(':').unwrap_or((part, ""));
        let preimage = match preimage.trim() {
            "" => None,
            hex => Some(hex.parse().map_err(|_| ClaimRejection::Unreadable)?),
        };
        let claim = claim.trim();
        Ok(Self {
            claim: claim.parse().map_err(|_| ClaimRejection::Unreadable)?,
            preimage,
        })
    }
}

/// The schemes that are spoken here.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scheme {
    /// Also called `LSAT`.
    L402,
    /// The one of [`shared::mpp`].
    Payment,
}

/// What stands in `Authorization` headers, by scheme. Each comma begins a part; one that names no scheme
/// of ours has that of the part before it.
pub(crate) fn parts<'a>(
    headers: impl IntoIterator<Item = &'a [u8]>,
) -> impl Iterator<Item = (Scheme, &'a str)> {
    let texts = headers
        .into_iter()
        .filter_map(|header| str::from_utf8(header).ok());
    texts.flat_map(|text| {
        let mut scheme = None;
        let parts = text.split(',').filter_map(move |part| {
            let (named, rest) = strip_scheme(part);
            scheme = named.or(scheme);
            Some((scheme?, rest))
        });
        parts.collect::<Vec<_>>()
    })
}

/// Some clients write the scheme twice where they send a credential again; the last one counts.
fn strip_scheme(mut part: &str) -> (Option<Scheme>, &str) {
    let mut named = None;
    while let Some((scheme, rest)) = scheme_of(part.trim_start()) {
        named = Some(scheme);
        part = rest;
    }
    (named, part)
}

/// The scheme that stands before a space, and what follows. Only the names are compared: a claim without
/// one would else be searched to its end.
fn scheme_of(part: &str) -> Option<(Scheme, &str)> {
    let names = [
        ("L402", Scheme::L402),
        ("LSAT", Scheme::L402),
        (mpp::SCHEME, Scheme::Payment),
    ];
    names.into_iter().find_map(|(name, scheme)| {
        let (start, rest) = part.split_at_checked(name.len())?;
        let rest = rest.strip_prefix([' ', '\t'])?;
        start.eq_ignore_ascii_case(name).then_some((scheme, rest))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_800_000_000;

    fn claims() -> Claims {
        Claims::new(&Secret::from_bytes([7; 32]))
    }

    fn identifier() -> Identifier {
        Identifier {
            payment_hash: Preimage([1; 32]).payment_hash(),
            token_id: claims().token_id("cat", PurchaseId([2; 16])),
        }
    }

    fn claim() -> Claim {
        claims().mint("cat", identifier(), Terms::default())
    }

    /// The claim with one more caveat, added as any holder can: without the secret.
    fn narrowed(claim: &Claim, caveat: &str) -> Claim {
        let mut macaroon = claim.macaroon().clone();
        macaroon.signature = sum(keyed(&macaroon.signature), &[caveat.as_bytes()]);
        macaroon.caveats.push(caveat.as_bytes().to_vec());
        Claim::new(macaroon).unwrap()
    }

    #[test]
    fn a_minted_claim_verifies_for_its_item() {
        assert_eq!(claims().verify(&claim(), NOW), Ok("cat"));
        assert_eq!(claim().payment_hash(), identifier().payment_hash);
    }

    #[test]
    fn the_same_purchase_gets_the_same_claim_and_no_other_does() {
        let id = |item_id, purchase| claims().token_id(item_id, PurchaseId([purchase; 16]));
        assert_eq!(id("cat", 1), id("cat", 1));
        assert_ne!(id("cat", 1), id("cat", 2));
        assert_ne!(id("cat", 1), id("two-cats", 1));
        assert_eq!(claim(), claim());
    }

    #[test]
    fn a_claim_of_another_secret_is_rejected() {
        let other = Claims::new(&Secret::from_bytes([8; 32]));
        assert_eq!(other.verify(&claim(), NOW), Err(removed()));
    }

    #[test]
    fn a_claim_outlives_a_rotation_until_its_key_is_removed() {
        let [old, new] = ["07", "08"].map(|digits| digits.repeat(32));
        let claims = |keys: &[&str]| Claims::new(&keys.join("\n").parse().unwrap());
        let rotated = claims(&[&new, &old]);
        assert_eq!(rotated.verify(&claim(), NOW), Ok("cat"));
        let removed = claims(&[&new]);
        assert_eq!(removed.verify(&claim(), NOW), Err(self::removed()));

        let minted = rotated.mint("cat", identifier(), Terms::default());
        assert_eq!(removed.verify(&minted, NOW), Ok("cat"));
        let purchase = PurchaseId([2; 16]);
        let old_names: Vec<_> = rotated.other_token_ids("cat", purchase);
        assert_eq!(old_names, [identifier().token_id]);
        assert_ne!(rotated.token_id("cat", purchase), identifier().token_id);
    }

    /// What becomes of [`claim`] where its key is not known.
    fn removed() -> ClaimRejection {
        ClaimRejection::UnknownKey(UnknownKey(KeyId::of(&[7; 32])))
    }

    #[test]
    fn a_claim_names_its_key_and_the_owner_alone_is_told() {
        let why = removed();
        assert_eq!(why.to_string(), ClaimRejection::Signature.to_string());
        let id = KeyId::of(&[7; 32]).to_string();
        assert!(crate::errors::chain(&why).contains(&id), "{why:?}");
        // Whose key is known was changed, and what names no key may be anything.
        let mut changed = claim().macaroon().clone();
        changed.signature = [0; 32];
        let refused = |macaroon| claims().verify(&Claim::new(macaroon).unwrap(), NOW).err();
        assert_eq!(refused(changed.clone()), Some(ClaimRejection::Signature));
        changed.caveats.clear();
        assert_eq!(refused(changed), Some(ClaimRejection::Signature));
    }

    #[test]
    fn a_claim_of_before_keys_were_named_is_as_good() {
        let caveats = vec![b"item=cat".to_vec()];
        let identifier = identifier().to_bytes();
        let chain = claims().chain(&claims().keys().current.mac, &identifier, &caveats);
        let old = Claim::new(Macaroon {
            location: None,
            identifier,
            caveats,
            signature: chain.finalize().into_bytes().into(),
        });
        let old = old.unwrap();
        assert_eq!(claims().verify(&old, NOW), Ok("cat"));
        assert_eq!(Claims::node(&old), None);
        // Its holder may add what no gateway of ours would have written.
        for added in ["key=00000000", "key=x"] {
            assert_eq!(claims().verify(&narrowed(&old, added), NOW), Ok("cat"));
        }
    }

    #[test]
    fn a_claim_names_the_node_that_has_its_invoice() {
        let node: NodeId = format!("02{}", "ab".repeat(32)).parse().unwrap();
        let terms = Terms {
            node: Some(node),
            ..Terms::default()
        };
        let claim = claims().mint("cat", identifier(), terms);
        assert_eq!(Claims::node(&claim), Some(node));
        let other = narrowed(&claim, &format!("node=03{}", "ab".repeat(32)));
        assert_eq!(Claims::node(&other), Some(node), "what was issued counts");
    }

    #[test]
    fn every_changed_byte_is_noticed() {
        let claims = claims();
        // The right one was verified before.
        assert_eq!(claims.verify(&claim(), NOW), Ok("cat"));
        let bytes = claim().macaroon().to_bytes();
        for at in 0..bytes.len() {
            let mut forged = bytes.clone();
            forged[at] ^= 1;
            let Ok(macaroon) = Macaroon::from_bytes(&forged) else {
                continue;
            };
            let Ok(forged) = Claim::new(macaroon) else {
                continue;
            };
            let verified = claims.verify(&forged, NOW);
            let is_noticed = matches!(
                verified,
                Err(ClaimRejection::Signature | ClaimRejection::UnknownKey(_))
            );
            assert!(is_noticed, "byte {at}: {verified:?}");
        }
    }

    #[test]
    fn a_claim_moved_to_another_payment_is_rejected() {
        let mut macaroon = claim().macaroon().clone();
        macaroon.identifier = Identifier {
            payment_hash: PaymentHash([9; 32]),
            ..identifier()
        }
        .to_bytes();
        let moved = Claim::new(macaroon).unwrap();
        assert_eq!(claims().verify(&moved, NOW), Err(ClaimRejection::Signature));
    }

    #[test]
    fn a_claim_without_its_caveat_is_rejected() {
        let mut macaroon = claim().macaroon().clone();
        macaroon.caveats.clear();
        let cut = Claim::new(macaroon).unwrap();
        assert_eq!(claims().verify(&cut, NOW), Err(ClaimRejection::Signature));
    }

    #[test]
    fn an_issued_claim_without_an_item_unlocks_nothing() {
        let chain = claims().chain(&claims().keys().current.mac, &identifier().to_bytes(), &[]);
        let unbound = Claim::new(Macaroon {
            location: None,
            identifier: identifier().to_bytes(),
            caveats: Vec::new(),
            signature: chain.finalize().into_bytes().into(),
        })
        .unwrap();
        assert_eq!(claims().verify(&unbound, NOW), Err(ClaimRejection::Item));
    }

    #[test]
    fn a_second_item_cannot_be_added() {
        let both = narrowed(&claim(), "item=two-cats");
        assert_eq!(claims().verify(&both, NOW), Err(ClaimRejection::Item));
    }

    #[test]
    fn a_time_limit_holds_up_to_its_second() {
        let until = |text: &str| narrowed(&claim(), &format!("valid_until={text}"));
        let verify = |text| claims().verify(&until(text), NOW).map(str::to_owned);
        assert_eq!(verify("1800000000"), Ok("cat".to_owned()));
        assert_eq!(verify("1799999999"), Err(ClaimRejection::Expired));
        assert_eq!(verify("tomorrow"), Err(ClaimRejection::Expired));
        let later_again = narrowed(&until("1799999999"), "valid_until=1900000000");
        assert_eq!(
            claims().verify(&later_again, NOW),
            Err(ClaimRejection::Expired)
        );
    }

    #[test]
    fn what_was_verified_before_is_held_to_its_limits_and_to_the_secret() {
        let claims = claims();
        let limited = narrowed(&claim(), &format!("valid_until={NOW}"));
        assert_eq!(claims.verify(&limited, NOW), Ok("cat"));
        let late = claims.verify(&limited, NOW + 1);
        assert_eq!(late, Err(ClaimRejection::Expired));
        claims.replace_secret(&Secret::from_bytes([8; 32]));
        assert_eq!(claims.verify(&limited, NOW), Err(removed()));
    }

    #[test]
    fn a_limit_in_milliseconds_is_none() {
        let until = |limit: u64| narrowed(&claim(), &format!("valid_until={limit}"));
        let verify = |limit| claims().verify(&until(limit), NOW).map(str::to_owned);
        assert_eq!(verify(NOW * 1000), Err(ClaimRejection::TooLate));
        let last = NOW + CENTURY_SECS;
        assert_eq!(verify(last), Ok("cat".to_owned()));
        assert_eq!(verify(last + 1), Err(ClaimRejection::TooLate));
    }

    #[test]
    fn a_claim_names_the_version_that_was_sold_and_no_other() {
        let [sold, other] = [b"sold", b"else"].map(|bytes| ContentHash::of(bytes));
        let limits = Terms {
            sha256: Some(sold),
            valid_until: Some(NOW),
            node: None,
        };
        let claim = claims().mint("cat", identifier(), limits);
        assert_eq!(claims().verify(&claim, NOW), Ok("cat"));
        assert_eq!(
            claims().verify(&claim, NOW + 1),
            Err(ClaimRejection::Expired)
        );
        assert_eq!(Claims::version(&claim), Ok(Some(sold)));
        assert_eq!(Claims::version(&self::claim()), Ok(None));
        for added in [format!("sha256={other}"), "sha256=".to_owned()] {
            let both = narrowed(&claim, &added);
            assert_eq!(Claims::version(&both), Err(ClaimRejection::Version));
        }
    }

    #[test]
    fn an_unknown_caveat_is_skipped() {
        let narrowed = narrowed(&claim(), "color=blue");
        assert_eq!(claims().verify(&narrowed, NOW), Ok("cat"));
    }

    #[track_caller]
    fn check_header(header: &str, expected: &[Option<Preimage>]) {
        let read = Credential::read([header.as_bytes()]);
        let read: Vec<_> = read.into_iter().map(Result::unwrap).collect();
        assert!(read.iter().all(|one| one.claim == claim()), "{read:?}");
        let preimages: Vec<_> = read.iter().map(|one| one.preimage).collect();
        assert_eq!(preimages, expected);
    }

    #[test]
    fn every_usual_form_of_the_header_is_read() {
        let claim = claim().to_base64();
        let url_safe = claim.replace('+', "-").replace('/', "_");
        let url_safe = url_safe.trim_end_matches('=');
        let proof = Preimage([1; 32]);
        let hex = proof.to_hex();
        let upper = hex.to_uppercase();
        check_header(&format!("L402 {claim}"), &[None]);
        check_header(&format!("L402 {claim}:{hex}"), &[Some(proof)]);
        check_header(&format!("lsat {url_safe}:{upper}"), &[Some(proof)]);
        check_header(&format!("LSAT  {claim} : "), &[None]);
        check_header(&format!("L402 L402 {claim}:{hex}"), &[Some(proof)]);
        check_header(&format!("L402 {claim},{claim}:{hex}"), &[None, Some(proof)]);
        check_header(
            &format!("l402 {claim}:{hex}, L402 {claim}"),
            &[Some(proof), None],
        );
    }

    #[test]
    fn other_schemes_are_not_ours_and_broken_claims_are_rejected() {
        let read = |header: &str| Credential::read([header.as_bytes()]);
        assert_eq!(read("Basic dXNlcjpwYXNz"), []);
        assert_eq!(read("L402"), []);
        let unreadable = [Err(ClaimRejection::Unreadable)];
        assert_eq!(read("L402 %%%"), unreadable);
        assert_eq!(
            read(&format!("L402 {}:00ff", claim().to_base64())),
            unreadable
        );
    }

    #[test]
    fn the_schemes_may_stand_in_one_header() {
        let claim = claim().to_base64();
        for header in [
            format!("Payment e30, L402 {claim}"),
            format!("L402 {claim}, payment e30"),
            format!("Digest a=\"b c\", d=e, LSAT {claim}, Payment e30"),
        ] {
            check_header(&header, &[None]);
            let payments =
                parts([header.as_bytes()]).filter(|(scheme, _)| *scheme == Scheme::Payment);
            assert_eq!(payments.map(|(_, part)| part).collect::<Vec<_>>(), ["e30"]);
        }
    }

    #[test]
    fn a_preimage_of_another_payment_proves_nothing() {
        let with = |preimage| Credential {
            claim: claim(),
            preimage,
        };
        assert_eq!(with(None).proves_payment(), Ok(false));
        assert_eq!(with(Some(Preimage([1; 32]))).proves_payment(), Ok(true));
        assert_eq!(
            with(Some(Preimage([3; 32]))).proves_payment(),
            Err(ClaimRejection::Preimage)
        );
    }
}

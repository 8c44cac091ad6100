//! What strangers can send to a store or to a buyer, one function for each kind.
//!
//! A function takes any bytes, fails where a promise does not hold, and says whether the bytes meant
//! something. `cargo xtask fuzz` calls it with bytes that libFuzzer makes up; `tests/corpora.rs` calls
//! it with those in `corpus/`, on any toolchain. A new kind needs a function here, its line in
//! [`TARGETS`], a program in `fuzz_targets/` and a folder in `corpus/`.

#![expect(
    clippy::missing_panics_doc,
    reason = "a panic is what the fuzzer looks for"
)]

mod program;

use std::fmt::Debug;
use std::str;

use serde::{Serialize, de::DeserializeOwned};
use shared::api::{CreatedInvoice, InvoiceStatus, Store};
use shared::claim::{CAVEAT_VALID_UNTIL, Claim, Identifier};
use shared::content::{ContentHash, commitment};
use shared::invoice::{Asking, Expected, Invoice, Terms, check, created_at};
use shared::lightning::{Msat, Payees};
use shared::link::Link;
use shared::macaroon::Macaroon;
use shared::problem::Problem;
use shared::receipt::Receipt;

pub use program::{authorization, cookie, lightningd, payment, settings};

/// A function that takes any bytes and says whether they meant something.
pub type Target = fn(&[u8]) -> bool;

/// All kinds, by the names of their programs and folders.
pub const TARGETS: [(&str, Target); 12] = [
    ("authorization", authorization),
    ("bolt11", bolt11),
    ("claim", claim),
    ("cookie", cookie),
    ("lightningd", lightningd),
    ("link", link),
    ("macaroon", macaroon),
    ("payment", payment),
    ("problem", problem),
    ("receipt", receipt),
    ("settings", settings),
    ("store", store),
];

/// An invoice, and the buyer's checks of it.
pub fn bolt11(data: &[u8]) -> bool {
    let Ok(text) = str::from_utf8(data) else {
        return false;
    };
    let Ok(invoice) = Invoice::decode(text) else {
        return false;
    };
    assert!(created_at(text).is_some());
    assert!(invoice.is_expired(u64::MAX));
    if let Some(rate) = invoice.stated_rate() {
        assert!(!format!("{rate:?}").is_empty());
    }
    // A claim for this very invoice, and expectations that it meets if it has an amount and a promise.
    let identifier = Identifier {
        payment_hash: invoice.payment_hash,
        token_id: [0; 32],
    };
    let claim = Claim::new(Macaroon {
        location: None,
        identifier: identifier.to_bytes(),
        caveats: Vec::new(),
        signature: [0; 32],
    });
    let promised = invoice.description.as_deref().and_then(commitment);
    let payees = Payees::new(invoice.payee, Vec::new());
    let expected = Expected {
        network: invoice.network,
        payees: Some(&payees),
        asking: Asking::AtMost(Msat(u64::MAX)),
        sha256: promised,
    };
    let claim = claim.expect("an identifier of ours");
    let checked = check(&invoice, claim.payment_hash(), &expected);
    let is_whole = promised.is_some() && invoice.amount_msat.is_some();
    assert_eq!(checked.is_ok(), is_whole, "{checked:?}");
    if let Err(failed) = checked {
        assert!(!failed.to_string().is_empty());
    }
    true
}

/// The ticket that stands in the Authorization header and in the cookie.
pub fn claim(data: &[u8]) -> bool {
    let Some(claim) = parse::<Claim>(data) else {
        return false;
    };
    assert_eq!(claim.to_base64().parse().as_ref(), Ok(&claim));
    assert_eq!(claim.payment_hash(), claim.identifier().payment_hash);
    let is_limited = claim.caveats(CAVEAT_VALID_UNTIL).next().is_some();
    assert!(is_limited || claim.valid_until().is_none());
    true
}

/// The part of a purchase's link behind the `#`.
pub fn link(data: &[u8]) -> bool {
    let Ok(fragment) = str::from_utf8(data) else {
        return false;
    };
    let Ok(json) = Link::json(fragment) else {
        return false;
    };
    assert!(Link::is_meant(fragment));
    let again = Link::json(&Link::fragment(&json));
    assert_eq!(again.as_ref(), Ok(&json));
    survives_a_round::<Link>(json.as_bytes())
}

/// A macaroon's bytes.
pub fn macaroon(data: &[u8]) -> bool {
    let Ok(macaroon) = Macaroon::from_bytes(data) else {
        return false;
    };
    assert_eq!(Macaroon::from_bytes(&macaroon.to_bytes()), Ok(macaroon));
    true
}

/// What a store says went wrong.
pub fn problem(data: &[u8]) -> bool {
    survives_a_round::<Problem>(data)
}

/// A receipt that somebody shows.
pub fn receipt(data: &[u8]) -> bool {
    let Ok(receipt) = serde_json::from_slice::<Receipt>(data) else {
        return false;
    };
    for content in [None, Some(receipt.sha256), Some(ContentHash::of(data))] {
        let said = match receipt.verify(content) {
            Ok(proof) => proof.to_string(),
            Err(error) => error.to_string(),
        };
        assert!(!said.is_empty());
    }
    survives_a_round::<Receipt>(data)
}

/// A store's other answers: what it sells, an invoice, how it stands.
pub fn store(data: &[u8]) -> bool {
    let store = survives_a_round::<Store>(data);
    if let Ok(store) = serde_json::from_slice::<Store>(data) {
        for item in &store.items {
            assert!(!item.price_text().is_empty());
            assert_eq!(Terms::of(&store, item).sha256, item.sha256);
        }
    }
    // All of them, whichever the bytes are.
    store | survives_a_round::<CreatedInvoice>(data) | survives_a_round::<InvoiceStatus>(data)
}

fn parse<T: str::FromStr>(data: &[u8]) -> Option<T> {
    str::from_utf8(data).ok()?.parse().ok()
}

/// Whether the bytes are such a value, which is then written and read again.
fn survives_a_round<T: Serialize + DeserializeOwned + PartialEq + Debug>(data: &[u8]) -> bool {
    let Ok(value) = serde_json::from_slice::<T>(data) else {
        return false;
    };
    let text = serde_json::to_string(&value).expect("what was read can be written");
    let again: T = serde_json::from_str(&text).expect("what was written can be read");
    assert_eq!(again, value);
    true
}

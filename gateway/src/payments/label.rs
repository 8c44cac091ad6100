//! The names of our invoices at lightningd: `purrwall/<store>/<item>/<token_id>`, where a route with
//! a price has `:<name>` for its item.
//!
//! The name tells this store's invoices from everyone else's at the same node, and what was sold. It
//! is not for logs: with the gateway's secret, claims follow from it.
//!
//! Earlier gateways left the store out: `purrwall/<item>/<token_id>`, with the token_id in hex and
//! `route:<name>` for a route. Those belong to the store that has no id of its own, as it was the
//! first one at its node.

use std::fmt;
use std::str::FromStr;
use std::sync::atomic::{AtomicBool, Ordering};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use bitcoin::hex::DisplayHex as _;
use shared::api::ItemId;

const PREFIX: &str = "purrwall/";

/// What a route is called where an item's id would stand. No id has a colon, so that no claim for one
/// is good for the other.
pub(crate) fn route(name: &ItemId) -> String {
    format!("{ROUTE}{name}")
}

const ROUTE: &str = "route:";
/// What stands for [`ROUTE`] in a label, which holds 128 bytes.
const SHORT_ROUTE: &str = ":";

/// A store's name at its node: 1 to 24 of `a-z`, `0-9`, `-`. Buyers never see it, and it stays when
/// the store is called something else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreId(String);

/// The text is no [`StoreId`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is no id of a store; use 1 to 24 lower-case letters, digits or hyphens")]
pub struct ParseStoreIdError;

impl Default for StoreId {
    /// That of a store whose owner chose none.
    fn default() -> Self {
        Self("store".to_owned())
    }
}

impl FromStr for StoreId {
    type Err = ParseStoreIdError;
    fn from_str(text: &str) -> Result<Self, ParseStoreIdError> {
        let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if (1..=24).contains(&text.len()) && text.bytes().all(fits) {
            Ok(Self(text.to_owned()))
        } else {
            Err(ParseStoreIdError)
        }
    }
}

impl fmt::Display for StoreId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl StoreId {
    /// The label of this store's invoice for an item or a route.
    pub(crate) fn label(&self, item: &str, token_id: &[u8; 32]) -> String {
        let (route, item) = match item.strip_prefix(ROUTE) {
            Some(name) => (SHORT_ROUTE, name),
            None => ("", item),
        };
        let token_id = BASE64_URL_SAFE_NO_PAD.encode(token_id);
        format!("{}{route}{item}/{token_id}", self.label_prefix())
    }

    /// What the labels of all its invoices begin with.
    pub fn label_prefix(&self) -> String {
        format!("{PREFIX}{self}/")
    }

    /// Whether an invoice with this label is one of this store's.
    pub fn owns(&self, label: &str) -> bool {
        self.item(label).is_some()
    }

    /// What an invoice of this store is for: an item's id, or `route:` and a route's name. `None`
    /// where the invoice is somebody else's.
    pub(crate) fn item(&self, label: &str) -> Option<String> {
        let label = label.strip_prefix(PREFIX)?;
        let own = label
            .strip_prefix(&self.0)
            .and_then(|label| label.strip_prefix('/'));
        own.and_then(read).or_else(|| {
            let is_first = *self == Self::default();
            is_first.then(|| read_old(label)).flatten()
        })
    }
}

/// What follows the store: `<item>/<token_id>`.
fn read(label: &str) -> Option<String> {
    let (item, token_id) = label.split_once('/')?;
    let token_id = BASE64_URL_SAFE_NO_PAD.decode(token_id).ok()?;
    if token_id.len() != 32 {
        return None;
    }
    let name = item.strip_prefix(SHORT_ROUTE);
    let id: ItemId = name.unwrap_or(item).parse().ok()?;
    Some(match name {
        Some(_) => route(&id),
        None => id.to_string(),
    })
}

/// The label that an earlier gateway gave to the same invoice.
pub(crate) fn old_label(item: &str, token_id: &[u8; 32]) -> String {
    format!("{PREFIX}{item}/{}", token_id.to_lower_hex_string())
}

/// What follows the prefix in a label without a store.
fn read_old(label: &str) -> Option<String> {
    let (item, token_id) = label.split_once('/')?;
    let is_token = token_id.len() == 64 && token_id.bytes().all(|byte| byte.is_ascii_hexdigit());
    let id: Result<ItemId, _> = item.strip_prefix(ROUTE).unwrap_or(item).parse();
    (is_token && id.is_ok()).then(|| item.to_owned())
}

/// Whether lightningd may have invoices of earlier gateways, so that a purchase may have its invoice
/// under its old label. Looking for it costs a call for each new invoice.
#[derive(Debug)]
pub(crate) struct OldLabels(AtomicBool);

impl Default for OldLabels {
    /// They may be there until lightningd's book was read.
    fn default() -> Self {
        Self(AtomicBool::new(true))
    }
}

impl OldLabels {
    pub(crate) fn may_be(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// The book was read, or has to be read again.
    pub(crate) fn set(&self, may_be: bool) {
        self.0.store(may_be, Ordering::Relaxed);
    }

    /// Whether an earlier gateway, of this store or of another one, gave this label.
    pub(crate) fn is_one(label: &str) -> bool {
        label.strip_prefix(PREFIX).and_then(read_old).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: [u8; 32] = [0xab; 32];
    /// [`TOKEN`] in base64url.
    const WRITTEN: &str = "q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s";

    fn store(id: &str) -> StoreId {
        id.parse().unwrap()
    }

    #[test]
    fn a_label_names_its_store_and_its_item() {
        let label = store("cats-2").label("cat", &TOKEN);
        assert_eq!(label, format!("purrwall/cats-2/cat/{WRITTEN}"));
        assert_eq!(store("cats-2").item(&label), Some("cat".into()));
    }

    #[test]
    fn the_longest_label_fits_into_128_bytes() {
        let name = "x".repeat(48).parse().unwrap();
        let store = store(&"s".repeat(24));
        let label = store.label(&route(&name), &TOKEN);
        assert!(label.len() <= 128, "lightningd takes no more: {label}");
        assert_eq!(store.item(&label), Some(format!("route:{name}")));
    }

    #[test]
    fn stores_at_one_node_see_only_their_own() {
        let stores = ["store", "cats", "cats-2", "cat"].map(store);
        for (one, seller) in stores.iter().enumerate() {
            let label = seller.label("cat", &TOKEN);
            for (other, reader) in stores.iter().enumerate() {
                assert_eq!(reader.item(&label).is_some(), one == other, "{label}");
            }
        }
    }

    #[test]
    fn labels_of_before_are_those_of_the_store_without_an_id() {
        let name = "x".repeat(48).parse().unwrap();
        for item in ["cat", "store", &route(&name)] {
            let label = old_label(item, &TOKEN);
            assert!(OldLabels::is_one(&label), "{label}");
            assert_eq!(StoreId::default().item(&label).as_deref(), Some(item));
            assert_eq!(store("cats").item(&label), None);
            assert_eq!(store("cat").item(&label), None);
        }
    }

    #[test]
    fn labels_of_others_name_nothing() {
        let hex = "ab".repeat(32);
        for foreign in [
            "",
            "purrwall/",
            "purrwall/cat",
            "purrwall/cat/",
            "purrwall/cat/order-1",
            "purrwall/store/cat/order-1",
            "purrwall/store/cat/",
            &format!("purrwall/store/cat/{WRITTEN}="),
            &format!("purrwall/store/cat/{WRITTEN}/1"),
            &format!("purrwall/store/cat/{hex}"),
            &format!("purrwall/store/route:cat/{WRITTEN}"),
            &format!("purrwall/store/No item/{WRITTEN}"),
            &format!("purrwall/store/:/{WRITTEN}"),
            &format!("purrwall/cat/{WRITTEN}"),
            &format!("purrwall/{hex}"),
            &format!("Purrwall/cat/{hex}"),
            &format!("purrwall/cat/{hex}/1"),
            &format!("purrwall/No item/{hex}"),
            &format!("purrwall/route:/{hex}"),
        ] {
            assert_eq!(StoreId::default().item(foreign), None, "{foreign}");
        }
    }

    #[test]
    fn an_id_is_short_and_plain() {
        for wrong in ["", "Cats", "my cats", "a/b", "s\u{e9}", &"x".repeat(25)] {
            assert_eq!(wrong.parse::<StoreId>(), Err(ParseStoreIdError), "{wrong}");
        }
    }
}

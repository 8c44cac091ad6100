//! The address of a store, and of an item in any of the forms that people copy.

use std::fmt;
use std::str::FromStr;

use http::Uri;
use shared::api::{INVOICE_PATH, ItemId, MANIFEST_PATH, STORE_PATH, content_path, sealed_path};
use shared::digest::Digest;

/// A store. Has no slash at the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreAddress(String);

/// An item at a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    store: StoreAddress,
    item: ItemId,
}

/// Text that is no store's address.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is not a store's address; it has the form https://STORE")]
pub struct StoreAddressError(String);

/// Text that is no item's address.
#[derive(Debug, thiserror::Error)]
#[error(
    "{0:?} is not an item's address; it has the form https://STORE/goods/ITEM, https://STORE/buy/ITEM or \
     https://STORE/api/v1/items/ITEM/content. What else has a price, without a promise of its content, is for other \
     clients: docs/l402.md pays by curl"
)]
pub struct AddressError(String);

impl StoreAddress {
    /// An item of the store's.
    pub fn item(&self, item: ItemId) -> Address {
        Address {
            store: self.clone(),
            item,
        }
    }

    /// Where the store itself has a ciphertext.
    pub fn sealed(&self, ct: Digest) -> String {
        [&self.0, &*sealed_path(ct)].concat()
    }

    /// Where the store lists what it sells.
    pub fn list(&self) -> String {
        [&self.0, STORE_PATH].concat()
    }
}

impl fmt::Display for StoreAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for StoreAddress {
    type Err = StoreAddressError;
    fn from_str(text: &str) -> Result<Self, StoreAddressError> {
        let (text, _) = text.split_once('#').unwrap_or((text, ""));
        let store = read(text).filter(|(uri, _)| uri.query().is_none());
        let store = store.map(|(uri, origin)| origin + uri.path().trim_end_matches('/'));
        store
            .map(Self)
            .ok_or_else(|| StoreAddressError(text.chars().take(200).collect()))
    }
}

impl Address {
    /// The store that sells it.
    pub fn store(&self) -> &StoreAddress {
        &self.store
    }

    /// The item's name at the store.
    pub fn item(&self) -> &ItemId {
        &self.item
    }

    /// Where the goods are.
    pub fn content(&self) -> String {
        [&self.store.0, &*content_path(&self.item)].concat()
    }

    /// Where the claim's manifest is.
    pub fn manifest(&self) -> String {
        [&self.store.0, MANIFEST_PATH].concat()
    }

    /// Where the claim's payment is asked about.
    pub fn status(&self) -> String {
        [&self.store.0, INVOICE_PATH].concat()
    }
}

/// Reads the address of an item's content, of its invoices, or of its page. What stands before that
/// is the store's, so a store may live below any path.
impl FromStr for Address {
    type Err = AddressError;
    fn from_str(text: &str) -> Result<Self, AddressError> {
        let error = || AddressError(text.chars().take(200).collect());
        // A fragment may hold a claim; it is for browsers.
        let (text, _) = text.split_once('#').unwrap_or((text, ""));
        let (uri, origin) = read(text).ok_or_else(error)?;
        let places = ["/api/v1/items/", "/buy/", "/goods/"];
        let mut found = places
            .iter()
            .filter_map(|place| uri.path().rsplit_once(place));
        let (folder, rest) = found.next().ok_or_else(error)?;
        let item = match rest.trim_end_matches('/').split_once('/') {
            None => rest.trim_end_matches('/'),
            Some((item, "content" | "invoices")) => item,
            Some(_) => return Err(error()),
        };
        Ok(Self {
            store: StoreAddress(origin + folder),
            item: item.parse().map_err(|_| error())?,
        })
    }
}

/// An address of the web, and its origin.
fn read(text: &str) -> Option<(Uri, String)> {
    let uri: Uri = text.parse().ok()?;
    match (uri.scheme_str(), uri.authority()) {
        (Some(scheme @ ("http" | "https")), Some(host)) => {
            let origin = format!("{scheme}://{host}");
            Some((uri, origin))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, content: &str) {
        let address: Address = text.parse().unwrap();
        assert_eq!(address.content(), content);
    }

    #[test]
    fn every_address_of_an_item_is_read() {
        let content = "https://cats.example/api/v1/items/two-cats/content";
        check(content, content);
        check("https://cats.example/buy/two-cats", content);
        check("https://cats.example/goods/two-cats", content);
        check("https://cats.example/buy/two-cats/?still#x", content);
        check("https://cats.example/buy/two-cats/content", content);
        check(
            "https://cats.example/api/v1/items/two-cats/invoices",
            content,
        );
        check(
            "http://127.0.0.1:8080/shop/api/v1/items/cat/content",
            "http://127.0.0.1:8080/shop/api/v1/items/cat/content",
        );
    }

    #[test]
    fn the_status_is_at_the_same_store() {
        let address: Address = "http://[::1]:1/shop/buy/cat".parse().unwrap();
        assert_eq!(address.status(), "http://[::1]:1/shop/api/v1/invoice");
        assert_eq!(address.item().as_str(), "cat");
    }

    #[test]
    fn a_store_may_live_below_any_path() {
        for (text, list) in [
            ("https://cats.example", "https://cats.example/api/v1/store"),
            ("https://cats.example/", "https://cats.example/api/v1/store"),
            ("http://[::1]:1/shop/#x", "http://[::1]:1/shop/api/v1/store"),
        ] {
            let store: StoreAddress = text.parse().unwrap();
            assert_eq!(store.list(), list);
            let cat = store.item("cat".parse().unwrap());
            assert_eq!(cat.store(), &store);
            assert_eq!(cat.content(), format!("{store}/api/v1/items/cat/content"));
        }
        for text in [
            "",
            "cats.example",
            "ftp://cats.example",
            "https://cats.example?x",
        ] {
            assert!(text.parse::<StoreAddress>().is_err(), "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "cat",
            "https://cats.example/",
            "https://cats.example/buy/",
            "https://cats.example/buy/Two Cats",
            "https://cats.example/buy/cat/preview",
            "https://cats.example/items/cat",
            "ftp://cats.example/buy/cat",
            "/api/v1/items/cat/content",
        ] {
            assert!(text.parse::<Address>().is_err(), "{text}");
        }
    }
}

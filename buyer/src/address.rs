//! The address of an item, in any of the forms that people copy.

use std::str::FromStr;

use http::Uri;
use shared::api::{INVOICE_PATH, ItemId, STORE_PATH, content_path};

/// An item at a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// The store's, without a slash at the end.
    store: String,
    item: ItemId,
}

/// Text that is no item's address.
#[derive(Debug, thiserror::Error)]
#[error(
    "{0:?} is not an item's address; it has the form https://STORE/goods/ITEM, https://STORE/buy/ITEM or \
     https://STORE/api/v1/items/ITEM/content. What else has a price, without a promise of its content, is for other \
     clients: docs/l402.md pays by curl"
)]
pub struct AddressError(String);

impl Address {
    /// The item's name at the store.
    pub fn item(&self) -> &ItemId {
        &self.item
    }

    /// Where the goods are.
    pub fn content(&self) -> String {
        [&self.store, &*content_path(&self.item)].concat()
    }

    /// Where the store lists what it sells.
    pub fn list(&self) -> String {
        [&self.store, STORE_PATH].concat()
    }

    /// Where the claim's payment is asked about.
    pub fn status(&self) -> String {
        [&self.store, INVOICE_PATH].concat()
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
        let uri: Uri = text.parse().map_err(|_| error())?;
        let (Some(scheme @ ("http" | "https")), Some(host)) = (uri.scheme_str(), uri.authority())
        else {
            return Err(error());
        };
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
            store: format!("{scheme}://{host}{folder}"),
            item: item.parse().map_err(|_| error())?,
        })
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

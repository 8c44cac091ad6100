//! The code of an item for paper: what is printed, and what else says the same.

use axum::http::Uri;
use shared::api::ItemId;
use shared::lnurl;

use crate::http::place::Place;

/// What is printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Code {
    /// `LNURL1…` (LUD-01).
    pub lnurl: String,
    /// The Lightning Address (LUD-16), such as `two-cats@cats.example`, where the item has one.
    pub address: Option<String>,
}

impl Code {
    /// The code of an item of the store at this place. `None` where wallets would not follow it: they take
    /// nothing but https, and http to onion services.
    pub(crate) fn of(place: &Place, item: &ItemId) -> Option<Self> {
        let uri: Uri = place.url.as_ref()?.parse().ok()?;
        let is_onion = uri.host().and_then(|host| host.rsplit('.').next()) == Some("onion");
        let is_taken = uri.scheme_str() == Some("https") || is_onion;
        let lnurl = lnurl::encode(&place.address(&offer_path(item))).filter(|_| is_taken)?;
        Some(Self {
            lnurl,
            address: address(place, item),
        })
    }
}

/// Where wallets ask what the code sells.
pub(crate) fn offer_path(item: &ItemId) -> String {
    format!("/.well-known/lnurlp/{item}")
}

/// The item's Lightning Address. A store below a path or at a port of its own has none, because wallets ask
/// the host alone. Every id of an item is a valid name.
pub(crate) fn address(place: &Place, item: &ItemId) -> Option<String> {
    let uri: Uri = place.url.as_ref()?.parse().ok()?;
    let (host, is_whole) = (uri.host()?, place.base.is_empty() && uri.port().is_none());
    is_whole.then(|| format!("{item}@{host}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(url: &str, base: &str) -> Place {
        Place {
            url: Some(url.to_owned()),
            base: base.to_owned(),
        }
    }

    #[test]
    fn there_is_a_code_where_wallets_follow_it() {
        let cat = "two-cats".parse().unwrap();
        let code = |url, base| Code::of(&place(url, base), &cat);
        let whole = code("https://cats.example", "").unwrap();
        assert!(whole.lnurl.starts_with("LNURL1"));
        assert_eq!(whole.address.as_deref(), Some("two-cats@cats.example"));
        let onion = code("http://cats.onion", "").unwrap();
        assert_eq!(onion.address.as_deref(), Some("two-cats@cats.onion"));
        for (url, base) in [
            ("https://cats.example/shop", "/shop"),
            ("https://cats.example:8443", ""),
        ] {
            assert_eq!(code(url, base).unwrap().address, None, "{url}");
        }
        assert!(code("http://cats.example", "").is_none());
        assert!(code(&format!("https://cats.example/{}", "x".repeat(900)), "").is_none());
        let unknown = Place {
            url: None,
            base: String::new(),
        };
        assert!(Code::of(&unknown, &cat).is_none());
    }
}

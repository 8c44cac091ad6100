//! Which gateway a wall talks to.

use std::rc::Rc;

use shared::link::Link;

use crate::browser::json;

/// Where the gateway is. On our own page, and behind Trunk's proxy, it is the page's own origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gateway(Rc<str>);

impl Gateway {
    /// The page's own origin.
    pub fn same_origin() -> Self {
        // A page without an origin (a sandboxed frame) gives the text "null", and its calls fail
        // as those to a gateway that is away.
        let origin = gloo_utils::window().location().origin();
        Self(origin.unwrap_or_default().into())
    }

    /// The gateway at an absolute http(s) address; `None` where it is none.
    pub fn at(address: &str) -> Option<Self> {
        let host = address
            .strip_prefix("https://")
            .or_else(|| address.strip_prefix("http://"))?;
        let plain =
            !host.contains(|c: char| c.is_whitespace() || matches!(c, '?' | '#' | '@' | '\\'));
        let address = address.trim_end_matches('/');
        (plain && !host.is_empty() && !host.starts_with('/')).then(|| Self(address.into()))
    }

    /// The absolute URL of a path of the API.
    pub fn url(&self, path: &str) -> String {
        [&self.0, path].concat()
    }

    /// The link that opens a purchase at the store's own page.
    pub fn link(&self, link: &Link) -> String {
        let mut link = link.clone();
        // A link must be short. Invoices that were replaced are looked for in this browser only.
        link.purchase.earlier.clear();
        // Another browser has no ciphertext, so the store delivers to it.
        link.purchase.manifest = None;
        // A link holds text and hex only, so writing it cannot fail.
        let json = json::write(&link).unwrap_or_default();
        self.url(&["/#", &Link::fragment(&json)].concat())
    }

    /// The part of names in storage that tells gateways apart.
    pub fn name(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[track_caller]
    fn check(address: &str, url: Option<&str>) {
        let found = Gateway::at(address).map(|gateway| gateway.url("/api"));
        assert_eq!(found.as_deref(), url);
    }

    #[test]
    fn a_gateway_has_an_absolute_address_and_nothing_behind_its_path() {
        check("https://store.example", Some("https://store.example/api"));
        check("http://127.0.0.1:8080/", Some("http://127.0.0.1:8080/api"));
        check(
            "https://a.example/shop/",
            Some("https://a.example/shop/api"),
        );
        for address in ["", "/", "store.example", "https://", "ftp://store.example"] {
            check(address, None);
        }
        check("https://store.example/?a", None);
        check("https://user@store.example", None);
    }
}

//! Where the store is, as the visitor knows it.

use axum::extract::OriginalUri;
use axum::http::header::HOST;
use axum::http::uri::Authority;
use axum::http::{Extensions, HeaderMap, Uri};

use crate::http::visitor::Visitor;
use crate::options::StoreOptions;

/// Where the store is.
pub(crate) struct Place {
    /// Its address, where it is known, without a slash at its end.
    pub(crate) url: Option<String>,
    /// The path of that address: the paths of all else begin with it.
    pub(crate) base: String,
}

impl Place {
    /// As the owner says it; else as the visitor wrote it, who asks for `uri`, which is
    /// `below` the path that the router is nested at.
    pub(crate) fn of(
        store: &StoreOptions,
        visitor: Visitor,
        headers: &HeaderMap,
        uri: &Uri,
        below: &str,
    ) -> Self {
        if let Some(place) = Self::told(store) {
            return place;
        }
        let base = uri.path().strip_suffix(below).unwrap_or_default();
        Self {
            url: address(headers, visitor).map(|address| address + base),
            base: base.to_owned(),
        }
    }

    /// As the owner says it.
    pub(crate) fn told(store: &StoreOptions) -> Option<Self> {
        let url = store.public_url.clone()?;
        Some(Self {
            base: path_of(&url),
            url: Some(url),
        })
    }

    /// The whole address of a path below the store's; the path alone where the host is not known.
    pub(crate) fn address(&self, path: &str) -> String {
        let base = self.url.as_ref().unwrap_or(&self.base);
        [base, path].concat()
    }

    /// The host, by which clients tell whom they pay. Where none is known, the program's name.
    pub(crate) fn realm(&self) -> String {
        let uri: Option<Uri> = self.url.as_ref().and_then(|url| url.parse().ok());
        let host = uri.and_then(|uri| Some(uri.authority()?.to_string()));
        host.unwrap_or_else(|| "purrwall".to_owned())
    }
}

/// The address of a request before routers took their part of it away.
pub(crate) fn original<'a>(extensions: &'a Extensions, uri: &'a Uri) -> &'a Uri {
    let original = extensions.get::<OriginalUri>();
    original.map_or(uri, |OriginalUri(uri)| uri)
}

/// The path in a web address, without a slash at its end.
fn path_of(url: &str) -> String {
    let uri: Option<Uri> = url.parse().ok();
    let path = uri.map(|uri| uri.path().trim_end_matches('/').to_owned());
    path.unwrap_or_default()
}

/// The store's address as the visitor wrote it: `Host`, and the scheme that they came by.
fn address(headers: &HeaderMap, visitor: Visitor) -> Option<String> {
    let host: Authority = headers.get(HOST)?.to_str().ok()?.parse().ok()?;
    // An authority may also hold a name and a password; a `Host` may not.
    if host.as_str().contains('@') {
        return None;
    }
    let scheme = if visitor.is_https { "https" } else { "http" };
    Some(format!("{scheme}://{host}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::LimitsOptions;

    #[test]
    fn a_store_may_live_below_a_path() {
        assert_eq!(path_of("https://cats.example"), "");
        assert_eq!(path_of("https://cats.example/shop"), "/shop");
        assert_eq!(path_of("https://cats.example/a/b/"), "/a/b");
    }

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let parse =
            |&(name, value): &(&'static str, &str)| (name.parse().unwrap(), value.parse().unwrap());
        pairs.iter().map(parse).collect()
    }

    fn place(public_url: Option<&str>, headers: &HeaderMap, uri: &'static str) -> Place {
        let store = StoreOptions {
            public_url: public_url.map(str::to_owned),
            ..StoreOptions::default()
        };
        let visitor = Visitor::of(&Extensions::new(), headers, &LimitsOptions::default());
        let uri = Uri::from_static(uri);
        Place::of(&store, visitor, headers, &uri, "/goods/cat")
    }

    #[test]
    fn the_address_is_the_one_that_the_client_used() {
        let address = |headers: &HeaderMap| place(None, headers, "/goods/cat").url;
        let plain = headers(&[("host", "localhost:8080")]);
        assert_eq!(address(&plain).as_deref(), Some("http://localhost:8080"));
        let proxied = headers(&[("host", "cats.example"), ("x-forwarded-proto", "https")]);
        assert_eq!(address(&proxied).as_deref(), Some("https://cats.example"));
    }

    #[test]
    fn a_host_that_is_none_is_not_repeated() {
        let nowhere = place(None, &headers(&[]), "/goods/cat");
        assert_eq!(
            (nowhere.url.as_deref(), &*nowhere.realm()),
            (None, "purrwall")
        );
        for host in ["a b", "", "me:secret@cats.example", "cats.example/path"] {
            let place = place(None, &headers(&[("host", host)]), "/goods/cat");
            assert_eq!(place.url, None, "{host:?}");
        }
    }

    #[test]
    fn the_owners_word_on_the_address_counts() {
        let host = headers(&[("host", "10.0.0.7:8080")]);
        let said = place(Some("https://cats.example/shop"), &host, "/goods/cat");
        assert_eq!((&*said.base, &*said.realm()), ("/shop", "cats.example"));
        let nested = place(None, &host, "/deep/goods/cat");
        assert_eq!(
            (&*nested.base, &*nested.realm()),
            ("/deep", "10.0.0.7:8080")
        );
        assert_eq!(nested.url.as_deref(), Some("http://10.0.0.7:8080/deep"));
    }
}

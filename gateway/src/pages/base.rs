//! What the store's pages need of a request, whatever they show.

use std::convert::Infallible;

use axum::extract::{FromRequestParts, OriginalUri};
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap, Uri};

use crate::goods::catalogue::Catalogue;
use crate::http::requests::accepted_languages;
use crate::options::StoreOptions;
use crate::pages::views::Site;

/// What every page needs of a request.
pub(crate) struct Base {
    /// The path of these pages as the browser knows it: behind the one that the router is nested at.
    pub(crate) path: String,
    /// The languages that the browser accepts.
    languages: String,
}

impl Base {
    pub(crate) fn site<'a>(
        &'a self,
        store: &'a StoreOptions,
        catalogue: &'a Catalogue,
    ) -> Site<'a> {
        Site {
            name: &store.name,
            shelf: Some(&self.path),
            look: catalogue.look(),
            languages: &self.languages,
        }
    }

    pub(crate) fn of(request: &Extensions, uri: &Uri, headers: &HeaderMap) -> Self {
        let original = request.get::<OriginalUri>();
        let original = original.map_or(uri.path(), |OriginalUri(uri)| uri.path());
        let base = original.strip_suffix(uri.path()).unwrap_or(original);
        Self {
            path: base.trim_end_matches('/').to_owned(),
            languages: accepted_languages(headers).to_owned(),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Base {
    type Rejection = Infallible;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.extensions, &parts.uri, &parts.headers))
    }
}

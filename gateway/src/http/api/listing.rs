//! What the lists of what is sold have in common: where they are, and how they say what an item is and
//! costs.

use axum::http::Method;
use shared::api::Item;
use shared::lightning::Msat;

use crate::goods::rates::Rates;
use crate::options::RouteOptions;
use crate::payments::label;

/// The API's description.
pub(crate) const OPENAPI: &str = "/api/openapi.json";
/// The same, where programs look for it that know only the host.
pub(crate) const OPENAPI_ROOT: &str = "/openapi.json";
/// The manifest of the L402 discovery specification.
pub(crate) const MANIFEST: &str = "/.well-known/l402.json";
/// The list for a directory.
pub(crate) const DIRECTORY: &str = "/.well-known/l402-services";
/// The store in words.
pub(crate) const LLMS: &str = "/llms.txt";

/// What an item is, in a line.
pub(crate) fn described(item: &Item) -> String {
    match item.teaser.trim() {
        "" => item.title.clone(),
        teaser => format!("{}: {teaser}", item.title),
    }
}

/// An amount and its unit: satoshi where it is a whole number of them.
pub(crate) fn amount(Msat(msat): Msat) -> (u64, &'static str) {
    if msat.is_multiple_of(1000) {
        (msat / 1000, "sat")
    } else {
        (msat, "msat")
    }
}

/// Access to a service, as it is sold at this moment.
pub(crate) struct Access<'a> {
    /// Its route.
    pub(crate) route: &'a RouteOptions,
    /// What it costs; where the price follows a rate, at this moment's.
    pub(crate) price_msat: Msat,
}

impl<'a> Access<'a> {
    /// What is sold of these routes: those whose price is known.
    pub(crate) fn all(routes: &'a [RouteOptions], rates: &Rates) -> Vec<Self> {
        let priced = |route: &'a RouteOptions| {
            let price_msat = rates.quote(route.price).ok()?.msat;
            Some(Self { route, price_msat })
        };
        routes.iter().filter_map(priced).collect()
    }

    /// What it is called in claims.
    pub(crate) fn name(&self) -> String {
        label::route(&self.route.name)
    }

    /// The methods that are told of; where the route has all, the one to begin with.
    pub(crate) fn methods(&self) -> &[Method] {
        match &self.route.methods[..] {
            [] => &[Method::GET],
            methods => methods,
        }
    }
}

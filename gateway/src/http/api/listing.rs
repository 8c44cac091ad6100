//! What the lists of what is sold have in common: where they are, and how they say what an item is and
//! costs.

use shared::api::Item;
use shared::lightning::Msat;

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

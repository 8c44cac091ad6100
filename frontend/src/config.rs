//! Which gateway a wall talks to, and what it tells everyone below it.

use std::rc::Rc;

use crate::client::Client;

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

    /// The absolute URL of a path of the API.
    pub fn url(&self, path: &str) -> String {
        [&self.0, path].concat()
    }

    /// The gateway's own part of names in storage.
    pub fn name(&self) -> &str {
        &self.0
    }
}

/// The client for the page's own gateway.
pub fn own_client() -> Client {
    Client::new(Gateway::same_origin())
}

//! Services of the owner's behind a price, as the file has them.

use std::collections::HashMap;
use std::sync::Arc;

use http::uri::Authority;
use http::{Method, Uri};
use ipnet::IpNet;
use purrwall_gateway::options::{Pattern, RateOptions, RouteOptions};
use shared::api::ItemId;

use crate::settings::catalogue::{price, title};
use crate::settings::error::SettingsError;
use crate::settings::file::{ConfigFile, Section};
use crate::settings::parse::{duration, switch};

/// Where the store itself is.
const TAKEN: [&str; 15] = [
    "api",
    "buy",
    "goods",
    "healthz",
    "readyz",
    "auth",
    ".well-known",
    "openapi.json",
    "llms.txt",
    "index.html",
    "widget.js",
    "words",
    "look",
    "look.css",
    "help",
];
/// As many bytes as the hash that it is used with.
const SHORTEST_KEY: usize = 32;

/// Reads the routes of a file whose rates are these; `proxies` are those that are trusted.
pub(super) fn read(
    file: &ConfigFile,
    rates: &[RateOptions],
    proxies: &[IpNet],
) -> Result<Vec<RouteOptions>, SettingsError> {
    let mut routes: Vec<RouteOptions> = Vec::new();
    let mut places = HashMap::new();
    for section in &file.routes {
        let route = read_route(section, rates)?;
        let path = section.require("path")?;
        if let (None, [], Some(asked)) = (&route.upstream, proxies, section.get("forward_auth")) {
            return Err(asked.wrong(
                "needs trusted_proxies: name the address that the proxy asks from, such as \
                 trusted_proxies = \"127.0.0.1\"",
            ));
        }
        // Proxies ask by name, and may have services of several hosts behind them.
        let asked_by = route.upstream.is_none().then(|| route.name.clone());
        if let Some(first) = places.insert((asked_by, route.path.to_string()), &section.place) {
            return Err(path.wrong(format!("is there already ({first})")));
        }
        let named = routes.iter().find(|other| other.name == route.name);
        if named.is_some_and(|other| other.price != route.price) {
            let name = &route.name;
            return Err(path.wrong(format!(
                "is paid for together with another route, because both are called {name}, but has \
                 another price; give it a `name` of its own"
            )));
        }
        routes.push(route);
    }
    Ok(routes)
}

fn read_route(section: &Section, rates: &[RateOptions]) -> Result<RouteOptions, SettingsError> {
    let path_given = section.require("path")?;
    let path: Pattern = path_given.read(str::parse)?;
    let upstream = service(section)?;
    if upstream.is_some() && TAKEN.contains(&path.first_segment()) {
        return Err(path_given.wrong("is the store's own; choose another path"));
    }
    let why = "is no name; use 1 to 48 lower-case letters, digits or hyphens";
    let name: ItemId = match section.get("name") {
        Some(given) => given.read(|name| name.parse().map_err(|_| why))?,
        None => path.first_segment().to_lowercase().parse().map_err(|_| {
            path_given.wrong("gives no name for the route; add `name = …` with 1 to 48 lower-case letters, digits or hyphens")
        })?,
    };
    let valid_for = section.get("valid_for").map(|given| given.read(duration));
    let free = section
        .list("free")
        .iter()
        .map(|given| given.read(str::parse));
    let methods = section.list("methods").iter();
    let key = section
        .get("signing_key")
        .map(|given| given.read(signing_key));
    Ok(RouteOptions {
        title: section
            .get("title")
            .map_or_else(|| Ok(name.to_string()), |given| given.read(title))?,
        price: price(section, rates)?,
        valid_for: valid_for.transpose()?,
        upstream,
        methods: methods
            .map(|given| given.read(method))
            .collect::<Result<_, _>>()?,
        free: free.collect::<Result<_, _>>()?,
        signing_key: key.transpose()?,
        path,
        name,
    })
}

/// The service's address; `None` where a proxy stands before it.
fn service(section: &Section) -> Result<Option<Authority>, SettingsError> {
    let asked = section.get("forward_auth");
    let is_asked = asked.map(|given| given.read(switch));
    match (section.get("upstream"), is_asked.transpose()?, asked) {
        (Some(_), Some(true), Some(needless)) => Err(needless.wrong(
            "has no use beside `upstream`: either the store passes requests on, or a proxy does",
        )),
        (Some(given), ..) => given.read(upstream).map(Some),
        (None, Some(true), _) => Ok(None),
        (None, ..) => Err(SettingsError::Value {
            place: section.place.clone(),
            why: "has no upstream; add `upstream = …`, the service's address, or `forward_auth = \
                  true` where a proxy before the service asks the store"
                .to_owned(),
        }),
    }
}

/// The service is on this machine or in its network, so it is asked without TLS.
fn upstream(text: &str) -> Result<Authority, &'static str> {
    let why =
        "is no service's address; write one such as \"http://127.0.0.1:3000\", without a path";
    let uri: Uri = text.parse().map_err(|_| why)?;
    let is_bare = uri.scheme_str() == Some("http") && uri.path() == "/" && uri.query().is_none();
    match uri.into_parts().authority {
        Some(authority) if is_bare && !authority.as_str().contains('@') => Ok(authority),
        _ => Err(why),
    }
}

fn method(text: &str) -> Result<Method, &'static str> {
    let is_method = text.bytes().all(|byte| byte.is_ascii_uppercase());
    let method = Method::from_bytes(text.as_bytes())
        .ok()
        .filter(|_| is_method);
    method.ok_or("is no method; write one such as \"GET\"")
}

fn signing_key(text: &str) -> Result<Arc<str>, &'static str> {
    if text.len() < SHORTEST_KEY {
        return Err(
            "is too short to be secret; it needs 32 characters or more, such as `openssl rand -hex 32` gives",
        );
    }
    Ok(text.into())
}

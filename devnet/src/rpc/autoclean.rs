//! `autoclean-status`, `autoclean-once`, and `setconfig` for autoclean's ages.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;
use serde_json::value::RawValue;

use super::answer::{Answer, result};
use super::error::RpcError;
use super::params::{Params, Token};
use crate::autoclean::{Setting, Subsystem};
use crate::clock::unix_time;
use crate::node::Node;

const SUBSYSTEMS: [&str; 7] = [
    "succeededforwards",
    "failedforwards",
    "succeededpays",
    "failedpays",
    "paidinvoices",
    "expiredinvoices",
    NETWORK_EVENTS,
];
/// The one that is cleaned unless lightningd is told otherwise.
const NETWORK_EVENTS: &str = "networkevents";
/// 30 days, in seconds.
const NETWORK_EVENTS_AGE: u64 = 2_592_000;

pub(super) fn status(node: &Arc<Node>, params: &RawValue) -> Answer {
    #[derive(Serialize)]
    struct Status {
        autoclean: BTreeMap<&'static str, SubsystemStatus>,
    }
    #[derive(Serialize)]
    struct SubsystemStatus {
        enabled: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        age: Option<u64>,
        cleaned: u64,
    }
    let params = Params::read(params, &[], &["subsystem"])?;
    let asked = params.optional("subsystem", subsystem)?;
    let autoclean = SUBSYSTEMS
        .into_iter()
        .filter(|name| asked.is_none_or(|asked| asked == *name))
        .map(|name| {
            let setting = setting(node, name);
            let status = SubsystemStatus {
                enabled: setting.age.is_some(),
                age: setting.age,
                cleaned: setting.cleaned,
            };
            (name, status)
        })
        .collect();
    result(&Status { autoclean })
}

/// Nothing but invoices is kept here, so there is nothing else to clean.
fn setting(node: &Node, name: &str) -> Setting {
    match Subsystem::named(name) {
        Some(subsystem) => node.autoclean.setting(subsystem),
        None => Setting {
            age: (name == NETWORK_EVENTS).then_some(NETWORK_EVENTS_AGE),
            cleaned: 0,
        },
    }
}

pub(super) fn once(node: &Arc<Node>, params: &RawValue) -> Answer {
    #[derive(Serialize)]
    struct Once {
        autoclean: BTreeMap<&'static str, Cleaned>,
    }
    #[derive(Serialize)]
    struct Cleaned {
        cleaned: u64,
        uncleaned: usize,
    }
    let params = Params::read(params, &["subsystem", "age"], &[])?;
    let name = params.required("subsystem", subsystem)?;
    let age = params.required("age", Token::u64)?;
    let cleaned = Subsystem::named(name).map_or((0, 0), |subsystem| {
        let now = u64::from(unix_time());
        let cleaned = node
            .autoclean
            .clean_once(&node.invoices, subsystem, age, now);
        (cleaned, node.invoices.count_of(subsystem.status()))
    });
    let (cleaned, uncleaned) = cleaned;
    result(&Once {
        autoclean: BTreeMap::from([(name, Cleaned { cleaned, uncleaned })]),
    })
}

/// The settings that can be changed here are autoclean's two ages of invoices.
pub(super) fn setconfig(node: &Arc<Node>, params: &RawValue) -> Answer {
    #[derive(Serialize)]
    struct Set {
        config: Config,
    }
    #[derive(Serialize)]
    struct Config {
        #[serde(rename = "config")]
        name: String,
        source: &'static str,
        value_int: u64,
        dynamic: bool,
    }
    let params = Params::read(params, &["config", "val"], &["transient"])?;
    let (name, subsystem) = params.required("config", |token| {
        let name = token.string()?;
        let subsystem = name
            .strip_prefix("autoclean-")
            .and_then(|name| name.strip_suffix("-age"))
            .and_then(Subsystem::named);
        let subsystem = subsystem.ok_or_else(|| token.should_be("Unknown config option"))?;
        Ok((name, subsystem))
    })?;
    let age = params.required("val", Token::u64)?;
    node.autoclean.set_age(subsystem, age);
    result(&Set {
        config: Config {
            name,
            source: "setconfig transient",
            value_int: age,
            dynamic: true,
        },
    })
}

fn subsystem(token: Token) -> Result<&'static str, RpcError> {
    let name = token.string()?;
    let known = SUBSYSTEMS.into_iter().find(|known| *known == name);
    known.ok_or_else(|| token.should_be("should be a subsystem"))
}

//! `createrune`, `showrunes`, `checkrune`, `blacklistrune`.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use lightningd::rune::{Alternative, Restriction};
use serde::Serialize;
use serde_json::value::RawValue;

use super::answer::{Answer, result};
use super::error::RpcError;
use super::fields::public_key;
use super::params::{Params, Token};
use crate::node::Node;
use crate::runes::{Refusal, Request, Rune};

const UNRESTRICTED: &str = "WARNING: This rune has no restrictions! Anyone who has access to this \
     rune could drain funds from your node. Be careful when giving this to apps that you don't \
     trust. Consider using the restrictions parameter to only allow access to specific rpc methods.";
/// What `readonly` stands for.
const READ_ONLY: [&str; 2] = [
    "method^list|method^get|method=summary",
    "method/listdatastore",
];

pub(super) fn createrune(node: &Arc<Node>, params: &RawValue) -> Answer {
    #[derive(Serialize)]
    struct Created {
        rune: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        unique_id: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        warning_unrestricted_rune: Option<&'static str>,
    }
    let params = Params::read(params, &[], &["rune", "restrictions"])?;
    let rune = params.optional("rune", rune)?;
    let restrictions = params.optional("restrictions", restrictions)?;
    let restrictions = restrictions.unwrap_or_default();
    let rune = match rune {
        Some(rune) => restrictions.into_iter().fold(rune, Rune::restrict),
        None => node.runes.make(restrictions),
    };
    result(&Created {
        rune: rune.to_base64(),
        unique_id: rune.unique_id().map(ToOwned::to_owned),
        warning_unrestricted_rune: rune.restrictions().is_empty().then_some(UNRESTRICTED),
    })
}

#[derive(Serialize)]
struct Runes {
    runes: Vec<Shown>,
}

#[derive(Serialize)]
struct Shown {
    rune: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    stored: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    blacklisted: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_used: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    our_rune: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unique_id: Option<String>,
    restrictions: Vec<ShownRestriction>,
    restrictions_as_english: String,
}

#[derive(Serialize)]
struct ShownRestriction {
    alternatives: Vec<ShownAlternative>,
    english: String,
}

#[derive(Serialize)]
struct ShownAlternative {
    fieldname: String,
    value: String,
    condition: char,
    english: String,
}

pub(super) fn showrunes(node: &Arc<Node>, params: &RawValue) -> Answer {
    let params = Params::read(params, &[], &["rune"])?;
    let runes = match params.optional("rune", rune)? {
        Some(rune) => vec![rune],
        None => node.runes.made(),
    };
    result(&Runes {
        runes: runes.iter().map(|rune| shown(node, rune)).collect(),
    })
}

fn shown(node: &Node, rune: &Rune) -> Shown {
    let last_used = node.runes.last_used(rune);
    let english: Vec<_> = rune
        .restrictions()
        .iter()
        .map(Restriction::english)
        .collect();
    Shown {
        rune: rune.to_base64(),
        stored: (!node.runes.has_made(rune)).then_some(false),
        blacklisted: node.runes.is_blacklisted(rune).then_some(true),
        last_used: last_used
            .and_then(|time| time.duration_since(UNIX_EPOCH).ok())
            .map(|time| time.as_secs_f64()),
        our_rune: (!node.runes.is_ours(rune)).then_some(false),
        unique_id: rune.unique_id().map(ToOwned::to_owned),
        restrictions: rune.restrictions().iter().map(restriction).collect(),
        restrictions_as_english: english.join(" AND "),
    }
}

fn restriction(restriction: &Restriction) -> ShownRestriction {
    let alternative = |alternative: &Alternative| ShownAlternative {
        fieldname: alternative.field.clone(),
        value: alternative.value.clone(),
        condition: alternative.condition.sign(),
        english: alternative.english(),
    };
    ShownRestriction {
        alternatives: restriction.alternatives.iter().map(alternative).collect(),
        english: restriction.english(),
    }
}

pub(super) fn checkrune(node: &Arc<Node>, params: &RawValue) -> Answer {
    #[derive(Serialize)]
    struct Valid {
        valid: bool,
    }
    let params = Params::read(params, &["rune"], &["nodeid", "method", "params"])?;
    let rune = params.required("rune", rune)?;
    let id = params.optional("nodeid", public_key)?;
    let method = params.optional("method", Token::string)?;
    let call = params.optional("params", |token| {
        token.json::<&RawValue>("should be params")
    })?;
    let now = SystemTime::now();
    let id = id.map(|id| id.to_string());
    let request = Request::new(method.as_deref(), call, id.as_deref(), now);
    node.runes.check(&rune, request, now)?;
    result(&Valid { valid: true })
}

pub(super) fn blacklistrune(node: &Arc<Node>, params: &RawValue) -> Answer {
    #[derive(Serialize)]
    struct Blacklist {
        blacklist: Vec<Range>,
    }
    #[derive(Serialize)]
    struct Range {
        start: u64,
        end: u64,
    }
    let params = Params::read(params, &[], &["start", "end"])?;
    let start = params.optional("start", Token::u64)?;
    let end = params.optional("end", Token::u64)?;
    match (start, end) {
        (Some(start), end) => node.runes.blacklist(start..=end.unwrap_or(start)),
        (None, Some(_)) => {
            let message = "Can not specify end without start";
            return Err(RpcError::invalid_params(message));
        }
        (None, None) => {}
    }
    let ranges = node.runes.blacklisted().into_iter();
    result(&Blacklist {
        blacklist: ranges
            .map(|range| Range {
                start: *range.start(),
                end: *range.end(),
            })
            .collect(),
    })
}

fn rune(token: Token) -> Result<Rune, RpcError> {
    let text = token.string().ok();
    let rune = text.and_then(|text| Rune::parse(&text));
    rune.ok_or_else(|| token.should_be("should be base64 string"))
}

fn restrictions(token: Token) -> Result<Vec<Restriction>, RpcError> {
    const WHAT: &str = "not a valid restriction (should be array)";
    if token.string().is_ok_and(|text| text == "readonly") {
        let parsed = READ_ONLY.iter().map(|text| Restriction::parse(text));
        return Ok(parsed.flatten().collect());
    }
    let listed: Vec<&RawValue> = token.json(WHAT)?;
    let parse = |item: &RawValue| {
        let token = token.item(item);
        let texts: Vec<String> = token.json(WHAT)?;
        let alternatives = texts.iter().map(|text| Alternative::parse(text));
        let restriction = Restriction {
            alternatives: alternatives
                .collect::<Option<_>>()
                .ok_or_else(|| token.should_be(WHAT))?,
        };
        // A field without a name is the unique id, which only the node gives.
        if restriction.alternatives.is_empty() || restriction.has_nameless_field() {
            return Err(token.should_be(WHAT));
        }
        Ok(restriction)
    };
    listed.into_iter().map(parse).collect()
}

impl From<Refusal> for RpcError {
    fn from(refusal: Refusal) -> Self {
        let code = match refusal {
            Refusal::NotOurs => 1501,
            Refusal::NotPermitted(_) => 1502,
            Refusal::Blacklisted => 1503,
        };
        Self::new(code, refusal.to_string())
    }
}

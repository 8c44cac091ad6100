//! Which requests a store may make. A request that may pass is written anew from what was understood
//! of it, so that lightningd cannot understand it otherwise.

use serde_json::{Map, Value, json};

use crate::answers::Kept;
use crate::owns::Owns;

/// The longest time for which an invoice may be valid, in seconds. lightningd aborts at an absurd one.
const MAX_EXPIRY: u64 = 30 * 24 * 60 * 60;
/// So many invoices may be asked for at once.
const MAX_PAGE: u64 = 1000;
/// The longest wait for a payment, in seconds.
const MAX_WAIT: u64 = 600;

/// lightningd's code for a method that it does not have.
pub(crate) const UNKNOWN_METHOD: i64 = -32601;
/// lightningd's code for parameters that do not fit.
pub(crate) const INVALID_PARAMS: i64 = -32602;

/// A request that is passed on.
#[derive(Debug, PartialEq)]
pub(crate) struct Passed {
    pub(crate) method: &'static str,
    pub(crate) params: Value,
    /// What is left of its answer.
    pub(crate) kept: Kept,
}

/// A request that is not: lightningd's code for it, and why.
#[derive(Debug, PartialEq)]
pub(crate) struct Refused {
    pub(crate) code: i64,
    pub(crate) message: String,
}

impl Refused {
    fn unknown(method: &str) -> Self {
        Self {
            code: UNKNOWN_METHOD,
            message: format!("Unknown command '{method}'"),
        }
    }

    fn params(message: impl Into<String>) -> Self {
        Self {
            code: INVALID_PARAMS,
            message: message.into(),
        }
    }
}

/// Decides about a call.
pub(crate) fn decide(method: &str, params: &Value, owns: &Owns) -> Result<Passed, Refused> {
    let none = Map::new();
    let params = match params {
        Value::Object(params) => params,
        Value::Array(list) if list.is_empty() => &none,
        _ => {
            return Err(Refused::params(
                "purrwall guard takes named parameters only",
            ));
        }
    };
    let params = Params { params, owns };
    match method {
        "getinfo" => params.pass("getinfo", &[], Kept::All),
        "invoice" => {
            params.own_label()?;
            params.number("expiry", 1..=MAX_EXPIRY)?;
            params.hashed()?;
            params.fitting_preimage()?;
            let names = [
                "label",
                "amount_msat",
                "description",
                "expiry",
                "deschashonly",
                "preimage",
            ];
            params.pass("invoice", &names, Kept::All)
        }
        "listinvoices" => params.listinvoices(),
        "waitanyinvoice" => {
            params.number("timeout", 0..=MAX_WAIT)?;
            let names = ["lastpay_index", "timeout"];
            params.pass("waitanyinvoice", &names, Kept::Payment)
        }
        "wait" => {
            params.text("subsystem", "invoices")?;
            params.text("indexname", "updated")?;
            // Later values wait, and tell of the invoice that they waited for.
            params.number("nextvalue", 0..=0)?;
            let names = ["subsystem", "indexname", "nextvalue"];
            params.pass("wait", &names, Kept::All)
        }
        "delinvoice" => {
            params.own_label()?;
            params.text("status", "expired")?;
            params.pass("delinvoice", &["label", "status"], Kept::All)
        }
        "autoclean-status" => params.pass("autoclean-status", &["subsystem"], Kept::All),
        _ => Err(Refused::unknown(method)),
    }
}

struct Params<'a> {
    params: &'a Map<String, Value>,
    owns: &'a Owns,
}

impl Params<'_> {
    /// One invoice, or a page of the book; never all of it.
    fn listinvoices(&self) -> Result<Passed, Refused> {
        // By the label of another invoice nothing is found, as by one that does not exist.
        if self.params.contains_key("label") {
            return self.pass("listinvoices", &["label"], Kept::Invoices);
        }
        if self.params.contains_key("payment_hash") {
            return self.pass("listinvoices", &["payment_hash"], Kept::Invoices);
        }
        let index = self.params.get("index").and_then(Value::as_str);
        let number = match index {
            Some("created") => "created_index",
            Some("updated") => "updated_index",
            _ => {
                return Err(Refused::params(
                    "purrwall guard needs an index, created or updated",
                ));
            }
        };
        self.number("start", 0..=u64::MAX)?;
        self.number("limit", 1..=MAX_PAGE)?;
        self.pass(
            "listinvoices",
            &["index", "start", "limit"],
            Kept::Page(number),
        )
    }

    /// The call with these parameters, and no others.
    fn pass(&self, method: &'static str, names: &[&str], kept: Kept) -> Result<Passed, Refused> {
        if let Some(other) = self
            .params
            .keys()
            .find(|name| !names.contains(&name.as_str()))
        {
            return Err(Refused::params(format!(
                "purrwall guard does not pass on the parameter {other:?} of {method}"
            )));
        }
        Ok(Passed {
            method,
            params: json!(self.params),
            kept,
        })
    }

    fn own_label(&self) -> Result<(), Refused> {
        let label = self.params.get("label").and_then(Value::as_str);
        if label.is_some_and(|label| (self.owns)(label)) {
            return Ok(());
        }
        Err(Refused::params(
            "purrwall guard passes on the store's own labels only",
        ))
    }

    /// `deschashonly`, where it is there, is a truth value.
    fn hashed(&self) -> Result<(), Refused> {
        match self.params.get("deschashonly") {
            None | Some(Value::Bool(_)) => Ok(()),
            Some(_) => Err(Refused::params(
                "purrwall guard passes on deschashonly true or false only",
            )),
        }
    }

    /// `preimage`, where it is there, has 64 hex digits. Nothing of it is repeated.
    fn fitting_preimage(&self) -> Result<(), Refused> {
        let Some(preimage) = self.params.get("preimage") else {
            return Ok(());
        };
        let is_hex = |text: &str| text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit());
        if preimage.as_str().is_some_and(is_hex) {
            return Ok(());
        }
        Err(Refused::params(
            "purrwall guard passes on a preimage of 64 hex digits only",
        ))
    }

    fn text(&self, name: &str, only: &str) -> Result<(), Refused> {
        if self.params.get(name).and_then(Value::as_str) == Some(only) {
            return Ok(());
        }
        let message = format!("purrwall guard passes on {name} {only} only");
        Err(Refused::params(message))
    }

    fn number(&self, name: &str, range: std::ops::RangeInclusive<u64>) -> Result<(), Refused> {
        let number = self.params.get(name).and_then(Value::as_u64);
        if number.is_some_and(|number| range.contains(&number)) {
            return Ok(());
        }
        let (least, most) = range.into_inner();
        let message = format!("purrwall guard passes on {name} from {least} to {most} only");
        Err(Refused::params(message))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    const OWN: &str = "purrwall/cats/cat/x";

    fn decided(method: &str, params: &Value) -> Result<Passed, Refused> {
        let owns: Owns = Arc::new(|label| label.starts_with("purrwall/cats/"));
        decide(method, params, &owns)
    }

    #[test]
    fn what_a_store_asks_is_passed_on_as_it_is() {
        for (method, params, kept) in [
            ("getinfo", json!({}), Kept::All),
            (
                "invoice",
                json!({"label": OWN, "amount_msat": 1, "description": "A cat", "expiry": 600}),
                Kept::All,
            ),
            (
                "invoice",
                json!({
                    "label": OWN, "amount_msat": 1, "description": "A cat", "expiry": 600,
                    "preimage": "0f".repeat(32),
                }),
                Kept::All,
            ),
            (
                "invoice",
                json!({"label": OWN, "amount_msat": 1, "description": "[]", "expiry": 600,
                    "deschashonly": true, "preimage": "0a".repeat(32)}),
                Kept::All,
            ),
            ("listinvoices", json!({"label": OWN}), Kept::Invoices),
            ("listinvoices", json!({"label": "order-1"}), Kept::Invoices),
            (
                "listinvoices",
                json!({"payment_hash": "00"}),
                Kept::Invoices,
            ),
            (
                "listinvoices",
                json!({"index": "updated", "start": 1, "limit": 100}),
                Kept::Page("updated_index"),
            ),
            (
                "waitanyinvoice",
                json!({"lastpay_index": 7, "timeout": 60}),
                Kept::Payment,
            ),
            (
                "wait",
                json!({"subsystem": "invoices", "indexname": "updated", "nextvalue": 0}),
                Kept::All,
            ),
            (
                "delinvoice",
                json!({"label": OWN, "status": "expired"}),
                Kept::All,
            ),
            (
                "autoclean-status",
                json!({"subsystem": "paidinvoices"}),
                Kept::All,
            ),
        ] {
            let passed = decided(method, &params);
            let passed = passed.unwrap_or_else(|error| panic!("{method}: {error:?}"));
            assert_eq!(
                (passed.method, passed.params, passed.kept),
                (method, params, kept)
            );
        }
    }

    #[test]
    fn everything_else_is_refused() {
        let invoice = |more: &[(&str, Value)]| {
            let mut invoice =
                json!({"label": OWN, "amount_msat": 1, "description": "A", "expiry": 9});
            for (name, value) in more {
                invoice[*name] = value.clone();
            }
            ("invoice", invoice)
        };
        for (method, params) in [
            invoice(&[("label", json!("order-1"))]),
            invoice(&[("label", json!(7))]),
            invoice(&[("expiry", json!(1_u64 << 60))]),
            invoice(&[("expiry", json!(-1))]),
            invoice(&[("expiry", json!("600"))]),
            invoice(&[("expiry", Value::Null)]),
            invoice(&[("preimage", json!("00"))]),
            invoice(&[("preimage", Value::Null)]),
            invoice(&[("preimage", json!("0g".repeat(32)))]),
            invoice(&[("deschashonly", json!("true"))]),
            invoice(&[("exposeprivatechannels", json!(true))]),
            ("invoice", json!([1, OWN, "A cat"])),
            ("listinvoices", json!({})),
            ("listinvoices", json!({"label": OWN, "payment_hash": "00"})),
            ("listinvoices", json!({"index": "created"})),
            (
                "listinvoices",
                json!({"index": "created", "start": 1, "limit": 1_000_000}),
            ),
            ("waitanyinvoice", json!({"lastpay_index": 0})),
            (
                "wait",
                json!({"subsystem": "invoices", "indexname": "updated", "nextvalue": 9}),
            ),
            (
                "wait",
                json!({"subsystem": "forwards", "indexname": "updated", "nextvalue": 0}),
            ),
            ("delinvoice", json!({"label": OWN, "status": "paid"})),
            (
                "delinvoice",
                json!({"label": OWN, "status": "expired", "desconly": true}),
            ),
            (
                "delinvoice",
                json!({"label": "order-1", "status": "expired"}),
            ),
        ] {
            let refused = decided(method, &params).unwrap_err();
            assert_eq!(refused.code, INVALID_PARAMS, "{method} {params}");
        }
        for method in [
            "pay",
            "withdraw",
            "createrune",
            "waitinvoice",
            "stop",
            "INVOICE",
            "",
        ] {
            let refused = decided(method, &json!({})).unwrap_err();
            assert_eq!(refused.code, UNKNOWN_METHOD, "{method}");
        }
    }
}

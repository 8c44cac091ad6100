//! Compares an answer with a recorded one: the same keys, the same JSON types, the same errors.
//! Values may differ; keys, hashes and times always do.

use serde_json::Value;

/// Where the devnet answers differently from lightningd on purpose, and why.
pub(crate) struct Difference {
    /// The note of the record.
    pub(crate) record: &'static str,
    /// A path in the answer, such as `/result/routes`; what lies below it is not compared.
    pub(crate) path: &'static str,
    /// Why the devnet differs; read by people.
    #[expect(dead_code, reason = "it is the documentation of the difference")]
    pub(crate) why: &'static str,
}

/// Everything in which `actual` differs from `recorded` without being in `allowed`.
pub(crate) fn differences(
    note: &str,
    recorded: &Value,
    actual: &Value,
    allowed: &[Difference],
) -> Vec<String> {
    let mut found = Vec::new();
    let is_allowed = |path: &str| {
        let here = |difference: &Difference| difference.record == note && difference.path == path;
        allowed.iter().any(here)
    };
    compare("", recorded, actual, &is_allowed, &mut found);
    found
}

fn compare(
    path: &str,
    recorded: &Value,
    actual: &Value,
    is_allowed: &dyn Fn(&str) -> bool,
    found: &mut Vec<String>,
) {
    if is_allowed(path) {
        return;
    }
    match (recorded, actual) {
        (Value::Object(recorded), Value::Object(actual)) => {
            let keys: std::collections::BTreeSet<_> =
                recorded.keys().chain(actual.keys()).collect();
            for key in keys {
                let path = format!("{path}/{key}");
                match (recorded.get(key), actual.get(key)) {
                    (Some(recorded), Some(actual)) => {
                        compare(&path, recorded, actual, is_allowed, found);
                    }
                    _ if is_allowed(&path) => {}
                    (Some(_), None) => found.push(format!("{path} is missing")),
                    _ => found.push(format!("{path} is not in the record")),
                }
            }
        }
        (Value::Array(recorded), Value::Array(actual)) => {
            if recorded.is_empty() != actual.is_empty() {
                found.push(format!("{path} has {} items", actual.len()));
            }
            for (index, (recorded, actual)) in recorded.iter().zip(actual).enumerate() {
                compare(
                    &format!("{path}/{index}"),
                    recorded,
                    actual,
                    is_allowed,
                    found,
                );
            }
        }
        // An error is the same only if its code and its message are.
        _ if path.starts_with("/error/") && !path.starts_with("/error/data") => {
            found.extend(
                (recorded != actual).then(|| format!("{path} is {actual}, recorded {recorded}")),
            );
        }
        _ if kind(recorded) != kind(actual) => {
            found.push(format!(
                "{path} is a {}, recorded a {}",
                kind(actual),
                kind(recorded)
            ));
        }
        _ => {}
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

//! A rate from a JSON document.

use std::time::Duration;

use serde_json::Value;
use shared::fiat::Decimal;

/// Why a source gave no rate.
#[derive(Debug, thiserror::Error)]
pub enum AskRateError {
    /// No document.
    #[error("it does not answer")]
    Fetch(#[from] Box<ureq::Error>),
    /// Not JSON.
    #[error("its answer is not JSON")]
    Json(#[from] serde_json::Error),
    /// Nothing usable at the pointer.
    #[error("its answer has no rate at {pointer:?}, but {found}; correct `pointer`")]
    NoRate {
        /// Where it was looked for.
        pointer: String,
        /// What stands there.
        found: String,
    },
}

/// Asks a source now.
pub(crate) async fn ask(url: &str, pointer: &str) -> Result<Decimal, AskRateError> {
    let url = url.to_owned();
    let document = tokio::task::spawn_blocking(move || fetch(&url))
        .await
        .map_err(|error| Box::new(ureq::Error::Io(std::io::Error::other(error))))??;
    find(&document, pointer)
}

const DEADLINE: Duration = Duration::from_secs(10);
/// A document with all the currencies of the world is smaller.
const MAX_DOCUMENT: u64 = 1024 * 1024;

fn fetch(url: &str) -> Result<String, AskRateError> {
    let agent = ureq::Agent::config_builder()
        .timeout_global(Some(DEADLINE))
        .user_agent(concat!("purrwall/", env!("CARGO_PKG_VERSION")))
        .build()
        .new_agent();
    let mut answer = agent.get(url).call().map_err(Box::new)?;
    let body = answer.body_mut().with_config().limit(MAX_DOCUMENT);
    Ok(body.read_to_string().map_err(Box::new)?)
}

/// The rate in a document, as a number or as text.
fn find(document: &str, pointer: &str) -> Result<Decimal, AskRateError> {
    let document: Value = serde_json::from_str(document)?;
    let found = document.pointer(pointer);
    let rate: Option<Decimal> = match found {
        // More digits than 8 after the point are noise.
        Some(Value::Number(number)) => number
            .as_f64()
            .and_then(|number| format!("{number:.8}").parse().ok()),
        Some(Value::String(text)) => text.trim().parse().ok(),
        _ => None,
    };
    rate.filter(|rate| !rate.is_zero())
        .ok_or_else(|| AskRateError::NoRate {
            pointer: pointer.to_owned(),
            found: found.map_or("nothing".into(), |value| {
                value.to_string().chars().take(80).collect()
            }),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(document: &str, pointer: &str, expected: Option<&str>) {
        let rate = find(document, pointer).ok().map(|rate| rate.to_string());
        assert_eq!(rate.as_deref(), expected);
    }

    #[test]
    fn a_rate_is_found_as_number_or_text() {
        check(
            r#"{"bitcoin": {"usd": 65000}}"#,
            "/bitcoin/usd",
            Some("65000"),
        );
        check(
            r#"{"rates": [{"usd": 65000.12}]}"#,
            "/rates/0/usd",
            Some("65000.12"),
        );
        check(r#"{"last": "65000.50"}"#, "/last", Some("65000.5"));
        check(r#"{"a/b": 6.5e4}"#, "/a~1b", Some("65000"));
    }

    #[test]
    fn what_is_no_rate_is_refused() {
        check(r#"{"usd": 0}"#, "/usd", None);
        check(r#"{"usd": -1}"#, "/usd", None);
        check(r#"{"usd": null}"#, "/usd", None);
        check(r#"{"usd": "many"}"#, "/usd", None);
        check(r#"{"usd": 1e300}"#, "/usd", None);
        check(r#"{"eur": 1}"#, "/usd", None);
        check("<html>", "/usd", None);
    }
}

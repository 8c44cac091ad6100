//! The body of a webhook.

use serde::Serialize;

#[derive(Serialize)]
struct Event<'a, T> {
    #[serde(rename = "type")]
    kind: &'a str,
    timestamp: String,
    data: &'a T,
}

/// The body of a webhook; `at` in UNIX seconds.
pub(super) fn event(kind: &str, at: u64, data: &impl Serialize) -> Vec<u8> {
    let at = std::time::UNIX_EPOCH + std::time::Duration::from_secs(at);
    let event = Event {
        kind,
        timestamp: humantime::format_rfc3339_seconds(at).to_string(),
        data,
    };
    serde_json::to_vec(&event).expect("string keys and no failing field")
}

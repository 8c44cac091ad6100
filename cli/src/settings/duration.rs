//! Spans of time as owners write them.

use std::time::Duration;

/// A span of time such as `30d`, `24h`, `1h 30m`; a plain number is seconds.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let read = match text.parse() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => humantime::parse_duration(text).ok(),
    };
    match read {
        Some(duration) if duration >= Duration::from_secs(1) => Ok(duration),
        _ => Err("is not a span of time; write one such as \"30d\", \"24h\" or \"90s\"".into()),
    }
}

//! An invoice's end, in words that stay right while nobody touches the page.

use std::time::{Duration, UNIX_EPOCH};

/// `14:32 UTC, about 9 minutes`; with the day where it is not within a day. UNIX seconds.
pub(super) fn describe(expires_at: u64, now: u64) -> String {
    let left = expires_at.saturating_sub(now);
    let time = moment(expires_at);
    let shown = if left < DAY { &time[17..] } else { &time };
    format!("{shown}, {}", about(left))
}

/// The moment in RFC 3339, as [`moment`] has it; as it is where it is none.
pub(super) fn moment_of(text: &str) -> String {
    let time = humantime::parse_rfc3339(text).ok();
    let secs = time.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    secs.map_or_else(|| text.to_owned(), |secs| moment(secs.as_secs()))
}

/// `Sun, 06 Nov 1994 08:49 UTC`, of UNIX seconds.
pub(super) fn moment(secs: u64) -> String {
    let time = UNIX_EPOCH + Duration::from_secs(secs.min(LAST_HTTP_DATE));
    // `Sun, 06 Nov 1994 08:49:37 GMT`
    let date = httpdate::fmt_http_date(time);
    format!("{} UTC", &date[..22])
}

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// The end of the year 9999; the form knows no later one.
const LAST_HTTP_DATE: u64 = 253_402_300_799;

fn about(left: u64) -> String {
    let (unit, name) = match left {
        0..MINUTE => return "less than a minute".to_owned(),
        MINUTE..HOUR => (MINUTE, "minute"),
        HOUR..DAY => (HOUR, "hour"),
        _ => (DAY, "day"),
    };
    // Rounded down: better to pay early than late.
    let count = left / unit;
    let plural = if count == 1 { "" } else { "s" };
    format!("about {count} {name}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(left: u64, expected: &str) {
        // Thu, 12 Nov 2026 14:32:00 GMT
        let expires_at = 1_794_493_920;
        assert_eq!(describe(expires_at, expires_at - left), expected);
    }

    #[test]
    fn the_time_and_what_is_left() {
        check(599, "14:32 UTC, about 9 minutes");
        check(60, "14:32 UTC, about 1 minute");
        check(59, "14:32 UTC, less than a minute");
        check(0, "14:32 UTC, less than a minute");
        check(2 * HOUR + 5, "14:32 UTC, about 2 hours");
    }

    #[test]
    fn a_late_end_has_its_day() {
        check(2 * DAY, "Thu, 12 Nov 2026 14:32 UTC, about 2 days");
    }

    #[test]
    fn an_absurd_end_is_survived() {
        assert!(describe(u64::MAX, 0).starts_with("Fri, 31 Dec 9999 23:59 UTC"));
    }
}

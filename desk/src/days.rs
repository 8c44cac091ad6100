//! Days and moments in UTC, as people read them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A day, counted from 1970-01-01.
pub(crate) type Day = u64;

const DAY_SECS: u64 = 86_400;

/// A moment in UNIX seconds.
pub(crate) fn unix(moment: SystemTime) -> u64 {
    let since = moment.duration_since(UNIX_EPOCH);
    since.unwrap_or(Duration::ZERO).as_secs()
}

/// The day of a moment in UNIX seconds.
pub(crate) fn day_of(at: u64) -> Day {
    at / DAY_SECS
}

/// The first second of a day.
pub(crate) fn start_of(day: Day) -> u64 {
    day.saturating_mul(DAY_SECS)
}

/// Today.
pub(crate) fn today() -> Day {
    day_of(unix(SystemTime::now()))
}

/// A day as `2026-11-28`.
pub(crate) fn date(day: Day) -> String {
    moment(start_of(day))[..10].to_owned()
}

/// The month of a day as `2026-11`.
pub(crate) fn month(day: Day) -> String {
    moment(start_of(day))[..7].to_owned()
}

/// A moment in UNIX seconds as `2026-11-28 18:00:00`.
pub(crate) fn moment(at: u64) -> String {
    // The last second that the form can hold.
    let at = at.min(253_402_300_799);
    let time = UNIX_EPOCH + Duration::from_secs(at);
    let text = humantime::format_rfc3339_seconds(time).to_string();
    text.trim_end_matches('Z').replace('T', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_moments_are_those_of_utc() {
        assert_eq!(date(20_785), "2026-11-28");
        assert_eq!(month(20_785), "2026-11");
        assert_eq!(moment(1_795_888_800), "2026-11-28 18:00:00");
        assert_eq!(day_of(start_of(20_785) + 86_399), 20_785);
        assert_eq!(moment(u64::MAX), "9999-12-31 23:59:59");
    }
}

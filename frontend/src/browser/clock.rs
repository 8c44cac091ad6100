//! The server's clock, as far as the browser can know it.
//!
//! A buyer's clock may be minutes off, so it does not decide anything about an invoice's time. Each
//! answer of the gateway carries the server's time, and this keeps the difference.

use std::cell::Cell;
use std::rc::Rc;

/// Differences up to this many milliseconds are rounding and travel time, and change nothing: the
/// countdown must not step back by a second because an answer was slow.
const ROUNDING_MS: f64 = 1500.0;

/// The server's time. Clones share it.
#[derive(Clone, Default)]
pub struct Clock(Rc<Cell<Offset>>);

impl Clock {
    /// Sets the clock by the server's time in UNIX seconds, which an answer has just brought.
    pub fn learn(&self, server_secs: u64) {
        let mut offset = self.0.get();
        offset.learn(server_secs, js_sys::Date::now());
        self.0.set(offset);
    }

    /// Sets the clock by an answer's header `Date`, if that can be parsed.
    pub fn learn_from_date(&self, date: &str) {
        let millis = js_sys::Date::parse(date);
        if millis.is_finite() && millis >= 0.0 {
            self.learn(whole_seconds(millis));
        }
    }

    /// The server's time now, in UNIX seconds.
    pub fn now(&self) -> u64 {
        self.0.get().server_secs(js_sys::Date::now())
    }
}

impl PartialEq for Clock {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

/// By how many milliseconds the server's clock is ahead of the browser's; `None` before the first
/// answer.
#[derive(Clone, Copy, Default)]
struct Offset(Option<f64>);

impl Offset {
    fn learn(&mut self, server_secs: u64, browser_ms: f64) {
        // The server cut its time to whole seconds; on average half a second is missing.
        #[expect(clippy::cast_precision_loss, reason = "exact for 285 million years")]
        let found = server_secs as f64 * 1000.0 + 500.0 - browser_ms;
        match self.0 {
            Some(known) if (known - found).abs() <= ROUNDING_MS => {}
            _ => self.0 = Some(found),
        }
    }

    fn server_secs(self, browser_ms: f64) -> u64 {
        whole_seconds(browser_ms + self.0.unwrap_or(0.0))
    }
}

/// A JavaScript time as UNIX seconds; the time before 1970 as 0.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "cut on purpose; a cast of a negative or huge float saturates"
)]
fn whole_seconds(millis: f64) -> u64 {
    (millis / 1000.0) as u64
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    const SERVER: u64 = 1_800_000_000;
    const BROWSER_MS: f64 = 1_800_000_000_000.0;

    fn learnt(server_secs: u64, browser_ms: f64) -> Offset {
        let mut offset = Offset::default();
        offset.learn(server_secs, browser_ms);
        offset
    }

    #[test]
    fn a_browser_that_is_ten_minutes_off_shows_the_servers_time() {
        for minutes in [-10.0, 0.0, 10.0] {
            let browser_ms = BROWSER_MS + minutes * 60_000.0;
            let offset = learnt(SERVER, browser_ms);
            assert_eq!(offset.server_secs(browser_ms), SERVER);
            assert_eq!(offset.server_secs(browser_ms + 5_000.0), SERVER + 5);
        }
    }

    #[test]
    fn a_slow_answer_does_not_move_the_clock() {
        let mut offset = learnt(SERVER, BROWSER_MS);
        // One second old when it arrives.
        offset.learn(SERVER + 4, BROWSER_MS + 5_000.0);
        assert_eq!(offset.server_secs(BROWSER_MS + 5_000.0), SERVER + 5);
    }

    #[test]
    fn a_browser_whose_clock_is_set_follows_the_next_answer() {
        let mut offset = learnt(SERVER, BROWSER_MS);
        let set_ms = BROWSER_MS + 3_600_000.0;
        offset.learn(SERVER + 5, set_ms);
        assert_eq!(offset.server_secs(set_ms), SERVER + 5);
    }

    #[test]
    fn before_any_answer_the_browsers_clock_must_do() {
        assert_eq!(Offset::default().server_secs(BROWSER_MS), SERVER);
    }
}

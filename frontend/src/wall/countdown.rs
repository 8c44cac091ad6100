//! The time that is left to pay: a ball of yarn that runs out.

use shared::text::decimal;
use yew::prelude::*;

use crate::i18n::format::clock_face;
use crate::i18n::say::say_around;
use crate::ui::element::element;

/// The drawing's length in its own units.
const LENGTH: u64 = 300;
/// Where the ball's centre turns back, so that it stays inside.
const MARGIN: u64 = 9;

/// When the time that is left is shown as short, in seconds.
const URGENT_SECS: u64 = 60;

/// Minutes and seconds, with a thread that shortens. Times in UNIX seconds, on the server's clock.
pub fn countdown(created_at: u64, expires_at: u64, now: u64) -> Html {
    let total = expires_at.saturating_sub(created_at);
    // The node's clock may be a second ahead of the gateway's.
    let left = expires_at.saturating_sub(now).min(total);
    let end = decimal(ball(left, total));
    let line =
        |class: &'static str, path: &[&str]| element("path", class).attribute("d", path.concat());
    let yarn = element("svg", "yarn")
        .attribute("viewBox", "0 0 300 20")
        .attribute("aria-hidden", "true")
        .child(line("yarn-floor", &["M1 17h298"]))
        .child(line("yarn-thread", &["M1 17H", &end]))
        .child(line("yarn-ball", &["M", &end, " 18a8 8 0 1 1 .1 0z"]))
        .child(line("yarn-wind", &["M", &end, WIND]));
    let (before, after) = say_around("{0} left to pay");
    let words = element("p", "left")
        .part("countdown")
        .attribute("role", "timer")
        .text(before)
        .child(element("span", "").test("countdown").text(clock_face(left)))
        .text(after);
    let class = if left <= URGENT_SECS {
        "countdown urgent"
    } else {
        "countdown"
    };
    element("div", class).child(yarn).child(words).into()
}

/// The thread on the ball, from the ball's place on the floor.
const WIND: &str = " 10m-6.5-3.5c4 0 8 2.5 10.5 10m-7-13.5c4.5 1 8 4 9.5 8.5";

/// The x of the ball with `left` of `total` seconds to go; `left` is no more than `total`.
fn ball(left: u64, total: u64) -> u64 {
    let track = LENGTH - 2 * MARGIN;
    MARGIN + track * left / total.max(1)
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn the_ball_stays_on_its_track() {
        assert_eq!(ball(600, 600), 291);
        assert_eq!(ball(300, 600), 150);
        assert_eq!(ball(0, 600), 9);
        assert_eq!(ball(0, 0), 9);
    }
}

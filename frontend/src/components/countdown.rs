//! The time that is left to pay: a ball of yarn that runs out.

use yew::prelude::*;

/// The drawing's length in its own units.
const LENGTH: u64 = 300;
/// Where the ball's centre turns back, so that it stays inside.
const MARGIN: u64 = 9;

/// Times in UNIX seconds, on the server's clock.
#[derive(Properties, PartialEq)]
pub struct Props {
    /// When the invoice was made.
    pub created_at: u64,
    /// When it can no longer be paid.
    pub expires_at: u64,
    /// The server's time.
    pub now: u64,
}

/// Minutes and seconds, with a thread that shortens.
#[component]
pub fn Countdown(props: &Props) -> Html {
    let left = props.expires_at.saturating_sub(props.now);
    let end = ball(left, props.expires_at.saturating_sub(props.created_at));
    let end = end.to_string();
    let urgent = (left <= 60).then_some("urgent");
    html! {
        <div class={classes!("countdown", urgent)}>
            <svg class="yarn" viewBox="0 0 300 20" aria-hidden="true">
                <line class="yarn-floor" x1="1" y1="17" x2="299" y2="17" />
                <line class="yarn-thread" x1="1" y1="17" x2={end.clone()} y2="17" />
                <g transform={["translate(", &end, " 10)"].concat()}>
                    <circle class="yarn-ball" r="8" />
                    <path class="yarn-wind" d="M-6.5-3.5c4 0 8 2.5 10.5 10M-3-7c4.5 1 9 5 10.5 9.5M-7.5 1.5c3 .5 5.5 2.5 7 6" />
                </g>
            </svg>
            <p class="left" role="timer">
                <span data-test="countdown">{clock_face(left)}</span>{" left to pay"}
            </p>
        </div>
    }
}

/// The x of the ball with `left` of `total` seconds to go.
fn ball(left: u64, total: u64) -> u64 {
    let track = LENGTH - 2 * MARGIN;
    MARGIN + track * left.min(total) / total.max(1)
}

/// `9:05`; hours are shown as minutes, since invoices are short.
fn clock_face(secs: u64) -> String {
    let (minutes, secs) = (secs / 60, secs % 60);
    let zero = if secs < 10 { "0" } else { "" };
    [&minutes.to_string(), ":", zero, &secs.to_string()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_face_has_two_digits_of_seconds() {
        assert_eq!(clock_face(600), "10:00");
        assert_eq!(clock_face(65), "1:05");
        assert_eq!(clock_face(0), "0:00");
    }

    #[test]
    fn the_ball_stays_on_its_track() {
        assert_eq!(ball(600, 600), 291);
        assert_eq!(ball(300, 600), 150);
        assert_eq!(ball(0, 600), 9);
        assert_eq!(ball(700, 600), 291);
        assert_eq!(ball(0, 0), 9);
    }
}

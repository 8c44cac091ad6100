//! The server's time, as a component's state.

use gloo_timers::callback::Interval;
use yew::prelude::*;

use crate::browser::clock::Clock;
use crate::hooks::{use_effect_on, use_value};

/// How often the clock is looked at; often enough that no second is skipped to the eye.
const LOOK_MS: u32 = 250;

/// The server's time in UNIX seconds; draws the component again each second.
#[hook]
pub fn use_server_now(clock: &Clock) -> u64 {
    let now = use_value(|| clock.now());
    use_effect_on(clock.clone(), {
        let now = now.clone();
        move |clock: &Clock| {
            let clock = clock.clone();
            let ticking = Interval::new(LOOK_MS, move || now.set(clock.now()));
            move || drop(ticking)
        }
    });
    now.get()
}

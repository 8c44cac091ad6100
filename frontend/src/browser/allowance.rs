//! The limits for one click in the browser's storage, which is the truth for all tabs.

use gloo_timers::callback::Timeout;
use js_sys::{Date, Function, Promise, Reflect};
use shared::allowance::Allowance;
use shared::lightning::Msat;
use wasm_bindgen::prelude::Closure;
use wasm_bindgen::{JsCast, JsValue};

use crate::browser::storage;

/// Not the name of a purchase, since those begin with `purrwall:`. The lock has this name, too.
const KEY: &str = "purrwall-allowance";

/// How long the lock is held after the sum was stored, in milliseconds: browsers let a tab have the lock before it
/// sees what another one has stored.
const SETTLING_MS: u32 = 2_000;

/// What the buyer has set; `None` by default.
pub fn load() -> Option<Allowance> {
    Allowance::read(&storage::text(KEY)?)
}

/// Stores other limits; `None` turns one click off. Where nothing can be stored, it stays off.
pub fn store(allowance: Option<Allowance>) {
    let text = allowance.map(Allowance::text);
    storage::keep_text(KEY, &text.unwrap_or_default());
}

/// Adds to the day's sum. Gives false where that would be above a limit, or cannot be stored.
pub fn spend(amount: Msat) -> Promise {
    let add = move || {
        let spent = load().and_then(|allowance| allowance.spend(amount, today()));
        if spent.is_some() {
            store(spent);
        }
        spent.is_some() && load() == spent
    };
    let get = |object: &JsValue, name: &str| Reflect::get(object, &name.into());
    let locks = get(&gloo_utils::window().navigator(), "locks").unwrap_or_default();
    let request = get(&locks, "request").and_then(JsCast::dyn_into::<Function>);
    let Ok(request) = request else {
        // A page without TLS has no locks.
        return Promise::resolve(&JsValue::from(add()));
    };
    Promise::new(&mut |resolve, _| {
        let hold = Closure::once_into_js(move || {
            // It cannot fail.
            let _ = resolve.call1(&JsValue::NULL, &add().into());
            Promise::new(&mut |release, _| {
                let settled = Timeout::new(SETTLING_MS, move || {
                    let _ = release.call0(&JsValue::NULL);
                });
                settled.forget();
            })
        });
        // Where it is refused, nothing can be stored either, and nobody gets here.
        let _ = request.call2(&locks, &KEY.into(), &hold);
    })
}

/// Whether the buyer has just pressed something: no script of a page can make that true.
pub fn is_pressed() -> bool {
    let get = |object: &JsValue, name: &str| Reflect::get(object, &name.into());
    get(&gloo_utils::window().navigator(), "userActivation")
        .and_then(|activation| get(&activation, "isActive"))
        .is_ok_and(|active| active.is_truthy())
}

/// So many days after 1 January 1970 in the buyer's zone.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "cut on purpose; a cast of a negative float saturates"
)]
fn today() -> u64 {
    let now = Date::new_0();
    ((now.get_time() - now.get_timezone_offset() * 60_000.0) / 86_400_000.0) as u64
}

//! The catalogue in a component.

use std::rc::Rc;

use gloo_events::EventListener;
use gloo_timers::callback::Timeout;
use shared::api::Store;
use shared::purchase::Trouble;
use wasm_bindgen_futures::spawn_local;
use web_sys::AbortController;
use yew::prelude::*;

use crate::browser::client::Client;
use crate::hooks::{use_effect_on, use_value};

/// How long after a failure the store is asked for again, in milliseconds.
const AGAIN_MS: u32 = 5_000;

/// The state of the request for the store and its catalogue.
#[derive(Clone, PartialEq)]
pub enum StoreState {
    /// The request is under way.
    Loading,
    /// The catalogue has arrived.
    Open(Rc<Store>),
    /// The gateway did not give it; it is asked again every few seconds.
    Away(Trouble),
}

/// Loads the catalogue, and tries again until it has it. The callback tries at once.
#[hook]
pub fn use_store(client: &Client) -> (StoreState, Callback<()>) {
    let catalogue = use_value(|| StoreState::Loading);
    let attempt = use_value(|| 0_u32);
    let again = {
        let attempt = attempt.clone();
        Callback::from(move |()| attempt.set(attempt.get() + 1))
    };
    let attempt = attempt.get();
    use_effect_on((client.clone(), attempt), {
        let catalogue = catalogue.clone();
        move |(client, _): &(Client, u32)| {
            let client = client.clone();
            let controller = AbortController::new().expect("fetch, and so its abort, exists");
            let signal = controller.signal();
            spawn_local(async move {
                let answer = client.store(&signal).await;
                // Aborted: another attempt is under way, or the page is gone.
                if !signal.aborted() {
                    catalogue.set(match answer {
                        Ok(store) => StoreState::Open(Rc::new(store)),
                        Err(trouble) => StoreState::Away(trouble),
                    });
                }
            });
            move || controller.abort()
        }
    });
    let catalogue = catalogue.get();
    let away = matches!(catalogue, StoreState::Away(_));
    use_effect_on((away, attempt), {
        let again = again.clone();
        move |&(away, _)| {
            let waiting = away.then(|| {
                let now = again.clone();
                let online = EventListener::once(&gloo_utils::window(), "online", move |_| {
                    now.emit(());
                });
                (online, Timeout::new(AGAIN_MS, move || again.emit(())))
            });
            move || drop(waiting)
        }
    });
    (catalogue, again)
}

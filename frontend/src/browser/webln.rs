//! Wallets of WebLN's form: the browser's `window.webln`, and those that a site has.
//!
//! The browser's is looked up each time it is needed, because wallets come and go while a page is open.
//! Source: [the WebLN guide](https://www.webln.guide/).

use std::cell::RefCell;

use js_sys::{Function, Promise, Reflect};
use shared::lightning::Preimage;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

/// The longest error of a wallet that is shown, in characters.
const MAX_ERROR: usize = 200;

thread_local! {
    /// The wallet that a site's function has connected, for all walls of the page.
    static CONNECTED: RefCell<Option<JsValue>> = const { RefCell::new(None) };
}

/// An object with `enable()` and `sendPayment(bolt11)`.
pub struct Wallet(JsValue);

/// Asks the site for its wallet, or for a function that connects one: undefined where it has neither.
pub fn ask(site: Option<&Function>) -> JsValue {
    let given = site.map(|site| site.call0(&JsValue::NULL));
    given.and_then(Result::ok).unwrap_or_default()
}

/// The function with which a site connects wallets, until it has connected one.
pub fn connector(given: &JsValue) -> Option<&Function> {
    let connected = CONNECTED.with_borrow(Option::is_some);
    given.dyn_ref().filter(|_| !connected)
}

/// Keeps what a site's function gave.
pub fn connected(wallet: JsValue) {
    CONNECTED.set(Some(wallet));
}

impl Wallet {
    /// The site's; what its function has connected; or the browser's.
    pub fn find(given: JsValue) -> Option<Self> {
        if given.is_object() && !given.is_function() {
            return Some(Self(given));
        }
        let connected =
            CONNECTED.with_borrow(|wallet| wallet.clone().filter(|_| given.is_function()));
        connected
            .or_else(|| get(&js_sys::global(), "webln"))
            .map(Self)
    }

    /// Asks it to work for this page.
    pub fn enable(&self) -> JsFuture {
        self.call("enable", &JsValue::UNDEFINED)
    }

    /// Asks it to pay; [`preimage`] reads the answer.
    pub fn pay(&self, bolt11: &str) -> JsFuture {
        self.call("sendPayment", &bolt11.into())
    }

    fn call(&self, method: &str, argument: &JsValue) -> JsFuture {
        let answer = Reflect::get(&self.0, &method.into())
            .and_then(JsCast::dyn_into::<Function>)
            .and_then(|function| function.call1(&self.0, argument));
        future(answer)
    }
}

/// The answer of a function that may have thrown.
pub fn future(answer: Result<JsValue, JsValue>) -> JsFuture {
    JsFuture::from(match answer {
        Ok(answer) => Promise::resolve(&answer),
        Err(error) => Promise::reject(&error),
    })
}

/// The proof in a wallet's answer; `None` if it says that it paid, but gives no preimage.
pub fn preimage(answer: &JsValue) -> Option<Preimage> {
    get(answer, "preimage")?.as_string()?.parse().ok()
}

/// The wallet's own message, which may be empty: the buyer refused, there is no route, …
pub fn message(error: &JsValue) -> String {
    // It may have been disconnected since.
    CONNECTED.set(None);
    let message = get(error, "message").and_then(|message| message.as_string());
    let message = message.or_else(|| error.as_string()).unwrap_or_default();
    message.chars().take(MAX_ERROR).collect()
}

fn get(object: &JsValue, name: &str) -> Option<JsValue> {
    let value = Reflect::get(object, &name.into()).ok()?;
    (!value.is_undefined() && !value.is_null()).then_some(value)
}

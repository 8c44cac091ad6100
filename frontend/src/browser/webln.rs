//! WebLN: a wallet that the browser offers to the page as `window.webln`.
//!
//! It is looked up each time it is needed, because wallets come and go while a page is open.
//! Source: [the WebLN guide](https://www.webln.guide/).

use js_sys::{Function, Promise, Reflect};
use shared::lightning::Preimage;
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;

/// The longest error of a wallet that is shown, in characters.
const MAX_ERROR: usize = 200;

/// The wallet that the page has now.
pub struct Wallet(JsValue);

impl Wallet {
    /// Looks it up.
    pub fn find() -> Option<Self> {
        global("webln").map(Self)
    }

    /// Asks it to pay. `None` if it says that it paid, but gives no preimage.
    ///
    /// # Errors
    /// The wallet's own message, which may be empty: the buyer refused, there is no route, …
    pub async fn pay(self, bolt11: &str) -> Result<Option<Preimage>, String> {
        call(&self.0, "enable", &JsValue::UNDEFINED)
            .await
            .map_err(|error| error_message(&error))?;
        let answer = call(&self.0, "sendPayment", &bolt11.into())
            .await
            .map_err(|error| error_message(&error))?;
        let preimage = get(&answer, "preimage").and_then(|preimage| preimage.as_string());
        Ok(preimage.and_then(|preimage| preimage.parse().ok()))
    }
}

fn global(name: &str) -> Option<JsValue> {
    get(&js_sys::global(), name)
}

fn get(object: &JsValue, name: &str) -> Option<JsValue> {
    let value = Reflect::get(object, &name.into()).ok()?;
    (!value.is_undefined() && !value.is_null()).then_some(value)
}

async fn call(object: &JsValue, method: &str, argument: &JsValue) -> Result<JsValue, JsValue> {
    let function: Function = Reflect::get(object, &method.into())?.dyn_into()?;
    let answer = function.call1(object, argument)?;
    JsFuture::from(Promise::resolve(&answer)).await
}

fn error_message(error: &JsValue) -> String {
    let message = get(error, "message").and_then(|message| message.as_string());
    let message = message.or_else(|| error.as_string()).unwrap_or_default();
    message.chars().take(MAX_ERROR).collect()
}

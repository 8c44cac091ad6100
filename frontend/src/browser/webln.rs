//! WebLN: a wallet that the browser offers to the page as `window.webln`.
//!
//! It is looked for when it is needed and never kept: wallets come and go while a page is open.
//! Source: [the WebLN guide](https://www.webln.guide/).

use js_sys::{Function, Promise, Reflect};
use shared::lightning::Preimage;
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;

/// The longest error of a wallet that is shown, in characters.
const MAX_ERROR: usize = 200;

/// The wallet that is there now.
pub struct Wallet(JsValue);

impl Wallet {
    /// Looks for it.
    pub fn find() -> Option<Self> {
        global("webln").map(Self)
    }

    /// Lets it pay. `None` where it paid, or says so, and gives no preimage.
    ///
    /// # Errors
    /// The wallet's own words: the buyer said no, there is no route, … They may be none.
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

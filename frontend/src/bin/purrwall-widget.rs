//! The program of `<purr-wall>`: what `js/widget.js` calls for each element.
//!
//! It is here and not in the library because the page's program would export it, too.

use std::cell::RefCell;

use frontend::i18n::language::set_files;
use frontend::widget::attributes::Attributes;
use frontend::widget::remote::Remote;
use frontend::widget::stage::Stage;
use frontend::widget::view::Props;
use js_sys::Function;
use wasm_bindgen::prelude::*;
use web_sys::{Element, HtmlElement};
use yew::AttrValue;

#[wasm_bindgen]
extern "C" {
    /// The element's attributes; `null` where one is not set.
    pub type Config;

    #[wasm_bindgen(method, getter)]
    fn item(this: &Config) -> Option<String>;
    #[wasm_bindgen(method, getter)]
    fn lang(this: &Config) -> Option<String>;
    #[wasm_bindgen(method, getter)]
    fn words(this: &Config) -> Option<Function>;
    #[wasm_bindgen(method, getter)]
    fn gateway(this: &Config) -> Option<String>;
    #[wasm_bindgen(method, getter)]
    fn payee(this: &Config) -> Option<String>;
    #[wasm_bindgen(method, getter, js_name = maxSat)]
    fn max_sat(this: &Config) -> Option<String>;
    #[wasm_bindgen(method, getter)]
    fn theme(this: &Config) -> Option<String>;
    #[wasm_bindgen(method, getter)]
    fn mode(this: &Config) -> Option<String>;
    /// Asks the site for a wallet.
    #[wasm_bindgen(method, getter)]
    fn wallet(this: &Config) -> Function;
    /// Called when there is something to show.
    #[wasm_bindgen(method, getter)]
    fn ready(this: &Config) -> Function;
}

/// Draws a wall for an element, which puts it into its shadow root when it is ready.
///
/// # Errors
/// The browser's, where it cannot make an element.
#[wasm_bindgen]
pub fn mount(host: HtmlElement, config: &Config) -> Result<WallHandle, JsValue> {
    let remote = Remote::new(host, config.ready(), config.wallet());
    set_files(config.words());
    let stage = Stage::take(props(config, &remote))?;
    Ok(WallHandle {
        stage: RefCell::new(stage),
        remote,
    })
}

/// A mounted wall.
#[wasm_bindgen]
pub struct WallHandle {
    stage: RefCell<Stage>,
    remote: Remote,
}

#[wasm_bindgen]
impl WallHandle {
    /// What the element puts into its shadow root.
    pub fn container(&self) -> Element {
        self.stage.borrow().container().clone()
    }

    /// Does what other attributes ask for.
    pub fn update(&self, config: &Config) {
        let props = props(config, &self.remote);
        self.stage.borrow_mut().update(props);
    }

    /// Starts the purchase, or goes on with one that was begun, as soon as there is an offer.
    pub fn buy(&self) {
        self.remote.buy();
    }

    /// Starts over. What was paid stays in storage.
    pub fn reset(&self) {
        self.remote.reset();
    }

    /// The purchase's state, as `widget.d.ts` names it.
    pub fn state(&self) -> String {
        self.remote.state().to_owned()
    }

    /// Takes the wall down. What was begun stays in storage.
    pub fn destroy(self) {
        self.stage.into_inner().clear();
    }
}

fn props(config: &Config, remote: &Remote) -> Props {
    Props {
        attributes: Attributes {
            item: config.item(),
            gateway: config.gateway(),
            payee: config.payee(),
            max_sat: config.max_sat(),
            theme: config.theme(),
            mode: config.mode(),
        },
        language: config.lang().map(AttrValue::from),
        remote: remote.clone(),
    }
}

/// There is nothing to do until an element comes.
fn main() {}

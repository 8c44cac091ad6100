//! "New to Lightning?": three steps for buyers who have never paid this way. The store has the words and
//! the wallets; they are loaded when somebody opens this.

use js_sys::{Array, Reflect};
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::spawn_local;
use web_sys::AbortController;
use yew::prelude::*;

use crate::browser::client::load_json;
use crate::browser::gateway::Gateway;
use crate::hooks::{use_effect_on, use_value};
use crate::i18n::language::{Language, current, locale};
use crate::ui::element::{Element, element};

/// Where the words are, and whether they are needed now.
#[derive(Properties, PartialEq)]
pub struct Props {
    /// The language that it speaks: that of what draws it.
    #[prop_or_else(current)]
    pub language: Language,
    /// The store.
    pub gateway: Gateway,
    /// Whether it opens by itself.
    pub open: bool,
}

/// One quiet line, and what it opens.
#[component]
pub fn Help(props: &Props) -> Html {
    props.language.enter();
    let asked = use_value(|| false);
    let steps = use_value(|| None);
    let address = props.gateway.url(&["/help/", locale(), ".json"].concat());
    use_effect_on((asked.get() || props.open).then_some(address), {
        let steps = steps.clone();
        move |address: &Option<String>| {
            let controller = AbortController::new().expect("fetch, and so its abort, exists");
            if let Some(address) = address.clone() {
                let signal = controller.signal();
                spawn_local(async move { steps.set(load_json(&address, &signal).await) });
            }
            move || controller.abort()
        }
    });
    let on_click = Callback::from(move |()| asked.set(true));
    let help = element("details", "help")
        .test("help")
        .child(
            element("summary", "link")
                .on_click(&on_click)
                .say("New to Lightning?"),
        )
        .children(steps.get().as_ref().map(list));
    let help = if props.open {
        help.attribute("open", "")
    } else {
        help
    };
    help.into()
}

/// A step is `{text}`; a wallet, which belongs to the step before it, is `{text, url}`.
fn list(entries: &JsValue) -> Html {
    let mut steps: Vec<Element> = Vec::new();
    for entry in Array::from(entries).iter() {
        let get = |name: &str| Reflect::get(&entry, &name.into()).ok()?.as_string();
        let text = get("text").unwrap_or_default();
        let url = get("url").filter(|url| url.starts_with("https://"));
        match (url, steps.pop()) {
            (Some(url), Some(step)) => {
                let wallet = element("a", "")
                    .attribute("href", url)
                    .attribute("target", "_blank")
                    .attribute("rel", "noopener noreferrer")
                    .text(text);
                steps.push(step.text(" ").child(wallet));
            }
            (_, last) => {
                steps.extend(last);
                steps.push(element("li", "").text(text));
            }
        }
    }
    let steps = steps.into_iter().map(Html::from);
    element("ol", "").children(steps).into()
}

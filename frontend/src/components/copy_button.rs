//! Copies the invoice.

use gloo_timers::callback::Timeout;
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

use crate::clipboard::copy;
use crate::components::element::{button, element};

/// How long the button says that it has copied, in milliseconds.
const SAID_MS: u32 = 2_500;

/// What to copy.
#[derive(Properties, PartialEq)]
pub struct Props {
    /// The invoice.
    pub bolt11: AttrValue,
}

/// A button that says whether it worked.
#[component]
pub fn CopyButton(props: &Props) -> Html {
    let copied = use_state(|| None);
    use_effect_with(*copied, {
        let copied = copied.setter();
        move |said| {
            let reset = said.map(|_| Timeout::new(SAID_MS, move || copied.set(None)));
            move || drop(reset)
        }
    });
    let on_click = {
        let (bolt11, copied) = (props.bolt11.clone(), copied.setter());
        Callback::from(move |()| {
            let (bolt11, copied) = (bolt11.clone(), copied.clone());
            spawn_local(async move { copied.set(Some(copy(&bolt11).await)) });
        })
    };
    let (label, said) = match *copied {
        None => ("Copy invoice", ""),
        Some(true) => ("Copied", "The invoice is copied."),
        Some(false) => (
            "Copying is forbidden here",
            "The browser did not allow copying.",
        ),
    };
    element("div", "")
        .child(button("plain", "copy", &on_click).text(label))
        .child(
            element("span", "unseen")
                .attribute("aria-live", "polite")
                .text(said),
        )
        .into()
}

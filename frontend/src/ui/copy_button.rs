//! Copies an invoice or a link.

use gloo_timers::callback::Timeout;
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

use crate::browser::clipboard::copy;
use crate::hooks::{use_effect_on, use_value};
use crate::i18n::language::{Language, current};
use crate::i18n::say::say;
use crate::ui::element::{button, element};

/// How long the button says that it has copied, in milliseconds.
const SAID_MS: u32 = 2_500;

/// What to copy.
#[derive(Properties, PartialEq)]
pub struct Props {
    /// The language that it speaks: that of what draws it.
    #[prop_or_else(current)]
    pub language: Language,
    /// The text.
    pub text: AttrValue,
    /// What the button says before it is used.
    pub label: AttrValue,
    /// How it looks.
    pub class: &'static str,
    /// Its name for tests.
    pub test: &'static str,
}

/// The quiet button that copies the link of a purchase.
pub fn copy_link(link: &AttrValue) -> Html {
    html! { <CopyButton text={link} label={say("Copy purchase link")} class="link" test="copy-link" /> }
}

/// A button that says whether it worked.
#[component]
pub fn CopyButton(props: &Props) -> Html {
    props.language.enter();
    let copied = use_value(|| None);
    use_effect_on(copied.get(), {
        let copied = copied.clone();
        move |said: &Option<bool>| {
            let reset = said.map(|_| Timeout::new(SAID_MS, move || copied.set(None)));
            move || drop(reset)
        }
    });
    let on_click = {
        let (text, copied) = (props.text.clone(), copied.clone());
        Callback::from(move |()| {
            let (text, copied) = (text.clone(), copied.clone());
            spawn_local(async move { copied.set(Some(copy(&text).await)) });
        })
    };
    let (label, said) = match copied.get() {
        None => (props.label.clone(), AttrValue::default()),
        Some(true) => (say("Copied"), say("It is copied.")),
        Some(false) => (
            say("Copying is forbidden here"),
            say("The browser did not allow copying."),
        ),
    };
    element("div", "")
        .child(button(props.class, props.test, &on_click).text(label))
        .child(
            element("span", "unseen")
                .attribute("aria-live", "polite")
                .text(said),
        )
        .into()
}

//! Opens a purchase with the preimage that the buyer's wallet shows.

use shared::lightning::Preimage;
use wasm_bindgen::JsCast;
use web_sys::{HtmlFormElement, HtmlInputElement};
use yew::prelude::*;

use crate::i18n::say::say;
use crate::ui::element::element;

/// A field for the preimage. `on_proof` returns whether it proves the payment; one that does not is
/// neither stored nor sent, and the browser shows why.
pub fn proof_form(on_proof: Callback<Preimage, bool>) -> Html {
    let on_submit = Callback::from(move |event: Event| {
        event.prevent_default();
        let form: Option<HtmlFormElement> = event.target().map(JsCast::unchecked_into);
        let Some(field) = form.and_then(|form| form.get_with_index(0)) else {
            return;
        };
        let field: HtmlInputElement = field.unchecked_into();
        let preimage = field.value().trim().parse();
        let fits = preimage.is_ok_and(|preimage| on_proof.emit(preimage));
        let wrong = if fits {
            AttrValue::default()
        } else {
            say(
                "This does not prove this payment. A preimage has 64 hex digits; your wallet shows \
                 it with the payment’s details.",
            )
        };
        field.set_custom_validity(&wrong);
        field.report_validity();
    });
    element("form", "proof")
        .test("proof")
        // Every preimage is looked at, also after one that did not fit.
        .attribute("novalidate", "")
        .on_submit(on_submit)
        .child(
            element("input", "")
                .attribute("aria-label", say("Preimage"))
                .attribute("placeholder", say("Preimage"))
                .attribute("autocomplete", "off")
                .attribute("spellcheck", "false"),
        )
        .child(element("button", "plain").part("button").say("Open"))
        .into()
}

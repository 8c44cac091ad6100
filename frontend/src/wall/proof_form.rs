//! Opens a purchase with the preimage that the buyer's wallet shows.

use shared::lightning::Preimage;
use web_sys::HtmlInputElement;
use yew::prelude::*;

use crate::i18n::language::use_language;
use crate::i18n::say::say;
use crate::ui::element::{element, paragraph};

/// Who knows whether a preimage fits.
#[derive(Properties, PartialEq)]
pub struct Props {
    /// Takes a preimage; returns whether it proves the payment.
    pub on_proof: Callback<Preimage, bool>,
}

/// A field for the preimage. One that does not fit is neither stored nor sent.
#[component]
pub fn ProofForm(Props { on_proof }: &Props) -> Html {
    use_language();
    let field = use_node_ref();
    let wrong = use_state_eq(|| false);
    let on_submit = {
        let (field, wrong, on_proof) = (field.clone(), wrong.setter(), on_proof.clone());
        Callback::from(move |event: Event| {
            event.prevent_default();
            let typed = field.cast::<HtmlInputElement>();
            let typed = typed.map(|typed| typed.value()).unwrap_or_default();
            let preimage = typed.trim().parse();
            wrong.set(!preimage.is_ok_and(|preimage| on_proof.emit(preimage)));
        })
    };
    let words = say(
        "This does not prove this payment. A preimage has 64 hex digits; your wallet shows it with \
         the payment’s details.",
    );
    element("form", "proof")
        .test("proof")
        .on_submit(on_submit)
        .child(
            element("input", "")
                .attribute("aria-label", say("Preimage"))
                .attribute("placeholder", say("Preimage"))
                .attribute("autocomplete", "off")
                .attribute("spellcheck", "false")
                .node(&field),
        )
        .child(element("button", "plain").part("button").say("Open"))
        .child(
            element("div", "")
                .attribute("role", "alert")
                .children(wrong.then(|| paragraph("", words))),
        )
        .into()
}

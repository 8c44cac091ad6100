//! The choice of a language, at the top of the store's page.

use wasm_bindgen::JsCast;
use web_sys::HtmlSelectElement;
use yew::prelude::*;

use crate::i18n::language::{languages, name_of};
use crate::i18n::say::say;
use crate::ui::element::element;

/// The element of the page's frame that holds it.
const PLACE: &str = "language";

/// Draws it with the language that was chosen; empty leaves it to the visitor's browser, which is
/// the first choice. `None` on a page without a place for it.
pub fn language_chooser(chosen: &AttrValue, on_choose: &Callback<AttrValue>) -> Option<Html> {
    let place = gloo_utils::document().get_element_by_id(PLACE)?;
    let option = |value: &'static str, name: AttrValue| {
        let option = element("option", "").attribute("value", value).text(name);
        let option = if *chosen == value {
            option.attribute("selected", "")
        } else {
            option
        };
        option.into()
    };
    // Each in its own language, so that visitors who cannot read the page find theirs.
    let named = languages().map(|language| option(language, name_of(language).into()));
    let on_choose = on_choose.reform(|event: Event| {
        let select = event.target().map(JsCast::unchecked_into);
        select.map_or_else(AttrValue::default, |select: HtmlSelectElement| {
            select.value().into()
        })
    });
    let select = element("select", "")
        .test("language")
        .attribute("aria-label", say("Language"))
        // Without this, Firefox would restore an older choice.
        .attribute("autocomplete", "off")
        .on_change(on_choose)
        .child(option("", say("Automatic")))
        .children(named);
    Some(create_portal(select.into(), place))
}

//! The goods, paid and checked.

use std::rc::Rc;

use js_sys::Reflect;
use shared::api::Item;
use shared::text::decimal;
use web_sys::HtmlElement;
use yew::prelude::*;

use crate::browser::goods::Goods;
use crate::browser::kind::Kind;
use crate::hooks::use_effect_on;
use crate::i18n::say::say_of;
use crate::ui::element::{Element, button, element};

/// The columns between tab stops, as the style sheet has them.
const TAB: usize = 4;

/// What the browser can show is shown, in `focus`; anything can be saved.
pub fn content_view(item: &Item, goods: &Goods, focus: &NodeRef, on_save: &Callback<()>) -> Html {
    let (frame, content) = match (goods.text(), shown(item, goods)) {
        (Some(text), _) => {
            let art = element("pre", "")
                .attribute("tabindex", "0")
                .attribute("role", "region")
                .attribute("aria-label", item.title.clone())
                .text(text.clone());
            (element("div", "fit"), art)
        }
        (None, Some(media)) => (element("div", "media"), media),
        (None, None) => {
            let note = element("p", "")
                .attribute("tabindex", "-1")
                .text(say_of("Your file is here: {0}", &[goods.content_type()]));
            (element("div", ""), note)
        }
    };
    element("div", "goods")
        .part("goods")
        .child(frame.child(content.part("content").test("content").node(focus)))
        .child(button("plain", "save", on_save).say("Save"))
        .into()
}

/// The element that shows or plays the goods, where the browser can.
fn shown(item: &Item, goods: &Goods) -> Option<Element> {
    let address = AttrValue::from(goods.address()?.to_owned());
    let player = |tag| element(tag, "").attribute("controls", "");
    let media = match Kind::of(goods.content_type()) {
        Kind::Image => element("img", "").attribute("alt", item.title.clone()),
        Kind::Audio => player("audio"),
        Kind::Video => player("video").attribute("playsinline", ""),
        Kind::Pdf if reads_pdf() => element("iframe", "").attribute("title", item.title.clone()),
        Kind::Pdf | Kind::Text | Kind::File => return None,
    };
    Some(media.attribute("tabindex", "-1").attribute("src", address))
}

/// Whether the browser has a reader of its own; a frame would else be empty, or a download.
fn reads_pdf() -> bool {
    let navigator = gloo_utils::window().navigator();
    Reflect::get(&navigator, &"pdfViewerEnabled".into()).is_ok_and(|enabled| enabled.is_truthy())
}

/// Makes the letters in `focus` as small as the longest line demands, so that ASCII art never
/// breaks.
#[hook]
pub fn use_fitted_letters(goods: Option<&Rc<Goods>>, focus: &NodeRef) {
    let columns = goods
        .and_then(|goods| goods.text())
        .map(|text| columns(text));
    use_effect_on(
        (columns, focus.clone()),
        |(columns, focus): &(_, NodeRef)| {
            if let Some(columns) = columns
                && let Some(pre) = focus.cast::<HtmlElement>()
            {
                // Not an attribute: pages may forbid inline styles. Without the property the style
                // sheet's default width holds.
                let _ = pre
                    .style()
                    .set_property("--columns", &decimal(*columns as u64));
            }
        },
    );
}

/// The length of the longest line, tabs expanded.
fn columns(text: &str) -> usize {
    let width = |line: &str| {
        line.chars().fold(0, |column, character| match character {
            '\t' => (column / TAB + 1) * TAB,
            _ => column + 1,
        })
    };
    text.lines().map(width).max().unwrap_or(0).max(1)
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::columns;

    #[test]
    fn the_longest_line_decides() {
        assert_eq!(columns(" /\\_/\\\n( o.o )\n > ^ <\r\n"), 7);
        assert_eq!(columns("ab\tc"), 5);
        assert_eq!(columns(""), 1);
    }
}

//! The goods, paid and checked.

use std::rc::Rc;

use shared::api::Item;
use web_sys::HtmlElement;
use yew::prelude::*;

use crate::components::element::{button, element};
use crate::download;

/// The columns between tab stops, as the style sheet has them.
const TAB: usize = 4;

/// Text is shown as it is, in `focus`; anything can be saved.
pub fn content_view(item: &Item, bytes: &Rc<[u8]>, focus: &NodeRef) -> Html {
    let on_save = {
        let bytes = bytes.clone();
        let name = download::file_name(item.id.as_str(), &item.content_type);
        Callback::from(move |()| download::save(&bytes, &name))
    };
    let content = if is_text(item) {
        let art = element("pre", "")
            .attribute("tabindex", "0")
            .attribute("role", "region")
            .attribute("aria-label", item.title.clone())
            .text(text(bytes));
        (element("div", "fit"), art)
    } else {
        let note = element("p", "")
            .attribute("tabindex", "-1")
            .text("Your file is here: ")
            .text(item.content_type.clone());
        (element("div", ""), note)
    };
    let (frame, content) = content;
    element("div", "goods")
        .part("goods")
        .child(frame.child(content.part("content").test("content").node(focus)))
        .child(button("plain", "save", &on_save).text("Save"))
        .into()
}

/// Makes the letters in `focus` as small as the longest line demands, so that ASCII art never
/// breaks.
#[hook]
pub fn use_fitted_letters(item: &Item, bytes: Option<&Rc<[u8]>>, focus: &NodeRef) {
    let columns = bytes
        .filter(|_| is_text(item))
        .map(|bytes| columns(&text(bytes)));
    use_effect_with((columns, focus.clone()), |(columns, focus)| {
        if let Some(columns) = columns
            && let Some(pre) = focus.cast::<HtmlElement>()
        {
            // Not an attribute: pages may forbid inline styles. Without the property the style
            // sheet's default width holds.
            let _ = pre.style().set_property("--columns", &columns.to_string());
        }
    });
}

fn is_text(item: &Item) -> bool {
    item.content_type.starts_with("text/")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
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

//! A panel that says what happened and offers what can be done.

use yew::prelude::*;

use crate::ui::element::element;

/// Draws the panel. Tests and style sheets know it by `name`; `focus` is bound to its heading.
pub fn notice(name: &'static str, heading: AttrValue, focus: &NodeRef, rest: Vec<Html>) -> Html {
    let heading = element("h2", "")
        .attribute("tabindex", "-1")
        .node(focus)
        .text(heading);
    element("div", "")
        .attribute("class", ["notice ", name].concat())
        .part("notice")
        .test(name)
        .child(heading)
        .children(rest)
        .into()
}

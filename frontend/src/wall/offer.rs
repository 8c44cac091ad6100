//! The item before it is bought: the box, what is in it, what it costs, the button.

use shared::api::Item;
use shared::drawings::BOLT;
use yew::prelude::*;

use crate::i18n::format::{price, span};
use crate::i18n::say::{say, say_of};
use crate::ui::drawing::drawing;
use crate::ui::element::{button, element, paragraph};
use crate::wall::box_view::box_view;

/// Draws the offer; `busy` while the invoice is asked for. In a widget, `slot` lets the site draw
/// it itself; on a page it is nothing.
pub fn offer(item: &Item, busy: bool, focus: &NodeRef, on_buy: &Callback<()>) -> Html {
    let price = price(item);
    let said = if busy {
        say("Asking…")
    } else {
        say("Open the box")
    };
    // Not `disabled` while busy: that would drop the keyboard's focus.
    let opener = button("main", "buy", on_buy)
        .part("button buy")
        .node(focus)
        .attribute("aria-disabled", if busy { "true" } else { "false" })
        .attribute(
            "aria-label",
            [&said, ": ", &item.title, ", ", &price].concat(),
        )
        .text(said);
    let price = element("p", "price")
        .part("price")
        .child(drawing(BOLT))
        .text(price);
    let time = item.valid_for_secs.map(|secs| {
        paragraph(
            "quiet",
            say_of("Yours for {0} after you paid.", &[&span(secs)]),
        )
    });
    let about = element("div", "about")
        .child(
            element("h2", "")
                .part("title")
                .attribute("dir", "auto")
                .text(item.title.clone()),
        )
        .child(
            element("p", "teaser")
                .part("teaser")
                .attribute("dir", "auto")
                .text(item.teaser.clone()),
        )
        .children(time)
        .child(element("div", "buy-row").child(price).child(opener));
    element("slot", "")
        .attribute("name", "locked")
        .child(element("div", "stage").child(box_view(item.sha256, false)))
        .child(about)
        .into()
}

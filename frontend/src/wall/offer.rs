//! The item before it is bought: the box, what is in it, what it costs, the button.

use shared::api::{Deed, Item, Scene, preview_path};
use shared::drawings::BOLT;
use yew::prelude::*;

use crate::browser::gateway::Gateway;

use crate::i18n::format::{price, span};
use crate::i18n::language::locale;
use crate::i18n::say::{say, say_of};
use crate::ui::drawing::drawing;
use crate::ui::element::{button, element, paragraph};
use crate::wall::box_view::box_view;

/// Draws the offer; `busy` while the invoice is asked for. In a widget, `slot` lets the site draw
/// it itself; on a page it is nothing.
pub fn offer(
    gateway: &Gateway,
    item: &Item,
    busy: bool,
    focus: &NodeRef,
    on_buy: &Callback<()>,
) -> Html {
    let price = price(item);
    let said = if busy {
        say("Asking…")
    } else {
        button_words(item)
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
            say_of(
                "Yours for {0}, counted from the end of the time to pay.",
                &[&span(secs)],
            ),
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
        .children(scene(gateway, item))
        .child(about)
        .into()
}

/// What stands before the item: a box in the dark, a small picture, or nothing.
fn scene(gateway: &Gateway, item: &Item) -> Option<Html> {
    let scene = match item.scene {
        Scene::Box => element("div", "stage").child(box_view(item.sha256, false)),
        Scene::Preview => element("img", "preview")
            .attribute("src", gateway.url(&preview_path(&item.id)))
            // The title is below it.
            .attribute("alt", ""),
        Scene::Card => return None,
    };
    Some(scene.into())
}

/// The owner's words, or what buyers do with the goods.
fn button_words(item: &Item) -> AttrValue {
    if let Some(word) = item.word(locale()) {
        return word.to_owned().into();
    }
    match item.deed() {
        Deed::Open => say("Open the box"),
        Deed::Read => say("Read"),
        Deed::Listen => say("Listen"),
        Deed::Watch => say("Watch"),
        Deed::Buy => say("Buy"),
    }
}

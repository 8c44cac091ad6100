//! The question before a purchase is opened that was begun elsewhere.

use shared::link::Link;
use yew::prelude::*;

use crate::i18n::say::say;
use crate::ui::element::{button, element, paragraph};

/// Without it, whoever makes a visitor follow a link could let them pay for the purchase of somebody
/// else, who can then open the goods, too.
pub fn foreign_link(link: &Link, on_open: &Callback<Link>, on_decline: &Callback<()>) -> Html {
    let opened = link.clone();
    let on_open = on_open.reform(move |()| opened.clone());
    let order = link.purchase.order();
    let title = order.as_ref().map(|order| order.invoice.title());
    let title = title.unwrap_or(link.item.as_str());
    let title = element("strong", "")
        .attribute("dir", "auto")
        .text(title.to_owned());
    let words = say(
        "Open it only if it is yours, or a gift: whoever sent you the link can open what you pay \
         for, too.",
    );
    let ways = element("div", "asides")
        .child(button("main", "open-link", &on_open).say("Open"))
        .child(button("link", "decline-link", on_decline).say("Not now"));
    element("section", "closed")
        .test("foreign-link")
        .attribute("role", "alert")
        .child(
            element("h2", "")
                .say("This link belongs to a purchase that was begun elsewhere. Open it?"),
        )
        .child(element("p", "").child(title))
        .child(paragraph("", words))
        .child(ways)
        .into()
}

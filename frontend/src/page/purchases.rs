//! "Your purchases": what was bought in this browser, and can be opened again.

use shared::api::{Item, Store};
use shared::link::Link;
use shared::receipt::Receipt;
use yew::prelude::*;

use crate::browser::client::Client;
use crate::i18n::format::{amount, moment};
use crate::i18n::say::{say, say_of};
use crate::ui::copy_button::copy_link;
use crate::ui::element::{Element, button, element};
use crate::ui::receipt_button::receipt_button;

/// Lists the purchases, the newest first; `None` if there are none.
pub fn purchases(
    client: &Client,
    store: &Store,
    links: &[Link],
    on_open: &Callback<Link>,
    on_forget: &Callback<Link>,
) -> Option<Html> {
    let mut found: Vec<(u64, Html)> = Vec::new();
    for link in links {
        if let Some((created_at, row)) = row(client, store, link, on_open, on_forget) {
            let older = found.iter().position(|&(other, _)| other < created_at);
            // Inserted in order, because the library's sort adds ten kilobytes to the download.
            found.insert(older.unwrap_or(found.len()), (created_at, row.into()));
        }
    }
    if found.is_empty() {
        return None;
    }
    let rows = found.into_iter().map(|(_, row)| row);
    let list = element("section", "purchases")
        .test("purchases")
        .attribute("aria-labelledby", "purchases")
        .child(
            element("h2", "")
                .attribute("id", "purchases")
                .say("Your purchases"),
        )
        .child(element("ul", "").children(rows));
    Some(list.into())
}

fn row(
    client: &Client,
    store: &Store,
    link: &Link,
    on_open: &Callback<Link>,
    on_forget: &Callback<Link>,
) -> Option<(u64, Element)> {
    let order = link.purchase.order()?;
    let invoice = &order.invoice;
    let preimage = link.purchase.proof();
    let item = store.items.iter().find(|item| item.id == link.item);
    let amount = invoice.amount_msat.map_or_else(String::new, amount);
    let standing = match preimage {
        Some(_) => say("paid"),
        None => say("not known to be paid"),
    };
    let mut facts = [
        &amount,
        " · ",
        &moment(invoice.created_at),
        " · ",
        &standing,
    ]
    .concat();
    if let Some(end) = order.claim.valid_until() {
        facts = [&facts, " · ", &say_of("until {0}", &[&moment(end)])].concat();
    }
    let receipt = preimage.and_then(|preimage| {
        // A purchase from before sizes were stored: the item's size holds if the goods are the same.
        let sold = |item: &&Item| Some(item.sha256) == order.promised();
        let size = order.size.or(item.filter(sold).map(|item| item.size))?;
        Receipt::new(&order, preimage, link.item.clone(), size)
    });
    let act = |callback: &Callback<Link>| {
        let link = link.clone();
        callback.reform(move |()| link.clone())
    };
    let forget = preimage.is_none().then(|| {
        let on_forget = act(on_forget);
        let on_click = Callback::from(move |()| {
            let question =
                say("Forget this purchase? If it was paid, its goods cannot be opened any more.");
            if gloo_utils::window().confirm_with_message(&question) == Ok(true) {
                on_forget.emit(());
            }
        });
        button("link", "forget", &on_click).say("Forget").into()
    });
    let actions = element("div", "asides")
        .child(button("link", "open-purchase", &act(on_open)).say("Open"))
        .children(receipt.map(receipt_button))
        .child(copy_link(&client.gateway().link(link).into()))
        .children(forget);
    let row = element("li", "")
        .test("purchase")
        .child(
            element("strong", "")
                .attribute("dir", "auto")
                .text(invoice.title().to_owned()),
        )
        .child(element("p", "quiet").text(facts))
        .child(actions);
    Some((invoice.created_at, row))
}

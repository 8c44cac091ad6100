//! The store's own page: the shelf, inside the frame that stands in `index.html`.

use std::rc::Rc;

use shared::api::{Item, Store};
use shared::invoice::Terms;
use shared::lightning::Network;
use shared::purchase::Trouble;
use yew::prelude::*;

use crate::client::Client;
use crate::components::element::{button, element, paragraph};
use crate::components::trouble::words;
use crate::components::wall::Wall;
use crate::config::own_client;
use crate::hooks::use_store::{Catalogue, use_store};

/// The element of the frame that shows the store's name.
const NAME: &str = "store-name";

/// Loads the catalogue from the page's own gateway and lays it out.
#[component]
pub fn StorePage() -> Html {
    let client = use_memo((), |()| own_client());
    let (catalogue, ask_again) = use_store(&client);
    let name = match &catalogue {
        Catalogue::Open(store) => Some(store.name.clone()),
        Catalogue::Loading | Catalogue::Away(_) => None,
    };
    use_effect_with(name, |name| {
        if let Some(name) = name {
            show_name(name);
        }
    });
    match &catalogue {
        Catalogue::Loading => element("p", "loading")
            .attribute("role", "status")
            .text("Opening the store…")
            .into(),
        Catalogue::Open(store) => shelf(&client, store),
        Catalogue::Away(trouble) => away(trouble, &ask_again),
    }
}

fn show_name(name: &str) {
    let document = gloo_utils::document();
    document.set_title(name);
    if let Some(element) = document.get_element_by_id(NAME) {
        element.set_text_content(Some(name));
    }
}

fn shelf(client: &Client, store: &Store) -> Html {
    let network = match store.network {
        Network::Bitcoin => "Bitcoin",
        Network::Testnet => "Testnet: its coins have no value",
        Network::Signet => "Signet: its coins have no value",
        Network::Regtest => "Regtest: play money",
    };
    let shelf = element("div", "shelf")
        .children(store.items.iter().map(|item| card(client, store, item)))
        .children(
            store
                .items
                .is_empty()
                .then(|| paragraph("loading", "The shelves are empty. Come back later.")),
        );
    let node = element("code", "").text(store.node_id.to_hex());
    let facts = element("dl", "facts")
        .child(element("dt", "").text("Network"))
        .child(element("dd", "").text(network))
        .child(element("dt", "").text("Store’s node"))
        .child(element("dd", "").child(node));
    element("div", "").child(shelf).child(facts).into()
}

/// An item's wall in a card with a cat's ears.
fn card(client: &Client, store: &Store, item: &Item) -> Html {
    let terms = Terms::of(store, item);
    let id = item.id.as_str();
    html! {
        <article key={id} class="card" data-test={["item-", id].concat()}>
            <Wall {client} item={Rc::new(item.clone())} {terms} />
        </article>
    }
}

fn away(trouble: &Trouble, ask_again: &Callback<()>) -> Html {
    let words = element("p", "")
        .attribute("role", "status")
        .text(words(trouble))
        .text(" This page tries again by itself.");
    element("div", "closed")
        .test("store-error")
        .child(element("h2", "").text("The store is napping"))
        .child(words)
        .child(button("plain", "retry", ask_again).text("Try now"))
        .into()
}

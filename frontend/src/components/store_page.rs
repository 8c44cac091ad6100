//! The store's own page: the shelf, inside the frame that stands in `index.html`.

use std::rc::Rc;

use shared::api::{Item, Store};
use shared::invoice::Terms;
use shared::lightning::Network;
use shared::purchase::Trouble;
use yew::prelude::*;

use crate::client::Client;
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
        Catalogue::Loading => html! {
            <p class="loading" role="status">{"Opening the store…"}</p>
        },
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
    html! {
        <>
            <div class="shelf">
                { for store.items.iter().map(|item| card(client, store, item)) }
                if store.items.is_empty() {
                    <p class="loading">{"The shelves are empty. Come back later."}</p>
                }
            </div>
            <dl class="facts">
                <dt>{"Network"}</dt><dd>{network}</dd>
                <dt>{"Store’s node"}</dt><dd><code>{store.node_id.to_hex()}</code></dd>
            </dl>
        </>
    }
}

/// An item's wall in a card with a cat's ears.
fn card(client: &Client, store: &Store, item: &Item) -> Html {
    let terms = Terms {
        network: store.network,
        payee: Some(store.node_id),
        price_msat: item.price_msat,
        max_msat: None,
        sha256: item.sha256,
    };
    let id = item.id.as_str();
    html! {
        <article key={id} class="card" data-test={["item-", id].concat()}>
            <Wall {client} item={Rc::new(item.clone())} {terms} />
        </article>
    }
}

fn away(trouble: &Trouble, ask_again: &Callback<()>) -> Html {
    let onclick = ask_again.reform(|_: MouseEvent| ());
    html! {
        <div class="closed" data-test="store-error">
            <h2>{"The store is napping"}</h2>
            <p role="status">{words(trouble)}{" This page tries again by itself."}</p>
            <button type="button" class="plain" data-test="retry" {onclick}>{"Try now"}</button>
        </div>
    }
}

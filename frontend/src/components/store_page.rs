//! The store's own page.

use std::rc::Rc;

use shared::api::Store;
use shared::lightning::Network;
use shared::purchase::Trouble;
use yew::prelude::*;

use crate::client::Client;
use crate::components::icons::Logo;
use crate::components::item_card::ItemCard;
use crate::components::trouble::words;
use crate::config::own_client;
use crate::hooks::use_store::{Catalogue, use_store};

/// Loads the catalogue from the page's own gateway and lays it out.
#[component]
pub fn StorePage() -> Html {
    let client = (*use_memo((), |()| own_client())).clone();
    let (catalogue, ask_again) = use_store(&client);
    let name = match &catalogue {
        Catalogue::Open(store) => store.name.clone(),
        Catalogue::Loading | Catalogue::Away(_) => "Purrwall".to_owned(),
    };
    html! {
        <>
            <header class="top">
                <p class="brand"><Logo /><span>{name}</span></p>
            </header>
            <main>
                <div class="hero">
                    <h1>{"Pick a box. Pay a little. "}<em>{"See who is inside."}</em></h1>
                    <p>{"Paid over Lightning in a second or two. No account, no card, no cookies."}</p>
                </div>
                { match &catalogue {
                    Catalogue::Loading => html! { <p class="loading" role="status">{"Opening the store…"}</p> },
                    Catalogue::Open(store) => items(&client, store),
                    Catalogue::Away(trouble) => away(trouble, &ask_again),
                } }
            </main>
            if let Catalogue::Open(store) = &catalogue {
                {footer(store)}
            }
        </>
    }
}

fn items(client: &Client, store: &Rc<Store>) -> Html {
    if store.items.is_empty() {
        return html! { <p class="loading">{"The shelves are empty. Come back later."}</p> };
    }
    html! {
        <div class="shelf">
            { for store.items.iter().map(|item| html! {
                <ItemCard key={item.id.as_str()} {client} {store} item={item.clone()} />
            }) }
        </div>
    }
}

fn away(trouble: &Trouble, ask_again: &Callback<()>) -> Html {
    let onclick = ask_again.reform(|_: MouseEvent| ());
    html! {
        <div class="closed" data-test="store-error">
            <Logo />
            <h2>{"The store is napping"}</h2>
            <p role="status">{words(trouble)}{" This page tries again by itself."}</p>
            <button type="button" class="plain" data-test="retry" {onclick}>{"Try now"}</button>
        </div>
    }
}

fn footer(store: &Store) -> Html {
    let network = match store.network {
        Network::Bitcoin => "Bitcoin",
        Network::Testnet => "Testnet: its coins have no value",
        Network::Signet => "Signet: its coins have no value",
        Network::Regtest => "Regtest: play money",
    };
    html! {
        <footer class="foot">
            <p>{"Your browser checks every invoice before it shows it: who signed it, how much, and for which goods."}</p>
            <dl>
                <div><dt>{"Network"}</dt><dd>{network}</dd></div>
                <div><dt>{"Store’s node"}</dt><dd><code>{store.node_id.to_hex()}</code></dd></div>
            </dl>
        </footer>
    }
}

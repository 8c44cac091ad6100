//! One item on the store's page: a card with a cat's ears.

use std::rc::Rc;

use shared::api::{Item, Store};
use shared::invoice::Terms;
use yew::prelude::*;

use crate::client::Client;
use crate::components::wall::Wall;

/// Which item of which store.
#[derive(Properties, PartialEq)]
pub struct Props {
    /// The store's gateway.
    pub client: Client,
    /// The store.
    pub store: Rc<Store>,
    /// One of its items.
    pub item: Item,
}

/// Draws the card.
#[component]
pub fn ItemCard(props: &Props) -> Html {
    let Props {
        client,
        store,
        item,
    } = props;
    let terms = Terms {
        network: store.network,
        payee: Some(store.node_id),
        price_msat: item.price_msat,
        max_msat: None,
        sha256: item.sha256,
    };
    html! {
        <article class="card" data-test={["item-", item.id.as_str()].concat()}>
            <Wall {client} item={Rc::new(item.clone())} {terms} />
        </article>
    }
}

//! The store's own page: the shelf, inside the frame of `index.html`.

mod foreign_link;
mod language_chooser;
mod purchases;

use std::rc::Rc;

use gloo_events::EventListener;
use shared::api::{Item, ItemId, Store};
use shared::invoice::Terms;
use shared::lightning::Network;
use shared::link::{Link, LinkError};
use shared::purchase::Trouble;
use shared::text::decimal;
use wasm_bindgen::JsCast as _;
use web_sys::{Element, HtmlElement};
use yew::prelude::*;

use crate::browser::address_bar::take_link;
use crate::browser::client::Client;
use crate::browser::gateway::Gateway;
use crate::browser::storage::{self, Slot};
use crate::browser::use_store::{StoreState, use_store};
use crate::hooks::{use_effect_on, use_value};
use crate::i18n::language::{Language, current, languages, use_loaded_language};
use crate::i18n::say::say;
use crate::page::foreign_link::foreign_link;
use crate::page::language_chooser::language_chooser;
use crate::page::purchases::purchases;
use crate::ui::element::{button, element, paragraph};
use crate::ui::trouble::trouble_text;
use crate::wall::Wall;
use crate::wall::use_purchase::Handle;

/// The frame's texts, and the attribute that keeps each in English.
const SAID: &str = "[data-say]";
const ENGLISH: &str = "data-say";

/// Whom the store's page tells of itself.
#[derive(Clone, Properties, PartialEq)]
pub struct Props {
    /// Called once there is something to show.
    pub on_ready: Callback<()>,
}

/// Loads the catalogue from the page's own gateway and lays it out, in the visitor's language.
#[component]
pub fn StorePage(Props { on_ready }: &Props) -> Html {
    let chosen = use_value(|| {
        let kept = storage::language().filter(|kept| languages().any(|known| known == kept));
        AttrValue::from(kept.unwrap_or_default())
    });
    let on_choose = {
        let chosen = chosen.clone();
        Callback::from(move |language: AttrValue| {
            storage::keep_language(&language);
            chosen.set(language);
        })
    };
    let chosen = chosen.get();
    let tag = Some(chosen.clone()).filter(|chosen| !chosen.is_empty());
    let language = use_loaded_language(tag);
    use_effect_on(language.clone(), |language| {
        if let Some(language) = language {
            translate_frame(language);
        }
    });
    let client = use_ref(|| Client::new(Gateway::same_origin()));
    let (catalogue, ask_again) = use_store(&client);
    let is_ready = language.is_some() && catalogue != StoreState::Loading;
    use_effect_on((is_ready, on_ready.clone()), |(is_ready, on_ready)| {
        if *is_ready {
            on_ready.emit(());
        }
    });
    let Some(language) = language else {
        return Html::default();
    };
    language.enter();
    let view = match &catalogue {
        // The page's script shows something else until then.
        StoreState::Loading => return Html::default(),
        StoreState::Open(store) => html! {
            <Shelf client={(*client).clone()} store={store.clone()} />
        },
        StoreState::Away(trouble) => away(trouble, &ask_again),
    };
    let chooser = language_chooser(&chosen, &on_choose);
    let mut drawn = Vec::from_iter(chooser);
    drawn.push(view);
    drawn.into_iter().collect()
}

/// Translates the frame of `index.html`, which is in English.
fn translate_frame(language: &Language) {
    let document = gloo_utils::document();
    if let Some(root) = document.document_element() {
        // Attributes of an element that is there can be set.
        let _ = root.set_attribute("lang", language.tag());
        let _ = root.set_attribute("dir", language.direction());
    }
    let Ok(texts) = document.query_selector_all(SAID) else {
        return;
    };
    for index in 0..texts.length() {
        if let Some(text) = texts.get(index) {
            let element: Element = text.unchecked_into();
            // What it said in English stays beside what it says.
            let kept = element
                .get_attribute(ENGLISH)
                .filter(|kept| !kept.is_empty());
            let english = kept.or_else(|| element.text_content()).unwrap_or_default();
            let _ = element.set_attribute(ENGLISH, &english);
            element.set_text_content(Some(&language.find(&english).unwrap_or(english)));
        }
    }
}

#[derive(Properties, PartialEq)]
struct ShelfProps {
    #[prop_or_else(current)]
    language: Language,
    client: Client,
    store: Rc<Store>,
}

/// What is sold, and what this browser has bought.
#[component]
fn Shelf(
    ShelfProps {
        language,
        client,
        store,
    }: &ShelfProps,
) -> Html {
    language.enter();
    let links = use_value(Vec::new);
    // The items whose purchase was opened from a link or the list; their walls start again with it.
    let opened = use_value(Vec::<ItemId>::new);
    let openings = opened.get();
    // A link that does not open by itself: it is damaged, or nobody here has begun it, so that the buyer has to say so.
    let arrived = use_value(|| None);
    let look = {
        let (links, client, store) = (links.clone(), client.clone(), store.clone());
        Callback::from(move |()| {
            links.set(storage::purchases(client.gateway(), &|id| {
                is_sold(&store, id)
            }));
        })
    };
    let on_open = {
        let (client, look, arrived) = (client.clone(), look.clone(), arrived.clone());
        Callback::from(move |link: Link| {
            arrived.set(None);
            Slot::new(client.gateway(), &link.item).save(&link.purchase);
            let mut openings = opened.get();
            openings.push(link.item);
            opened.set(openings);
            look.emit(());
        })
    };
    use_arriving_links({
        let (client, on_open, arrived) = (client.clone(), on_open.clone(), arrived.clone());
        Callback::from(move |link: Result<Link, LinkError>| match link {
            Ok(link) if Slot::new(client.gateway(), &link.item).has(&link.purchase) => {
                on_open.emit(link);
            }
            link => arrived.set(Some(link)),
        })
    });
    // Once the catalogue is here, it stays the same.
    use_effect_on((), {
        let look = look.clone();
        move |()| {
            // Another tab may have bought something.
            let listener =
                EventListener::new(&gloo_utils::window(), "storage", move |_| look.emit(()));
            move || drop(listener)
        }
    });
    use_effect_on(openings.clone(), |openings| {
        if let Some(item) = openings.last()
            && let Some(card) = gloo_utils::document().get_element_by_id(&card_id(item))
        {
            let card: HtmlElement = card.unchecked_into();
            // Scrolls there, too.
            let _ = card.focus();
        }
    });
    let on_change = look.reform(|_: Rc<Handle>| ());
    let on_forget = {
        let (client, look) = (client.clone(), look.clone());
        Callback::from(move |link: Link| {
            Slot::new(client.gateway(), &link.item).forget(&link.purchase);
            look.emit(());
        })
    };
    let question = match arrived.get() {
        None => None,
        Some(Err(LinkError)) => Some(damaged()),
        Some(Ok(link)) => {
            let on_decline = Callback::from(move |()| arrived.set(None));
            Some(foreign_link(&link, &on_open, &on_decline))
        }
    };
    let card = |item: &Item, off_the_shelf| {
        let openings = openings.iter().filter(|opened| **opened == item.id).count();
        card(client, store, item, off_the_shelf, openings, &on_change)
    };
    let mut cards: Vec<Html> = store.items.iter().map(|item| card(item, false)).collect();
    let mut others: Vec<&ItemId> = Vec::new();
    for id in &openings {
        if !is_sold(store, id) && !others.contains(&id) {
            others.push(id);
            let item = Slot::new(client.gateway(), id).off_the_shelf(id);
            cards.extend(item.map(|item| card(&item, true)));
        }
    }
    let shelf = element("div", "shelf").children(cards).children(
        store
            .items
            .is_empty()
            .then(|| paragraph("loading", say("The shelves are empty. Come back later."))),
    );
    element("div", "")
        .children(question)
        .child(shelf)
        .children(purchases(client, store, &links.get(), &on_open, &on_forget))
        .child(facts(store))
        .into()
}

/// Links that the page is opened with, or that are put into its address bar later.
#[hook]
fn use_arriving_links(on_link: Callback<Result<Link, LinkError>>) {
    let latest = use_mut_ref(Callback::noop);
    *latest.borrow_mut() = on_link;
    use_effect_on((), move |()| {
        let take = move || {
            if let Some(link) = take_link() {
                let on_link = latest.borrow().clone();
                on_link.emit(link);
            }
        };
        take();
        let listener = EventListener::new(&gloo_utils::window(), "hashchange", move |_| take());
        move || drop(listener)
    });
}

fn damaged() -> Html {
    element("p", "closed")
        .test("damaged-link")
        .attribute("role", "alert")
        .text(say(
            "This is no purchase’s link, or a part of it is missing. Copy it again.",
        ))
        .into()
}

fn is_sold(store: &Store, id: &ItemId) -> bool {
    store.items.iter().any(|item| item.id == *id)
}

fn facts(store: &Store) -> Html {
    let network = match store.network {
        Network::Bitcoin => AttrValue::Static("Bitcoin"),
        Network::Testnet => say("Testnet: its coins have no value"),
        Network::Signet => say("Signet: its coins have no value"),
        Network::Regtest => say("Regtest: play money"),
    };
    let node = element("code", "").text(store.node_id.to_hex());
    element("dl", "facts")
        .child(element("dt", "").say("Network"))
        .child(element("dd", "").text(network))
        .child(element("dt", "").say("Store’s node"))
        .child(element("dd", "").child(node))
        .into()
}

/// An item's wall in a card with a cat's ears.
fn card(
    client: &Client,
    store: &Store,
    item: &Item,
    off_the_shelf: bool,
    openings: usize,
    on_change: &Callback<Rc<Handle>>,
) -> Html {
    let terms = Terms::of(store, item);
    let id = item.id.as_str();
    let openings = decimal(openings as u64);
    let wall = html! {
        <Wall key={openings} {client} item={Rc::new(item.clone())} {terms} {off_the_shelf} {on_change} />
    };
    element("article", "card")
        .key(id)
        .attribute("id", card_id(&item.id))
        .attribute("tabindex", "-1")
        .attribute("data-test", card_id(&item.id))
        .child(wall)
        .into()
}

fn card_id(item: &ItemId) -> String {
    ["item-", item.as_str()].concat()
}

fn away(trouble: &Trouble, ask_again: &Callback<()>) -> Html {
    let words = element("p", "")
        .attribute("role", "status")
        .text(trouble_text(trouble))
        .text(" ")
        .say("This page tries again by itself.");
    element("div", "closed")
        .test("store-error")
        .child(element("h2", "").say("The store is napping"))
        .child(words)
        .child(button("plain", "retry", ask_again).say("Try now"))
        .into()
}

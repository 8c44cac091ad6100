//! What `<purr-wall>` draws in its shadow root: the wall before one item, for a site of anyone's.

use std::rc::Rc;

use shared::api::{Item, Store};
use shared::invoice::Terms;
use shared::purchase::Trouble;
use yew::prelude::*;

use crate::client::Client;
use crate::components::element::{button, element, paragraph};
use crate::components::notice::notice;
use crate::components::trouble::words;
use crate::components::wall::Wall;
use crate::config::Gateway;
use crate::goods::Goods;
use crate::hooks::use_store::{Catalogue, use_store};
use crate::widget::attributes::{Attributes, Config, Mode};
use crate::widget::news::News;
use crate::widget::remote::Remote;
use crate::words::{Words, price, say, say_of, use_language, use_words};

/// What the site asks for.
#[derive(Properties, PartialEq)]
pub struct Props {
    /// As it wrote it.
    pub attributes: Attributes,
    /// The language that it asks for; `None` leaves it to the visitor's browser.
    pub language: Option<AttrValue>,
    /// To the element.
    pub remote: Remote,
}

/// Draws the wall, or what is wrong with the attributes, in the language that the site asks for.
#[component]
pub fn Widget(props: &Props) -> Html {
    let words = use_language(props.language.clone());
    let parsed = use_memo(props.attributes.clone(), Attributes::parse);
    let focus = use_node_ref();
    // Developers hear of it on the page and in an event.
    use_effect_with(
        (parsed.clone(), props.remote.clone()),
        |(parsed, remote)| {
            if let Err(invalid) = &**parsed {
                remote.no_offer("invalid");
                for mistake in invalid {
                    remote.tell(&News::error("invalid-attribute", mistake.to_string()));
                }
            }
        },
    );
    let Some(words) = words else {
        // Until there is more to show: what the site put into the element.
        return element("slot", "").into();
    };
    words.enter();
    let widget = element("div", "widget")
        .part("widget")
        .attribute("lang", words.language())
        .attribute("dir", words.direction());
    let widget = match &*parsed {
        Ok(config) => widget
            .attribute("data-theme", config.theme.name())
            .child(html! {
                <ContextProvider<Words> context={words}>
                    <Shop key={config.gateway.name()} config={config.clone()}
                        remote={&props.remote} />
                </ContextProvider<Words>>
            }),
        Err(invalid) => widget.child(notice(
            "failed",
            say("This box is not set up"),
            &focus,
            invalid
                .iter()
                .map(|mistake| paragraph("", mistake.to_string())),
        )),
    };
    widget.into()
}

#[derive(Properties, PartialEq)]
struct ShopProps {
    config: Config,
    remote: Remote,
}

/// Finds the item at its gateway.
#[component]
fn Shop(ShopProps { config, remote }: &ShopProps) -> Html {
    use_words();
    let client = use_memo(config.gateway.clone(), |gateway: &Gateway| {
        Client::new(gateway.clone())
    });
    let focus = use_node_ref();
    let (catalogue, ask_again) = use_store(&client);
    let offer = Offer::of(&catalogue, config);
    use_effect_with(
        (offer.news(config), remote.clone()),
        |((state, news), remote)| {
            if let Some(state) = state {
                remote.no_offer(state);
            }
            if let Some(news) = news {
                remote.tell(news);
            }
        },
    );
    match offer {
        // Until there is more to show: what the site put into the element.
        Offer::Loading => element("slot", "").into(),
        Offer::Here(store, item) => {
            let wall = wall(&client, store, item, config, remote);
            match config.mode {
                Mode::Inline => wall,
                Mode::Dialog => dialog(item, remote, wall),
            }
        }
        Offer::Unknown => notice(
            "failed",
            say("Nothing is in this box"),
            &focus,
            [paragraph(
                "",
                say_of("The store has no item “{0}”.", &[config.item.as_str()]),
            )],
        ),
        Offer::Away(trouble) => notice(
            "away",
            say("The store is napping"),
            &focus,
            [
                element("p", "")
                    .attribute("role", "status")
                    .text(words(trouble))
                    .text(" ")
                    .say("This page tries again by itself.")
                    .into(),
                button("plain", "retry", &ask_again).say("Try now").into(),
            ],
        ),
    }
}

/// What the store says about the item.
#[derive(Clone, Copy)]
enum Offer<'a> {
    Loading,
    Away(&'a Trouble),
    Unknown,
    Here(&'a Rc<Store>, &'a Item),
}

impl<'a> Offer<'a> {
    fn of(catalogue: &'a Catalogue, config: &Config) -> Self {
        match catalogue {
            Catalogue::Loading => Self::Loading,
            Catalogue::Away(trouble) => Self::Away(trouble),
            Catalogue::Open(store) => {
                let item = store.items.iter().find(|item| item.id == config.item);
                item.map_or(Self::Unknown, |item| Self::Here(store, item))
            }
        }
    }

    /// What `state` says now, where there is no purchase to ask, and what the site is told.
    fn news(self, config: &Config) -> (Option<&'static str>, Option<News>) {
        match self {
            Self::Loading => (Some("loading"), None),
            Self::Away(trouble) => (Some("loading"), Some(News::trouble(trouble))),
            Self::Unknown => {
                let message = ["the store has no item ", config.item.as_str()].concat();
                (Some("invalid"), Some(News::error("unknown-item", message)))
            }
            Self::Here(..) => (None, None),
        }
    }
}

/// A button, and the wall in the dialog that it opens.
fn dialog(item: &Item, remote: &Remote, wall: Html) -> Html {
    let on_open = {
        let remote = remote.clone();
        Callback::from(move |()| remote.buy())
    };
    let open = button("main opener", "open", &on_open)
        .part("button open")
        .attribute("aria-haspopup", "dialog")
        .text([&item.title, " – ", &price(item)].concat());
    let close = element("button", "shut")
        .part("button close")
        .test("close-dialog")
        .attribute("aria-label", say("Close"))
        .text("×");
    let dialog = element("dialog", "sheet")
        .part("dialog")
        .test("dialog")
        .attribute("aria-label", item.title.clone())
        .node(remote.dialog())
        .child(
            element("form", "")
                .attribute("method", "dialog")
                .child(close),
        )
        .child(wall);
    element("div", "")
        .child(element("slot", "").attribute("name", "locked").child(open))
        .child(dialog)
        .into()
}

/// The wall, with the site told of what happens. Another item is another purchase.
fn wall(client: &Client, store: &Store, item: &Item, config: &Config, remote: &Remote) -> Html {
    let item = Rc::new(item.clone());
    let terms = Terms {
        payee: config.payee.or(Some(store.node_id)),
        max_msat: config.max_msat,
        ..Terms::of(store, &item)
    };
    let on_change = {
        let (remote, item) = (remote.clone(), item.clone());
        Callback::from(move |handle| remote.changed(handle, &item))
    };
    let on_goods = {
        let (remote, item) = (remote.clone(), item.clone());
        Callback::from(move |goods: Rc<Goods>| remote.offer_goods(&goods, &item))
    };
    html! {
        <Wall key={config.item.as_str()} client={client.clone()} {item} {terms} {on_change}
            on_goods={Some(on_goods)} />
    }
}

//! What `<purr-wall>` draws in its shadow root: the wall before one item, for a site of anyone's.

use std::rc::Rc;

use shared::api::{Item, Store};
use shared::invoice::Terms;
use shared::purchase::Trouble;
use yew::prelude::*;

use crate::browser::client::Client;
use crate::browser::gateway::Gateway;
use crate::browser::goods::Goods;
use crate::browser::storage::Slot;
use crate::browser::use_store::{StoreState, use_store};
use crate::hooks::{use_effect_on, use_node, use_value};
use crate::i18n::format::price;
use crate::i18n::language::{Language, current, use_loaded_language};
use crate::i18n::say::{say, say_of};
use crate::ui::element::{button, element, paragraph};
use crate::ui::notice::notice;
use crate::ui::trouble::trouble_text;
use crate::wall::Wall;
use crate::wall::use_purchase::Handle;
use crate::widget::attributes::{Attributes, Config, Mode};
use crate::widget::events::{WidgetEvent, is_paid};
use crate::widget::remote::Remote;

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
    let language = use_loaded_language(props.language.clone());
    let parsed = use_memo(props.attributes.clone(), Attributes::parse);
    let focus = use_node();
    // Developers hear of it on the page and in an event.
    use_effect_on((props.attributes.clone(), props.remote.clone()), {
        let parsed = parsed.clone();
        move |(_, remote): &(Attributes, Remote)| {
            if let Err(invalid) = &*parsed {
                remote.no_offer("invalid");
                remote.ready();
                for mistake in invalid {
                    remote.tell(&WidgetEvent::error("invalid-attribute", mistake.text()));
                }
            }
        }
    });
    let Some(language) = language else {
        return Html::default();
    };
    language.enter();
    let widget = element("div", "widget")
        .part("widget")
        .attribute("lang", language.tag())
        .attribute("dir", language.direction());
    let widget = match &*parsed {
        Ok(config) => widget
            .attribute("data-theme", config.theme.name())
            .child(html! {
                <Shop key={config.gateway.name()} config={config.clone()}
                    remote={&props.remote} />
            }),
        Err(invalid) => widget.child(notice(
            "failed",
            say("This element is not set up"),
            &focus,
            invalid
                .iter()
                .map(|mistake| paragraph("", mistake.text()))
                .collect(),
        )),
    };
    widget.into()
}

#[derive(Properties, PartialEq)]
struct ShopProps {
    #[prop_or_else(current)]
    language: Language,
    config: Config,
    remote: Remote,
}

/// Finds the item at its gateway.
#[component]
fn Shop(
    ShopProps {
        language,
        config,
        remote,
    }: &ShopProps,
) -> Html {
    language.enter();
    let client = use_memo(config.gateway.clone(), |gateway: &Gateway| {
        Client::new(gateway.clone())
    });
    let focus = use_node();
    let (catalogue, ask_again) = use_store(&client);
    let bought = use_value(|| false);
    let is_bought = bought.get();
    let offer = Offer::of(&catalogue, config);
    use_effect_on(
        (offer.event(config), remote.clone()),
        |((state, event), remote)| {
            if let Some(state) = state {
                remote.no_offer(state);
            }
            if state.is_none() || event.is_some() {
                remote.ready();
            }
            if let Some(event) = event {
                remote.tell(event);
            }
        },
    );
    match offer {
        Offer::Loading => Html::default(),
        Offer::Here {
            store,
            item,
            off_the_shelf,
        } => {
            let on_bought = Callback::from(move |now| bought.set(now));
            let wall = wall(
                &client,
                store,
                &item,
                off_the_shelf,
                config,
                remote,
                &on_bought,
            );
            match config.mode {
                Mode::Inline => wall,
                Mode::Dialog => dialog(&item, is_bought, remote, wall),
            }
        }
        Offer::Unknown => notice(
            "failed",
            say("Nothing is here"),
            &focus,
            vec![paragraph(
                "",
                say_of("The store has no item “{0}”.", &[config.item.as_str()]),
            )],
        ),
        Offer::Away(trouble) => notice(
            "away",
            say("The store is napping"),
            &focus,
            vec![
                element("p", "")
                    .attribute("role", "status")
                    .text(trouble_text(trouble))
                    .text(" ")
                    .say("This page tries again by itself.")
                    .into(),
                button("plain", "retry", &ask_again).say("Try now").into(),
            ],
        ),
    }
}

/// What the store says about the item.
enum Offer<'a> {
    Loading,
    Away(&'a Trouble),
    Unknown,
    Here {
        store: &'a Store,
        item: Rc<Item>,
        /// The store no longer sells it, but this browser has bought it.
        off_the_shelf: bool,
    },
}

impl<'a> Offer<'a> {
    fn of(catalogue: &'a StoreState, config: &Config) -> Self {
        match catalogue {
            StoreState::Loading => Self::Loading,
            StoreState::Away(trouble) => Self::Away(trouble),
            StoreState::Open(store) => {
                let sold = store.items.iter().find(|item| item.id == config.item);
                let bought =
                    || Slot::new(&config.gateway, &config.item).off_the_shelf(&config.item);
                sold.cloned()
                    .or_else(bought)
                    .map_or(Self::Unknown, |item| Self::Here {
                        store,
                        item: item.into(),
                        off_the_shelf: sold.is_none(),
                    })
            }
        }
    }

    /// What `state` says now, where there is no purchase to ask, and what the site is told.
    fn event(&self, config: &Config) -> (Option<&'static str>, Option<WidgetEvent>) {
        match self {
            Self::Loading => (Some("loading"), None),
            Self::Away(trouble) => (Some("loading"), Some(WidgetEvent::trouble(trouble))),
            Self::Unknown => {
                let message = ["the store has no item ", config.item.as_str()].concat();
                (
                    Some("invalid"),
                    Some(WidgetEvent::error("unknown-item", message)),
                )
            }
            Self::Here { .. } => (None, None),
        }
    }
}

/// A button, and the wall in the dialog that it opens.
fn dialog(item: &Item, is_bought: bool, remote: &Remote, wall: Html) -> Html {
    let on_open = {
        let remote = remote.clone();
        Callback::from(move |()| remote.buy())
    };
    let open = button("main opener", "open", &on_open)
        .part("button open")
        .attribute("aria-haspopup", "dialog")
        .text(if is_bought {
            [&item.title, " – ", &*say("Open")].concat()
        } else {
            [&item.title, " – ", &price(item)].concat()
        });
    let close = element("button", "shut")
        .attribute("type", "submit")
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
fn wall(
    client: &Client,
    store: &Store,
    item: &Rc<Item>,
    off_the_shelf: bool,
    config: &Config,
    remote: &Remote,
    on_bought: &Callback<bool>,
) -> Html {
    let mut terms = Terms {
        max_msat: config.max_msat,
        ..Terms::of(store, item)
    };
    if let Some(payees) = &config.payees {
        terms.payees = Some(payees.clone());
    }
    let on_change = {
        let (remote, item) = (remote.clone(), item.clone());
        let on_bought = on_bought.clone();
        Callback::from(move |handle: Rc<Handle>| {
            on_bought.emit(is_paid(handle.purchase().state()));
            remote.changed(handle, &item);
        })
    };
    let on_goods = {
        let (remote, item) = (remote.clone(), item.clone());
        Callback::from(move |goods: Rc<Goods>| remote.offer_goods(&goods, &item))
    };
    html! {
        <Wall key={config.item.as_str()} client={client.clone()} item={item.clone()} {terms}
            {off_the_shelf} site={remote.wallet()} {on_change} on_goods={Some(on_goods)} />
    }
}

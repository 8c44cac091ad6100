//! Connects an element with its wall: commands go in, events come out.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use js_sys::Function;
use shared::api::Item;
use shared::purchase::{Purchase, State};
use wasm_bindgen::{JsCast as _, JsValue};
use web_sys::{CustomEvent, HtmlDialogElement, HtmlElement};
use yew::html::ImplicitClone;
use yew::{AttrValue, NodeRef};

use crate::browser::goods::Goods;
use crate::browser::json;
use crate::browser::object::object;
use crate::browser::storage::Slot;
use crate::wall::use_purchase::Handle;
use crate::widget::events::{WidgetEvent, events, state_name};

/// What the names of events begin with, and what they begin with for frameworks that can bind neither a
/// hyphen nor a colon.
const PREFIX: &str = "purr-wall:";
const PLAIN: &str = "purrwall";

/// The connection of one element. Clones share it.
#[derive(Clone)]
pub struct Remote(Rc<Inner>);

struct Inner {
    host: HtmlElement,
    /// Tells the element that there is something to show.
    ready: Function,
    /// Asks the site for a wallet.
    wallet: Function,
    /// The purchase as it was drawn last; `None` while there is no offer.
    handle: RefCell<Option<Rc<Handle>>>,
    /// The purchase that the site was told of last, with its slot, which is unique to the item.
    told: RefCell<Option<(Slot, Purchase)>>,
    /// What `state` says while there is no offer.
    state: Cell<&'static str>,
    /// Whether `buy` was called before there was an offer.
    wanted: Cell<bool>,
    dialog: NodeRef,
}

impl ImplicitClone for Remote {}

impl PartialEq for Remote {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

impl Remote {
    /// A remote of `host`, whose wall is not drawn yet.
    pub fn new(host: HtmlElement, ready: Function, wallet: Function) -> Self {
        Self(Rc::new(Inner {
            host,
            ready,
            wallet,
            handle: RefCell::default(),
            told: RefCell::default(),
            state: Cell::new("loading"),
            wanted: Cell::new(false),
            dialog: NodeRef::default(),
        }))
    }

    /// Where a dialog is, if there is one.
    pub fn dialog(&self) -> &NodeRef {
        &self.0.dialog
    }

    /// Asks the site for a wallet, or for a function that connects one.
    pub fn wallet(&self) -> Function {
        self.0.wallet.clone()
    }

    /// There is something to show: an offer, or why there is none.
    pub fn ready(&self) {
        // It is ours, and only asks for a change of the element.
        let _ = self.0.ready.call0(&JsValue::NULL);
    }

    /// Starts the purchase or goes on with it, as soon as there is an offer.
    pub fn buy(&self) {
        if let Some(dialog) = self.0.dialog.cast::<HtmlDialogElement>()
            && !dialog.open()
        {
            // It fails only if the element was just removed from the page.
            let _ = dialog.show_modal();
        }
        match self.handle() {
            Some(handle) => handle.buy(),
            None => self.0.wanted.set(true),
        }
    }

    /// Starts over. An invoice that can still be paid is kept for the next `buy`.
    pub fn reset(&self) {
        self.0.wanted.set(false);
        let Some(handle) = self.handle() else {
            return;
        };
        match handle.purchase().state() {
            State::Paid { .. }
            | State::Undelivered { .. }
            | State::Delivered { .. }
            | State::Failed { .. } => handle.start_over(),
            _ => handle.put_away(),
        }
    }

    /// Where the purchase stands.
    pub fn state(&self) -> &'static str {
        self.handle().map_or(self.0.state.get(), |handle| {
            state_name(handle.purchase().state())
        })
    }

    /// There is no offer, for this reason: `loading` or `invalid`.
    pub fn no_offer(&self, state: &'static str) {
        self.0.handle.replace(None);
        self.0.state.set(state);
    }

    /// The purchase changed: tells the site what is new.
    pub fn changed(&self, handle: Rc<Handle>, item: &Item) {
        let now = handle.purchase().clone();
        let slot = handle.slot().clone();
        let told = self.0.told.take().filter(|(of, _)| *of == slot);
        let previous = told.as_ref().map(|(_, purchase)| purchase);
        let events = events(previous, &now, item);
        self.0.told.replace(Some((slot, now)));
        self.0.handle.replace(Some(handle));
        if self.0.wanted.take() {
            self.buy();
        }
        for event in events {
            self.tell(&event);
        }
    }

    /// Tells the site.
    pub fn tell(&self, event: &WidgetEvent) {
        self.dispatch(event.name(), &json::to_value(event).unwrap_or_default());
    }

    /// Offers the goods to the site; returns whether the site shows them itself.
    pub fn offer_goods(&self, goods: &Goods, item: &Item) -> bool {
        let Ok(detail) = detail(goods, item) else {
            return false;
        };
        !self.dispatch("purr-wall:content", &detail)
    }

    fn handle(&self) -> Option<Rc<Handle>> {
        self.0.handle.borrow().clone()
    }

    /// Tells it under both names. Returns false if a listener prevented the default.
    fn dispatch(&self, name: &str, detail: &JsValue) -> bool {
        let plain = [PLAIN, name.strip_prefix(PREFIX).unwrap_or(name)].concat();
        let is_free = self.dispatch_as(name, detail);
        self.dispatch_as(&plain, detail) && is_free
    }

    fn dispatch_as(&self, name: &str, detail: &JsValue) -> bool {
        let init = object(&[
            ("bubbles", true.into()),
            ("composed", true.into()),
            ("cancelable", true.into()),
            ("detail", detail.clone()),
        ]);
        CustomEvent::new_with_event_init_dict(name, init.unchecked_ref())
            .and_then(|event| self.0.host.dispatch_event(&event))
            .unwrap_or(true)
    }
}

fn detail(goods: &Goods, item: &Item) -> Result<JsValue, JsValue> {
    let detail = object(&[
        ("contentType", goods.content_type().into()),
        ("blob", goods.typed()?.into()),
        ("sha256", item.sha256.to_hex().into()),
        ("text", goods.text().map(AttrValue::as_str).into()),
    ]);
    Ok(detail.into())
}

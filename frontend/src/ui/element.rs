//! A builder of elements.
//!
//! `html!` expands to inline code for each step of each element. For the hundred elements of a wall
//! that was a tenth of the download; with this builder each step is one call.

use std::rc::Rc;

use yew::prelude::*;
use yew::virtual_dom::{Listener, ListenerKind, VTag, VText};

use crate::i18n::say::say;

/// An element that is being built.
#[must_use = "an element that is not added to another one is not drawn"]
pub struct Element(Box<VTag>);

/// Begins an element; `class` may be empty.
pub fn element(tag: &'static str, class: &'static str) -> Element {
    let element = Element(Box::new(VTag::new(tag)));
    if class.is_empty() {
        element
    } else {
        element.attribute("class", class)
    }
}

/// Begins a button that does `on_click`. `test` is its name for tests.
pub fn button(class: &'static str, test: &'static str, on_click: &Callback<()>) -> Element {
    element("button", class)
        .attribute("type", "button")
        .part("button")
        .test(test)
        .on_click(on_click)
}

/// A paragraph of plain text.
pub fn paragraph(class: &'static str, text: impl Into<AttrValue>) -> Html {
    element("p", class).text(text).into()
}

impl Element {
    /// Sets an attribute.
    pub fn attribute(self, name: &'static str, value: impl Into<AttrValue>) -> Self {
        self.put(name, value.into())
    }

    /// Names the element for the style sheets of sites: `purr-wall::part(…)`.
    pub fn part(self, name: &'static str) -> Self {
        self.attribute("part", name)
    }

    /// Names the element for tests.
    pub fn test(self, name: &'static str) -> Self {
        self.attribute("data-test", name)
    }

    /// Tells the element from its siblings, so that it keeps its state wherever it is drawn among them.
    pub fn key(mut self, key: &str) -> Self {
        self.0.key = Some(key.into());
        self
    }

    /// Binds `node` to the element, so that it can be focused.
    pub fn node(mut self, node: &NodeRef) -> Self {
        self.0.node_ref = node.clone();
        self
    }

    /// Calls back on each click.
    #[inline(never)]
    pub fn on_click(self, callback: &Callback<()>) -> Self {
        self.on_click_event(callback.reform(|_| ()))
    }

    /// Calls back on each click with its event, which can prevent what the browser would do.
    #[inline(never)]
    pub fn on_click_event(self, callback: Callback<Event>) -> Self {
        self.on(Heard::Click(callback))
    }

    /// Calls back when another option is chosen.
    pub fn on_change(self, callback: Callback<Event>) -> Self {
        self.on(Heard::Change(callback))
    }

    /// Calls back when a form is sent.
    pub fn on_submit(self, callback: Callback<Event>) -> Self {
        self.on(Heard::Submit(callback))
    }

    fn on(mut self, heard: Heard) -> Self {
        self.0.add_listener(Rc::new(heard));
        self
    }

    /// Adds a text node: what it holds is never markup.
    pub fn text(self, text: impl Into<AttrValue>) -> Self {
        self.push(VText::new(text.into()).into())
    }

    /// Adds the translation of an English text.
    #[inline(never)]
    pub fn say(self, english: &'static str) -> Self {
        self.text(say(english))
    }

    /// Adds an element, or whatever else can be drawn.
    pub fn child(self, child: impl Into<Html>) -> Self {
        self.push(child.into())
    }

    /// Adds any number of children as one list, so that their number does not shift the siblings
    /// before and after them, which keep their state when the element is drawn again.
    pub fn children(self, children: impl IntoIterator<Item = Html>) -> Self {
        self.list(children.into_iter().collect())
    }

    #[inline(never)]
    fn list(self, children: Vec<Html>) -> Self {
        self.push(children.into_iter().collect())
    }

    #[inline(never)]
    fn put(mut self, name: &'static str, value: AttrValue) -> Self {
        self.0.add_attribute(name, value);
        self
    }

    #[inline(never)]
    fn push(mut self, child: Html) -> Self {
        self.0.add_child(child);
        self
    }
}

impl From<Element> for Html {
    fn from(element: Element) -> Self {
        (*element.0).into()
    }
}

/// What is listened for. To clone a [`ListenerKind`] instead takes the download of all hundred.
enum Heard {
    Click(Callback<Event>),
    Change(Callback<Event>),
    Submit(Callback<Event>),
}

impl Listener for Heard {
    fn kind(&self) -> ListenerKind {
        match self {
            Self::Click(_) => ListenerKind::onclick,
            Self::Change(_) => ListenerKind::onchange,
            Self::Submit(_) => ListenerKind::onsubmit,
        }
    }

    fn handle(&self, event: Event) {
        let (Self::Click(callback) | Self::Change(callback) | Self::Submit(callback)) = self;
        callback.emit(event);
    }

    fn passive(&self) -> bool {
        false
    }
}

//! Where a wall is drawn: an app of Yew's in a container of its own.
//!
//! Yew keeps an app's listeners, and with them its container, for as long as the page is open. So a
//! container whose element has gone is kept for the next element, and there are never more of them than
//! there were elements at a time.

use std::cell::{Cell, RefCell};

use shared::text::decimal;
use wasm_bindgen::JsValue;
use web_sys::Element;
use yew::prelude::*;

use crate::widget::view::{Props, Widget};

thread_local! {
    /// The stages on which nothing is drawn.
    static EMPTY: RefCell<Vec<Stage>> = const { RefCell::new(Vec::new()) };
    /// How many walls were drawn so far.
    static DRAWN: Cell<u32> = const { Cell::new(0) };
}

/// A container with its app.
pub struct Stage {
    container: Element,
    app: yew::AppHandle<Root>,
    /// The number of the wall on it.
    number: u32,
}

impl Stage {
    /// Draws a wall, on an empty stage where there is one.
    ///
    /// # Errors
    /// The browser's, where it cannot make an element.
    pub fn take(props: Props) -> Result<Self, JsValue> {
        let mut stage = match EMPTY.with_borrow_mut(Vec::pop) {
            Some(stage) => stage,
            None => Self::make()?,
        };
        stage.number = DRAWN.get();
        DRAWN.set(stage.number.wrapping_add(1));
        stage.update(props);
        Ok(stage)
    }

    fn make() -> Result<Self, JsValue> {
        let container = gloo_utils::document().create_element("div")?;
        let props = RootProps { wall: None };
        let app = yew::Renderer::<Root>::with_root_and_props(container.clone(), props).render();
        Ok(Self {
            container,
            app,
            number: 0,
        })
    }

    /// What is put into the element.
    pub fn container(&self) -> &Element {
        &self.container
    }

    /// Draws the wall with other attributes.
    pub fn update(&mut self, props: Props) {
        let wall = Some((self.number, props));
        self.app.update(RootProps { wall });
    }

    /// Takes the wall down, and keeps the stage for the next one.
    pub fn clear(mut self) {
        self.app.update(RootProps { wall: None });
        self.container.remove();
        EMPTY.with_borrow_mut(|empty| empty.push(self));
    }
}

#[derive(Properties, PartialEq)]
struct RootProps {
    /// Its number, and what it draws.
    wall: Option<(u32, Props)>,
}

/// A wall, or nothing. Another wall shares no state with the one of before.
#[component]
fn Root(RootProps { wall }: &RootProps) -> Html {
    match wall {
        None => Html::default(),
        Some((number, props)) => html! {
            <Widget key={decimal((*number).into())} attributes={props.attributes.clone()}
                language={props.language.clone()} remote={&props.remote} />
        },
    }
}

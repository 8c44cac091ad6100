//! A panel that says what happened and offers what can be done.

use yew::prelude::*;

/// What to say.
#[derive(Properties, PartialEq)]
pub struct Props {
    /// Its mark for tests and style sheets.
    pub name: &'static str,
    /// What happened, in a few words.
    pub heading: AttrValue,
    /// Gets the focus when the panel opens.
    pub focus: NodeRef,
    /// The rest, with the buttons.
    pub children: Html,
}

/// Draws the panel.
#[component]
pub fn Notice(props: &Props) -> Html {
    html! {
        <div class={classes!("notice", props.name)} data-test={props.name}>
            <h3 ref={&props.focus} tabindex="-1">{&props.heading}</h3>
            {props.children.clone()}
        </div>
    }
}

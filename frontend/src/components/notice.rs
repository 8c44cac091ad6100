//! A panel that says what happened and offers what can be done.

use yew::prelude::*;

/// Draws the panel. `name` is its mark for tests and style sheets; `focus` gets the heading.
pub fn notice(name: &'static str, heading: &'static str, focus: &NodeRef, rest: Html) -> Html {
    html! {
        <div class={classes!("notice", name)} part="notice" data-test={name}>
            <h3 ref={focus} tabindex="-1">{heading}</h3>
            {rest}
        </div>
    }
}

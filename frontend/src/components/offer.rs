//! The item before it is bought: the box, what is in it, what it costs, the button.

use shared::api::Item;
use yew::prelude::*;

use crate::components::box_view::box_view;
use crate::components::drawing::{BOLT, drawing};

/// Draws the offer; `busy` while the invoice is asked for.
pub fn offer(
    item: &Item,
    busy: bool,
    focus: &NodeRef,
    on_buy: &Callback<()>,
) -> Html {
    let price = item.price_msat.to_string();
    let onclick = on_buy.reform(|_: MouseEvent| ());
    html! {
        <>
            <div class="stage">{box_view(item.sha256, false)}</div>
            <div class="about">
                <h2 part="title">{&item.title}</h2>
                <p class="teaser" part="teaser">{&item.teaser}</p>
                <div class="buy-row">
                    <p class="price" part="price">{drawing(BOLT)}{&price}</p>
                    // Not `disabled` while busy: that would drop the keyboard's focus.
                    <button type="button" class="main" part="button buy" data-test="buy" ref={focus} {onclick}
                        aria-disabled={busy.then_some("true")}
                        aria-label={["Buy ", &item.title, " for ", &price].concat()}>
                        { if busy { "Asking…" } else { "Open the box" } }
                    </button>
                </div>
            </div>
        </>
    }
}

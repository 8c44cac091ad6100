//! The item before it is bought: the box, what is in it, what it costs, the button.

use std::rc::Rc;

use shared::api::Item;
use yew::prelude::*;

use crate::components::box_view::BoxView;
use crate::components::icons::Bolt;

/// What is offered.
#[derive(Properties, PartialEq)]
pub struct Props {
    /// The item.
    pub item: Rc<Item>,
    /// The invoice was asked for.
    pub busy: bool,
    /// Gets the focus when the buyer comes back here.
    pub focus: NodeRef,
    /// The buyer wants it.
    pub on_buy: Callback<()>,
    /// Under the button: what holds up the invoice.
    #[prop_or_default]
    pub children: Html,
}

/// Draws the offer.
#[component]
pub fn Offer(props: &Props) -> Html {
    let item = &props.item;
    let price = item.price_msat.to_string();
    let onclick = props.on_buy.reform(|_: MouseEvent| ());
    html! {
        <>
            <div class="stage"><BoxView sha256={item.sha256} /></div>
            <div class="about">
                <h2>{&item.title}</h2>
                <p class="teaser">{&item.teaser}</p>
                <div class="buy-row">
                    <p class="price"><Bolt /><span class="unseen">{"Price: "}</span>{&price}</p>
                    // Not `disabled` while busy: that would drop the keyboard's focus.
                    <button type="button" class="main" data-test="buy" ref={&props.focus} {onclick}
                        aria-disabled={props.busy.then_some("true")}
                        aria-label={["Buy ", &item.title, " for ", &price].concat()}>
                        { if props.busy { "Asking…" } else { "Open the box" } }
                    </button>
                </div>
                {props.children.clone()}
            </div>
        </>
    }
}

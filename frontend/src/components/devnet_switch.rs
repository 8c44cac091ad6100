//! On the development network's demo alone: whose wallet pays.

use yew::prelude::*;

use crate::webln::devnet;

/// The buyers of the story; their switch's mark for tests.
const BUYERS: [(&str, &str); 2] = [("alice", "devnet-alice"), ("bob", "devnet-bob")];

/// A small switch between the network's buyers; nothing on every other page.
#[component]
pub fn DevnetSwitch() -> Html {
    let redraw = use_force_update();
    let Some(chosen) = devnet::node() else {
        return Html::default();
    };
    let button = |(name, test): (&'static str, &'static str)| {
        let redraw = redraw.clone();
        let onclick = Callback::from(move |_: MouseEvent| {
            devnet::choose(name);
            redraw.force_update();
        });
        let pressed = if chosen == name { "true" } else { "false" };
        html! {
            <button type="button" data-test={test} aria-pressed={pressed} {onclick}>{name}</button>
        }
    };
    html! {
        <div class="devnet" role="group" aria-label="Demo: who pays">
            <span>{"Demo: pay as"}</span>
            { for BUYERS.map(button) }
        </div>
    }
}

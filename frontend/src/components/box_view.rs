//! The locked view: a box in the dark, and whoever sits in it.
//!
//! It is drawn from the hash of the goods alone, so it differs from item to item and gives
//! nothing away.

use shared::content::ContentHash;
use yew::prelude::*;

/// Whose box.
#[derive(Properties, PartialEq)]
pub struct Props {
    /// The hash of the goods inside.
    pub sha256: ContentHash,
    /// Paid: the lid goes up.
    #[prop_or_default]
    pub open: bool,
}

/// Draws the box.
#[component]
pub fn BoxView(props: &Props) -> Html {
    let [eyes, blink, tail, ..] = props.sha256.0;
    let class = classes!(
        "box",
        props.open.then_some("open"),
        ["eyes-amber", "eyes-green", "eyes-blue", "eyes-copper"][usize::from(eyes % 4)],
        ["blink-1", "blink-2", "blink-3"][usize::from(blink % 3)],
        (tail % 2 == 1).then_some("tail-left"),
    );
    html! {
        <svg {class} viewBox="0 0 320 190" aria-hidden="true">
            <ellipse class="box-shadow" cx="160" cy="172" rx="108" ry="10" />
            <g class="box-tail"><path d="M232 66c34-6 36-30 24-40-9-8-22 1-16 10" /></g>
            <g class="box-head">
                <path d="M118 74V34c0-3 3-4 5-2l16 15a60 60 0 0 1 42 0l16-15c2-2 5-1 5 2v40z" />
                <g class="box-eyes">
                    <ellipse cx="144" cy="62" rx="8" ry="9" /><ellipse cx="176" cy="62" rx="8" ry="9" />
                    <path d="M144 54v16M176 54v16" />
                </g>
            </g>
            <path class="box-inside" d="M78 72 98 54h124l20 18z" />
            <path class="box-front" d="M78 72h164v96a4 4 0 0 1-4 4H82a4 4 0 0 1-4-4z" />
            <path class="box-side" d="M206 72h36v96a4 4 0 0 1-4 4h-32z" />
            <g class="box-lid"><path d="M78 72 98 54h124l20 18z" /><path class="box-tape" d="M150 54h20l4 18h-28z" /></g>
            <path class="box-tape" d="M146 72h28v20l-4.7-3-4.7 3-4.6-3-4.7 3-4.6-3-4.7 3z" />
            <rect class="box-hole" x="112" y="104" width="96" height="36" rx="18" />
            <g class="box-eyes box-peek">
                <ellipse cx="142" cy="122" rx="9" ry="10" /><ellipse cx="178" cy="122" rx="9" ry="10" />
                <path d="M142 114v16M178 114v16" />
            </g>
            <g class="box-stamp">
                <path d="M96 166v-12m-4 4 4-5 4 5M108 166v-12m-4 4 4-5 4 5" />
                <path class="box-bolt" d="m227 146-8 10h5l-1.5 8 8.5-11h-5z" />
            </g>
        </svg>
    }
}

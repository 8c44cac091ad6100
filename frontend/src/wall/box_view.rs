//! The locked view: a box in the dark, and whoever sits in it.
//!
//! It is drawn from the hash of the goods alone, so it differs from item to item and gives
//! nothing away.

use shared::content::ContentHash;
use yew::prelude::*;

use crate::ui::drawing::drawing;
use crate::ui::element::element;

/// Draws the box of the goods with this hash; once they are paid for, the lid is `open`.
pub fn box_view(sha256: ContentHash, open: bool) -> Html {
    let [.., tail, blink, eyes] = sha256.0;
    let looks = [
        if open { "box open" } else { "box" },
        ["eyes-amber", "eyes-green", "eyes-blue", "eyes-copper"][usize::from(eyes % 4)],
        ["blink-1", "blink-2", "blink-3"][usize::from(blink % 3)],
        ["tail-left", "tail-right"][usize::from(tail % 2)],
    ];
    element("div", "")
        .attribute("class", looks.join(" "))
        .child(drawing(BOX))
        .into()
}

/// From back to front; the style sheet opens it, and lets the cat blink.
const BOX: &str = concat!(
    r#"<svg viewBox="0 0 320 190" aria-hidden="true">"#,
    r#"<ellipse class="box-shadow" cx="160" cy="172" rx="108" ry="10"/>"#,
    r#"<path class="box-tail" d="M232 66c34-6 36-30 24-40-9-8-22 1-16 10"/>"#,
    r#"<path class="box-inside" d="M78 72 98 54h124l20 18z"/>"#,
    r#"<g class="box-head">"#,
    r#"<path d="M118 74V34c0-3 3-4 5-2l16 15a60 60 0 0 1 42 0l16-15c2-2 5-1 5 2v40z"/>"#,
    r#"<g class="box-eyes"><ellipse cx="144" cy="62" rx="8" ry="9"/>"#,
    r#"<ellipse cx="176" cy="62" rx="8" ry="9"/><path d="M144 58v8M176 58v8"/></g></g>"#,
    r#"<path class="box-front" d="M78 72h164v96a4 4 0 0 1-4 4H82a4 4 0 0 1-4-4z"/>"#,
    r#"<path class="box-side" d="M206 72h36v96a4 4 0 0 1-4 4h-32z"/>"#,
    r#"<g class="box-lid"><path d="M78 72 98 54h124l20 18z"/>"#,
    r#"<path class="box-tape" d="M150 54h20l4 18h-28z"/></g>"#,
    r#"<path class="box-tape" d="M146 72h28v20l-4.7-3-4.7 3-4.6-3-4.7 3-4.6-3-4.7 3z"/>"#,
    r#"<rect class="box-hole" x="112" y="104" width="96" height="36" rx="18"/>"#,
    r#"<g class="box-eyes box-peek"><ellipse cx="142" cy="122" rx="9" ry="10"/>"#,
    r#"<ellipse cx="178" cy="122" rx="9" ry="10"/><path d="M142 117v10M178 117v10"/></g>"#,
    r#"<g class="box-stamp"><path d="M96 166v-12m-4 4 4-5 4 5M108 166v-12m-4 4 4-5 4 5"/>"#,
    r#"<path class="box-bolt" d="m227 146-8 10h5l-1.5 8 8.5-11h-5z"/></g></svg>"#,
);

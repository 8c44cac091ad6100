//! The locked view: a box in the dark with a cat in it.

use shared::content::ContentHash;
use shared::drawings::{BOX, box_classes};
use yew::prelude::*;

use crate::ui::drawing::drawing;
use crate::ui::element::element;

/// Draws the box of the goods with this hash; once they are paid for, the lid is `open`.
pub fn box_view(sha256: ContentHash, open: bool) -> Html {
    let mut classes = box_classes(sha256);
    if open {
        classes.push_str(" open");
    }
    element("div", "")
        .attribute("class", classes)
        .child(drawing(BOX))
        .into()
}

//! The drawings of [`shared::drawings`] as markup.

use maud::{Markup, PreEscaped, html};
use shared::content::ContentHash;
use shared::drawings::{BOLT, BOX, LOGO, box_classes};

/// A cat's face whose forehead is a bolt of lightning.
pub(super) fn logo() -> Markup {
    PreEscaped(LOGO.to_owned())
}

/// A bolt of lightning, as large as a letter.
pub(super) fn bolt() -> Markup {
    PreEscaped(BOLT.to_owned())
}

/// The closed box on its stage.
pub(super) fn closed_box(sha256: ContentHash) -> Markup {
    html! {
        div class="stage" {
            div class=(box_classes(sha256)) { (PreEscaped(BOX)) }
        }
    }
}

//! The drawings that the store's pages share; the frontend has the same.

use maud::{Markup, html};
use shared::content::ContentHash;

/// A cat's face whose forehead is a bolt of lightning.
pub(super) fn logo() -> Markup {
    html! {
        svg class="logo" viewBox="0 0 48 48" aria-hidden="true" {
            path class="logo-face" d="M7 5.5c-1.2-.9-2.9 0-2.9 1.6V25c0 11.2 8.8 18.9 19.9 18.9S43.9 36.2 43.9 25V7.1c0-1.6-1.7-2.5-2.9-1.6l-8.7 6.7a24.5 24.5 0 0 0-16.6 0z" {}
            path class="logo-bolt" d="M26.7 10.4 18.3 22h4.4l-1.9 8.2L30.3 18.2h-4.7z" {}
            circle class="logo-eye" cx="14" cy="27.5" r="2.7" {}
            circle class="logo-eye" cx="34" cy="27.5" r="2.7" {}
            path class="logo-line" d="M24 34v1.5m0 0c0 2.2-3.8 2.9-4.8.8m4.8-.8c0 2.2 3.8 2.9 4.8.8M2 30.5l7 1M2.5 37l7-2M46 30.5l-7 1M45.5 37l-7-2" {}
        }
    }
}

/// A bolt of lightning, as large as a letter.
pub(super) fn bolt() -> Markup {
    html! {
        svg class="icon" viewBox="0 0 16 16" aria-hidden="true" {
            path d="M9.8.8 2.6 9.3h4.2l-1 5.9 7.4-8.7H8.9z" {}
        }
    }
}

/// The box in the dark, and whoever sits in it. As in the widget, the hash of the goods chooses the
/// colour of the eyes.
pub(super) fn closed_box(sha256: ContentHash) -> Markup {
    let eyes = ["amber", "green", "blue", "copper"][usize::from(sha256.0[0] % 4)];
    html! {
        div class="stage" {
            svg class={ "box eyes-" (eyes) } viewBox="0 0 320 190" aria-hidden="true" {
                ellipse class="box-shadow" cx="160" cy="172" rx="108" ry="10" {}
                path class="box-tail" d="M232 66c34-6 36-30 24-40-9-8-22 1-16 10" {}
                path class="box-front" d="M78 72h164v96a4 4 0 0 1-4 4H82a4 4 0 0 1-4-4z" {}
                path class="box-side" d="M206 72h36v96a4 4 0 0 1-4 4h-32z" {}
                path class="box-lid" d="M78 72 98 54h124l20 18z" {}
                path class="box-tape" d="M150 54h20l4 18v20l-4.7-3-4.7 3-4.6-3-4.7 3-4.6-3-4.7 3V72z" {}
                rect class="box-hole" x="112" y="104" width="96" height="36" rx="18" {}
                g class="box-eyes" {
                    ellipse cx="142" cy="122" rx="9" ry="10" {}
                    ellipse cx="178" cy="122" rx="9" ry="10" {}
                    path d="M142 114v16M178 114v16" {}
                }
            }
        }
    }
}

//! A QR code, drawn in SVG.

use maud::{Markup, html};
use shared::qr_code::QrCode;

/// Draws the code; `label` says what it is.
pub fn draw(QrCode { side, path }: &QrCode, label: &str) -> Markup {
    html! {
        svg class="qr" data-test="qr" role="img" aria-label=(label)
            viewBox={ "0 0 " (side) " " (side) } shape-rendering="crispEdges" {
            rect width=(side) height=(side) fill="#fff" {}
            path d=(path) fill="#000" {}
        }
    }
}

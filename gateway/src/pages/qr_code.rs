//! A BOLT11 invoice as a QR code, drawn in SVG.

use maud::{Markup, html};
use shared::qr_code::QrCode;

/// Draws the code. `None` where the invoice is longer than any QR code.
pub(super) fn draw(bolt11: &str, label: &str) -> Option<Markup> {
    let QrCode { side, path } = QrCode::of(bolt11)?;
    Some(html! {
        svg class="qr" data-test="qr" role="img" aria-label=(label)
            viewBox={ "0 0 " (side) " " (side) } shape-rendering="crispEdges" {
            rect width=(side) height=(side) fill="#fff" {}
            path d=(path) fill="#000" {}
        }
    })
}

//! A BOLT11 invoice as a QR code.

use shared::qr_code::QrCode;
use shared::text::decimal;
use yew::prelude::*;

use crate::i18n::say::say;
use crate::ui::element::{element, paragraph};

/// Draws the invoice. A screen reader says `label`.
pub fn qr_code(bolt11: &str, label: &str) -> Html {
    let Some(code) = QrCode::of(bolt11) else {
        // Longer than any QR code: it can still be copied or opened.
        return paragraph("quiet", say("This invoice is too long for a QR code."));
    };
    let side = decimal(code.side.unsigned_abs().into());
    let path = |fill: &'static str, path: String| {
        element("path", "")
            .attribute("fill", fill)
            .attribute("d", path)
    };
    element("svg", "qr")
        .part("qr")
        .test("qr")
        .attribute("role", "img")
        .attribute("aria-label", label.to_owned())
        .attribute("viewBox", ["0 0 ", &side, " ", &side].concat())
        .attribute("shape-rendering", "crispEdges")
        .child(path("#fff", ["M0 0h", &side, "v", &side, "H0z"].concat()))
        .child(path("#000", code.path))
        .into()
}

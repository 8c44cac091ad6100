//! A BOLT11 invoice as a QR code, drawn in SVG.

use std::fmt::Write as _;

use maud::{Markup, html};
use qrcodegen::{QrCode, QrCodeEcc, QrSegment, Version};

/// The white margin that ISO/IEC 18004 demands, in modules.
const QUIET_ZONE: i32 = 4;

/// Draws the code in black on white, in the dark too: many readers know no other. `None` where the
/// invoice is longer than any QR code.
pub(super) fn draw(bolt11: &str, label: &str) -> Option<Markup> {
    let matrix = encode(bolt11)?;
    let side = matrix.size() + 2 * QUIET_ZONE;
    Some(html! {
        svg class="qr" data-test="qr" role="img" aria-label=(label)
            viewBox={ "0 0 " (side) " " (side) } shape-rendering="crispEdges" {
            rect width=(side) height=(side) fill="#fff" {}
            path d=(outline(&matrix)) fill="#000" {}
        }
    })
}

/// `LIGHTNING:` and the invoice in upper case: both stand for the same in lower case, and upper
/// case fits into QR's denser alphanumeric mode.
fn encode(bolt11: &str) -> Option<QrCode> {
    let text = format!("LIGHTNING:{}", bolt11.to_ascii_uppercase());
    let segments = QrSegment::make_segments(&text);
    let (least, most) = (Version::MIN, Version::MAX);
    let level = QrCodeEcc::Medium;
    QrCode::encode_segments_advanced(&segments, level, least, most, None, false).ok()
}

/// One rectangle for each run of dark modules in a row, all in one path.
fn outline(matrix: &QrCode) -> String {
    let mut path = String::new();
    for y in 0..matrix.size() {
        let mut x = 0;
        while x < matrix.size() {
            let start = x;
            while matrix.get_module(x, y) {
                x += 1;
            }
            let width = x - start;
            if width > 0 {
                let (left, top) = (start + QUIET_ZONE, y + QUIET_ZONE);
                write!(path, "M{left} {top}h{width}v1h-{width}z").expect("a String takes all");
            }
            x += 1;
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_is_alphanumeric_at_level_m_and_no_larger_than_it_must_be() {
        // 10 + 300 characters need 1723 bits with mode and length; version 10-M holds 1728,
        // 9-M 1456 (ISO/IEC 18004, table 7).
        let matrix = encode(&"lnbcrt1".repeat(43)[..300]).unwrap();
        assert_eq!(matrix.version().value(), 10);
        assert_eq!(matrix.error_correction_level(), QrCodeEcc::Medium);
    }

    #[test]
    fn what_no_code_can_hold_is_not_drawn() {
        assert!(draw(&"a".repeat(5000), "long").is_none());
    }
}

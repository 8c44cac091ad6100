//! A BOLT11 invoice as a QR code: what to draw, for whoever draws it.

use qrcodegen::{QrCode as Matrix, QrCodeEcc, QrSegment, Version};

use crate::text::decimal;

/// The white margin that ISO/IEC 18004 demands, in modules.
const QUIET_ZONE: i32 = 4;

/// A code to be drawn in black on white, in the dark too: many readers know no other.
pub struct QrCode {
    /// Its width and height with the margin, in modules.
    pub side: i32,
    /// Its dark modules, as the `d` of an SVG path. A module is 1 by 1.
    pub path: String,
}

impl QrCode {
    /// The code of any text, such as an address to be printed; `None` where it is longer than any code.
    pub fn of_text(text: &str) -> Option<Self> {
        let matrix = Matrix::encode_text(text, QrCodeEcc::Medium);
        matrix.ok().map(|matrix| Self::drawn(&matrix))
    }

    /// The code of a `lightning:` link; `None` where the invoice is longer than any code, or no
    /// BOLT11.
    pub fn of(bolt11: &str) -> Option<Self> {
        encode(bolt11).map(|matrix| Self::drawn(&matrix))
    }

    fn drawn(matrix: &Matrix) -> Self {
        Self {
            side: matrix.size() + 2 * QUIET_ZONE,
            path: outline(matrix),
        }
    }
}

/// `LIGHTNING:` and the invoice in upper case: both stand for the same in lower case, and upper
/// case fits into QR's denser alphanumeric mode.
fn encode(bolt11: &str) -> Option<Matrix> {
    let text = ["LIGHTNING:", &bolt11.to_ascii_uppercase()].concat();
    // The library's own check would bring a search for text, a kilobyte of the download.
    let dense = |letter: u8| letter.is_ascii_alphanumeric() || letter == b':';
    if !text.bytes().all(dense) {
        return None;
    }
    let segments = [QrSegment::make_alphanumeric(&text)];
    Matrix::encode_segments_advanced(
        &segments,
        QrCodeEcc::Medium,
        Version::MIN,
        Version::MAX,
        None,
        false,
    )
    .ok()
}

/// One rectangle for each run of dark modules in a row, all in one path.
fn outline(matrix: &Matrix) -> String {
    let size = matrix.size();
    let digits = |number: i32| decimal(number.unsigned_abs().into());
    let mut path = String::new();
    for y in 0..size {
        let mut x = 0;
        while x < size {
            let start = x;
            while x < size && matrix.get_module(x, y) {
                x += 1;
            }
            if x > start {
                let (left, top) = (start + QUIET_ZONE, y + QUIET_ZONE);
                let width = digits(x - start);
                for part in [
                    "M",
                    &digits(left),
                    " ",
                    &digits(top),
                    "h",
                    &width,
                    "v1h-",
                    &width,
                    "z",
                ] {
                    path.push_str(part);
                }
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
        // 10 + 300 characters need 1723 bits with mode and length; version 13-M holds 2648,
        // 10-M 1728, 9-M 1456 (ISO/IEC 18004, table 7).
        let matrix = encode(&"lnbcrt1".repeat(43)[..300]).unwrap();
        assert_eq!(matrix.version().value(), 10);
        assert_eq!(matrix.error_correction_level(), QrCodeEcc::Medium);
    }

    #[test]
    fn a_finder_pattern_is_drawn_behind_the_quiet_zone() {
        let matrix = encode("lnbc1").unwrap();
        let path = outline(&matrix);
        // The first row's first run is the top edge of the upper left finder pattern: 7 wide.
        assert!(path.starts_with("M4 4h7v1h-7z"), "{path}");
    }

    #[test]
    fn every_dark_module_is_drawn_once() {
        let matrix = encode("lnbcrt1u1p").unwrap();
        let size = matrix.size();
        let dark = (0..size)
            .flat_map(|y| (0..size).map(move |x| (x, y)))
            .filter(|&(x, y)| matrix.get_module(x, y))
            .count();
        let path = outline(&matrix);
        let drawn: usize = path
            .split('h')
            .skip(1)
            .step_by(2)
            .map(|run| run.split('v').next().unwrap().parse::<usize>().unwrap())
            .sum();
        assert_eq!(drawn, dark);
    }

    #[test]
    fn what_no_bolt11_can_hold_is_not_drawn() {
        assert!(encode("lnbc1é").is_none());
        assert!(encode(&"A".repeat(5000)).is_none());
    }
}

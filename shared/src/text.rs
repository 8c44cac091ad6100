//! Numbers and bytes as text: digits, hex, and base64 in the two alphabets of RFC 4648.
//!
//! What is written and read here is short. The crates for it, made for any length at speed, were two kilobytes of the
//! browser's download.

/// A number's digits. The library's way brings all of its formats with it.
pub fn decimal(mut number: u64) -> String {
    // The longest number has twenty.
    let mut digits = [b'0'; 20];
    let mut first = digits.len();
    loop {
        first -= 1;
        let [.., digit] = (number % 10).to_be_bytes();
        digits[first] += digit;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    digits[first..].iter().copied().map(char::from).collect()
}

/// So many parts of a whole, which has `one` of them, a power of ten: the digits, and a point where there is a rest.
pub(crate) fn fixed(number: u64, one: u64) -> String {
    let (whole, rest) = (decimal(number / one), number % one);
    if rest == 0 {
        return whole;
    }
    // The zeros before the rest stay behind the one.
    let padded = decimal(one + rest);
    [&whole, ".", padded[1..].trim_end_matches('0')].concat()
}

/// Lower-case hex.
pub fn to_hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        for half in [byte >> 4, byte & 15] {
            text.push(char::from(b"0123456789abcdef"[usize::from(half)]));
        }
    }
    text
}

/// Exactly `N` bytes of hex, in any case.
pub(crate) fn from_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let (pairs, rest) = text.as_bytes().as_chunks();
    if pairs.len() != N || !rest.is_empty() {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        let digit = |letter: &u8| char::from(*letter).to_digit(16);
        *byte = u8::try_from(digit(high)? << 4 | digit(low)?).ok()?;
    }
    Some(bytes)
}

/// Base64 in the standard alphabet, with padding.
pub fn base64(bytes: &[u8]) -> String {
    encode(bytes, STANDARD, "=")
}

/// Base64 in the alphabet for URLs, without padding.
pub(crate) fn base64_url(bytes: &[u8]) -> String {
    encode(bytes, URL, "")
}

const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const URL: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

fn encode(bytes: &[u8], letters: &[u8; 64], padding: &str) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for three in bytes.chunks(3) {
        let mut bits = [0; 4];
        bits[1..=three.len()].copy_from_slice(three);
        let bits = u32::from_be_bytes(bits);
        for place in 0..4 {
            if place > three.len() {
                text.push_str(padding);
            } else {
                let value = bits >> (18 - 6 * place) & 63;
                text.push(char::from(letters[value as usize]));
            }
        }
    }
    text
}

/// Reads base64 in one of the alphabets, with padding or without. Bits that stand for nothing have to be zero.
pub(crate) fn from_base64(text: &str) -> Option<Vec<u8>> {
    let letters = text.trim_end_matches('=');
    let padding = text.len() - letters.len();
    if padding > (4 - letters.len() % 4) % 4 {
        return None;
    }
    let is_url = letters.bytes().any(|letter| matches!(letter, b'-' | b'_'));
    let [plus, slash] = if is_url { *b"-_" } else { *b"+/" };
    let mut bytes = Vec::with_capacity(letters.len() * 3 / 4);
    let (mut bits, mut count) = (0_u16, 0);
    for letter in letters.bytes() {
        let value = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'a'..=b'z' => letter - b'a' + 26,
            b'0'..=b'9' => letter - b'0' + 52,
            _ if letter == plus => 62,
            _ if letter == slash => 63,
            _ => return None,
        };
        bits = bits << 6 | u16::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count).to_be_bytes()[1]);
        }
    }
    // Six bits alone are no byte.
    let rest = bits & ((1 << count) - 1);
    (count < 6 && rest == 0).then_some(bytes)
}

/// What is before the last `letter`, an ASCII one, and what is after it. The library's search from a text's end is half
/// a kilobyte of the browser's program.
pub(crate) fn split_last(text: &str, letter: u8) -> Option<(&str, &str)> {
    let at = text.bytes().rposition(|byte| byte == letter)?;
    Some((text.get(..at)?, text.get(at + 1..)?))
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::alphabet::{STANDARD, URL_SAFE};
    use base64::engine::general_purpose::{STANDARD as WITH_PADDING, URL_SAFE_NO_PAD};
    use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
    use bitcoin::hex::{DisplayHex as _, FromHex as _};
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_text_is_split_at_the_last_of_several_letters() {
        assert_eq!(split_last("a (b) (c é", b'('), Some(("a (b) ", "c é")));
        assert_eq!(split_last("é(", b'('), Some(("é", "")));
        assert_eq!(split_last("none", b'('), None);
    }

    #[test]
    fn the_least_and_the_largest_number_are_written() {
        for number in [0, 9, 10, u64::MAX] {
            assert_eq!(decimal(number), number.to_string());
        }
    }

    proptest! {
        #[test]
        fn numbers_are_written_as_others_write_them(number: u64) {
            prop_assert_eq!(decimal(number), number.to_string());
        }

        #[test]
        fn bytes_are_written_as_others_write_them(bytes: Vec<u8>) {
            prop_assert_eq!(to_hex(&bytes), bytes.to_lower_hex_string());
            prop_assert_eq!(base64(&bytes), WITH_PADDING.encode(&bytes));
            prop_assert_eq!(base64_url(&bytes), URL_SAFE_NO_PAD.encode(&bytes));
            prop_assert_eq!(from_base64(&base64(&bytes)), Some(bytes.clone()));
            prop_assert_eq!(from_base64(&base64_url(&bytes)), Some(bytes));
        }

        #[test]
        fn base64_is_read_as_others_read_it(text in "[A-Za-z0-9+/_-]{0,9}={0,4}") {
            let lenient = GeneralPurposeConfig::new()
                .with_decode_padding_mode(DecodePaddingMode::Indifferent);
            let theirs = [STANDARD, URL_SAFE].map(|alphabet| {
                GeneralPurpose::new(&alphabet, lenient).decode(&text).ok()
            });
            let [standard, url] = theirs;
            prop_assert_eq!(from_base64(&text), standard.or(url));
        }

        #[test]
        fn hex_is_read_as_others_read_it(text in "([0-9a-fA-F]{2}){0,3}|.{0,6}") {
            prop_assert_eq!(from_hex::<2>(&text), <[u8; 2]>::from_hex(&text).ok());
        }
    }
}

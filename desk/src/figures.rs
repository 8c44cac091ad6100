//! Figures as people read them.

use shared::fiat::Rate;
use shared::lightning::Msat;

/// What stands between groups of three digits: no line breaks there, and no language takes it for a point.
const GAP: char = '\u{202f}';

/// `1 234 567`.
pub(crate) fn number(number: u64) -> String {
    grouped(&number.to_string())
}

/// An amount in satoshi, such as `1 234.5 sat`.
pub(crate) fn sat(msat: u64) -> String {
    grouped(&Msat(msat).to_string())
}

/// What an amount is worth, such as `12.50 USD`; empty where that is beyond any sum.
pub(crate) fn worth(msat: u64, rate: &Rate) -> String {
    let Some(worth) = rate.worth(Msat(msat)) else {
        return String::new();
    };
    let text = worth.to_string();
    let (whole, cents) = text.split_once('.').unwrap_or((&text, ""));
    format!("{}.{cents:0<2} {}", grouped(whole), rate.currency)
}

/// The text with gaps in the whole number that it begins with.
fn grouped(text: &str) -> String {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let mut grouped = String::new();
    for (index, letter) in text.char_indices() {
        if (1..digits).contains(&index) && (digits - index).is_multiple_of(3) {
            grouped.push(GAP);
        }
        grouped.push(letter);
    }
    grouped
}

/// So many bytes.
pub(crate) fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "kB", "MB", "GB", "TB"];
    let (mut tenths, mut unit) = (bytes.saturating_mul(10), 0);
    while tenths >= 10_000 && unit + 1 < UNITS.len() {
        tenths /= 1000;
        unit += 1;
    }
    let (whole, tenth) = (tenths / 10, tenths % 10);
    if unit == 0 || whole >= 100 || tenth == 0 {
        format!("{whole} {}", UNITS[unit])
    } else {
        format!("{whole}.{tenth} {}", UNITS[unit])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_grouped() {
        assert_eq!(number(0), "0");
        assert_eq!(number(999), "999");
        assert_eq!(number(1_234_567), "1\u{202f}234\u{202f}567");
        assert_eq!(sat(1_500), "1.5 sat");
        assert_eq!(sat(21_000_000), "21\u{202f}000 sat");
    }

    #[test]
    fn an_amount_is_worth_what_its_rate_says() {
        let rate = Rate {
            currency: "USD".parse().unwrap(),
            per_btc: "65000".parse().unwrap(),
            at: 0,
        };
        assert_eq!(worth(100_000_000_000, &rate), "65\u{202f}000.00 USD");
        assert_eq!(worth(384_616, &rate), "0.25 USD");
        assert_eq!(worth(0, &rate), "0.00 USD");
    }

    #[test]
    fn bytes_have_the_unit_that_is_read_at_a_glance() {
        assert_eq!(bytes(999), "999 B");
        assert_eq!(bytes(1_500), "1.5 kB");
        assert_eq!(bytes(25_000_000), "25 MB");
        assert_eq!(bytes(123_456_789_000), "123 GB");
        assert_eq!(bytes(u64::MAX), "1844674 TB");
    }
}

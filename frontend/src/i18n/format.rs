//! Amounts, times and spans as the current language writes them.

use js_sys::{Date, Number};
use shared::api::Item;
use shared::fiat::{Currency, Decimal};
use shared::lightning::Msat;
use shared::text::decimal;
use wasm_bindgen::prelude::*;

use crate::browser::object::object;
use crate::i18n::language::locale;

#[wasm_bindgen]
extern "C" {
    /// A number, with the browser's formats.
    type LocalNumber;

    #[wasm_bindgen(method, js_name = toLocaleString)]
    fn to_text(this: &LocalNumber, locale: &str, options: &JsValue) -> String;
}

/// An amount as people read it: in satoshi, whole ones from ten on.
#[inline(never)]
pub fn amount(msat: Msat) -> String {
    exactly(msat.rounded())
}

/// An amount in satoshi, to the last millisatoshi.
pub fn exactly(msat: Msat) -> String {
    let number = if msat.0.is_multiple_of(1000) {
        whole(msat.0 / 1000)
    } else {
        // Three digits after the point are the most that are written.
        number_text(float(msat.0) / 1000.0, &[])
    };
    [&number, " sat"].concat()
}

/// An item's price, as its owner set it.
pub fn price(item: &Item) -> String {
    let Some(price) = item.fiat_price else {
        return amount(item.price_msat);
    };
    let price = money(price.amount, price.currency);
    // The space keeps sign and amount on one line.
    [&price, " ≈\u{a0}", &amount(item.price_msat)].concat()
}

/// An amount of a state's currency.
pub fn money(amount: Decimal, currency: Currency) -> String {
    let number = Number::parse_float(&amount.text());
    let options = [
        ("style", "currency".into()),
        ("currency", currency.as_str().into()),
    ];
    number_text(number, &options)
}

/// A clock face such as `9:05`; hours are shown as minutes, since invoices are short.
pub fn clock_face(secs: u64) -> String {
    let [minutes, tens, ones] = [secs / 60, secs % 60 / 10, secs % 10].map(whole);
    [&minutes, ":", &tens, &ones].concat()
}

/// A span of time in its largest unit, such as `30 days`; cut to whole ones.
pub fn span(secs: u64) -> String {
    let units = [
        (86_400, "day"),
        (3_600, "hour"),
        (60, "minute"),
        (1, "second"),
    ];
    // A day and a half is 36 hours.
    let (length, unit) = units
        .into_iter()
        .find(|(length, _)| secs >= 2 * length || secs == *length)
        .unwrap_or((1, "second"));
    let options = [
        ("style", "unit".into()),
        ("unit", unit.into()),
        ("unitDisplay", "long".into()),
    ];
    number_text(float(secs / length), &options)
}

/// A moment in UNIX seconds, in the buyer's own zone.
pub fn moment(secs: u64) -> String {
    moment_of(&JsValue::from_f64(float(secs) * 1000.0))
}

/// A moment in milliseconds, or as RFC 3339 has it.
pub fn moment_of(time: &JsValue) -> String {
    let options = object(&[
        ("dateStyle", "medium".into()),
        ("timeStyle", "short".into()),
    ]);
    let text = Date::new(time).to_locale_string(locale(), &options);
    text.into()
}

/// A whole number.
fn whole(number: u64) -> String {
    // The first number that a browser formats costs a slow phone 50 ms. Only Arabic may have other digits.
    if number < 1000 && locale() != "ar" {
        return decimal(number);
    }
    number_text(float(number), &[])
}

fn number_text(number: f64, settings: &[(&str, JsValue)]) -> String {
    let number = LocalNumber::from(JsValue::from_f64(number));
    number.to_text(locale(), &object(settings))
}

#[expect(
    clippy::cast_precision_loss,
    reason = "exact up to all bitcoins there are, and for 285 million years"
)]
fn float(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;
    use crate::i18n::language::{Language, enter_arabic};

    #[test]
    fn amounts_follow_the_language() {
        assert_eq!(amount(Msat(1_234_000)), "1,234 sat");
        assert_eq!(amount(Msat(384_616)), "385 sat");
        assert_eq!(exactly(Msat(384_616)), "384.616 sat");
        assert_eq!(amount(Msat(1)), "0.001 sat");
    }

    #[test]
    fn the_clock_face_has_two_digits_of_seconds_in_the_languages_own() {
        assert_eq!(clock_face(600), "10:00");
        assert_eq!(clock_face(65), "1:05");
        assert_eq!(clock_face(0), "0:00");
        enter_arabic("{}");
        let arabic = clock_face(65);
        Language::default().enter();
        assert!(["1:05", "١:٠٥"].contains(&&*arabic), "{arabic}");
    }

    #[test]
    fn spans_are_told_in_their_largest_unit() {
        assert_eq!(span(2_592_000), "30 days");
        assert_eq!(span(129_600), "36 hours");
        assert_eq!(span(3_600), "1 hour");
        assert_eq!(span(90), "90 seconds");
        assert_eq!(span(0), "0 seconds");
    }
}

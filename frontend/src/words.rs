//! What buyers read, in their language.
//!
//! English stands in the program. Each other language is a file in `frontend/words`, from the
//! English words to its own, and is loaded only where it is shown. What a file lacks is said in
//! English.

use std::cell::RefCell;
use std::rc::Rc;

use gloo_net::http::Request;
use js_sys::{Date, Function, JSON, Number, Object, Reflect};
use shared::api::Item;
use shared::fiat::{Currency, Decimal};
use shared::lightning::Msat;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;
use yew::html::ImplicitClone;
use yew::prelude::*;

/// The language of the program's own words.
const ENGLISH: &str = "en";
/// The languages that have a file; the build lists them.
const LANGUAGES: &str = env!("LANGUAGES");
/// Those that are written from right to left.
const RIGHT_TO_LEFT: [&str; 4] = ["ar", "fa", "he", "ur"];
/// Where the store's own page finds the files.
const OWN_FILES: &str = "/words/";

thread_local! {
    /// The words of the component that is being drawn.
    static CURRENT: RefCell<Words> = RefCell::default();
    /// Gives the address of a language's file; `None` on the store's own page.
    static FILES: RefCell<Option<Function>> = const { RefCell::new(None) };
}

#[wasm_bindgen]
extern "C" {
    /// A number that knows how a language writes it.
    type LocalNumber;

    #[wasm_bindgen(method, js_name = toLocaleString)]
    fn to_text(this: &LocalNumber, locale: &str, options: &JsValue) -> String;

    /// The names of languages in one of them.
    #[wasm_bindgen(js_namespace = Intl)]
    type DisplayNames;

    #[wasm_bindgen(constructor, js_namespace = Intl)]
    fn new(locale: &str, options: &JsValue) -> DisplayNames;

    #[wasm_bindgen(method)]
    fn of(this: &DisplayNames, language: &str) -> Option<String>;
}

/// The words of one language.
#[derive(Clone, Default, PartialEq)]
pub struct Words(Option<Rc<Loaded>>);

#[derive(PartialEq)]
struct Loaded {
    language: &'static str,
    messages: JsValue,
}

impl ImplicitClone for Words {}

impl Words {
    /// Takes these words for all that is said until another component takes its own.
    pub fn enter(&self) {
        CURRENT.set(self.clone());
    }

    /// The language's tag.
    pub fn language(&self) -> &'static str {
        self.0.as_ref().map_or(ENGLISH, |loaded| loaded.language)
    }

    /// What the attribute `dir` says of it.
    pub fn direction(&self) -> &'static str {
        if RIGHT_TO_LEFT.contains(&self.language()) {
            "rtl"
        } else {
            "ltr"
        }
    }

    /// These words for an English text, if there are any.
    pub fn find(&self, english: &str) -> Option<String> {
        let loaded = self.0.as_ref()?;
        Reflect::get(&loaded.messages, &english.into())
            .ok()?
            .as_string()
    }

    async fn load(language: &'static str) -> Option<Self> {
        let response = Request::get(&address(language)?).send().await.ok()?;
        let messages = JSON::parse(&response.text().await.ok()?).ok()?;
        Some(Self(Some(Rc::new(Loaded { language, messages }))))
    }
}

/// From now on files are where `files` says: the widget's loader knows.
pub fn come_from(files: Option<Function>) {
    FILES.set(files);
}

fn address(language: &str) -> Option<String> {
    match FILES.with_borrow(Clone::clone) {
        None => Some([OWN_FILES, language, ".json"].concat()),
        Some(files) => files
            .call1(&JsValue::NULL, &language.into())
            .ok()?
            .as_string(),
    }
}

/// The language of a file, or English, for a tag such as `de-AT`.
fn known(tag: &str) -> Option<&'static str> {
    let wanted = tag.split('-').next()?;
    languages().find(|language| language.eq_ignore_ascii_case(wanted))
}

/// Every language there is, by its tag.
pub fn languages() -> impl Iterator<Item = &'static str> {
    [ENGLISH].into_iter().chain(LANGUAGES.split(','))
}

/// What a language calls itself.
pub fn name_of(language: &str) -> String {
    let names = DisplayNames::new(language, &options(&[("type", "language")]));
    names.of(language).unwrap_or_else(|| language.to_owned())
}

/// The first of the visitor's languages that is known here.
fn visitors_language() -> Option<AttrValue> {
    let tags = gloo_utils::window().navigator().languages();
    let mut tags = tags.iter().filter_map(|tag| tag.as_string());
    let language = tags.find_map(|tag| known(&tag));
    language.map(AttrValue::Static)
}

/// The words of a language, once they are here: `None` as long as they are on their way. Without a
/// tag it is the first of the visitor's that is known.
#[hook]
pub fn use_language(tag: Option<AttrValue>) -> Option<Words> {
    let visitors = use_memo((), |()| visitors_language());
    let words = use_state_eq(|| None);
    use_effect_with(tag.or_else(|| (*visitors).clone()), {
        let words = words.setter();
        move |tag| {
            let language = tag.as_deref().and_then(known).unwrap_or(ENGLISH);
            if language == ENGLISH {
                words.set(Some(Words::default()));
                return;
            }
            spawn_local(async move {
                // English is better than nothing.
                words.set(Some(Words::load(language).await.unwrap_or_default()));
            });
        }
    });
    (*words).clone()
}

/// Takes the words of the component's surroundings, for all that it says while it is drawn.
#[hook]
pub fn use_words() -> Words {
    let words = use_context::<Words>().unwrap_or_default();
    words.enter();
    words
}

/// An English text in the words of the component that is being drawn.
#[inline(never)]
pub fn say(english: &'static str) -> AttrValue {
    let found = CURRENT.with_borrow(|words| words.find(english));
    found.map_or(AttrValue::Static(english), AttrValue::from)
}

/// An English text around its one place `{0}`, for a value that is an element.
#[inline(never)]
pub fn say_around(english: &'static str) -> (String, String) {
    let text = say(english);
    let (before, after) = text.split_once('{').unwrap_or((&text, "0}"));
    let (_, after) = after.split_once('}').unwrap_or_default();
    (before.to_owned(), after.to_owned())
}

/// An English text with values in the places `{0}`, `{1}`, …
#[inline(never)]
pub fn say_of(english: &'static str, values: &[&str]) -> String {
    let mut said = String::new();
    let text = say(english);
    let mut parts = text.split('{');
    said.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let (place, after) = part.split_once('}').unwrap_or(("", part));
        let index = place.bytes().next().unwrap_or_default().wrapping_sub(b'0');
        said.push_str(values.get(usize::from(index)).copied().unwrap_or_default());
        said.push_str(after);
    }
    said
}

/// The tag for the browser's own words: of numbers, amounts, days.
pub fn locale() -> &'static str {
    CURRENT.with_borrow(Words::language)
}

/// An amount, in satoshi where it is whole.
#[inline(never)]
pub fn amount(amount: Msat) -> String {
    let (number, unit) = if amount.0.is_multiple_of(1000) {
        (amount.0 / 1000, " sat")
    } else {
        (amount.0, " msat")
    };
    [&number_text(float(number), &[]), unit].concat()
}

/// An item's price, as its owner set it.
pub fn price(item: &Item) -> String {
    let Some(price) = item.fiat_price else {
        return amount(item.price_msat);
    };
    let price = money(price.amount, price.currency);
    say_of("{0} (about {1})", &[&price, &about(item.price_msat)])
}

/// An amount in whole satoshi, rounded up.
pub fn about(msat: Msat) -> String {
    amount(Msat(msat.0.div_ceil(1000) * 1000))
}

/// An amount of a state's currency.
pub fn money(amount: Decimal, currency: Currency) -> String {
    let number = Number::parse_float(&amount.to_string());
    let options = [("style", "currency"), ("currency", currency.as_str())];
    number_text(number, &options)
}

/// A clock face such as `9:05`; hours are shown as minutes, since invoices are short.
pub fn clock_face(secs: u64) -> String {
    let (minutes, secs) = (float(secs / 60), float(secs % 60));
    let two_digits = [("minimumIntegerDigits", "2")];
    [
        &number_text(minutes, &[]),
        ":",
        &number_text(secs, &two_digits),
    ]
    .concat()
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
    let options = [("style", "unit"), ("unit", unit), ("unitDisplay", "long")];
    number_text(float(secs / length), &options)
}

/// A moment in UNIX seconds, in the buyer's own zone.
pub fn moment(secs: u64) -> String {
    moment_of(&JsValue::from_f64(float(secs) * 1000.0))
}

/// A moment in milliseconds, or as RFC 3339 has it.
pub fn moment_of(time: &JsValue) -> String {
    let options = options(&[("dateStyle", "medium"), ("timeStyle", "short")]);
    let text = Date::new(time).to_locale_string(locale(), &options);
    text.into()
}

fn number_text(number: f64, settings: &[(&str, &str)]) -> String {
    let number = LocalNumber::from(JsValue::from_f64(number));
    number.to_text(locale(), &options(settings))
}

fn options(settings: &[(&str, &str)]) -> Object {
    let options = Object::new();
    for (name, value) in settings {
        // Of an object that was just made, each property can be set.
        let _ = Reflect::set(&options, &(*name).into(), &(*value).into());
    }
    options
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

    fn enter(json: &str) {
        let messages = JSON::parse(json).unwrap();
        let language = "ar";
        CURRENT.set(Words(Some(Rc::new(Loaded { language, messages }))));
    }

    #[test]
    fn what_a_file_lacks_is_said_in_english() {
        enter(r#"{"Open": "افتح"}"#);
        assert_eq!(say("Open"), "افتح");
        assert_eq!(say("Close"), "Close");
        CURRENT.set(Words::default());
        assert_eq!(say("Open"), "Open");
    }

    #[test]
    fn values_stand_where_the_language_puts_them() {
        enter(r#"{"{0} for {1}": "{1}: {0}"}"#);
        assert_eq!(say_of("{0} for {1}", &["a", "b"]), "b: a");
        assert_eq!(say_of("from {0} to {1}.", &["a", "b"]), "from a to b.");
        CURRENT.set(Words::default());
    }

    #[test]
    fn a_tag_with_a_region_names_its_language() {
        assert_eq!(known("de-AT"), Some("de"));
        assert_eq!(known("EN"), Some("en"));
        assert_eq!(known("tlh"), None);
    }

    #[test]
    fn amounts_follow_the_language() {
        assert_eq!(amount(Msat(1_234_000)), "1,234 sat");
        assert_eq!(amount(Msat(1)), "1 msat");
    }

    #[test]
    fn the_clock_face_has_two_digits_of_seconds_in_the_languages_own() {
        assert_eq!(clock_face(600), "10:00");
        assert_eq!(clock_face(65), "1:05");
        assert_eq!(clock_face(0), "0:00");
        enter("{}");
        let arabic = clock_face(65);
        CURRENT.set(Words::default());
        assert!(["1:05", "١:٠٥"].contains(&&*arabic), "{arabic}");
    }

    #[test]
    fn languages_name_themselves() {
        assert_eq!(name_of("de"), "Deutsch");
        assert_eq!(name_of("ja"), "日本語");
        assert_eq!(languages().next(), Some("en"));
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

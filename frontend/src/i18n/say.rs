//! Texts in the language of the component that is being drawn.

use yew::AttrValue;

use crate::i18n::language::translation;

/// Translates an English text into the language of the component that is being drawn.
#[inline(never)]
pub fn say(english: &'static str) -> AttrValue {
    translation(english).map_or(AttrValue::Static(english), AttrValue::from)
}

/// Translates an English text with one place `{0}`, and returns what is before and after the place:
/// its value is an element.
#[inline(never)]
pub fn say_around(english: &'static str) -> (String, String) {
    let text = say(english);
    let (before, after) = text.split_once('{').unwrap_or((&text, "0}"));
    let (_, after) = after.split_once('}').unwrap_or_default();
    (before.to_owned(), after.to_owned())
}

/// Translates an English text and puts values in its places `{0}`, `{1}`, …
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

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;
    use crate::i18n::language::{Language, enter_arabic};

    #[test]
    fn what_a_file_lacks_is_said_in_english() {
        enter_arabic(r#"{"Open": "افتح"}"#);
        assert_eq!(say("Open"), "افتح");
        assert_eq!(say("Close"), "Close");
        Language::default().enter();
        assert_eq!(say("Open"), "Open");
    }

    #[test]
    fn values_stand_where_the_language_puts_them() {
        enter_arabic(r#"{"{0} for {1}": "{1}: {0}"}"#);
        assert_eq!(say_of("{0} for {1}", &["a", "b"]), "b: a");
        assert_eq!(say_of("from {0} to {1}.", &["a", "b"]), "from a to b.");
        Language::default().enter();
    }
}

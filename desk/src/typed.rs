//! What owners type of an item, checked before anything is done with it.

use axum::http::StatusCode;
use purrwall_gateway::{ParsePriceError, Price};

use crate::refused::Refused;
use crate::shelf_text::Written;
use crate::words::{Said, said};

/// Names of files and of items are no longer than this.
const MAX_NAME: usize = 40;

/// Checks what can be told in a sentence of our own; the settings check the rest.
pub(crate) fn check(written: &Written) -> Result<(), Refused> {
    let wrong = |why: Said| Err(Refused::new(StatusCode::UNPROCESSABLE_ENTITY, why));
    if written.title.is_empty() {
        return wrong(said(
            "The title is empty. Buyers need a name for what they buy.",
        ));
    }
    for text in [&written.title, &written.teaser] {
        if let Some(mark) = text.chars().find(|mark| turns_writing(*mark)) {
            let mark = format!("U+{:04X}", u32::from(mark));
            let why = said(
                "The text holds {mark}, an invisible mark that could show it in another order than it is read. Type it without.",
            );
            return wrong(why.with("mark", mark));
        }
        if text
            .chars()
            .any(|char| char.is_control() && char != '\n' && char != '\r')
        {
            return wrong(said("The text holds a control character. Type it without."));
        }
    }
    match written.price.parse::<Price>() {
        Ok(_) => Ok(()),
        Err(ParsePriceError::Nothing) => wrong(said(
            "The price is nothing. Lightning cannot ask for less than 0.001 sat.",
        )),
        Err(_) => wrong(said(
            "The price is a number and a unit, such as 100 sat or 0.25 USD.",
        )),
    }
}

/// Marks of Unicode that embed, isolate or turn directions.
fn turns_writing(char: char) -> bool {
    matches!(char, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The name under which an uploaded file is kept: whatever its own was, it leads nowhere else and hides
/// nothing. The id of its item is the part before the point.
pub(crate) fn plain_name(sent: &str) -> (String, Option<String>) {
    let name = sent.rsplit(['/', '\\']).next().unwrap_or_default();
    let (stem, kind) = match name.rsplit_once('.') {
        Some((stem, kind)) if !stem.is_empty() => (stem, Some(kind)),
        _ => (name, None),
    };
    let stem = match plain(stem) {
        stem if stem.is_empty() => "item".to_owned(),
        stem => stem,
    };
    let kind = kind.map(|kind| plain(kind).replace('-', ""));
    (
        stem,
        kind.filter(|kind| !kind.is_empty() && kind.len() <= 10),
    )
}

/// In lower-case letters, digits and hyphens.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    for char in text.chars() {
        if char.is_ascii_alphanumeric() {
            plain.push(char.to_ascii_lowercase());
        } else if !plain.is_empty() && !plain.ends_with('-') && !turns_writing(char) {
            plain.push('-');
        }
    }
    plain.truncate(MAX_NAME);
    plain.trim_end_matches('-').to_owned()
}

/// The wanted name, or the first of `wanted-2`, `wanted-3` and so on that is free.
pub(crate) fn free_name(wanted: &str, is_taken: impl Fn(&str) -> bool) -> String {
    let numbered = (2_u32..).map(|number| format!("{wanted}-{number}"));
    let mut names = std::iter::once(wanted.to_owned()).chain(numbered);
    let free = names.find(|name| !is_taken(name));
    free.expect("there are numbers enough")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_lead_nowhere_and_hide_nothing() {
        for (sent, stem, kind) in [
            ("My Song.MP3", "my-song", Some("mp3")),
            ("../../etc/passwd", "passwd", None),
            ("C:\\goods\\cat.png", "cat", Some("png")),
            ("cat\u{202e}gnp.exe", "catgnp", Some("exe")),
            ("\u{732b}.png", "item", Some("png")),
            (".hidden", "hidden", None),
            ("a.tar.gz", "a-tar", Some("gz")),
            ("", "item", None),
            ("..", "item", None),
            ("nul\0byte.t\0xt", "nul-byte", Some("txt")),
        ] {
            let (is, its_kind) = plain_name(sent);
            assert_eq!((is.as_str(), its_kind.as_deref()), (stem, kind), "{sent:?}");
        }
        assert!(plain_name(&"x".repeat(1000)).0.len() == MAX_NAME);
    }

    #[test]
    fn a_name_that_is_taken_gets_a_number() {
        assert_eq!(free_name("cat", |_| false), "cat");
        assert_eq!(
            free_name("cat", |name| name == "cat" || name == "cat-2"),
            "cat-3"
        );
    }

    #[test]
    fn what_is_typed_wrong_is_told() {
        let item = |title: &str, price: &str| Written {
            title: title.to_owned(),
            price: price.to_owned(),
            ..Written::default()
        };
        assert!(check(&item("A cat", "21 sat")).is_ok());
        assert!(check(&item("\u{0642}\u{0637}", "0.25 USD")).is_ok());
        for (title, price, told) in [
            ("", "21 sat", "title is empty"),
            ("A \u{202e}cat", "21 sat", "holds {mark}"),
            ("A\u{7}cat", "21 sat", "control character"),
            ("A cat", "0 sat", "price is nothing"),
            ("A cat", "", "a number and a unit"),
            ("A cat", "free", "a number and a unit"),
            ("A cat", "-1 sat", "a number and a unit"),
        ] {
            let refused = check(&item(title, price)).unwrap_err();
            let why = format!("{:?}", refused.why);
            assert!(why.contains(told), "{why}");
        }
    }
}

//! What is said on the desk's pages, in the visitor's language. English is the key; each other language
//! is a file in `words/`, and a test says which texts are missing.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::LazyLock;

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::header::ACCEPT_LANGUAGE;
use axum::http::request::Parts;

type Texts = HashMap<String, String>;

/// Every language but English, by its tag.
static LANGUAGES: LazyLock<Vec<(&'static str, Texts)>> = LazyLock::new(|| {
    let files = [
        ("de", include_str!("../words/de.json")),
        ("fr", include_str!("../words/fr.json")),
        ("es", include_str!("../words/es.json")),
        ("ja", include_str!("../words/ja.json")),
        ("ar", include_str!("../words/ar.json")),
    ];
    let read = |(tag, text)| (tag, serde_json::from_str(text).expect("a test reads it"));
    files.map(read).into()
});

/// One language.
#[derive(Clone, Copy)]
pub(crate) struct Words {
    /// Its tag, such as `de`.
    pub(crate) tag: &'static str,
    texts: Option<&'static Texts>,
}

impl Words {
    /// The first language that the browser accepts and that is known here; else English.
    pub(crate) fn accepted(headers: &HeaderMap) -> Self {
        let accepted = headers.get(ACCEPT_LANGUAGE);
        let accepted = accepted.and_then(|value| value.to_str().ok());
        let mut tags = accepted.unwrap_or_default().split(',').filter_map(|one| {
            let tag = one.split([';', '-']).next()?.trim().to_ascii_lowercase();
            Self::of(&tag)
        });
        tags.next().unwrap_or(Self::ENGLISH)
    }

    const ENGLISH: Self = Self {
        tag: "en",
        texts: None,
    };

    fn of(tag: &str) -> Option<Self> {
        if tag == Self::ENGLISH.tag {
            return Some(Self::ENGLISH);
        }
        let (tag, texts) = LANGUAGES.iter().find(|(known, _)| *known == tag)?;
        Some(Self {
            tag,
            texts: Some(texts),
        })
    }

    /// `rtl` where the language is written from right to left.
    pub(crate) fn direction(self) -> &'static str {
        if self.tag == "ar" { "rtl" } else { "ltr" }
    }

    /// This text, of which `english` is the English one.
    pub(crate) fn t(self, english: &'static str) -> &'static str {
        let text = self.texts.and_then(|texts| texts.get(english));
        text.map_or(english, String::as_str)
    }

    /// The same with each `{name}` filled in.
    pub(crate) fn fill(self, english: &'static str, values: &[(&str, &str)]) -> String {
        let text = self.t(english).to_owned();
        values.iter().fold(text, |text, (name, value)| {
            text.replace(&format!("{{{name}}}"), value)
        })
    }

    /// What was said elsewhere.
    pub(crate) fn say(self, said: &Said) -> String {
        let values = said.values.iter();
        let values: Vec<_> = values
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        self.fill(said.english, &values)
    }
}

impl<S: Sync> FromRequestParts<S> for Words {
    type Rejection = Infallible;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::accepted(&parts.headers))
    }
}

/// A sentence, before it is known who reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Said {
    english: &'static str,
    values: Vec<(&'static str, String)>,
}

/// A sentence without values.
pub(crate) fn said(english: &'static str) -> Said {
    Said {
        english,
        values: Vec::new(),
    }
}

impl Said {
    /// Fills in `{name}`.
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.values.push((name, value.into()));
        self
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    use super::*;

    /// Every text that the sources hand to `t`, `fill` or `said`.
    fn spoken() -> BTreeSet<String> {
        let mut spoken = BTreeSet::new();
        let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        for entry in fs::read_dir(sources).unwrap() {
            let text = fs::read_to_string(entry.unwrap().path()).unwrap();
            let code = text.split("#[cfg(test)]").next().unwrap();
            for call in [".t(", ".fill(", "said(", "why = ", "refused("] {
                for (at, _) in code.match_indices(call) {
                    let rest = code[at + call.len()..].trim_start();
                    if let Some(rest) = rest.strip_prefix('"') {
                        spoken.insert(rest.split('"').next().unwrap().to_owned());
                    }
                }
            }
        }
        spoken
    }

    #[test]
    fn every_language_has_every_text_with_its_values() {
        let spoken = spoken();
        assert!(spoken.len() > 100, "only {} texts", spoken.len());
        for (tag, texts) in LANGUAGES.iter() {
            let known: BTreeSet<_> = texts.keys().cloned().collect();
            let missing: Vec<_> = spoken.difference(&known).collect();
            let needless: Vec<_> = known.difference(&spoken).collect();
            assert!(missing.is_empty(), "{tag} has not {missing:#?}");
            assert!(needless.is_empty(), "{tag} does not need {needless:#?}");
            for (english, text) in texts {
                let values = |text: &str| -> BTreeSet<String> {
                    let parts = text.split('{').skip(1);
                    let names = parts.filter_map(|part| part.split_once('}'));
                    names.map(|(name, _)| name.to_owned()).collect()
                };
                assert_eq!(values(english), values(text), "{tag}: {english}");
                assert!(!text.trim().is_empty(), "{tag}: {english}");
            }
        }
    }

    #[test]
    fn the_first_language_that_is_known_is_taken() {
        let accepts = |text: &str| {
            let headers = HeaderMap::from_iter([(ACCEPT_LANGUAGE, text.parse().unwrap())]);
            Words::accepted(&headers).tag
        };
        assert_eq!(accepts("pt, de-CH;q=0.8, en"), "de");
        assert_eq!(accepts("en-GB, de"), "en");
        assert_eq!(accepts("xx"), "en");
        assert_eq!(Words::accepted(&HeaderMap::new()).tag, "en");
    }
}

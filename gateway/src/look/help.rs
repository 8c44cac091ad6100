//! "New to Lightning?": three steps for buyers who have never paid this way, in each language, with the
//! wallets that the owner or this program names.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

/// The help in one language.
#[derive(Debug, Deserialize)]
pub(crate) struct Steps {
    /// What it is called.
    pub(crate) title: String,
    /// What it is; a wallet, which the list of wallets follows; how one pays.
    pub(crate) steps: [String; 3],
}

/// A program that can pay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wallet {
    pub(crate) name: String,
    pub(crate) systems: String,
    pub(crate) url: String,
}

/// A step, or a wallet that belongs to the step before it: as the page and the widget read it.
#[derive(Debug, Serialize)]
pub(crate) struct Entry {
    text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
}

/// The help by the tag of its language.
static HELP: LazyLock<BTreeMap<String, Steps>> = LazyLock::new(|| {
    let json = include_str!("../../help/steps.json");
    serde_json::from_str(json).expect("a test reads it")
});

/// The list for stores that have none of their own.
const WALLETS: &str = include_str!("../../help/wallets.txt");

/// The language of those who read none that is known here.
const ENGLISH: &str = "en";

/// The help in this language.
pub(crate) fn steps(language: &str) -> Option<&'static Steps> {
    HELP.get(language)
}

/// The help in the first language that a browser accepts and that is known here, with its tag.
pub(crate) fn accepted(languages: &str) -> (&'static str, &'static Steps) {
    let mut tags = languages.split(',').filter_map(|one| {
        let tag = one.split([';', '-']).next()?.trim().to_ascii_lowercase();
        HELP.get_key_value(&tag)
    });
    let english = || HELP.get_key_value(ENGLISH);
    let (tag, steps) = tags.next().or_else(english).expect("English is there");
    (tag, steps)
}

/// The list for stores that have none of their own.
pub(crate) fn wallets() -> Vec<Wallet> {
    read_wallets(WALLETS).expect("a test reads it")
}

/// Reads a list of wallets, one a line.
///
/// # Errors
/// The line that is no wallet, counted from 1.
pub(crate) fn read_wallets(text: &str) -> Result<Vec<Wallet>, usize> {
    let lines = text.lines().zip(1..);
    let meant = lines.filter(|(line, _)| !line.trim().is_empty() && !line.starts_with('#'));
    meant
        .map(|(line, number)| read_wallet(line).ok_or(number))
        .collect()
}

fn read_wallet(line: &str) -> Option<Wallet> {
    let mut parts = line.split(';').map(|part| part.trim().to_owned());
    let wallet = Wallet {
        name: parts.next().filter(|name| !name.is_empty())?,
        systems: parts.next()?,
        url: parts.next().filter(|url| url.starts_with("https://"))?,
    };
    parts.next().is_none().then_some(wallet)
}

impl Steps {
    /// All of it, in order.
    pub(crate) fn entries(&self, wallets: &[Wallet]) -> Vec<Entry> {
        let step = |text: &String| Entry {
            text: text.clone(),
            url: None,
        };
        let wallet = |wallet: &Wallet| Entry {
            text: wallet.label(),
            url: Some(wallet.url.clone()),
        };
        let [what, get, pay] = &self.steps;
        [step(what), step(get)]
            .into_iter()
            .chain(wallets.iter().map(wallet))
            .chain([step(pay)])
            .collect()
    }
}

impl Wallet {
    /// Its name, and what it runs on.
    pub(crate) fn label(&self) -> String {
        if self.systems.is_empty() {
            return self.name.clone();
        }
        format!("{} ({})", self.name, self.systems)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_of_the_page_has_the_help() {
        let words = concat!(env!("CARGO_MANIFEST_DIR"), "/../frontend/words");
        let mut languages: Vec<String> = std::fs::read_dir(words)
            .unwrap()
            .map(|file| file.unwrap().path())
            .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
            .chain([ENGLISH.to_owned()])
            .collect();
        languages.sort();
        assert_eq!(HELP.keys().cloned().collect::<Vec<_>>(), languages);
        for (language, steps) in &*HELP {
            let longest = steps.steps.iter().map(String::len).max();
            assert!(longest < Some(400), "{language}");
        }
    }

    #[test]
    fn the_first_language_that_is_known_is_taken() {
        assert_eq!(accepted("de-AT,de;q=0.9,en;q=0.8").0, "de");
        assert_eq!(accepted("nb, FR;q=0.5").0, "fr");
        assert_eq!(accepted("nb").0, "en");
        assert_eq!(accepted("").0, "en");
    }

    #[test]
    fn a_list_of_wallets_is_read_or_its_line_is_told() {
        assert!(wallets().len() > 3);
        let own = "# mine\n\nMine; Linux; https://mine.example\n";
        assert_eq!(read_wallets(own).unwrap()[0].label(), "Mine (Linux)");
        for wrong in [
            "Mine",
            "Mine; Linux; http://mine.example",
            "; ; https://x",
            "a;b;https://c;d",
        ] {
            assert_eq!(read_wallets(&format!("# a\n{wrong}")), Err(2), "{wrong}");
        }
    }

    #[test]
    fn wallets_stand_behind_the_step_that_asks_for_one() {
        let entries = steps("en").unwrap().entries(&wallets());
        let urls: Vec<_> = entries.iter().map(|entry| entry.url.is_some()).collect();
        assert_eq!(urls[..3], [false, false, true]);
        assert_eq!(urls.last(), Some(&false));
    }
}

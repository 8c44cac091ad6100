//! How the store looks, as the file has it. No pictures are read here.

use std::path::PathBuf;

use purrwall_gateway::look::colours::{Colours, Pair};
use purrwall_gateway::options::{LookOptions, NamedFile};
use shared::api::{Scene, Word};

use crate::settings::error::SettingsError;
use crate::settings::file::Section;
use crate::settings::origin::Given;
use crate::settings::parse::text;

/// What fits above the shelf, on a button, and at the foot of the page, in bytes.
const MAX_WORDS: usize = 400;
const MAX_BUTTON: usize = 60;

/// The keys of the button's words, and the language of each. Languages without a key of their own take
/// the first.
const BUTTONS: [(&str, &str); 6] = [
    ("button", "en"),
    ("button_de", "de"),
    ("button_fr", "fr"),
    ("button_es", "es"),
    ("button_ja", "ja"),
    ("button_ar", "ar"),
];

/// Reads the section `[look]`.
pub(super) fn read(section: &Section) -> Result<LookOptions, SettingsError> {
    let words = |key| {
        let given = section.get(key);
        given.map(|given| given.read(text(MAX_WORDS))).transpose()
    };
    Ok(LookOptions {
        headline: words("headline")?.filter(|headline| !headline.is_empty()),
        subline: words("subline")?,
        footer: words("footer")?,
        colours: colours(section)?,
        logo: section.get("logo").map(named_file),
        favicon: section.get("favicon").map(named_file),
        wallets: section.get("wallets").map(named_file),
        scene: scene(section)?,
        button: button(section)?,
    })
}

/// What stands before items.
pub(super) fn scene(section: &Section) -> Result<Option<Scene>, SettingsError> {
    let read = |text: &str| match text {
        "box" => Ok(Scene::Box),
        "card" => Ok(Scene::Card),
        "preview" => Ok(Scene::Preview),
        _ => Err("is not a scene; write \"box\", \"card\" or \"preview\""),
    };
    let given = section.get("scene");
    given.map(|given| given.read(read)).transpose()
}

/// The words on buttons.
pub(super) fn button(section: &Section) -> Result<Vec<Word>, SettingsError> {
    let word = |(key, language): (&str, &str)| {
        let given = section.get(key)?;
        let word = given.read(text(MAX_BUTTON)).map(|text| Word {
            language: language.to_owned(),
            text,
        });
        Some(word)
    };
    BUTTONS.into_iter().filter_map(word).collect()
}

/// A file that is named here.
pub(super) fn named_file(given: &Given) -> NamedFile {
    NamedFile {
        path: PathBuf::from(&given.text),
        place: given.place(),
    }
}

fn colours(section: &Section) -> Result<Colours, SettingsError> {
    let colour = |key| {
        let given = section.get(key);
        given
            .map(|given| given.read(str::parse::<Pair>))
            .transpose()
    };
    let colours = Colours {
        accent: colour("accent")?,
        paper: colour("paper")?,
        ink: colour("ink")?,
    };
    match colours.unreadable() {
        None => Ok(colours),
        Some(why) => Err(SettingsError::Value {
            place: section.place.clone(),
            why,
        }),
    }
}

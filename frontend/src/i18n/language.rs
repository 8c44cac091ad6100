//! Which language a component speaks.
//!
//! English is in the program. Each other language is a file in `frontend/words`, from the English
//! texts to its own, and is loaded only when it is shown. A text that a file lacks stays English.

use std::cell::RefCell;
use std::rc::Rc;

use js_sys::{Function, Reflect};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;
use web_sys::{AbortController, AbortSignal};
use yew::html::ImplicitClone;
use yew::prelude::*;

use crate::browser::client::load_json;
use crate::browser::object::object;
use crate::hooks::{use_effect_on, use_value};

/// The language of the texts in the program.
const ENGLISH: &str = "en";
/// English, and the languages that have a file; the build lists them.
const LANGUAGES: &str = env!("LANGUAGES");
/// Those that are written from right to left.
const RIGHT_TO_LEFT: [&str; 4] = ["ar", "fa", "he", "ur"];
/// Where the store's own page finds the files.
const OWN_FILES: &str = "/words/";

thread_local! {
    /// The language of the component that is being drawn.
    static CURRENT: RefCell<Language> = RefCell::default();
    /// Gives the address of a language's file; `None` on the store's own page.
    static FILES: RefCell<Option<Function>> = const { RefCell::new(None) };
}

#[wasm_bindgen]
extern "C" {
    /// The names of languages in one of them.
    #[wasm_bindgen(js_namespace = Intl)]
    type DisplayNames;

    #[wasm_bindgen(constructor, js_namespace = Intl)]
    fn new(locale: &str, options: &JsValue) -> DisplayNames;

    #[wasm_bindgen(method)]
    fn of(this: &DisplayNames, language: &str) -> Option<String>;
}

/// A language that is ready to be spoken; English by default.
#[derive(Clone, Default, PartialEq)]
pub struct Language(Option<Rc<Loaded>>);

#[derive(PartialEq)]
struct Loaded {
    tag: &'static str,
    messages: JsValue,
}

impl ImplicitClone for Language {}

impl Language {
    /// Makes this the language of all that is drawn until another component enters its own.
    pub fn enter(&self) {
        CURRENT.set(self.clone());
    }

    /// The language's tag.
    pub fn tag(&self) -> &'static str {
        self.0.as_ref().map_or(ENGLISH, |loaded| loaded.tag)
    }

    /// The value of the attribute `dir` for it.
    pub fn direction(&self) -> &'static str {
        if RIGHT_TO_LEFT.contains(&self.tag()) {
            "rtl"
        } else {
            "ltr"
        }
    }

    /// The translation of an English text; `None` if the language has none.
    pub fn find(&self, english: &str) -> Option<String> {
        let loaded = self.0.as_ref()?;
        Reflect::get(&loaded.messages, &english.into())
            .ok()?
            .as_string()
    }

    async fn load(tag: &'static str, signal: &AbortSignal) -> Option<Self> {
        let messages = load_json(&address(tag)?, signal).await?;
        Some(Self(Some(Rc::new(Loaded { tag, messages }))))
    }
}

/// Sets where the files are. The widget's loader knows; it gives a function from a tag to an address.
pub fn set_files(files: Option<Function>) {
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
    LANGUAGES.split(',')
}

/// What a language calls itself.
pub fn name_of(language: &str) -> String {
    let names = DisplayNames::new(language, &object(&[("type", "language".into())]));
    names.of(language).unwrap_or_else(|| language.to_owned())
}

/// The first of the visitor's languages that is known here.
fn visitors_language() -> Option<AttrValue> {
    let tags = gloo_utils::window().navigator().languages();
    let mut tags = tags.iter().filter_map(|tag| tag.as_string());
    let language = tags.find_map(|tag| known(&tag));
    language.map(AttrValue::Static)
}

/// The language with this tag, or the first of the visitor's that is known; `None` while it loads.
#[hook]
pub fn use_loaded_language(tag: Option<AttrValue>) -> Option<Language> {
    let visitors = use_ref(visitors_language);
    let language = use_value(|| None);
    use_effect_on(tag.or_else(|| (*visitors).clone()), {
        let language = language.clone();
        move |tag: &Option<AttrValue>| {
            let tag = tag.as_deref().and_then(known).unwrap_or(ENGLISH);
            let controller = AbortController::new().expect("fetch, and so its abort, exists");
            let signal = controller.signal();
            spawn_local(async move {
                let loaded = match tag {
                    ENGLISH => None,
                    _ => Language::load(tag, &signal).await,
                };
                // Aborted: another language was chosen, whichever file comes first.
                if !signal.aborted() {
                    // English is better than nothing.
                    language.set(Some(loaded.unwrap_or_default()));
                }
            });
            move || controller.abort()
        }
    });
    language.get()
}

/// The language of the component that is being drawn. Each component has it as a property from the one that draws it,
/// and enters it: a context of Yew's would do that, too, and is much more code.
pub fn current() -> Language {
    CURRENT.with_borrow(Clone::clone)
}

/// The current language's translation of an English text.
pub(super) fn translation(english: &str) -> Option<String> {
    CURRENT.with_borrow(|language| language.find(english))
}

/// The current language's tag, for the browser's own formats of numbers, amounts and days.
pub fn locale() -> &'static str {
    CURRENT.with_borrow(Language::tag)
}

/// Enters a language with these texts.
#[cfg(test)]
pub(super) fn enter_arabic(json: &str) {
    let messages = js_sys::JSON::parse(json).unwrap();
    let tag = "ar";
    CURRENT.set(Language(Some(Rc::new(Loaded { tag, messages }))));
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn a_tag_with_a_region_names_its_language() {
        assert_eq!(known("de-AT"), Some("de"));
        assert_eq!(known("EN"), Some("en"));
        assert_eq!(known("tlh"), None);
    }

    #[test]
    fn languages_name_themselves() {
        assert_eq!(name_of("de"), "Deutsch");
        assert_eq!(name_of("ja"), "日本語");
        assert_eq!(languages().next(), Some("en"));
    }
}

//! The configuration file as text with line numbers. What the text means is decided elsewhere.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::settings::error::SettingsError;
use crate::settings::keys::ALL;
use crate::settings::origin::{Given, Origin};

/// The keys of an `[[item]]`.
pub(super) const ITEM_KEYS: [&str; 17] = [
    "id",
    "title",
    "teaser",
    "file",
    "price",
    "valid_for",
    "content_type",
    "sealed",
    "sealed_at",
    "scene",
    "preview",
    "button",
    "button_de",
    "button_fr",
    "button_es",
    "button_ja",
    "button_ar",
];
/// The keys of `[look]`.
pub(super) const LOOK_KEYS: [&str; 16] = [
    "headline",
    "subline",
    "footer",
    "accent",
    "paper",
    "ink",
    "logo",
    "favicon",
    "wallets",
    "scene",
    "button",
    "button_de",
    "button_fr",
    "button_es",
    "button_ja",
    "button_ar",
];
/// The keys of a `[rates.…]`.
pub(super) const RATE_KEYS: [&str; 10] = [
    "fixed",
    "url",
    "pointer",
    "second_url",
    "second_pointer",
    "max_age",
    "min",
    "max",
    "max_jump",
    "max_difference",
];

/// The keys of a `[[route]]`.
pub(super) const ROUTE_KEYS: [&str; 10] = [
    "path",
    "price",
    "title",
    "valid_for",
    "upstream",
    "forward_auth",
    "methods",
    "free",
    "name",
    "signing_key",
];

/// The keys of a `[[node]]`, each of which takes the place of the setting of that name.
pub(super) const NODE_KEYS: [&str; 4] = ["lightning", "rune_file", "ca_file", "tls_name"];

/// The keys of the file itself. It cannot name another file.
pub(super) fn keys() -> impl Iterator<Item = &'static str> {
    ALL.iter()
        .map(|about| about.key)
        .filter(|key| *key != "config")
}

const ITEMS: &str = "item";
const NODES: &str = "node";
const ROUTES: &str = "route";
const RATES: &str = "rates";
const LOOK: &str = "look";

/// A configuration file, all of whose keys are known.
#[derive(Debug)]
pub(super) struct ConfigFile {
    /// The settings, by key.
    pub(super) settings: BTreeMap<String, Given>,
    /// The `[[item]]`s in order.
    pub(super) items: Vec<Section>,
    /// The `[[node]]`s in order.
    pub(super) nodes: Vec<Section>,
    /// The `[[route]]`s in order.
    pub(super) routes: Vec<Section>,
    /// The `[rates.…]`, by the name of the currency.
    pub(super) rates: Vec<(Given, Section)>,
    /// The `[look]`.
    pub(super) look: Option<Section>,
}

/// A table of plain values.
#[derive(Debug)]
pub(super) struct Section {
    /// Where it begins.
    pub(super) place: String,
    values: BTreeMap<String, Given>,
    lists: BTreeMap<String, Vec<Given>>,
}

/// The keys whose values are true or false.
const SWITCHES: [&str; 2] = ["forward_auth", "sealed"];

/// The keys whose values may be lists.
const LISTS: [&str; 3] = ["methods", "free", "sealed_at"];

impl Section {
    pub(super) fn get(&self, key: &str) -> Option<&Given> {
        self.values.get(key)
    }

    /// All values of a key that may have several.
    pub(super) fn list(&self, key: &str) -> &[Given] {
        let one = || self.get(key).map(std::slice::from_ref);
        let list = self.lists.get(key).map(Vec::as_slice);
        list.or_else(one).unwrap_or_default()
    }

    pub(super) fn require(&self, key: &str) -> Result<&Given, SettingsError> {
        self.get(key).ok_or_else(|| SettingsError::Value {
            place: self.place.clone(),
            why: format!("has no {key}; add `{key} = …`"),
        })
    }
}

impl ConfigFile {
    /// Reads the file; an unknown key is an error.
    pub(super) fn read(path: &Path) -> Result<Self, SettingsError> {
        let text = fs::read_to_string(path).map_err(|source| SettingsError::Read {
            path: path.to_owned(),
            source,
        })?;
        Self::parse(path, &text)
    }

    pub(super) fn parse(path: &Path, text: &str) -> Result<Self, SettingsError> {
        let reader = Reader { path, text };
        let table = DeTable::parse(text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            reader.error(at, "", error.message().trim())
        })?;
        let mut file = Self {
            settings: BTreeMap::new(),
            items: Vec::new(),
            nodes: Vec::new(),
            routes: Vec::new(),
            rates: Vec::new(),
            look: None,
        };
        for (key, value) in table.into_inner() {
            match key.get_ref().as_ref() {
                ITEMS => file.items = reader.sections(value, ITEMS, &ITEM_KEYS)?,
                NODES => file.nodes = reader.sections(value, NODES, &NODE_KEYS)?,
                ROUTES => file.routes = reader.sections(value, ROUTES, &ROUTE_KEYS)?,
                RATES => file.rates = reader.rates(value)?,
                LOOK => file.look = Some(reader.section(value, "[look]", &LOOK_KEYS)?),
                _ => {
                    let known = keys().chain([ITEMS, NODES, ROUTES, RATES, LOOK]);
                    let given = reader.scalar(&key, &value, known)?;
                    file.settings.insert(given.key.clone(), given);
                }
            }
        }
        Ok(file)
    }
}

struct Reader<'a> {
    path: &'a Path,
    text: &'a str,
}

type Key<'a> = Spanned<std::borrow::Cow<'a, str>>;
type Value<'a> = Spanned<DeValue<'a>>;

impl Reader<'_> {
    fn sections(
        &self,
        value: Value,
        name: &str,
        known: &[&str],
    ) -> Result<Vec<Section>, SettingsError> {
        let at = value.span().start;
        let line = format!("[[{name}]]");
        let DeValue::Array(tables) = value.into_inner() else {
            return Err(self.error(at, name, &format!("begins with the line {line}")));
        };
        tables
            .into_iter()
            .map(|table| self.section(table, &line, known))
            .collect()
    }

    fn rates(&self, value: Value) -> Result<Vec<(Given, Section)>, SettingsError> {
        let at = value.span().start;
        let DeValue::Table(tables) = value.into_inner() else {
            return Err(self.error(at, RATES, "a rate begins with a line such as [rates.USD]"));
        };
        let one = |(currency, table): (Key, Value)| {
            let name = format!("[rates.{}]", currency.get_ref());
            let given = Given {
                key: RATES.to_owned(),
                text: currency.get_ref().to_string(),
                origin: self.origin(currency.span().start),
            };
            Ok((given, self.section(table, &name, &RATE_KEYS)?))
        };
        tables.into_iter().map(one).collect()
    }

    fn section(&self, value: Value, name: &str, known: &[&str]) -> Result<Section, SettingsError> {
        let at = value.span().start;
        let DeValue::Table(table) = value.into_inner() else {
            return Err(self.error(at, name, "is a value, but has to be a table"));
        };
        let mut section = Section {
            place: format!("{}: {name}", self.origin(at)),
            values: BTreeMap::new(),
            lists: BTreeMap::new(),
        };
        for (key, value) in table {
            if let DeValue::Array(values) = value.get_ref()
                && LISTS.contains(&key.get_ref().as_ref())
            {
                let values = values.iter();
                let list = values.map(|value| self.scalar(&key, value, known.iter().copied()));
                let list = list.collect::<Result<_, _>>()?;
                section.lists.insert(key.get_ref().to_string(), list);
                continue;
            }
            let given = self.scalar(&key, &value, known.iter().copied())?;
            section.values.insert(given.key.clone(), given);
        }
        Ok(section)
    }

    /// A plain value under a key that has to be one of `known`.
    fn scalar<'k>(
        &self,
        key: &Key,
        value: &Value,
        known: impl Iterator<Item = &'k str>,
    ) -> Result<Given, SettingsError> {
        let name = key.get_ref().as_ref();
        let known: Vec<&str> = known.collect();
        if !known.contains(&name) {
            return Err(self.error(key.span().start, name, &unknown(name, &known)));
        }
        let text = match value.get_ref() {
            DeValue::String(text) => text.to_string(),
            DeValue::Integer(number) => number.to_string(),
            DeValue::Float(number) => number.to_string(),
            DeValue::Boolean(is_so) if SWITCHES.contains(&name) => is_so.to_string(),
            other => {
                let why = format!("is a {}, but has to be text or a number", other.type_str());
                return Err(self.error(key.span().start, name, &why));
            }
        };
        Ok(Given {
            key: name.to_owned(),
            text,
            origin: self.origin(key.span().start),
        })
    }

    fn origin(&self, at: usize) -> Origin {
        let before = self.text.get(..at).unwrap_or(self.text);
        Origin::File {
            path: PathBuf::from(self.path),
            line: 1 + before.matches('\n').count(),
        }
    }

    fn error(&self, at: usize, key: &str, why: &str) -> SettingsError {
        let origin = self.origin(at);
        SettingsError::Value {
            place: if key.is_empty() {
                origin.to_string()
            } else {
                format!("{origin}: {key}")
            },
            why: why.to_owned(),
        }
    }
}

/// Says that there is no such key, and which one may have been meant.
fn unknown(key: &str, known: &[&str]) -> String {
    // The line before the first table was meant, but a key belongs to the table above it.
    if keys().any(|setting| setting == key) {
        return "is a setting of the whole store; move it above the first […]".into();
    }
    if key == "sealed" {
        return "is for goods: what a service answers is made anew for each request, so there is nothing to \
                seal; sell a file as an [[item]]"
            .into();
    }
    let closest = known
        .iter()
        .map(|name| (strsim::damerau_levenshtein(name, key), name))
        .min();
    match closest {
        Some((distance, name)) if distance <= 1 + key.len() / 3 => {
            format!("is not a key; did you mean {name}?")
        }
        _ => format!("is not a key; the keys here are {}", known.join(", ")),
    }
}

//! The attributes of `<purr-wall>`, parsed once into what they mean.

use shared::api::ItemId;
use shared::lightning::{Msat, Payees};

use crate::browser::gateway::Gateway;

/// The attributes as they were written; `None` where one is not set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attributes {
    /// The item's id at the store.
    pub item: Option<String>,
    /// The gateway's address.
    pub gateway: Option<String>,
    /// The node that must have signed the invoice.
    pub payee: Option<String>,
    /// The most that the site lets its visitors pay.
    pub max_sat: Option<String>,
    /// `auto`, `light` or `dark`.
    pub theme: Option<String>,
    /// `inline` or `dialog`.
    pub mode: Option<String>,
}

/// What they mean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The item.
    pub item: ItemId,
    /// The gateway that sells it.
    pub gateway: Gateway,
    /// The nodes one of which must have signed the invoice.
    pub payees: Option<Payees>,
    /// The most that the site lets its visitors pay.
    pub max_msat: Option<Msat>,
    /// Light or dark.
    pub theme: Theme,
    /// In the page, or in a dialog.
    pub mode: Mode,
}

/// Light or dark.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Theme {
    /// As the visitor's system.
    #[default]
    Auto,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

/// Where the wall is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// In the page.
    #[default]
    Inline,
    /// Behind a button, in a dialog.
    Dialog,
}

/// An attribute that is missing or cannot be parsed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid {
    name: &'static str,
    value: Option<String>,
    wanted: &'static str,
}

impl Attributes {
    /// What the attributes mean.
    ///
    /// # Errors
    /// Every attribute that cannot be parsed. Nothing is guessed: a misspelt pin must not become no
    /// pin.
    pub fn parse(&self) -> Result<Config, Vec<Invalid>> {
        let mut parser = Parser(Vec::new());
        parser.require("item", self.item.as_deref(), ITEM);
        parser.require("gateway", self.gateway.as_deref(), GATEWAY);
        let item = parser.parse("item", self.item.as_deref(), ITEM, |text| text.parse().ok());
        let gateway = parser.parse("gateway", self.gateway.as_deref(), GATEWAY, Gateway::at);
        let payees = parser.parse("payee", self.payee.as_deref(), PAYEE, |text| {
            text.parse().ok()
        });
        let max_msat = parser.parse("max-sat", self.max_sat.as_deref(), MAX_SAT, |text| {
            let sat: u64 = text.parse().ok()?;
            sat.checked_mul(1000).map(Msat)
        });
        let theme = parser.parse("theme", self.theme.as_deref(), THEME, Theme::named);
        let mode = parser.parse("mode", self.mode.as_deref(), MODE, Mode::named);
        match (item, gateway, parser.0) {
            (Some(item), Some(gateway), invalid) if invalid.is_empty() => Ok(Config {
                item,
                gateway,
                payees,
                max_msat,
                theme: theme.unwrap_or_default(),
                mode: mode.unwrap_or_default(),
            }),
            (_, _, invalid) => Err(invalid),
        }
    }
}

const ITEM: &str = "an item of the store: 1 to 48 lower-case letters, digits or hyphens";
const GATEWAY: &str = "the store's address: https://…";
const PAYEE: &str = "the keys of the store's nodes: 66 hex digits each";
const MAX_SAT: &str = "the highest price in satoshi: a whole number";
const THEME: &str = "auto, light or dark";
const MODE: &str = "inline or dialog";

impl Theme {
    /// The attribute's value.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    fn named(name: &str) -> Option<Self> {
        [Self::Auto, Self::Light, Self::Dark]
            .into_iter()
            .find(|theme| theme.name() == name)
    }
}

impl Mode {
    fn named(name: &str) -> Option<Self> {
        match name {
            "inline" => Some(Self::Inline),
            "dialog" => Some(Self::Dialog),
            _ => None,
        }
    }
}

/// Collects what cannot be understood.
struct Parser(Vec<Invalid>);

impl Parser {
    fn require(&mut self, name: &'static str, value: Option<&str>, wanted: &'static str) {
        if value.is_none() {
            let value = None;
            self.0.push(Invalid {
                name,
                value,
                wanted,
            });
        }
    }

    fn parse<T>(
        &mut self,
        name: &'static str,
        value: Option<&str>,
        wanted: &'static str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let value = value?;
        let parsed = parse(value.trim());
        if parsed.is_none() {
            let value = Some(value.to_owned());
            self.0.push(Invalid {
                name,
                value,
                wanted,
            });
        }
        parsed
    }
}

impl Invalid {
    /// Explains it in a sentence.
    pub fn text(&self) -> String {
        let Self {
            name,
            value,
            wanted,
        } = self;
        match value {
            Some(value) => [name, "=\"", value, "\" is not ", wanted].concat(),
            None => ["the attribute ", name, " is missing; it names ", wanted].concat(),
        }
    }
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    const NODE: &str = "03ddeaecd301b035406f4f806b149b1be2e4e925fa3d117fdc4873394222423642";

    fn attributes() -> Attributes {
        Attributes {
            item: Some("cat".into()),
            gateway: Some("https://store.example/".into()),
            ..Attributes::default()
        }
    }

    #[test]
    fn what_is_not_set_has_its_default() {
        let config = attributes().parse().unwrap();
        assert_eq!(config.item.as_str(), "cat");
        assert_eq!(config.gateway.name(), "https://store.example");
        assert_eq!((config.payees, config.max_msat), (None, None));
        assert_eq!((config.theme, config.mode), (Theme::Auto, Mode::Inline));
    }

    #[test]
    fn everything_that_is_set_counts() {
        let attributes = Attributes {
            payee: Some(NODE.into()),
            max_sat: Some(" 250 ".into()),
            theme: Some("dark".into()),
            mode: Some("dialog".into()),
            ..attributes()
        };
        let config = attributes.parse().unwrap();
        assert_eq!(config.payees.unwrap().to_hex(), NODE);
        assert_eq!(config.max_msat, Some(Msat(250_000)));
        assert_eq!((config.theme, config.mode), (Theme::Dark, Mode::Dialog));
    }

    #[track_caller]
    fn check_invalid(attributes: &Attributes, said: &str) {
        let invalid = attributes.parse().unwrap_err();
        let [invalid] = &invalid[..] else {
            panic!("{invalid:?}");
        };
        assert!(invalid.text().contains(said), "{invalid:?}");
    }

    #[test]
    fn what_cannot_be_understood_is_named_and_never_guessed() {
        let with = |change: fn(&mut Attributes)| {
            let mut attributes = attributes();
            change(&mut attributes);
            attributes
        };
        check_invalid(&with(|a| a.item = None), "item is missing");
        check_invalid(&with(|a| a.item = Some("Cat".into())), "item=\"Cat\"");
        check_invalid(
            &with(|a| a.gateway = Some("/shop".into())),
            "gateway=\"/shop\"",
        );
        check_invalid(&with(|a| a.payee = Some("03ab".into())), "payee=\"03ab\"");
        check_invalid(&with(|a| a.payee = Some(String::new())), "payee=\"\"");
        check_invalid(&with(|a| a.max_sat = Some("1e3".into())), "max-sat=\"1e3\"");
        check_invalid(&with(|a| a.max_sat = Some("-1".into())), "max-sat");
        check_invalid(&with(|a| a.max_sat = Some(u64::MAX.to_string())), "max-sat");
        check_invalid(
            &with(|a| a.theme = Some("pink".into())),
            "auto, light or dark",
        );
        check_invalid(&with(|a| a.mode = Some("popup".into())), "inline or dialog");
    }

    #[test]
    fn all_that_is_wrong_is_named_at_once() {
        let attributes = Attributes {
            theme: Some("pink".into()),
            ..Attributes::default()
        };
        assert_eq!(attributes.parse().unwrap_err().len(), 3);
    }
}

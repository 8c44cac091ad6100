//! The goods, their prices and the rates, as the file has them. No goods are read here.

use std::collections::HashMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use http::Uri;
use purrwall_gateway::Price;
use purrwall_gateway::options::{
    CatalogueOptions, ItemOptions, RateEndpoint, RateLimits, RateOptions, RateSource,
};
use shared::fiat::Decimal;

use crate::settings::error::SettingsError;
use crate::settings::file::{ConfigFile, RATE_KEYS, Section};
use crate::settings::look;
use crate::settings::origin::Given;
use crate::settings::parse::{duration, switch, text};

const DEFAULT_MAX_AGE: Duration = Duration::from_mins(10);
const MIN_MAX_AGE: Duration = Duration::from_secs(10);
/// lightningd's descriptions hold 639 bytes, with the hash and the price's rate.
const MAX_TITLE: usize = 200;
const MAX_TEASER: usize = 2000;

/// Reads the items, the rates and the look of a file, on top of what is set elsewhere.
pub(super) fn read(
    path: &Path,
    file: &ConfigFile,
    besides: CatalogueOptions,
) -> Result<CatalogueOptions, SettingsError> {
    let rates: Vec<RateOptions> = file.rates.iter().map(read_rate).collect::<Result<_, _>>()?;
    let mut items = Vec::new();
    let mut places = HashMap::new();
    for section in &file.items {
        let item = read_item(section, &rates)?;
        if let Some(first) = places.insert(item.id.clone(), &section.place) {
            let why = format!("is there already ({first}); give each item an id of its own");
            return Err(section.require("id")?.wrong(why));
        }
        items.push(item);
    }
    let look = file.look.as_ref().map(look::read).transpose()?;
    Ok(CatalogueOptions {
        file: Some(path.to_owned()),
        items,
        // Who sells services has no cats to sell.
        cats: file.routes.is_empty(),
        rates,
        look: look.unwrap_or_default(),
        ..besides
    })
}

fn read_item(section: &Section, rates: &[RateOptions]) -> Result<ItemOptions, SettingsError> {
    let file = section.require("file")?;
    let price = price(section, rates)?;
    let teaser = section
        .get("teaser")
        .map(|given| given.read(text(MAX_TEASER)));
    let valid_for = section.get("valid_for").map(|given| given.read(duration));
    let sealed_at = sealed_at(section)?;
    let content_type = section
        .get("content_type")
        .map(|given| given.read(media_type));
    Ok(ItemOptions {
        id: section.require("id")?.read(|id| {
            let why = "is not an item id; use 1 to 48 lower-case letters, digits or hyphens";
            id.parse().map_err(|_| why)
        })?,
        title: section.require("title")?.read(title)?,
        teaser: teaser.transpose()?.unwrap_or_default(),
        file: PathBuf::from(&file.text),
        place: file.place(),
        price,
        valid_for: valid_for.transpose()?,
        content_type: content_type.transpose()?,
        sealed_at,
        scene: look::scene(section)?,
        preview: section.get("preview").map(look::named_file),
        button: look::button(section)?,
    })
}

/// Where the ciphertext of an item lies; `None` if it is not sold sealed.
fn sealed_at(section: &Section) -> Result<Option<Vec<String>>, SettingsError> {
    let places = section.list("sealed_at");
    let sealed = section.get("sealed").map(|given| given.read(switch));
    if !sealed.transpose()?.unwrap_or_default() {
        return match places.first() {
            Some(needless) => Err(needless.wrong("has no use without `sealed = true`")),
            None => Ok(None),
        };
    }
    if let Some(limited) = section.get("valid_for") {
        return Err(limited.wrong(
            "cannot be kept for sealed goods, because their key is good for ever; take `valid_for` or \
             `sealed` away",
        ));
    }
    let places = places.iter().map(|given| given.read(folder_url));
    places.collect::<Result<_, _>>().map(Some)
}

/// The price of an item or a route.
pub(super) fn price(section: &Section, rates: &[RateOptions]) -> Result<Price, SettingsError> {
    let given = section.require("price")?;
    let price: Price = given.read(str::parse)?;
    if let Price::Fiat(fiat) = price
        && !rates.iter().any(|rate| rate.currency == fiat.currency)
    {
        let currency = fiat.currency;
        return Err(given.wrong(format!(
            "needs a rate; add a section [rates.{currency}] with `fixed = …`, or with `url` and \
             `pointer`"
        )));
    }
    Ok(price)
}

fn read_rate((name, section): &(Given, Section)) -> Result<RateOptions, SettingsError> {
    let currency = name.read(str::parse)?;
    let wrong = |why: &str| SettingsError::Value {
        place: section.place.clone(),
        why: why.to_owned(),
    };
    let source = match (section.get("fixed"), section.get("url")) {
        (Some(fixed), None) => {
            let mut others = RATE_KEYS.iter().filter(|key| **key != "fixed");
            if let Some(needless) = others.find_map(|key| section.get(key)) {
                return Err(needless.wrong("has no use beside `fixed`; take one of them away"));
            }
            RateSource::Fixed(fixed.read(rate)?)
        }
        (None, Some(url)) => RateSource::Endpoint {
            url: url.read(endpoint)?,
            pointer: section.require("pointer")?.read(pointer)?,
            second: second(section)?,
            max_age: match section.get("max_age") {
                None => DEFAULT_MAX_AGE,
                Some(given) => given.read(|text| match duration(text)? {
                    age if age >= MIN_MAX_AGE => Ok(age),
                    _ => Err("is too short; the source would be asked all the time".to_owned()),
                })?,
            },
            limits: limits(section)?,
        },
        (Some(_), Some(_)) => return Err(wrong("has both `fixed` and `url`; take one away")),
        (None, None) => {
            return Err(wrong(
                "has no source; add `fixed = …`, or `url = …` and `pointer = …`",
            ));
        }
    };
    Ok(RateOptions { currency, source })
}

/// The source that has to agree.
fn second(section: &Section) -> Result<Option<RateEndpoint>, SettingsError> {
    let Some(url) = section.get("second_url") else {
        let needless = section
            .get("second_pointer")
            .or(section.get("max_difference"));
        return match needless {
            Some(needless) => {
                Err(needless.wrong("has no use without `second_url`, a second source"))
            }
            None => Ok(None),
        };
    };
    Ok(Some(RateEndpoint {
        url: url.read(endpoint)?,
        pointer: section.require("second_pointer")?.read(pointer)?,
    }))
}

fn limits(section: &Section) -> Result<RateLimits, SettingsError> {
    let bound = |key| section.get(key).map(|given| given.read(rate)).transpose();
    let per_cent = |key, default| {
        let given = section.get(key).map(|given| given.read(percent));
        Ok(given.transpose()?.unwrap_or(default))
    };
    let defaults = RateLimits::default();
    let limits = RateLimits {
        min: bound("min")?,
        max: bound("max")?,
        max_jump: per_cent("max_jump", defaults.max_jump)?,
        max_difference: per_cent("max_difference", defaults.max_difference)?,
    };
    if let (Some(min), Some(max)) = (limits.min, limits.max)
        && min > max
    {
        let why = format!("is above `max`, which is {max}; no rate would be believed");
        return Err(section.require("min")?.wrong(why));
    }
    Ok(limits)
}

fn rate(text: &str) -> Result<Decimal, &'static str> {
    match text.parse::<Decimal>() {
        Ok(rate) if !rate.is_zero() => Ok(rate),
        _ => Err("is not a rate; write what one bitcoin costs, such as 65000"),
    }
}

fn pointer(text: &str) -> Result<String, &'static str> {
    let why = "is not a JSON pointer; it begins with a slash, such as \"/bitcoin/usd\"";
    text.starts_with('/').then(|| text.to_owned()).ok_or(why)
}

fn percent(text: &str) -> Result<u32, &'static str> {
    let number = text.strip_suffix('%').unwrap_or(text).trim_end();
    match number.parse() {
        Ok(percent) if percent > 0 => Ok(percent),
        _ => Err("is not a part in a hundred; write a whole number of per cent, such as \"50%\""),
    }
}

pub(super) fn title(title: &str) -> Result<String, String> {
    if title.trim().is_empty() {
        return Err("is empty; the item needs a name for people".into());
    }
    text(MAX_TITLE)(title)
}

fn media_type(text: &str) -> Result<String, &'static str> {
    let why = "is not a media type; write one such as \"image/png\"";
    let parsed: mime_guess::Mime = text.parse().map_err(|_| why)?;
    Ok(parsed.to_string())
}

/// The address of a folder, to which names of files can be added. What lies there is checked by its hash,
/// so it may come by HTTP.
fn folder_url(text: &str) -> Result<String, &'static str> {
    let why = "is not the address of a folder; write one such as \"https://cdn.example/goods/\"";
    let uri: Uri = text.parse().map_err(|_| why)?;
    let is_web = matches!(uri.scheme_str(), Some("https" | "http"));
    if !is_web || uri.host().is_none() || uri.query().is_some() {
        return Err(why);
    }
    Ok(format!("{}/", text.trim_end_matches('/')))
}

/// What comes over HTTP from elsewhere could be changed on its way, and with it the prices.
fn endpoint(text: &str) -> Result<String, &'static str> {
    let why = "is not an https:// address; write one such as \"https://example.com/rates.json\"";
    let uri: Uri = text.parse().map_err(|_| why)?;
    let host = uri.host().ok_or(why)?;
    let here = host == "localhost"
        || host
            .trim_matches(['[', ']'])
            .parse()
            .is_ok_and(|address: IpAddr| address.is_loopback());
    match uri.scheme_str() {
        Some("https") => Ok(text.to_owned()),
        Some("http") if here => Ok(text.to_owned()),
        _ => Err(why),
    }
}

//! `purrwall config`: every setting that is in force, and where it was set.

use std::env;
use std::io::{self, Write as _};

use anyhow::Result;
use purrwall::settings::{Arguments, Settings};
use purrwall_gateway::options::RateSource;

/// Prints a setting a line, as the file would have it. The secret itself is never shown.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let settings = Settings::new(arguments)?;
    let nodes = settings.options.nodes;
    let catalogue = settings.options.catalogue;
    let mut lines = Vec::new();
    for setting in settings.all {
        let value = setting
            .value
            .map_or("(none)".into(), |text| format!("{text:?}"));
        lines.push((setting.key.to_owned(), value, setting.origin.to_string()));
    }
    let (secret, origin) = if env::var_os("PURRWALL_SECRET").is_some() {
        ("(hidden)", "environment PURRWALL_SECRET")
    } else {
        ("(hidden)", "secret_file")
    };
    lines.push(("secret".into(), secret.into(), origin.into()));

    let file = catalogue
        .file
        .as_ref()
        .map(|file| file.display().to_string());
    let origin = file.unwrap_or_else(|| "default".into());
    if nodes.len() > 1 {
        for node in &nodes {
            lines.push((
                "node".into(),
                format!("{:?}", node.to_string()),
                origin.clone(),
            ));
        }
    }
    for rate in &catalogue.rates {
        let source = match &rate.source {
            RateSource::Fixed(rate) => rate.to_string(),
            RateSource::Endpoint { url, pointer, .. } => format!("{url:?} at {pointer:?}"),
        };
        lines.push((format!("rates.{}", rate.currency), source, origin.clone()));
    }
    for item in &catalogue.items {
        let value = format!("{:?} for {}", item.file.display(), item.price);
        lines.push((format!("item {}", item.id), value, origin.clone()));
    }
    if catalogue.sells_cats() {
        lines.push(("item".into(), "the built-in cats".into(), "default".into()));
    }

    let width = |column: fn(&(String, String, String)) -> &String| {
        let lengths = lines.iter().map(|line| column(line).chars().count());
        lengths.max().unwrap_or_default()
    };
    let (keys, values) = (width(|line| &line.0), width(|line| &line.1));
    let mut stdout = io::stdout().lock();
    for (key, value, origin) in &lines {
        writeln!(stdout, "{key:keys$} = {value:values$}  # {origin}")?;
    }
    Ok(())
}

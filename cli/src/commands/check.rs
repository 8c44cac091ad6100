//! `purrwall check`: whether the gateway could start and sell, without starting it.

use std::env;
use std::io;
use std::path::Path;

use anyhow::{Context as _, Error, Result, anyhow};
use lightningd::{Lightningd, Node};
use purrwall::nodes::lightningds;
use purrwall::settings::{Arguments, Settings};
use purrwall::store_rune::{self, Findings};
use purrwall::store_secret::{StoreSecretError, find};
use purrwall_buyer::sealed::{self, Ciphertext};
use purrwall_gateway::goods::catalogue::EMPTY;
use purrwall_gateway::goods::versions::{self, try_writing};
use purrwall_gateway::goods::{catalogue, rates};
use purrwall_gateway::options::{Options, PageOptions, RateSource};
use purrwall_gateway::{Endpoint, KeyUse, PAID_ARE_DELETED};

use shared::digest::Digest;
use shared::sealed::Layout;
use tokio::task::spawn_blocking;

use crate::commands::output::say;

/// Checks everything and prints a line for each thing, so that all that is wrong is seen at once.
/// Nothing is left or changed.
pub(crate) async fn run(arguments: &Arguments) -> Result<()> {
    let settings = Settings::new(arguments)?;
    let options = &settings.options;
    let mut failed = 0;
    let mut tell = |what: &str, checked: Result<String>| match checked {
        Ok(found) => say!("ok      {what}: {found}"),
        Err(error) => {
            failed += 1;
            say!("failed  {what}: {error:#}");
        }
    };
    tell("secret", check_secret(&settings).await);
    if options.catalogue.file.is_some() {
        tell("data_dir", check_data_dir(options));
        tell("kept goods", check_kept(&options.catalogue.versions_dir));
    }
    tell("frontend", check_frontend(options));
    let look = catalogue::check_look(&options.catalogue);
    if let Err(error) = look {
        tell("look", Err(error.into()));
    }
    for (id, checked) in catalogue::check(&options.catalogue) {
        let is_empty = checked.as_ref().is_ok_and(|checked| checked.is_empty);
        let checked = checked.map(|checked| checked.found);
        tell(&format!("item {id}"), checked.map_err(Error::from));
        if is_empty {
            say!("warning item {id}: {EMPTY}");
        }
    }
    for (id, places, digests) in catalogue::sealed(&options.catalogue) {
        match digests.map_err(Error::from) {
            Err(error) => tell(&format!("sealed {id}"), Err(error)),
            Ok(None) => tell(
                &format!("sealed {id}"),
                Ok("will be sealed at the first start, or by `purrwall seal`".into()),
            ),
            Ok(Some(digests)) => {
                for place in places {
                    let url = format!("{place}{}", digests.root());
                    let (layout, ct) = (digests.layout(), digests.root());
                    let fetched = spawn_blocking(move || check_sealed(layout, ct, &url));
                    tell(&format!("sealed {id}"), fetched.await?);
                }
            }
        }
    }
    for rate in &options.catalogue.rates {
        let checked = rates::look_up(&rate.source, None).await;
        let checked = match &rate.source {
            RateSource::Fixed(rate) => Ok(format!("{rate}, fixed")),
            RateSource::Endpoint { .. } => checked
                .map(|rate| rate.to_string())
                .with_context(|| format!("cannot use {}", rate.source.origin())),
        };
        tell(&format!("rate of {}", rate.currency), checked);
    }
    for node in &options.nodes {
        let Some(rest) = node.rest() else { continue };
        let rune = store_rune::check_one(&settings, &rest.rune(), &rest.url());
        let what = named("rune", node, options);
        let needless = match &rune {
            Ok(found) => [found.dangers.as_slice(), &found.needless].concat(),
            Err(_) => Vec::new(),
        };
        let checked = rune.map_err(Error::from);
        tell(&what, checked.and_then(|found| check_rune(&found)));
        for needless in needless {
            say!("warning {what}: it could {needless}, which the store does not need");
        }
    }
    let mut company = Vec::new();
    for (node, lightningd) in options.nodes.iter().zip(lightningds(options)) {
        let what = named("node", node, options);
        tell(
            &what,
            check_node(&lightningd, node, options, &mut company).await,
        );
        let cleans_paid = lightningd.cleans_paid().await;
        if cleans_paid.ok().flatten().is_some() {
            say!("warning {what}: {PAID_ARE_DELETED}");
        }
    }
    match failed {
        0 => Ok(()),
        1 => Err(anyhow!("one thing is wrong")),
        _ => Err(anyhow!("{failed} things are wrong")),
    }
}

async fn check_secret(settings: &Settings) -> Result<String> {
    let path = settings.secret_file.display();
    let place = match env::var_os("PURRWALL_SECRET") {
        Some(_) => "from PURRWALL_SECRET".to_owned(),
        None => format!("in {path}"),
    };
    match find(settings).await {
        Ok(Some(secret)) => Ok(
            match secret
                .uses()
                .filter(|(_, used)| *used == KeyUse::Old)
                .count()
            {
                0 => place,
                1 => format!("{place}, with an old key"),
                old => format!("{place}, with {old} old keys"),
            },
        ),
        Ok(None) => Ok(format!("will be made in {path}")),
        // The node has a line of its own below.
        Err(StoreSecretError::Unknown { .. }) => Ok(format!(
            "will be made in {path}, unless lightningd has invoices that a store made"
        )),
        Err(error) => Err(error.into()),
    }
}

/// Fetches what lies at a host, and checks all of it as buyers do.
fn check_sealed(layout: Layout, ct: Digest, url: &str) -> Result<String> {
    let mut fetched = Ciphertext::new(layout, ct);
    fetched
        .fetch_from(&sealed::agent(), url, &mut io::sink())
        .with_context(|| {
            format!("{url} does not give what buyers need; `purrwall seal --out DIR` writes the file to put there")
        })?;
    Ok(format!("{url}, {} bytes", layout.file_len()))
}

/// Whether copies of the goods can be kept. Where the folder is not there yet, it is the nearest one
/// above it that has to let itself be written.
fn check_data_dir(options: &Options) -> Result<String> {
    let dir = &options.catalogue.versions_dir;
    let there = dir.ancestors().find(|folder| folder.exists());
    let there = there.unwrap_or(Path::new("."));
    try_writing(there).with_context(|| {
        format!(
            "cannot write into {}; set `data_dir` to a folder that purrwall may write",
            there.display()
        )
    })?;
    let place = dir.display();
    if there == dir {
        Ok(format!("goods are kept in {place}"))
    } else {
        Ok(format!("{place} will be made for the goods"))
    }
}

/// Hashes every kept copy of goods, as delivery does before it gives out a byte.
fn check_kept(dir: &Path) -> Result<String> {
    let (count, damaged) = versions::check(dir)
        .with_context(|| format!("cannot read the copies in {}", dir.display()))?;
    if damaged.is_empty() {
        return Ok(format!("{count} copies, all as they were promised"));
    }
    let paths: Vec<_> = damaged
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    Err(anyhow!(
        "damaged: {}; they are neither sold nor delivered. A copy whose item still has the same file is \
         made again when purrwall delivers it; for any other one put the right bytes in its place",
        paths.join(", ")
    ))
}

fn check_frontend(options: &Options) -> Result<String> {
    let Some(dir) = &options.page.dir else {
        let without = if PageOptions::INSIDE {
            "the page that is in the program"
        } else {
            "none, so that only the API is served"
        };
        return Ok(without.into());
    };
    let page = dir.join("index.html");
    if page.is_file() {
        return Ok(dir.display().to_string());
    }
    Err(anyhow!(
        "there is no {}; build the page with `cargo xtask build`, which makes dist/, and name \
         that folder",
        page.display()
    ))
}

fn check_rune(found: &Findings) -> Result<String> {
    if found.missing.is_empty() {
        return Ok("allows what the store needs".into());
    }
    Err(anyhow!(
        "it does not allow {}; `purrwall rune` prints the command that makes one",
        found.missing.join(", ")
    ))
}

/// What is checked of a node, which is named where there are several.
fn named(what: &str, node: &Endpoint, options: &Options) -> String {
    match options.nodes.len() {
        1 => what.to_owned(),
        _ => format!("{what} {node}"),
    }
}

/// Asks the node, and compares it with those that were asked before.
async fn check_node(
    lightningd: &Lightningd,
    endpoint: &Endpoint,
    options: &Options,
    company: &mut Vec<Node>,
) -> Result<String> {
    let node = lightningd.node().await.map_err(|error| {
        let remedy = error.remedy();
        Error::from(error).context(remedy)
    })?;
    let place = endpoint.to_string();
    purrwall_gateway::check_node(&node, &place, options.network, &*company)?;
    let syncing = node.syncing.as_ref();
    let syncing = syncing.map(|syncing| format!(" (cannot be paid yet: {syncing})"));
    let syncing = syncing.unwrap_or_default();
    let told = format!("{} on {}{syncing}", node.id, node.network);
    company.push(node);
    Ok(told)
}

//! `purrwall sales`: what was sold, and what it comes to.

use std::io::{self, Write as _};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result};
use clap::Args;
use purrwall::nodes::lightningds;
use purrwall::settings::{self, Settings};
use purrwall_gateway::sales::{Report, Sale, Sum, moment};
use shared::lightning::Msat;

/// Which sales, and how they are shown.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Only what was paid since then: a date or a time in UTC, or how long ago, such as 30d.
    #[arg(long, value_name = "MOMENT")]
    since: Option<String>,

    /// One JSON document, with the sums.
    #[arg(long, conflicts_with = "csv")]
    json: bool,

    /// Comma-separated values, a sale a line, without sums.
    #[arg(long)]
    csv: bool,

    #[command(flatten)]
    settings: settings::Arguments,
}

/// Prints the sales, the newest first.
pub(crate) async fn run(arguments: &Arguments) -> Result<()> {
    let since = arguments.since.as_deref();
    let since = since.map_or(Ok(0), |text| moment(text, SystemTime::now()));
    let since = since.map_err(anyhow::Error::msg).context("--since")?;
    let options = Settings::new(&arguments.settings)?.options;
    let nodes = lightningds(&options);
    let report = Report::read(&nodes, &options.store.id, since)
        .await
        .map_err(|error| {
            let remedy = error.remedy();
            anyhow::Error::from(error).context(remedy)
        })?;
    if report.unreadable > 0 {
        eprintln!(
            "purrwall: {} of lightningd's invoices could not be read, and are missing here",
            report.unreadable
        );
    }
    let text = match (arguments.json, arguments.csv) {
        (true, _) => format!("{}\n", serde_json::to_string_pretty(&report)?),
        (_, true) => csv(&report),
        _ => table(&report),
    };
    match io::stdout().lock().write_all(text.as_bytes()) {
        // `purrwall sales | head`
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => Ok(written?),
    }
}

fn csv(report: &Report) -> String {
    let lines = report.sales.iter().map(Sale::csv);
    std::iter::once(Sale::CSV_HEADER.to_owned())
        .chain(lines)
        .collect()
}

fn table(report: &Report) -> String {
    let names = report.items.keys().map(String::len);
    let width = names.max().unwrap_or(0).max("in all".len());
    let sales = report.sales.iter().map(|sale| {
        let (time, hash) = (time(sale.paid_at), sale.payment_hash.to_hex());
        let received = sale.amount_received_msat;
        let item = &sale.item;
        format!("{time}  {item:width$}  {received:>12}  {hash}\n")
    });
    let all = ("in all", &report.total);
    let items = report.items.iter().map(|(item, sum)| (item.as_str(), sum));
    let sums = items.chain([all]);
    let sums = sums.map(|(item, sum)| format!("{item:width$}  {}\n", told(sum)));
    sales.chain(sums).collect()
}

fn told(sum: &Sum) -> String {
    let sales = if sum.sales == 1 { "sale" } else { "sales" };
    let received = Msat(sum.amount_received_msat);
    match sum.amount_received_msat - sum.amount_msat.min(sum.amount_received_msat) {
        0 => format!("{} {sales}, {received}", sum.sales),
        more => format!(
            "{} {sales}, {received} ({} more than asked)",
            sum.sales,
            Msat(more)
        ),
    }
}

fn time(at: u64) -> humantime::Rfc3339Timestamp {
    humantime::format_rfc3339_seconds(UNIX_EPOCH + Duration::from_secs(at))
}

//! The table in README.md.

use std::fmt::Write as _;
use std::fs;
use std::thread::available_parallelism;
use std::time::SystemTime;

use serde_json::json;

use super::memory::{Memory, WAITERS};
use super::page::Weight;
use super::restart::{AWAY, PATIENCE, Restart};
use crate::{Nodes, Socket, median};

/// Where it goes, between two marks.
const README: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md");
const BEGIN: &str = "<!-- `cargo xtask bench --peers` writes from here -->\n";
const END: &str = "<!-- to here -->\n";

pub(super) struct Table {
    text: String,
    /// How many programs there are beside the bare socket.
    sellers: usize,
}

impl Table {
    pub(super) async fn new(
        nodes: &Nodes,
        rounds: usize,
        names: impl Iterator<Item = String>,
    ) -> Self {
        let mut socket = Socket::connect(&nodes.store).await;
        let info = socket.call("getinfo", &json!({})).await;
        let version = info["result"]["version"].as_str().unwrap().to_owned();
        let node = match nodes.devnet {
            Some(_) => format!("the devnet's ({version}) at lightningd's pace"),
            None => format!("lightningd {version}"),
        };
        let names: Vec<_> = names.collect();
        let text = format!(
            "On {}, {}; the node is {node}. Medians of {rounds} rounds, in each of which all take their turn.\n\n\
             | | {} | the bare socket |\n|---|{}\n",
            today(),
            machine(),
            names.join(" | "),
            "---:|".repeat(names.len() + 1)
        );
        Self {
            text,
            sellers: names.len(),
        }
    }

    fn row(&mut self, what: &str, cells: impl Iterator<Item = String>) {
        let cells: Vec<_> = cells.collect();
        let missing = self.sellers + 1 - cells.len();
        let row = format!("| {what} | {} |{}", cells.join(" | "), " |".repeat(missing));
        println!("{row}");
        let _ = writeln!(self.text, "{row}");
    }

    /// Rounds of everyone's rate, the socket's last.
    pub(super) fn rates(&mut self, what: &str, rounds: &[Vec<f64>]) {
        let rate = |at: usize| median(rounds.iter().map(|round| round[at]));
        let ratio = |at: usize| median(rounds.iter().map(|round| round[at] / round[self.sellers]));
        let cells = (0..self.sellers).map(|at| format!("{:.0} ({:.2})", rate(at), ratio(at)));
        let socket = format!("{:.0}", rate(self.sellers));
        let cells: Vec<_> = cells.chain([socket]).collect();
        self.row(&format!("{what} (of the socket's)"), cells.into_iter());
    }

    /// Payments with everyone's delay in milliseconds.
    pub(super) fn delays(&mut self, payments: &[Vec<f64>]) {
        let of = |at: usize| payments.iter().map(move |round| round[at]);
        let cell = |at: usize| {
            let worst = of(at).fold(0.0, f64::max);
            format!("{:.1} ms; {worst:.1} ms", median(of(at)))
        };
        let what = format!(
            "delay after the socket tells of a payment, median; worst of {}",
            payments.len()
        );
        self.row(&what, (0..self.sellers).map(cell));
    }

    pub(super) fn pages(&mut self, pages: &[Weight]) {
        let cell = |page: &Weight| format!("{} ({})", thousands(page.bytes), page.what);
        let what = "bytes that a browser loads to let a buyer pay";
        self.row(what, pages.iter().map(cell));
    }

    pub(super) fn memory(&mut self, memory: &[Memory]) {
        let mebibytes = |of: &Memory| format!("{:.0} MiB", of.alone / 1_048_576.0);
        self.row("memory without buyers", memory.iter().map(mebibytes));
        let kibibytes = |of: &Memory| format!("{:.0} KiB ({})", of.each / 1024.0, of.waiting);
        let what = format!("memory for each of {WAITERS} waiting buyers, all in");
        self.row(&what, memory.iter().map(kibibytes));
    }

    pub(super) fn restarts(&mut self, rounds: &[Vec<Restart>]) {
        let say = |seconds: f64| {
            if seconds.is_finite() {
                format!("{seconds:.1} s")
            } else {
                format!("not within {} s", PATIENCE.as_secs())
            }
        };
        let cell = |at: usize, of: fn(&Restart) -> Option<f64>| {
            let seconds = rounds.iter().map(move |round| of(&round[at]));
            let seconds = seconds.map(|seconds| seconds.unwrap_or(f64::INFINITY));
            let worst = seconds.clone().fold(0.0, f64::max);
            format!("{}; {}", say(median(seconds)), say(worst))
        };
        let sellers = 0..self.sellers;
        let sells = sellers.clone().map(|at| cell(at, |restart| restart.sells));
        let tells = sellers.map(|at| cell(at, |restart| restart.tells));
        let away = AWAY.map(|seconds| seconds.to_string()).join(", ");
        let what = format!("sells again after the node was away (for {away} s), median; worst");
        self.row(&what, sells);
        let what = "then tells the buyer of what was paid meanwhile, median; worst";
        self.row(what, tells);
    }

    pub(super) fn write(self) {
        let readme = fs::read_to_string(README).unwrap();
        let (before, rest) = readme.split_once(BEGIN).unwrap();
        let (_, after) = rest.split_once(END).unwrap();
        fs::write(README, format!("{before}{BEGIN}{}{END}{after}", self.text)).unwrap();
        println!("the table is in README.md");
    }
}

/// Such as `29 November 2026`, in UTC.
fn today() -> String {
    const MONTHS: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    let now = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
    let (date, _) = now.split_once('T').unwrap();
    let numbers: Vec<usize> = date.split('-').map(|part| part.parse().unwrap()).collect();
    let month = MONTHS[numbers[1] - 1];
    format!("{} {month} {}", numbers[2], numbers[0])
}

/// The machine that all of it runs on.
fn machine() -> String {
    let processors = fs::read_to_string("/proc/cpuinfo").unwrap();
    let named = processors
        .lines()
        .find_map(|line| line.strip_prefix("model name"));
    let name = named.map_or("unknown", |name| name.trim_start_matches(['\t', ' ', ':']));
    let cores = available_parallelism().unwrap();
    format!("on a machine with {cores} cores ({name}) that all share")
}

/// Such as `182,765`.
fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<_> = digits.as_bytes().rchunks(3).rev().collect();
    let groups = groups.into_iter().map(String::from_utf8_lossy);
    groups.collect::<Vec<_>>().join(",")
}

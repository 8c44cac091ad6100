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
    /// What is said below it.
    notes: Vec<String>,
    /// The programs beside the bare socket.
    sellers: Vec<String>,
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
        let sellers: Vec<_> = names.collect();
        let text = format!(
            "On {}, {}; the node is {node}. Medians of {rounds} rounds, in each of which all take their turn.\n\n\
             | | {} | the bare socket |\n|---|{}\n",
            today(),
            machine(),
            sellers.join(" | "),
            "---:|".repeat(sellers.len() + 1)
        );
        Self {
            text,
            notes: Vec::new(),
            sellers,
        }
    }

    fn row(&mut self, what: &str, cells: impl Iterator<Item = String>) {
        let cells: Vec<_> = cells.collect();
        let missing = self.sellers.len() + 1 - cells.len();
        let row = format!("| {what} | {} |{}", cells.join(" | "), " |".repeat(missing));
        println!("{row}");
        let _ = writeln!(self.text, "{row}");
    }

    /// Says one thing of each seller; `what` ends in the preposition before their names.
    fn note(&mut self, what: &str, of_each: &[&str]) {
        let (begin, preposition) = what.rsplit_once(' ').unwrap();
        let said = self.sellers.iter().zip(of_each);
        let said: Vec<_> = said
            .map(|(name, said)| format!("{preposition} {name} {said}"))
            .collect();
        self.notes.push(format!("{begin} {}.", said.join("; ")));
    }

    /// Rounds of everyone's rate, the socket's last.
    pub(super) fn rates(&mut self, what: &str, rounds: &[Vec<f64>]) {
        let socket = self.sellers.len();
        let rate = |at: usize| thousands(median(rounds.iter().map(|round| round[at])));
        let ratio = |at: usize| median(rounds.iter().map(|round| round[at] / round[socket]));
        let cells = (0..socket).map(|at| format!("{} ({:.2})", rate(at), ratio(at)));
        let socket = rate(socket);
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
        self.row(&what, (0..self.sellers.len()).map(cell));
    }

    pub(super) fn pages(&mut self, pages: &[Weight]) {
        let what = "bytes that a browser loads to let a buyer pay";
        self.row(what, pages.iter().map(|page| thousands(page.bytes)));
        let what: Vec<_> = pages.iter().map(|page| page.what).collect();
        self.note("What a browser loads: of", &what);
    }

    pub(super) fn memory(&mut self, memory: &[Memory]) {
        let mebibytes = |of: &Memory| format!("{:.0} MiB", of.alone / 1_048_576.0);
        self.row("memory without buyers", memory.iter().map(mebibytes));
        let kibibytes = |of: &Memory| format!("{:.0} KiB", of.each / 1024.0);
        let what = format!("memory for each of {WAITERS} waiting buyers, all in");
        self.row(&what, memory.iter().map(kibibytes));
        let how: Vec<_> = memory.iter().map(|of| of.waiting).collect();
        self.note("How buyers wait: at", &how);
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
        let sellers = 0..self.sellers.len();
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
        let (table, notes) = (self.text, self.notes.join(" "));
        let text = format!("{before}{BEGIN}{table}\n{notes}\n{END}{after}");
        fs::write(README, text).unwrap();
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
fn thousands(number: f64) -> String {
    let digits = format!("{number:.0}");
    let groups = digits.as_bytes().rchunks(3).rev();
    let groups: Vec<_> = groups.map(String::from_utf8_lossy).collect();
    groups.join(",")
}

//! What becomes slower as the node's book of invoices grows: creation, status answers, the start, and
//! `purrwall sales`, beside a thousand, ten thousand, a hundred thousand and a million invoices of others.
//! The plot is `docs/pictures/growth.svg`.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio::time::sleep;

use crate::{
    HttpInvoices, Program, Repeated, STATUS_CONNECTIONS, get_request, median, purrwall, rate,
    start_gateway,
};

/// The sizes of the book.
const BOOKS: [u64; 4] = [1_000, 10_000, 100_000, 1_000_000];
/// How often each is measured.
const ROUNDS: usize = 3;
/// Where the plot goes, seen from the crate.
const PLOT: &str = "../docs/pictures/growth.svg";

/// What is measured, and how many seconds one takes at each size of the book.
struct Series {
    name: &'static str,
    seconds: Vec<f64>,
}

/// The network must be new: what its book holds is counted here.
pub(crate) async fn measure(devnet: &devnet::Network, dir: &TempDir) {
    let names = [
        "an invoice",
        "a status answer",
        "start to first invoice",
        "purrwall sales",
    ];
    let mut series = names.map(|name| Series {
        name,
        seconds: Vec::new(),
    });
    let mut held = 0;
    for book in BOOKS {
        devnet
            .store()
            .add_history(book - held, &format!("book{book}/"))
            .unwrap();
        held = book;
        let mut rounds = Vec::new();
        for _ in 0..ROUNDS {
            rounds.push(round(&devnet.store().rpc_path(), dir).await);
        }
        for (at, one) in series.iter_mut().enumerate() {
            let seconds = median(rounds.iter().map(|round| round[at]));
            println!(
                "{book} invoices at the node: {} takes {:.3} ms",
                one.name,
                seconds * 1000.0
            );
            one.seconds.push(seconds);
        }
    }
    fs::write(PLOT, plot(&series)).unwrap();
    println!("the plot is in {PLOT}");
}

/// The seconds that each of the series takes.
async fn round(socket: &Path, dir: &TempDir) -> [f64; 4] {
    let started = Instant::now();
    let gateway = start_gateway(socket, dir);
    let created = gateway.create().await;
    let start = started.elapsed().as_secs_f64();
    settled(&gateway).await;

    let claim = created.claim.to_base64();
    let authorization = format!("authorization: L402 {claim}\r\n");
    let question = get_request("/api/v1/invoice", &authorization);
    let creation = 1.0 / rate(1, || HttpInvoices::new(&gateway)).await;
    let status = 1.0 / rate(STATUS_CONNECTIONS, || Repeated::new(&gateway, &question)).await;

    let asked = Instant::now();
    let mut sales = purrwall();
    sales
        .arg("sales")
        .arg("--secret-file")
        .arg(dir.path().join("secret"));
    let sold = sales.arg("--lightning-rpc").arg(socket).output().unwrap();
    assert!(sold.status.success(), "{sold:?}");
    [creation, status, start, asked.elapsed().as_secs_f64()]
}

/// A gateway reads the book in the background after its start. Waits until its processor rests.
async fn settled(gateway: &Program) {
    let mut before = gateway.processor_ticks();
    loop {
        sleep(Duration::from_secs(1)).await;
        let now = gateway.processor_ticks();
        if now - before < 5 {
            return;
        }
        before = now;
    }
}

/// Both axes are logarithmic: times relative to those beside a thousand invoices.
fn plot(series: &[Series]) -> String {
    const COLOURS: [&str; 4] = ["#b7410e", "#0b6e4f", "#2f5aa8", "#7a4b9e"];
    const PLACES: [f64; 4] = [0.0, 1.0, 2.0, 3.0];
    const LEFT: f64 = 64.0;
    const TOP: f64 = 24.0;
    const STEP: f64 = 150.0;
    const DECADE: f64 = 70.0;
    let bottom = TOP + 3.0 * DECADE;
    let y = |ratio: f64| bottom - ratio.max(0.5).log10() * DECADE;
    let mut svg = String::from(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 720 330\" font-family=\"sans-serif\" \
         font-size=\"13\" fill=\"#888\">\n<title>Time against the invoices at the node</title>\n",
    );
    for (at, times) in PLACES.into_iter().zip(["1×", "10×", "100×", "1000×"]) {
        let y = bottom - at * DECADE;
        let _ = writeln!(
            svg,
            "<path d=\"M{LEFT} {y}h450\" stroke=\"#888\" stroke-opacity=\".3\"/>\
             <text x=\"{}\" y=\"{}\" text-anchor=\"end\">{times}</text>",
            LEFT - 8.0,
            y + 4.0
        );
    }
    let books = ["1,000", "10,000", "100,000", "1,000,000"];
    for (at, book) in PLACES.into_iter().zip(books) {
        let x = LEFT + at * STEP;
        let _ = writeln!(
            svg,
            "<text x=\"{x}\" y=\"{}\" text-anchor=\"middle\">{book}</text>",
            bottom + 40.0
        );
    }
    for (row, (one, colour)) in PLACES.into_iter().zip(series.iter().zip(COLOURS)) {
        let points = PLACES.into_iter().zip(&one.seconds);
        let points = points.map(|(at, seconds)| {
            format!("{},{:.1}", LEFT + at * STEP, y(seconds / one.seconds[0]))
        });
        let points: Vec<_> = points.collect();
        let _ = writeln!(
            svg,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2.5\"/>\
             <text x=\"530\" y=\"{}\" fill=\"{colour}\">{}</text>",
            points.join(" "),
            TOP + 16.0 + row * 22.0,
            one.name
        );
    }
    svg + "</svg>\n"
}

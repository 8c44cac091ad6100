//! A store that has sold a million times: its page is quick, because the sums are kept and the list is read
//! from its end.

#![expect(
    clippy::unwrap_used,
    reason = "a failing test may panic where code may not"
)]

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, Response};
use purrwall_desk::{Desk, DeskOptions, new_code, router};
use purrwall_gateway::options::{LimitsOptions, Options, StoreOptions, WebhooksOptions};
use purrwall_gateway::{Gateway, Secret};
use serde_json::{Value, json};
use tempfile::TempDir;
use testing::rpc::next_request;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{UnixListener, UnixStream};
use tower::ServiceExt as _;

const NODE: &str = "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";
const ITEMS: u64 = 20;
/// Three years, at the end of which the last sale was.
const DAYS: u64 = 1096;
const LAST_DAY: u64 = 20_785;

/// A lightningd whose book was always there: invoice `n` is the payment `n`, which is its change `n`.
fn lightningd(dir: &Path, sold: u64) -> PathBuf {
    let socket = dir.join("lightning-rpc");
    let listener = UnixListener::bind(&socket).unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(talk(stream, sold));
        }
    });
    socket
}

async fn talk(mut stream: UnixStream, sold: u64) {
    while let Some(request) = next_request(&mut stream).await {
        let result = answer(
            request["method"].as_str().unwrap(),
            &request["params"],
            sold,
        )
        .await;
        let answer = match result {
            Some(result) => json!({"jsonrpc": "2.0", "id": request["id"], "result": result}),
            None => {
                json!({"jsonrpc": "2.0", "id": request["id"], "error": {"code": 904, "message": "not yet"}})
            }
        };
        if stream
            .write_all(format!("{answer}\n\n").as_bytes())
            .await
            .is_err()
        {
            return;
        }
    }
}

async fn answer(method: &str, params: &Value, sold: u64) -> Option<Value> {
    match method {
        "getinfo" => Some(json!({
            "id": NODE, "alias": "million", "color": "5a5a5a", "num_peers": 0, "num_pending_channels": 0,
            "num_active_channels": 0, "num_inactive_channels": 0, "address": [], "binding": [],
            "version": "v26.06.6", "blockheight": 123, "fees_collected_msat": 0, "network": "regtest",
            "lightning-dir": "/home/user/.lightning/regtest",
        })),
        "wait" => Some(json!({"subsystem": "invoices", "updated": sold})),
        "listinvoices" => {
            let start = params["start"].as_u64().unwrap_or(1);
            let limit = params["limit"].as_u64().unwrap();
            let end = (start + limit).min(sold + 1);
            let invoices: Vec<_> = (start..end).map(|number| invoice(number, sold)).collect();
            Some(json!({ "invoices": invoices }))
        }
        "waitanyinvoice" => {
            let next = params["lastpay_index"].as_u64().unwrap_or_default() + 1;
            if next <= sold {
                return Some(invoice(next, sold));
            }
            tokio::time::sleep(Duration::from_secs(params["timeout"].as_u64().unwrap())).await;
            None
        }
        _ => None,
    }
}

fn item(number: u64) -> String {
    format!("item-{}", number % ITEMS)
}

/// Sales are spread evenly over the days.
fn paid_at(number: u64, sold: u64) -> u64 {
    let days = (number - 1) * DAYS / sold;
    (LAST_DAY + 1 - DAYS + days) * 86_400 + 1
}

fn invoice(number: u64, sold: u64) -> Value {
    json!({
        "label": format!("purrwall/store/{}/{number:042}A", item(number)), "bolt11": "lnbcrt1",
        "payment_hash": format!("{number:064x}"), "status": "paid", "pay_index": number,
        "amount_msat": 21_000, "amount_received_msat": 21_000, "paid_at": paid_at(number, sold),
        "payment_preimage": format!("{number:064x}"), "description": "", "expires_at": 1,
        "created_index": number, "updated_index": number,
    })
}

/// The summary as it is kept after so many sales.
fn summary(sold: u64) -> Value {
    let mut days = BTreeMap::<String, BTreeMap<String, u64>>::new();
    for number in 1..=sold {
        let day = days
            .entry((paid_at(number, sold) / 86_400).to_string())
            .or_default();
        *day.entry(item(number)).or_default() += 1;
    }
    let sums = days.into_iter().map(|(day, items)| {
        let sum = |sales: u64| json!({"sales": sales, "amount_msat": 21_000 * sales, "amount_received_msat": 21_000 * sales});
        let items: BTreeMap<_, _> = items.into_iter().map(|(item, sales)| (item, sum(sales))).collect();
        (day, items)
    });
    let days: BTreeMap<_, _> = sums.collect();
    json!({"form": 1, "node": NODE, "change": sold, "unreadable": 0, "days": days})
}

struct Owner {
    dir: TempDir,
    router: Router,
    cookie: String,
}

impl Owner {
    async fn of(sold: u64, kept: Option<Value>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("desk");
        fs::create_dir(&folder).unwrap();
        if let Some(kept) = kept {
            fs::write(folder.join(format!("sales-{NODE}.json")), kept.to_string()).unwrap();
        }
        let options = Options::new(lightningd(dir.path(), sold));
        let gateway = Gateway::with(options, &Secret::from_bytes([7; 32])).unwrap();
        let desk = Desk::new(
            gateway,
            DeskOptions {
                address: SocketAddr::from(([127, 0, 0, 1], 8090)),
                tls: None,
                data_dir: dir.path().to_owned(),
                file: None,
                secret_file: None,
                store: StoreOptions::default(),
                limits: LimitsOptions::default(),
                webhooks: WebhooksOptions::default(),
            },
        );
        let router = router(&desk);
        let code = new_code(dir.path()).unwrap();
        let request = Request::post("/sign-in")
            .header("host", "localhost:8090")
            .header("origin", "http://localhost:8090")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Body::from(format!("code={code}")));
        let answer = router.clone().oneshot(request.unwrap()).await.unwrap();
        let cookie = answer.headers()["set-cookie"].to_str().unwrap();
        let cookie = cookie.split(';').next().unwrap().to_owned();
        Self {
            dir,
            router,
            cookie,
        }
    }

    async fn get(&self, path: &str) -> Response<Body> {
        let request = Request::get(path)
            .header("host", "localhost:8090")
            .header("cookie", &self.cookie)
            .body(Body::empty());
        self.router.clone().oneshot(request.unwrap()).await.unwrap()
    }

    async fn page(&self, path: &str) -> String {
        let answer = self.get(path).await;
        assert_eq!(answer.status(), 200, "{path}");
        let bytes = to_bytes(answer.into_body(), usize::MAX).await.unwrap();
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    /// The page once the sums are complete.
    async fn complete(&self) -> String {
        let limit = Instant::now() + Duration::from_mins(2);
        loop {
            let page = self.page("/sales?days=all").await;
            if !page.contains("data-test=\"incomplete\"")
                && page.contains("data-test=\"sum-item-0\"")
            {
                return page;
            }
            assert!(Instant::now() < limit, "{page}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_with_a_million_sales_opens_within_a_second() {
    let owner = Owner::of(1_000_000, Some(summary(1_000_000))).await;
    let page = owner.complete().await;
    assert!(
        page.contains("data-test=\"sales\">1\u{202f}000\u{202f}000<"),
        "{page}"
    );
    assert!(page.contains("data-test=\"received\">21\u{202f}000\u{202f}000 sat<"));
    assert_eq!(page.matches("class=\"time\"").count(), 50);
    // The quickest of a few: the machine may be busy with other things.
    let mut quickest = Duration::MAX;
    for _ in 0..5 {
        let started = Instant::now();
        owner.page("/sales?days=all").await;
        quickest = quickest.min(started.elapsed());
    }
    println!("a page with 1,000,000 sales: {quickest:?}");
    assert!(quickest < Duration::from_secs(1), "{quickest:?}");
    // The list goes on where the page ended.
    let older = page
        .split("before=")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap();
    let older = owner.page(&format!("/sales?days=all&before={older}")).await;
    assert!(older.contains(&format!("title=\"{:064x}\"", 1_000_000 - 50)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_summary_is_made_again_and_equals_the_one_that_was_kept() {
    let sold = 5_050;
    let owner = Owner::of(sold, None).await;
    owner.complete().await;
    let file = owner.dir.path().join(format!("desk/sales-{NODE}.json"));
    let kept = || -> Option<Value> { serde_json::from_slice(&fs::read(&file).ok()?).ok() };
    let limit = Instant::now() + Duration::from_mins(1);
    while kept().is_none_or(|kept| kept["change"] != sold) {
        assert!(Instant::now() < limit, "it is never kept");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(kept().unwrap(), summary(sold));
    // Every sale stands in the list once, page after page.
    let csv = owner.page("/sales.csv?days=all").await;
    let hashes: std::collections::BTreeSet<_> = csv.lines().skip(1).collect();
    assert_eq!(hashes.len() as u64, sold);
    assert_eq!(csv.lines().count() as u64, sold + 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_summary_of_another_book_is_not_believed() {
    let mut kept = summary(2_000);
    kept["change"] = 9_000.into();
    let owner = Owner::of(2_000, Some(kept)).await;
    let page = owner.complete().await;
    assert!(page.contains("data-test=\"sales\">2\u{202f}000<"), "{page}");
}

//! `purrwall sales` over the devnet: what is listed, what is summed, and that pages lose nothing.

use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use testing::nodes::{Nodes, call, pay};
use testing::tools::{TestGateway, eventually, options, unix_now};

fn purrwall_sales(nodes: &Nodes, arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_purrwall"))
        .env_clear()
        .arg("sales")
        .args(arguments)
        .arg("--lightning-rpc")
        .arg(&nodes.store)
        .args(["--data-dir", "/nonexistent"])
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    String::from_utf8(output.stdout).unwrap()
}

fn report(nodes: &Nodes, arguments: &[&str]) -> Value {
    let arguments = [arguments, &["--json"]].concat();
    serde_json::from_str(&purrwall_sales(nodes, &arguments)).unwrap()
}

/// More invoices of others than a page holds, which expire at once: that changes them, too.
async fn others_expire(nodes: &Nodes, round: &str) {
    for number in 0..130 {
        let invoice = json!({
            "amount_msat": 1000, "label": format!("purrwall/cat/{round}-{number}"),
            "description": "not ours", "expiry": 0,
        });
        call(&nodes.store, "invoice", invoice).await.unwrap();
    }
    let index = json!({"subsystem": "invoices", "indexname": "updated", "nextvalue": 0});
    let limit = Instant::now() + Duration::from_mins(1);
    let before = call(&nodes.store, "wait", index.clone()).await.unwrap();
    let before = before["updated"].as_u64().unwrap();
    loop {
        let listed = json!({"index": "updated", "start": before, "limit": 500});
        let listed = call(&nodes.store, "listinvoices", listed).await.unwrap();
        let listed = listed["invoices"].as_array().unwrap();
        let is_last = |invoice: &Value| invoice["label"] == format!("purrwall/cat/{round}-129");
        if listed.iter().any(is_last) {
            return;
        }
        assert!(Instant::now() < limit, "the invoices never expire");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_sale_is_listed_once_and_summed() {
    let nodes = Nodes::devnet().await;
    let empty = report(&nodes, &[]);
    assert_eq!(empty["total"]["sales"], 0);
    let gateway = TestGateway::with(options(&nodes.store));
    let mut sold = Vec::new();
    for round in ["a", "b", "c"] {
        let item = if round == "b" { "two-cats" } else { "cat" };
        let created = gateway.create(item).await;
        pay(&nodes.alice, &created.invoice.bolt11).await;
        sold.push((item, created.invoice.payment_hash.to_hex()));
        others_expire(&nodes, round).await;
        // Payments of one second cannot be told apart by --since.
        let second = unix_now();
        eventually("the next second", || unix_now() > second).await;
    }
    // Somebody else's sale at the same node.
    let other = json!({"amount_msat": 5000, "label": "other", "description": "", "expiry": 600});
    let other = call(&nodes.store, "invoice", other).await.unwrap();
    pay(&nodes.alice, other["bolt11"].as_str().unwrap()).await;

    let report_of_all = report(&nodes, &[]);
    let sales = report_of_all["sales"].as_array().unwrap();
    let listed: Vec<_> = sales
        .iter()
        .map(|sale| {
            (
                sale["item"].as_str().unwrap(),
                sale["payment_hash"].as_str().unwrap().to_owned(),
            )
        })
        .rev()
        .collect();
    assert_eq!(listed, sold);
    let sum = |sales: u64, msat: u64| json!({"sales": sales, "amount_msat": msat, "amount_received_msat": msat});
    assert_eq!(report_of_all["total"], sum(3, 300_000));
    assert_eq!(
        report_of_all["items"],
        json!({"cat": sum(2, 200_000), "two-cats": sum(1, 100_000)})
    );

    let csv = purrwall_sales(&nodes, &["--csv"]);
    let lines: Vec<_> = csv.lines().collect();
    assert_eq!(lines.len(), 4, "{csv}");
    assert_eq!(
        lines[0],
        "paid_at,item,amount_msat,amount_received_msat,payment_hash"
    );
    assert!(
        lines[3].ends_with(&format!("Z,cat,100000,100000,{}", sold[0].1)),
        "{csv}"
    );

    let table = purrwall_sales(&nodes, &["--since", "1h"]);
    for expected in [
        "cat       2 sales, 200 sat",
        "in all    3 sales, 300 sat",
        &sold[1].1,
    ] {
        assert!(table.contains(expected), "{expected:?} in {table}");
    }
    let last = sales[0]["paid_at"].as_u64().unwrap();
    assert!(last > sales[1]["paid_at"].as_u64().unwrap());
    let since = std::time::UNIX_EPOCH + Duration::from_secs(last);
    let since = humantime::format_rfc3339_seconds(since).to_string();
    assert_eq!(
        report(&nodes, &["--since", &since])["total"],
        sum(1, 100_000)
    );
    assert_eq!(
        report(&nodes, &["--since", "2099-01-01"])["total"]["sales"],
        0
    );
}

#[test]
fn a_wrong_moment_and_a_node_that_is_away_are_named() {
    let refused = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_purrwall"))
            .env_clear()
            .arg("sales")
            .args(arguments)
            .args([
                "--lightning-rpc",
                "/nonexistent/rpc",
                "--data-dir",
                "/nonexistent",
            ])
            .output()
            .unwrap();
        assert!(!output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    let error = refused(&["--since", "yesterday"]);
    assert!(
        error.contains("yesterday") && error.contains("30d"),
        "{error}"
    );
    let error = refused(&[]);
    assert!(
        error.contains("/nonexistent/rpc") && error.contains("--lightning-rpc"),
        "{error}"
    );
}

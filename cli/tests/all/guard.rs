//! `purrwall guard` between a store and its node: the store sells, and sees nobody else's invoices.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use devnet::Network;
use serde_json::{Value, json};
use testing::nodes::{call, pay};
use testing::tools::{eventually, l402, new_purchase};

use crate::process::{Program, purrwall};

const CAT: &str = include_str!("../../../gateway/cats/cat.txt");
/// Nobody's label but the two other owners' of the node.
const FOREIGN: [&str; 2] = [
    "order-1",
    "purrwall/dogs/cat/q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s",
];

struct Guard {
    child: Child,
    socket: PathBuf,
    log: PathBuf,
}

impl Guard {
    /// Of the store `cats`.
    fn start(node: &Path, dir: &Path) -> Self {
        let (socket, log) = (dir.join("store-rpc"), dir.join("guard.log"));
        let mut child = Command::new(env!("CARGO_BIN_EXE_purrwall"))
            .env_clear()
            .args(["guard", "--store-id=cats", "--lightning-rpc"])
            .arg(node)
            .arg("--listen-socket")
            .arg(&socket)
            .stdout(Stdio::piped())
            .stderr(fs::File::create(&log).unwrap())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        stdout.read_line(&mut line).unwrap();
        assert!(line.contains("guarding at"), "{line}");
        Self { child, socket, log }
    }

    /// The whole book, page after page, as the guard shows it.
    async fn book(&self) -> Vec<Value> {
        let (mut seen, mut start) = (Vec::new(), 1);
        loop {
            let page = json!({"index": "created", "start": start, "limit": 2});
            let page = call(&self.socket, "listinvoices", page).await.unwrap();
            seen.extend(page["invoices"].as_array().unwrap().clone());
            match page["next"].as_u64() {
                Some(next) => start = next,
                None => return seen,
            }
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn behind_guard_the_story_sells_and_no_foreign_invoice_is_seen() {
    let dir = tempfile::tempdir().unwrap();
    let network = Network::story(&dir.path().join("nodes")).await.unwrap();
    let node = network.store().rpc_path();
    let alice = network.alice().rpc_path();
    let others = async |suffix: &str| {
        for label in FOREIGN {
            let label = format!("{label}{suffix}");
            let made = json!({"label": label, "amount_msat": 4711, "description": "not a cat"});
            let made = call(&node, "invoice", made).await.unwrap();
            pay(&alice, made["bolt11"].as_str().unwrap()).await;
        }
    };
    others("").await;
    let guard = Guard::start(&node, dir.path());
    let mode = fs::metadata(&guard.socket).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o660);

    let mut gateway = purrwall(&guard.socket, &dir.path().join("secret"));
    gateway.arg("--store-id=cats");
    let program = Program::start(gateway);
    for buyer in [&alice, &network.bob().rpc_path()] {
        let created = program.create(&new_purchase().to_hex());
        let credential = l402(&created.claim);
        let ask = |path: &str| {
            let head = format!("GET {path} HTTP/1.1\r\nauthorization: {credential}");
            program.ask(&head, "")
        };
        // Payments of others come between.
        others(&format!("/{}", created.invoice.expires_at)).await;
        pay(buyer, &created.invoice.bolt11).await;
        let (_, status) = ask("/api/v1/invoice?wait=30");
        assert!(status.contains("\"paid\""), "{status}");
        assert_eq!(ask("/api/v1/items/cat/content"), (200, CAT.to_owned()));
        // The labels of the next round are others'.
        eventually("the next second", || {
            testing::tools::unix_now() + 600 > created.invoice.expires_at
        })
        .await;
    }
    let mut sales = Command::new(env!("CARGO_BIN_EXE_purrwall"));
    let sales = sales
        .env_clear()
        .args(["sales", "--csv", "--store-id=cats", "--lightning"])
        .arg(&guard.socket)
        .output()
        .unwrap();
    let sales = String::from_utf8(sales.stdout).unwrap();
    assert_eq!(sales.lines().count(), 3, "a header and two cats: {sales}");
    let (log, ended_well) = program.end();
    assert!(ended_well, "{log}");
    assert!(
        !log.contains("could not be read"),
        "hidden is not unreadable: {log}"
    );

    // By every way that there is.
    let mut shown = guard.book().await;
    assert_eq!(shown.len(), 2, "the two cats: {shown:?}");
    let mut last = 0;
    loop {
        let wait = json!({"lastpay_index": last, "timeout": 0});
        match call(&guard.socket, "waitanyinvoice", wait).await {
            Ok(payment) => {
                last = payment["pay_index"].as_u64().unwrap();
                shown.push(payment);
            }
            Err(error) => {
                assert_eq!(error["code"], 904);
                break;
            }
        }
    }
    assert_eq!(last, 8, "all payments were passed");
    let listed = call(&node, "listinvoices", json!({"label": FOREIGN[0]}))
        .await
        .unwrap();
    let by_label = json!({"label": FOREIGN[0]});
    let found = call(&guard.socket, "listinvoices", by_label).await.unwrap();
    assert_eq!(found, json!({"invoices": []}));
    let hash = &listed["invoices"][0]["payment_hash"];
    let by_hash = json!({ "payment_hash": hash });
    shown.push(call(&guard.socket, "listinvoices", by_hash).await.unwrap());
    let text = json!(shown).to_string();
    for secret in [
        "order-1",
        "dogs",
        "4711",
        "not a cat",
        hash.as_str().unwrap(),
    ] {
        assert!(!text.contains(secret), "{secret} is seen: {text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn behind_guard_nobody_spends() {
    let dir = tempfile::tempdir().unwrap();
    let network = Network::story(&dir.path().join("nodes")).await.unwrap();
    let node = network.store().rpc_path();
    let guard = Guard::start(&node, dir.path());
    for method in ["pay", "withdraw", "createrune", "listfunds", "stop"] {
        let error = call(&guard.socket, method, json!({})).await.unwrap_err();
        assert_eq!(error["code"], -32601, "{method}");
    }
    let foreign = json!({"label": "order-1", "amount_msat": 1, "description": "", "expiry": 60});
    let error = call(&guard.socket, "invoice", foreign).await.unwrap_err();
    assert_eq!(error["code"], -32602);
    let own = FOREIGN[1].replace("dogs", "cats");
    let absurd = json!({"label": own, "amount_msat": 1, "description": "", "expiry": 1_u64 << 60});
    let error = call(&guard.socket, "invoice", absurd).await.unwrap_err();
    assert_eq!(error["code"], -32602);
    let invoice = json!({"label": own, "amount_msat": 1, "description": "", "expiry": 60});
    call(&guard.socket, "invoice", invoice.clone())
        .await
        .unwrap();
    let error = call(&guard.socket, "invoice", invoice).await.unwrap_err();
    assert_eq!(error["code"], 900, "lightningd's own errors are passed on");
    let listed = call(&node, "listinvoices", json!({})).await.unwrap();
    assert_eq!(listed["invoices"].as_array().unwrap().len(), 1, "{listed}");
    let log = fs::read_to_string(&guard.log).unwrap();
    for method in [
        "pay",
        "withdraw",
        "createrune",
        "listfunds",
        "stop",
        "invoice",
    ] {
        assert!(
            log.contains(&format!("{method:?}")),
            "{method} is not in the log: {log}"
        );
    }
    assert!(!log.contains("order-1"), "labels are not logged: {log}");
}

//! `purrwall mcp` as an agent uses it, through a client of the protocol that is not ours.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use testing::faults::Fault;
use testing::shop::{CAT, Shop, node_id, nodes, run};
use testing::tools::{eventually, python, skipped};

/// The agent, and the server that it has started.
struct Agent {
    child: Child,
    calls: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
    /// What the server says about itself.
    server: Value,
}

impl Agent {
    /// `None` where there is no Python.
    async fn starts(shop: &Shop, more: &[&str]) -> Option<Self> {
        let Some(python) = python("python") else {
            skipped("there is no Python environment");
            return None;
        };
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/agent.py");
        let mut command = Command::new(python);
        command.arg(script).arg(env!("CARGO_BIN_EXE_purrwall"));
        command.args(["mcp", &format!("http://{}", shop.way.address)]);
        command.arg("--lightning-rpc").arg(shop.node.socket());
        command.arg("--dir").arg(folder(shop)).args(more);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.kill_on_drop(true).spawn().unwrap();
        let mut agent = Self {
            calls: child.stdin.take().unwrap(),
            answers: BufReader::new(child.stdout.take().unwrap()).lines(),
            child,
            server: Value::Null,
        };
        agent.server = agent.answer().await;
        Some(agent)
    }

    async fn calls(&mut self, tool: &str, arguments: Value) -> Value {
        let call = json!({"tool": tool, "arguments": arguments});
        let call = format!("{call}\n");
        self.calls.write_all(call.as_bytes()).await.unwrap();
        self.answer().await
    }

    async fn buys(&mut self, item: &str) -> Value {
        self.calls("buy", json!({ "item": item })).await
    }

    async fn answer(&mut self) -> Value {
        let line = self.answers.next_line().await.unwrap();
        serde_json::from_str(&line.expect("the agent has ended")).unwrap()
    }

    /// Ends as clients do: by closing the server's input.
    async fn ends(self) {
        let Self {
            mut child, calls, ..
        } = self;
        drop(calls);
        assert!(child.wait().await.unwrap().success());
    }
}

fn folder(shop: &Shop) -> PathBuf {
    shop.dir.path().join("bought")
}

/// The texts of an answer.
#[track_caller]
fn texts(answer: &Value) -> Vec<&str> {
    let content = answer["content"].as_array();
    let content = content.unwrap_or_else(|| panic!("{answer}"));
    content
        .iter()
        .map(|part| part["text"].as_str().unwrap())
        .collect()
}

#[track_caller]
fn assert_gives(answer: &Value, sentence: &str, goods: &str) {
    assert_eq!(answer["is_error"], false, "{answer}");
    let texts = texts(answer);
    assert!(texts[0].starts_with(sentence), "{texts:?}");
    assert_eq!(texts[1..], [goods]);
}

#[track_caller]
fn assert_refuses(answer: &Value, why: &str) {
    assert_eq!(answer["is_error"], true, "{answer}");
    assert_eq!(texts(answer), [why]);
}

const BUDGET: [&str; 4] = ["--max-sat", "200", "--max-total-sat", "310"];

#[test]
fn an_agent_buys_two_cats_within_its_budget() {
    run(async {
        let shop = Shop::open().await;
        let store = node_id(&nodes().await.store).await;
        let mut flags = BUDGET.to_vec();
        flags.extend(["--payee", &store]);
        let Some(mut agent) = Agent::starts(&shop, &flags).await else {
            return;
        };
        let cat = std::str::from_utf8(CAT).unwrap();
        let said = agent.server["instructions"].as_str().unwrap();
        assert!(
            said.contains("200 sat at most, and all together 310 sat"),
            "{said}"
        );
        let tools = agent.server["tools"].as_object().unwrap();
        assert_eq!(
            tools.keys().collect::<Vec<_>>(),
            ["buy", "list_goods", "price"]
        );

        let listed = agent.calls("list_goods", json!({})).await;
        let listed = &listed["structured_content"];
        assert_eq!(listed["remaining_msat"], 310_000);
        let items = listed["items"].as_array().unwrap();
        let names: Vec<_> = items
            .iter()
            .map(|item| item["item"].as_str().unwrap())
            .collect();
        assert_eq!(names, ["cat", "two-cats"]);
        let price = agent.calls("price", json!({"item": "cat"})).await;
        let price = &price["structured_content"];
        assert_eq!(price["price_msat"], 100_000);
        assert_eq!(
            (&price["bought"], &price["affordable"]),
            (&false.into(), &true.into())
        );

        let bought = agent.buys("cat").await;
        assert_gives(
            &bought,
            "cat is bought for 100 sat. 210 sat of the budget remain.",
            cat,
        );
        assert_eq!(fs::read(folder(&shop).join("cat")).unwrap(), CAT);
        assert_eq!(shop.node.heard("xpay"), 1);
        assert_gives(&agent.buys("cat").await, AGAIN, cat);
        assert_eq!(shop.node.heard("xpay"), 1);

        let two = agent.buys("two-cats").await;
        assert_eq!(two["is_error"], false, "{two}");
        assert_eq!(shop.node.heard("xpay"), 2);
        let remaining = agent.calls("list_goods", json!({})).await;
        let remaining = remaining["structured_content"]["remaining_msat"].clone();
        agent.ends().await;

        // What was spent is remembered, and so is what was bought, even with the goods away and the
        // store, too.
        let mut agent = Agent::starts(&shop, &flags).await.unwrap();
        let listed = agent.calls("list_goods", json!({})).await;
        assert_eq!(listed["structured_content"]["remaining_msat"], remaining);
        fs::remove_file(folder(&shop).join("cat")).unwrap();
        assert_gives(&agent.buys("cat").await, AGAIN, cat);
        shop.way.changes(|_, _| Vec::new());
        assert_gives(&agent.buys("cat").await, AGAIN, cat);
        assert_eq!(shop.node.heard("xpay"), 2);
        agent.ends().await;
    });
}

const AGAIN: &str = "cat was bought before for 100 sat; nothing was paid now.";

#[test]
fn an_agent_pays_nothing_beyond_its_budget() {
    run(async {
        let shop = Shop::open().await;
        let flags = ["--max-sat", "150", "--max-total-sat", "150"];
        let Some(mut agent) = Agent::starts(&shop, &flags).await else {
            return;
        };
        assert_refuses(
            &agent
                .calls("buy", json!({"item": "cat", "max_sat": 99}))
                .await,
            "the price of cat is 100 sat, but max_sat of this call allows 99 sat; nothing was paid",
        );
        assert_eq!(agent.buys("cat").await["is_error"], false);
        let price = agent.calls("price", json!({"item": "two-cats"})).await;
        assert_eq!(price["structured_content"]["affordable"], false);
        let refused = agent.buys("two-cats").await;
        let why = texts(&refused)[0].to_owned();
        assert!(why.starts_with("the price of two-cats is "), "{why}");
        let rest = "but of the budget of 150 sat in all (--max-total-sat), 50 sat remain; nothing was paid";
        assert!(why.ends_with(rest), "{why}");
        assert_eq!(refused["is_error"], true);
        assert_eq!(shop.node.heard("xpay"), 1);

        for (tool, item, why) in [
            (
                "price",
                "dog",
                "the store has no item \"dog\"; it sells cat, two-cats",
            ),
            (
                "buy",
                "Two Cats",
                "\"Two Cats\" is not an item id: 1 to 48 lower-case letters, digits or hyphens",
            ),
        ] {
            assert_refuses(&agent.calls(tool, json!({ "item": item })).await, why);
        }
        let unknown = agent.buys("dog").await;
        assert_eq!(unknown["is_error"], true, "{unknown}");
        assert!(texts(&unknown)[0].contains("404"), "{unknown}");
        let nameless = agent.calls("buy", json!({})).await;
        assert_eq!(nameless["is_error"], true, "{nameless}");
        assert!(texts(&nameless)[0].contains("`item`"), "{nameless}");
        agent.ends().await;
    });
}

#[test]
fn programs_that_share_a_folder_share_its_budget() {
    run(async {
        let shop = Shop::open().await;
        let flags = ["--max-sat", "150", "--max-total-sat", "150"];
        let Some(mut one) = Agent::starts(&shop, &flags).await else {
            return;
        };
        let mut other = Agent::starts(&shop, &flags).await.unwrap();
        let (cat, two) = tokio::join!(one.buys("cat"), other.buys("two-cats"));
        let refused = [&cat, &two].map(|answer| answer["is_error"] == true);
        assert!(refused[0] != refused[1], "{cat} {two}");
        let bought = if refused[0] { "two-cats" } else { "cat" };
        let again = tokio::join!(one.buys(bought), other.buys(bought));
        for answer in [again.0, again.1] {
            assert!(
                texts(&answer)[0].contains("nothing was paid now"),
                "{answer}"
            );
        }
        assert_eq!(shop.node.heard("xpay"), 1);
        one.ends().await;
        other.ends().await;
    });
}

#[test]
fn what_may_have_been_paid_counts_and_is_paid_once() {
    run(async {
        let shop = Shop::open().await;
        let Some(mut agent) = Agent::starts(&shop, &BUDGET).await else {
            return;
        };
        // The node is told to pay and does, and the agent's program ends without the answer.
        shop.node.goes_wrong("xpay", Fault::Mute);
        let call = json!({"tool": "buy", "arguments": {"item": "cat"}});
        let call = format!("{call}\n");
        agent.calls.write_all(call.as_bytes()).await.unwrap();
        eventually("the node to be told to pay", || {
            shop.node.heard("xpay") == 1
        })
        .await;
        agent.child.kill().await.unwrap();
        shop.node.is_well();

        let mut agent = Agent::starts(&shop, &BUDGET).await.unwrap();
        let listed = agent.calls("list_goods", json!({})).await;
        assert_eq!(listed["structured_content"]["remaining_msat"], 210_000);
        let cat = std::str::from_utf8(CAT).unwrap();
        assert_gives(
            &agent.buys("cat").await,
            "cat is bought for 100 sat. 210 sat of",
            cat,
        );
        assert_eq!(shop.node.heard("xpay"), 1);
        agent.ends().await;
    });
}

#[test]
fn only_what_can_be_used_starts() {
    run(async {
        let shop = Shop::open().await;
        let mcp = async |arguments: &[&str]| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_purrwall"));
            command.arg("mcp").args(arguments).stdin(Stdio::null());
            let output = command.output().await.unwrap();
            assert!(!output.status.success(), "{output:?}");
            assert!(output.stdout.is_empty(), "{output:?}");
            String::from_utf8(output.stderr).unwrap()
        };
        let dir = folder(&shop);
        let dir = dir.to_str().unwrap();
        let store = "https://cats.example";
        let rest = ["--max-total-sat", "1", "--dir", dir];
        let with = |more: &[&'static str]| [&[store, "--max-sat", "1"], more, &rest[..]].concat();
        let said = mcp(&with(&[])).await;
        assert!(said.contains("--lightning-rpc <SOCKET>"), "{said}");
        let said = mcp(&with(&["--lightning", "https://node.example:3010"])).await;
        assert!(said.contains("--rune-file <FILE>"), "{said}");
        let said = mcp(&["cats.example", "--max-sat", "1"]).await;
        assert!(said.contains("is not a store's address"), "{said}");
        let said = mcp(&[store, "--max-sat", "much"]).await;
        assert!(said.contains("it is no number of satoshi"), "{said}");
        fs::create_dir(dir).unwrap();
        fs::write(Path::new(dir).join("cat.purrwall.json"), "{}").unwrap();
        let said = mcp(&with(&["--lightning-rpc", "/nonexistent"])).await;
        assert!(
            said.contains("does not hold a purchase that can be read"),
            "{said}"
        );
    });
}

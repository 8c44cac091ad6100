//! The program itself: what it prints, and its exit status.

use std::fs;
use std::path::Path;
use std::process::Output;

use serde_json::json;
use tokio::process::Command;

use testing::rest::rune;
use testing::shop::{CAT, Shop, node_id, nodes, run};

async fn purrwall(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_purrwall"));
    command.args(arguments).output().await.unwrap()
}

async fn buy(shop: &Shop, more: &[&str]) -> Output {
    let (url, socket, out) = (shop.url("cat"), shop.node.socket(), shop.out());
    let flags = ["--lightning-rpc", text(&socket), "--out", text(&out)];
    purrwall(&[&["buy", url.as_str()], &flags[..], more].concat()).await
}

/// With `--payee`.
async fn verify_payee(receipt: &Path, payee: &str) -> Output {
    purrwall(&["verify", text(receipt), "--payee", payee]).await
}

async fn verify(receipt: &Path, content: Option<&Path>) -> Output {
    let content = content.map(text);
    let arguments = ["verify", text(receipt)].into_iter().chain(content);
    purrwall(&arguments.collect::<Vec<_>>()).await
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn a_node_elsewhere_pays_by_a_rune() {
    run(async {
        let shop = Shop::open().await;
        let alice = nodes().await;
        let rest = alice.rest_of_alice().unwrap();
        let methods = json!([["method=getinfo", "method=listpays", "method=xpay"]]);
        let file = shop.dir.path().join("rune");
        fs::write(&file, rune(&alice.alice, methods).await).unwrap();
        let out = shop.dir.path().join("bought");
        let (url, node) = (shop.url("cat"), format!("https://{}", rest.address));
        let flags = ["--lightning", &node, "--rune-file", text(&file)];
        let trusted = ["--ca-file", text(&rest.ca), "--tls-name", "localhost"];
        let rest = ["--max-sat", "100", "--out", text(&out)];
        let buy = async |flags: &[&str]| {
            purrwall(&[&["buy", url.as_str()], flags, &rest[..]].concat()).await
        };
        assert_fails(&buy(&flags).await, "needs ca_file");
        let bought = buy(&[flags, trusted].concat()).await;
        assert!(bought.status.success(), "{bought:?}");
        assert_eq!(fs::read(&out).unwrap(), CAT);
    });
}

#[track_caller]
fn assert_fails(output: &Output, reason: &str) {
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(output.stdout.is_empty(), "{output:?}");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(errors.contains(reason), "{errors}");
}

#[test]
fn buy_and_verify_end_well_only_if_all_holds() {
    run(async {
        let shop = Shop::open().await;
        let store = node_id(&nodes().await.store).await;
        assert_fails(
            &buy(&shop, &["--max-sat", "99"]).await,
            "--max-sat allows 99 sat",
        );

        let bought = buy(&shop, &["--max-sat", "100", "--payee", &store]).await;
        assert!(bought.status.success(), "{bought:?}");
        shop.assert_bought();
        let sentence = format!("The node {store} promised the content with SHA-256");
        assert!(String::from_utf8_lossy(&bought.stdout).starts_with(&sentence));

        let receipt = shop.beside(".receipt.json");
        let verified = verify(&receipt, Some(&shop.out())).await;
        assert!(verified.status.success(), "{verified:?}");
        let said = String::from_utf8(verified.stdout).unwrap();
        assert!(said.starts_with(&sentence), "{said}");
        assert!(
            said.ends_with("; the content is the promised one.\n"),
            "{said}"
        );
        assert_eq!(said.lines().count(), 1);
        let bob = node_id(&nodes().await.bob).await;
        let pinned = verify_payee(&receipt, &format!("{bob},{store}")).await;
        assert!(pinned.status.success(), "{pinned:?}");
        assert_fails(&verify_payee(&receipt, &bob).await, &store);
        let alone = verify(&receipt, None).await;
        assert!(alone.status.success(), "{alone:?}");

        let dog = shop.dir.path().join("dog.txt");
        fs::write(&dog, "woof").unwrap();
        assert_fails(
            &verify(&receipt, Some(&dog)).await,
            "was promised and paid for",
        );
        assert_fails(&verify(&dog, None).await, "is no receipt");
        assert_fails(
            &verify(Path::new("/nonexistent"), None).await,
            "cannot read",
        );

        let mut forged: serde_json::Value =
            serde_json::from_slice(&fs::read(&receipt).unwrap()).unwrap();
        forged["size"] = (CAT.len() + 1).into();
        fs::write(&dog, forged.to_string()).unwrap();
        assert_fails(&verify(&dog, Some(&shop.out())).await, "bytes");
        forged["preimage"] = "ab".repeat(32).into();
        fs::write(&dog, forged.to_string()).unwrap();
        let forged = verify(&dog, None).await;
        assert_fails(&forged, "preimage");
        let errors = String::from_utf8_lossy(&forged.stderr).into_owned();
        assert!(!errors.contains("abab"), "{errors}");
    });
}

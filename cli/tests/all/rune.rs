//! A node behind clnrest: the rune that `purrwall rune` prints the command for sells cats, and whoever
//! steals it can do nothing else.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;

use devnet::Network;
use serde_json::{Value, json};
use tempfile::TempDir;
use testing::nodes::{call, pay};
use testing::rest::{self, ANY_PORT};
use testing::tools::{eventually, l402, new_purchase};
use ureq::tls::{Certificate, RootCerts, TlsConfig};

use crate::process::{Program, purrwall};

const CAT: &str = include_str!("../../../gateway/cats/cat.txt");
/// What a real clnrest refused, with a rune made for a store.
const REFUSED: &str = include_str!("../fixtures/refused.json");
/// Allows everything, at no node.
const WIDE: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA9MA==";

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_purrwall"));
    command.env_clear().args(arguments);
    command
}

fn succeeds(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The restrictions in the command that is printed for the store `cats`.
fn printed(more: &[&str]) -> Value {
    let said = succeeds(command(&["rune", "--store-id", "cats"]).args(more));
    let (_, rest) = said
        .split_once("\nlightning-cli -k createrune restrictions='")
        .expect(&said);
    let (restrictions, _) = rest.split_once("'\n").unwrap();
    for told in [
        "purrwall/cats/",
        "cannot pay",
        "those of others",
        "blacklistrune",
    ] {
        assert!(said.contains(told), "{told}: {said}");
    }
    serde_json::from_str(restrictions).unwrap()
}

/// The devnet's store behind its clnrest.
struct Behind {
    network: Network,
    clnrest: devnet::Rest,
    dir: TempDir,
}

impl Behind {
    async fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let network = Network::story(&dir.path().join("nodes")).await.unwrap();
        let clnrest = network.store().start_rest(ANY_PORT).unwrap();
        Self {
            network,
            clnrest,
            dir,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The gateway of the store `cats` with this rune.
    fn gateway(&self, rune: &str) -> Command {
        fs::write(self.path("rune"), rune).unwrap();
        let mut command = purrwall(Path::new("/nonexistent"), &self.path("secret"));
        command
            .arg(format!("--lightning=https://{}", self.clnrest.address))
            .arg("--rune-file")
            .arg(self.path("rune"))
            .arg("--ca-file")
            .arg(&self.clnrest.ca)
            .args(["--tls-name=localhost", "--store-id=cats"]);
        command
    }

    fn check(&self, rune: &str) -> Output {
        let gateway = self.gateway(rune);
        let mut check = command(&["check"]);
        check.args(gateway.get_args()).output().unwrap()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_printed_rune_sells_cats_and_does_nothing_else() {
    let node = Behind::start().await;
    let store = node.network.store().rpc_path();
    let rune = rest::rune(&store, printed(&[])).await;

    let ca = Certificate::from_pem(&fs::read(&node.clnrest.ca).unwrap()).unwrap();
    let roots = RootCerts::Specific(Arc::new(vec![ca]));
    let agent = ureq::Agent::config_builder()
        .tls_config(TlsConfig::builder().root_certs(roots).build())
        .http_status_as_error(false)
        .build()
        .new_agent();
    let post = |path: &str, body: &str| {
        let url = format!("https://localhost:{}{path}", node.clnrest.address.port());
        let request = agent.post(url).header("Rune", &rune);
        let answer = request.content_type("application/json").send(body);
        let mut answer = answer.unwrap();
        let text = answer.body_mut().read_to_string().unwrap();
        (
            answer.status().as_u16(),
            serde_json::from_str::<Value>(&text).unwrap(),
        )
    };
    let refused: Value = serde_json::from_str(REFUSED).unwrap();
    // Of two other runes the recorded node said that they were used too soon.
    let with_this_rune = |record: &&Value| {
        let said = record["note"].as_str().unwrap();
        let is_other = said.contains("limited") || said.contains("blacklisted");
        record["answer"]["code"] == 1502 && !is_other
    };
    let mut seen = 0;
    for record in refused["records"]
        .as_array()
        .unwrap()
        .iter()
        .filter(with_this_rune)
    {
        let request = &record["request"];
        let [path, body] = ["path", "body"].map(|name| request[name].as_str().unwrap());
        let (status, answer) = post(path, body);
        assert_eq!(status, 401, "{}: {answer}", record["note"]);
        assert_eq!(answer["code"], 1502, "{}", record["note"]);
        seen += 1;
    }
    assert!(seen > 10, "only {seen} were refused");
    let absurd = r#"{"amount_msat": 1, "label": "purrwall/cats/x", "description": "x", "expiry": 1152921504606846976}"#;
    for body in [absurd, &absurd.replace("11529", "-11529")] {
        assert_eq!(post("/v1/invoice", body).0, 401, "{body}");
    }
    // What has expired may go: that there is none is the node's own answer.
    let expired = r#"{"label": "purrwall/cats/x", "status": "expired"}"#;
    let (_, answer) = post("/v1/delinvoice", expired);
    assert_eq!(answer["code"], 905);
    let listed = call(&store, "listinvoices", json!({})).await.unwrap();
    assert_eq!(listed, json!({"invoices": []}), "nothing was done");

    let checked = node.check(&rune);
    let said = String::from_utf8_lossy(&checked.stdout);
    assert!(
        said.contains("ok      rune: allows what the store needs"),
        "{said}"
    );
    assert!(
        checked.status.success() && !said.contains("warning rune"),
        "{said}"
    );

    let program = Program::start(node.gateway(&rune));
    let created = program.create(&new_purchase().to_hex());
    let credential = l402(&created.claim);
    let ask = |path: &str| {
        let head = format!("GET {path} HTTP/1.1\r\nauthorization: {credential}");
        program.ask(&head, "")
    };
    pay(&node.network.alice().rpc_path(), &created.invoice.bolt11).await;
    let (_, status) = ask("/api/v1/invoice?wait=30");
    assert!(status.contains("\"paid\""), "{status}");
    assert_eq!(ask("/api/v1/items/cat/content"), (200, CAT.to_owned()));
    let (log, ended_well) = program.end();
    assert!(ended_well, "{log}");
    assert!(!log.contains(&rune), "the rune is in the log");
    assert!(!log.contains("wider than needed"), "{log}");
}

/// The node takes the old rune no more; the new one comes without a restart.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_rune_takes_effect_without_a_restart() {
    let node = Behind::start().await;
    let store = node.network.store().rpc_path();
    let old = rest::rune(&store, printed(&[])).await;
    let program = Program::start(node.gateway(&old));
    program.create(&new_purchase().to_hex());
    let all = call(&store, "showrunes", json!({})).await.unwrap();
    for rune in all["runes"].as_array().unwrap() {
        let id: u64 = rune["unique_id"].as_str().unwrap().parse().unwrap();
        let range = json!({"start": id, "end": id});
        call(&store, "blacklistrune", range).await.unwrap();
    }
    let ask = || {
        let head = "POST /api/v1/items/cat/invoices HTTP/1.1\r\ncontent-type: application/json";
        let body = format!("{{\"purchase_id\": \"{}\"}}", new_purchase().to_hex());
        program.ask(head, &body).0
    };
    assert_eq!(ask(), 503, "the rune is worth nothing any more");

    // Neither what could spend nor what is none takes its place.
    for bad in [WIDE, "no rune"] {
        fs::write(node.path("rune"), bad).unwrap();
        program.signal("HUP");
    }
    fs::write(node.path("rune"), rest::rune(&store, printed(&[])).await).unwrap();
    eventually("an invoice by the new rune", || ask() == 201).await;
    let (log, ended_well) = program.end();
    assert!(ended_well, "{log}");
    assert!(log.contains("the rune was read again"), "{log}");
    for secret in [WIDE, &old] {
        assert!(!log.contains(secret), "a rune is in the log");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rune_that_is_too_wide_or_too_narrow_is_told() {
    let node = Behind::start().await;
    let store = node.network.store().rpc_path();
    // It allows every label of Purrwall's, knows no rate, and no bound of an invoice's time.
    let checked = node.check(&rest::recorded_rune(&store).await);
    let said = String::from_utf8_lossy(&checked.stdout);
    assert!(checked.status.success(), "{said}");
    for told in [
        "does not begin with purrwall/cats/",
        "absurd time",
        "as fast as",
    ] {
        assert!(said.contains(told), "{said}");
    }
    let narrow = rest::rune(&store, json!([["method=getinfo"]])).await;
    let checked = node.check(&narrow);
    let said = String::from_utf8_lossy(&checked.stdout);
    assert!(!checked.status.success(), "{said}");
    assert!(said.contains("does not allow invoice"), "{said}");
}

#[test]
fn a_rune_that_could_spend_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let wide = || {
        let mut gateway = purrwall(Path::new("/nonexistent"), &dir.path().join("secret"));
        gateway
            .arg("--lightning=http://127.0.0.1:1")
            .env("PURRWALL_RUNE", WIDE)
            .env("PURRWALL_SECRET", "ab".repeat(32));
        gateway
    };
    let output = wide().output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8_lossy(&output.stderr);
    for told in [
        "pay and withdraw and make runes",
        "`purrwall rune`",
        "dangerous_rune",
    ] {
        assert!(error.contains(told), "{told}: {error}");
    }
    assert!(!error.contains(WIDE), "{error}");

    let program = Program::start({
        let mut gateway = wide();
        gateway.arg("--dangerous-rune=allow");
        gateway
    });
    assert_eq!(program.ask("GET /healthz HTTP/1.1", "").0, 200);
    let (log, _) = program.end();
    assert!(log.contains("whoever has it could pay"), "{log}");
    assert!(!log.contains(WIDE), "{log}");
}

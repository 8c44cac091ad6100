//! As a plugin: the test is lightningd's side of standard input and output, and the devnet's store
//! is the node.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::{Value, json};
use shared::api::{CreatedInvoice, content_path, invoices_path};
use tempfile::TempDir;

use testing::nodes::{nodes, pay, run};
use testing::tools::{eventually, item, l402, new_purchase, say};

/// purrwall as lightningd runs it.
struct Plugin {
    child: Child,
    stdout: BufReader<ChildStdout>,
    /// What it logged so far, a notification each.
    log: Vec<Value>,
    calls: u64,
}

impl Plugin {
    fn start() -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_purrwall"))
            .env_clear()
            .env("LIGHTNINGD_PLUGIN", "1")
            .env("PURRWALL_SECRET", "ab".repeat(32))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        Self {
            child,
            stdout,
            log: Vec::new(),
            calls: 0,
        }
    }

    /// The plugin, and its answer to `init` with the store in this folder.
    async fn of_store(dir: &Path) -> (Self, Value) {
        let mut plugin = Self::start();
        plugin.call("getmanifest", &json!({}));
        let config = dir.join("purrwall.toml");
        let options = json!({"purrwall-config": config, "purrwall-listen": "127.0.0.1:0"});
        let started = plugin.init(&options).await;
        (plugin, started)
    }

    /// Calls a method of the plugin's; notifications before the answer are kept.
    fn call(&mut self, method: &str, params: &Value) -> Value {
        self.calls += 1;
        let id = format!("test:{method}#{}", self.calls);
        let request = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
        let mut stdin = self.child.stdin.as_ref().unwrap();
        write!(stdin, "{request}\n\n").unwrap();
        loop {
            let message = self.message();
            if message["id"] == id {
                return message;
            }
            assert_eq!(message["method"], "log", "{message}");
            self.log.push(message["params"].clone());
        }
    }

    fn message(&mut self) -> Value {
        let mut line = String::new();
        while line.trim().is_empty() {
            line.clear();
            assert!(self.stdout.read_line(&mut line).unwrap() > 0, "it hung up");
        }
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))
    }

    /// lightningd's `init`, with these values of the plugin's options.
    async fn init(&mut self, options: &Value) -> Value {
        let socket = &nodes().await.store;
        let configuration = json!({
            "lightning-dir": socket.parent().unwrap(), "rpc-file": "lightning-rpc",
            "startup": true, "network": "regtest", "feature_set": {},
        });
        self.call(
            "init",
            &json!({"options": options, "configuration": configuration}),
        )
    }

    /// The processes that it started.
    fn children(&self) -> Vec<u32> {
        let pid = self.child.id();
        let mut found = Vec::new();
        for thread in std::fs::read_dir(format!("/proc/{pid}/task")).unwrap() {
            let path = thread.unwrap().path().join("children");
            let more = std::fs::read_to_string(path).unwrap_or_default();
            found.extend(more.split_whitespace().map(|id| id.parse::<u32>().unwrap()));
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    /// lightningd hangs up; gives what was logged since the last call.
    fn end(mut self) -> Vec<Value> {
        drop(self.child.stdin.take());
        let mut rest = String::new();
        self.stdout.read_to_string(&mut rest).unwrap();
        assert!(self.child.wait().unwrap().success());
        let lines = rest.lines().filter(|line| !line.trim().is_empty());
        let last = lines.map(|line| serde_json::from_str::<Value>(line).unwrap());
        self.log
            .extend(last.map(|message| message["params"].clone()));
        self.log
    }
}

#[test]
fn it_tells_lightningd_what_it_has() {
    let mut plugin = Plugin::start();
    let manifest = plugin.call("getmanifest", &json!({"allow-deprecated-apis": false}));
    let manifest = &manifest["result"];
    assert_eq!(manifest["dynamic"], true);
    let names = |list: &Value| -> Vec<String> {
        let mut names: Vec<_> = list
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["name"].as_str().unwrap().to_owned())
            .collect();
        names.sort_unstable();
        names
    };
    assert_eq!(
        names(&manifest["options"]),
        ["purrwall-config", "purrwall-listen", "purrwall-user"]
    );
    assert_eq!(
        names(&manifest["rpcmethods"]),
        ["purrwall-sales", "purrwall-status"]
    );
    // `lightningd --help` goes no further.
    assert!(plugin.end().is_empty());
}

#[test]
fn it_sells_a_cat() {
    run(async {
        let dir = store("");
        let (mut plugin, started) = Plugin::of_store(dir.path()).await;
        assert_eq!(started["result"], json!({}), "{started}");
        let status = plugin.call("purrwall-status", &json!({}));
        let status = &status["result"];
        assert_eq!(status["ready"], true, "{status}");
        assert_eq!(status["items"], 2);
        assert_eq!(status["store"], "A plugin");
        let url = status["listening"].as_str().unwrap().to_owned();

        // The process that listens has neither lightningd's socket nor our standard input and output.
        let http = plugin.children();
        let [http] = http[..] else {
            panic!("{http:?}");
        };
        let told = std::fs::read(format!("/proc/{http}/cmdline")).unwrap();
        let told = String::from_utf8(told).unwrap();
        assert!(told.contains("--lightning\0"), "{told}");
        assert!(!told.contains("lightning-rpc"), "{told}");

        let agent = ureq::Agent::new_with_defaults();
        let request = agent.post(format!("{url}{}", invoices_path(&item("cat"))));
        let request = request.content_type("application/json");
        let body = json!({ "purchase_id": new_purchase() }).to_string();
        let mut created = request.send(body).unwrap();
        let created: CreatedInvoice =
            serde_json::from_str(&created.body_mut().read_to_string().unwrap()).unwrap();
        pay(&nodes().await.alice, &created.invoice.bolt11).await;
        let request = agent.get(format!("{url}{}", content_path(&item("cat"))));
        let mut answer = request
            .header("authorization", l402(&created.claim))
            .call()
            .unwrap();
        let cat = include_bytes!("../../../gateway/cats/cat.txt");
        assert_eq!(answer.body_mut().read_to_vec().unwrap(), cat);

        // Others may sell at this node, too.
        for params in [json!({"since": "1h"}), json!(["1h"]), json!([])] {
            let sales = plugin.call("purrwall-sales", &params);
            let sales = sales["result"]["sales"].as_array().unwrap().clone();
            let hash = created.invoice.payment_hash.to_hex();
            let sale = sales
                .iter()
                .find(|sale| sale["payment_hash"] == hash)
                .unwrap();
            assert_eq!(
                (&sale["item"], &sale["amount_received_msat"]),
                (&json!("cat"), &json!(100_000))
            );
        }
        let refused = plugin.call("purrwall-sales", &json!({"since": "yesterday"}));
        let refused = refused["error"]["message"].as_str().unwrap();
        assert!(refused.contains("yesterday"), "{refused}");

        let log = plugin.end();
        let has = |level: &str, text: &str| {
            log.iter().any(|line| {
                line["level"] == level && line["message"].as_str().unwrap().contains(text)
            })
        };
        assert!(has("info", &format!("listening on {url}")), "{log:?}");
        assert!(has("info", "/api/v1/items/{item}/invoices"), "{log:?}");
        let claim = created.claim.to_base64();
        assert!(!format!("{log:?}").contains(&claim));
        assert!(
            !std::fs::exists(format!("/proc/{http}")).unwrap(),
            "it ended, too"
        );
    });
}

#[test]
fn what_keeps_it_from_starting_disables_it_and_no_more() {
    run(async {
        let dir = store("nonsense = 1\n");
        let mut plugin = Plugin::start();
        plugin.call("getmanifest", &json!({}));
        let config = dir.path().join("purrwall.toml");
        let started = plugin.init(&json!({"purrwall-config": config})).await;
        let why = started["result"]["disable"].as_str().unwrap();
        assert!(why.contains("nonsense"), "{why}");
        plugin.end();
    });
}

/// As a supervisor ends it, with lightningd still there.
#[test]
fn it_ends_when_it_is_told_to() {
    run(async {
        let dir = store("");
        let (mut plugin, _) = Plugin::of_store(dir.path()).await;
        plugin.call("purrwall-status", &json!({}));
        let pid = plugin.child.id().to_string();
        assert!(Command::new("kill").arg(pid).status().unwrap().success());
        assert!(plugin.child.wait().unwrap().success());
    });
}

/// Not even a plugin that is killed leaves a gateway behind.
#[test]
fn the_http_side_ends_with_it() {
    run(async {
        let dir = store("");
        let (mut plugin, _) = Plugin::of_store(dir.path()).await;
        let status = plugin.call("purrwall-status", &json!({}));
        let url = status["result"]["listening"].as_str().unwrap().to_owned();
        let address = url.strip_prefix("http://").unwrap();
        assert!(std::net::TcpStream::connect(address).is_ok());
        plugin.child.kill().unwrap();
        plugin.child.wait().unwrap();
        eventually("the end of the HTTP side", || {
            std::net::TcpStream::connect(address).is_err()
        })
        .await;
    });
}

/// As root, it can be a user that has nothing of lightningd's.
#[test]
fn the_http_side_has_a_user_of_its_own_where_one_is_named() {
    let is_root = std::fs::metadata("/proc/self").unwrap().uid() == 0;
    if !is_root {
        return say("skipped: only root can start a process of another user");
    }
    run(async {
        let dir = store("");
        let everyone = std::fs::Permissions::from_mode(0o777);
        std::fs::set_permissions(dir.path(), everyone).unwrap();
        let mut plugin = Plugin::start();
        plugin.call("getmanifest", &json!({}));
        let config = dir.path().join("purrwall.toml");
        let options = json!({
            "purrwall-config": config, "purrwall-listen": "127.0.0.1:0", "purrwall-user": "nobody",
        });
        let started = plugin.init(&options).await;
        assert_eq!(started["result"], json!({}), "{started}");
        let http = plugin.children();
        let owner = std::fs::metadata(format!("/proc/{}", http[0]))
            .unwrap()
            .uid();
        assert_ne!(owner, 0);
        let status = plugin.call("purrwall-status", &json!({}));
        let url = status["result"]["listening"].as_str().unwrap().to_owned();
        let agent = ureq::Agent::new_with_defaults();
        let request = agent.post(format!("{url}{}", invoices_path(&item("cat"))));
        let body = json!({ "purchase_id": new_purchase() }).to_string();
        let created = request.content_type("application/json").send(body);
        assert_eq!(created.unwrap().status(), 201);
        plugin.end();

        let mut plugin = Plugin::start();
        plugin.call("getmanifest", &json!({}));
        let options = json!({"purrwall-config": config, "purrwall-user": "no such user"});
        let started = plugin.init(&options).await;
        let why = started["result"]["disable"].as_str().unwrap();
        assert!(why.contains("no such user"), "{why}");
        plugin.end();
    });
}

/// A store's file with the cats, in a folder of its own.
fn store(more: &str) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let text = format!("store_name = \"A plugin\"\n{more}");
    std::fs::write(dir.path().join("purrwall.toml"), text).unwrap();
    dir
}

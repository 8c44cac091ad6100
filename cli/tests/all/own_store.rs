//! A store's folder and the program that runs it, and what `new`, `check` and `config` say of it.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};

use serde_json::json;
use shared::api::{
    CreatedInvoice, INVOICE_PATH, Item, PurchaseId, STORE_PATH, Store, content_path, invoices_path,
};
use shared::claim::Claim;
use shared::problem::Problem;
use tempfile::TempDir;
use ureq::http::Response;

use crate::process::metrics_address;
use testing::nodes::{nodes, pay, run};
use testing::tools::{item, l402, metric, new_purchase};

/// A store's folder, with the file that says what is in it.
pub(crate) struct Folder(TempDir);

impl Folder {
    /// A folder whose store has these sections.
    pub(crate) fn new(sections: &str) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        folder.describe(sections);
        folder
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.path("purrwall.toml")
    }

    pub(crate) fn describe(&self, sections: &str) {
        fs::write(self.file(), sections).unwrap();
    }

    pub(crate) fn put(&self, name: &str, bytes: &[u8]) {
        fs::write(self.path(name), bytes).unwrap();
    }
}

/// The section of an item; its file is named as it is.
pub(crate) fn section(id: &str, price: &str, more: &str) -> String {
    format!(
        "[[item]]\nid = \"{id}\"\ntitle = \"{id}\"\nfile = \"{id}\"\nprice = \"{price}\"\n{more}\n"
    )
}

/// A command on a store's file, with the devnet's store behind it and nothing of this machine's.
pub(crate) fn purrwall(arguments: &[&str], file: &Path, socket: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_purrwall"));
    command
        .env_clear()
        .args(arguments)
        .arg("--config")
        .arg(file)
        .arg("--lightning-rpc")
        .arg(socket)
        .env("PURRWALL_LISTEN", "127.0.0.1:0")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// A running store; it ends with the test.
pub(crate) struct OwnStore {
    child: Child,
    url: String,
    log: Arc<Mutex<String>>,
}

pub(crate) type Answer = Response<Vec<u8>>;

impl OwnStore {
    pub(crate) async fn open(folder: &Folder) -> Self {
        Self::open_file(&folder.file(), &[]).await
    }

    /// The same with these variables.
    pub(crate) async fn open_with(folder: &Folder, variables: &[(&str, &str)]) -> Self {
        Self::open_file(&folder.file(), variables).await
    }

    async fn open_file(file: &Path, variables: &[(&str, &str)]) -> Self {
        let socket = &nodes().await.store;
        // Other stores have sold at this node, so a new one has to be called that.
        if !file.with_file_name(".purrwall/secret").exists() {
            let made = purrwall(&["secret", "new"], file, socket).output().unwrap();
            assert!(made.status.success(), "{made:?}");
        }
        let mut command = purrwall(&["--metrics-listen", "127.0.0.1:0"], file, socket);
        command.envs(variables.iter().copied());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        stdout.read_line(&mut line).unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        let (stderr, written) = (child.stderr.take().unwrap(), log.clone());
        let reader = std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                written.lock().unwrap().push_str(&(line + "\n"));
            }
        });
        let url = line.trim().strip_prefix("purrwall: listening on ");
        let Some(url) = url else {
            child.kill().unwrap();
            reader.join().unwrap();
            let log = log.lock().unwrap().clone();
            panic!("the store did not start: {line:?} {log}");
        };
        let url = url.to_owned();
        Self { child, url, log }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    pub(crate) fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let mut request = agent().get(format!("{}{path}", self.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        whole(request.call().unwrap())
    }

    pub(crate) fn metric(&self, name: &str) -> u64 {
        let address = metrics_address(|| self.log());
        let url = format!("http://{address}/metrics");
        let answer = whole(agent().get(url).call().unwrap());
        metric(&text(&answer), name)
    }

    pub(crate) fn offers(&self) -> Vec<Item> {
        let store: Store = serde_json::from_slice(self.get(STORE_PATH, &[]).body()).unwrap();
        store.items
    }

    pub(crate) fn ask_invoice(&self, id: &str, purchase_id: PurchaseId) -> Answer {
        let request = agent().post(format!("{}{}", self.url, invoices_path(&item(id))));
        let body = json!({ "purchase_id": purchase_id }).to_string();
        let request = request.header("content-type", "application/json");
        whole(request.send(body).unwrap())
    }

    pub(crate) fn create(&self, id: &str) -> CreatedInvoice {
        let answer = self.ask_invoice(id, new_purchase());
        assert_eq!(answer.status(), 201, "{}", text(&answer));
        serde_json::from_slice(answer.body()).unwrap()
    }

    /// Buys with alice's node; gives the claim.
    pub(crate) async fn buy(&self, id: &str) -> Claim {
        let created = self.create(id);
        pay(&nodes().await.alice, &created.invoice.bolt11).await;
        created.claim
    }

    pub(crate) fn content(&self, id: &str, claim: &Claim, headers: &[(&str, &str)]) -> Answer {
        let credential = l402(claim);
        let credential = [("authorization", credential.as_str())];
        self.get(&content_path(&item(id)), &[&credential, headers].concat())
    }

    /// Asks with a long wait; the thread gives what was answered.
    pub(crate) fn waits(&self, claim: &Claim) -> std::thread::JoinHandle<String> {
        let url = format!("{}{INVOICE_PATH}?wait=30", self.url);
        let credential = l402(claim);
        std::thread::spawn(move || {
            let request = agent().get(url).header("authorization", credential);
            text(&whole(request.call().unwrap()))
        })
    }
}

impl Drop for OwnStore {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Follows no redirection, and takes every status as an answer.
pub(crate) fn agent() -> ureq::Agent {
    let config = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .allow_non_standard_methods(true);
    config.build().new_agent()
}

pub(crate) fn whole(answer: Response<ureq::Body>) -> Answer {
    let (parts, mut body) = answer.into_parts();
    let body = body.with_config().limit(u64::MAX).read_to_vec().unwrap();
    Response::from_parts(parts, body)
}

pub(crate) fn text(answer: &Answer) -> String {
    String::from_utf8_lossy(answer.body()).into_owned()
}

#[track_caller]
pub(crate) fn header<'a>(answer: &'a Answer, name: &str) -> &'a str {
    answer.headers().get(name).expect(name).to_str().unwrap()
}

#[track_caller]
pub(crate) fn problem(answer: &Answer) -> Problem {
    assert_eq!(header(answer, "content-type"), "application/problem+json");
    serde_json::from_slice(answer.body()).unwrap()
}

fn outcome(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr))
}

#[test]
fn a_new_store_sells_its_cats() {
    run(async {
        let place = tempfile::tempdir().unwrap();
        let dir = place.path().join("my store");
        let made = Command::new(env!("CARGO_BIN_EXE_purrwall"))
            .arg("new")
            .arg(&dir)
            .output()
            .unwrap();
        assert!(made.status.success(), "{made:?}");
        assert!(outcome(&made).0.contains("purrwall --config '"), "{made:?}");

        let file = dir.join("purrwall.toml");
        let checked = purrwall(&["check"], &file, &nodes().await.store)
            .output()
            .unwrap();
        assert!(checked.status.success(), "{checked:?}");
        let kept: Vec<_> = fs::read_dir(dir.join(".purrwall")).unwrap().collect();
        assert_eq!(kept.len(), 1, "check makes nothing: {kept:?}");

        let store = OwnStore::open_file(&file, &[]).await;
        let ids: Vec<_> = store.offers().into_iter().map(|one| one.id).collect();
        assert_eq!(ids, [item("cat"), item("two-cats")]);
        let claim = store.buy("two-cats").await;
        let cats = include_bytes!("../../../gateway/cats/two-cats.txt");
        assert_eq!(store.content("two-cats", &claim, &[]).body(), cats);
    });
}

#[test]
fn a_new_store_sells_what_is_in_a_folder() {
    run(async {
        let place = tempfile::tempdir().unwrap();
        let goods = place.path().join("music");
        fs::create_dir(&goods).unwrap();
        fs::write(goods.join("My song.mp3"), "la la la").unwrap();
        fs::write(goods.join("silence.mp3"), "").unwrap();
        let dir = place.path().join("store");
        let new = |price: &str| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_purrwall"));
            command.arg("new").arg(&dir).arg("--goods").arg(&goods);
            command.args(["--name", "Caf\u{e9} \"Blue\"", "--price", price]);
            command.output().unwrap()
        };
        let refused = new("1 EUR");
        assert!(outcome(&refused).1.contains("needs a rate"), "{refused:?}");
        assert!(!dir.exists());
        let made = new("21 sat");
        assert!(made.status.success(), "{made:?}");

        let file = dir.join("purrwall.toml");
        let checked = purrwall(&["check"], &file, &nodes().await.store)
            .output()
            .unwrap();
        assert!(checked.status.success(), "{checked:?}");
        let told = outcome(&checked).0;
        let empty = told.lines().filter(|line| line.starts_with("warning item"));
        let empty: Vec<_> = empty.collect();
        assert_eq!(empty.len(), 1, "{told}");
        assert!(
            empty[0].contains("item silence: the file is empty"),
            "{told}"
        );

        let store = OwnStore::open_file(&file, &[]).await;
        let offers = store.offers();
        let offers: Vec<_> = offers
            .iter()
            .map(|one| (one.id.as_str(), &*one.title))
            .collect();
        assert_eq!(offers, [("my-song", "My song"), ("silence", "Silence")]);
        let claim = store.buy("my-song").await;
        assert_eq!(store.content("my-song", &claim, &[]).body(), b"la la la");

        // Another store of this name is another one for lightningd.
        let config = purrwall(&["config"], &file, &nodes().await.store);
        let id = |mut command: Command| {
            let told = outcome(&command.output().unwrap()).0;
            let line = told.lines().find(|line| line.starts_with("store_id"));
            line.unwrap().to_owned()
        };
        let first = id(config);
        assert!(first.contains("caf-blue-"), "{first}");
        fs::remove_dir_all(&dir).unwrap();
        assert!(new("21 sat").status.success());
        let second = purrwall(&["config"], &file, &nodes().await.store);
        assert_ne!(first, id(second));
    });
}

/// As in `purrwall check | head -1`.
#[test]
fn check_bears_a_reader_that_goes_away() {
    let folder = Folder::new("");
    let nowhere = folder.path("no-node");
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = purrwall(&["check"], &folder.file(), &nowhere)
        .stdout(writer)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
        .wait_with_output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let (_, errors) = outcome(&output);
    assert!(errors.contains("one thing is wrong"), "{errors}");
}

#[test]
fn a_folder_that_is_not_empty_is_left_alone() {
    let folder = Folder::new("");
    let output = Command::new(env!("CARGO_BIN_EXE_purrwall"))
        .arg("new")
        .arg(folder.0.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(outcome(&output).1.contains("not empty"), "{output:?}");
    assert_eq!(fs::read(folder.file()).unwrap(), b"");
}

#[test]
fn check_finds_everything_that_is_wrong_at_once() {
    let folder = Folder::new(&[section("a", "1 sat", ""), section("b", "1 sat", "")].concat());
    folder.put("b", b"here");
    let nowhere = folder.path("no-node");
    let output = purrwall(&["check"], &folder.file(), &nowhere)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let (told, errors) = outcome(&output);
    assert!(errors.contains("2 things are wrong"), "{errors}");
    let line = |begin: &str| {
        let found = told.lines().find(|line| line.starts_with(begin));
        found.unwrap_or_else(|| panic!("{begin} in {told}"))
    };
    assert!(line("failed  item a").contains("purrwall.toml:4: file = \"a\""));
    assert!(line("ok      item b").contains("4 bytes, for 1 sat"));
    assert!(line("failed  node").contains("no-node"));
    assert!(line("ok      secret").contains("will be made"));
    assert!(line("ok      data_dir").contains("will be made"));
    assert!(!folder.path(".purrwall").exists());
}

#[test]
fn check_says_where_nothing_can_be_kept() {
    let folder = Folder::new(&format!(
        "data_dir = \"taken/data\"\n{}",
        section("cat", "1 sat", "")
    ));
    folder.put("cat", b"cat");
    folder.put("taken", b"a file");
    let output = purrwall(&["check"], &folder.file(), &folder.path("no-node"));
    let (told, _) = outcome(&{ output }.output().unwrap());
    let line = told
        .lines()
        .find(|line| line.starts_with("failed  data_dir"));
    let line = line.unwrap_or_else(|| panic!("{told}"));
    assert!(
        line.contains("taken") && line.contains("set `data_dir`"),
        "{line}"
    );
}

#[test]
fn config_tells_each_value_with_its_origin_and_no_secret() {
    let folder = Folder::new(&format!(
        "store_name = \"Cats\"\n{}",
        section("cat", "5 sat", "")
    ));
    let secret = "ab".repeat(32);
    let output = purrwall(&["config"], &folder.file(), Path::new("/rpc"))
        .env("PURRWALL_SECRET", &secret)
        .env("PURRWALL_INVOICE_EXPIRY", "5m")
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let (told, _) = outcome(&output);
    let file = folder.file().display().to_string();
    let origin = |key: &str| {
        let line = told.lines().find(|line| line.starts_with(key)).unwrap();
        let (setting, origin) = line.rsplit_once("  # ").unwrap();
        let (_, value) = setting.split_once(" = ").unwrap();
        (value.trim().to_owned(), origin.replace(&file, "FILE"))
    };
    let pair = |value: &str, origin: &str| (value.to_owned(), origin.to_owned());
    assert_eq!(origin("store_name"), pair("\"Cats\"", "FILE:1"));
    assert_eq!(origin("lightning_rpc"), pair("\"/rpc\"", "flag"));
    assert_eq!(
        origin("invoice_expiry"),
        pair("\"5m\"", "environment PURRWALL_INVOICE_EXPIRY")
    );
    assert_eq!(origin("public_url"), pair("(none)", "default"));
    assert_eq!(
        origin("secret "),
        pair("(hidden)", "environment PURRWALL_SECRET")
    );
    assert_eq!(origin("item cat"), pair("\"cat\" for 5 sat", "FILE"));
    assert!(!told.contains(&secret), "{told}");
}

/// The start stops with file, line, key, value and remedy, in one line.
#[track_caller]
pub(crate) fn assert_refuses(folder: &Folder, named: &[&str]) {
    let output = purrwall(&[], &folder.file(), Path::new("/nonexistent"))
        .env("PURRWALL_LOG", "error")
        .env("PURRWALL_SECRET", "ab".repeat(32))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(output.stdout.is_empty());
    let (_, error) = outcome(&output);
    assert_eq!(error.lines().count(), 1, "{error}");
    for name in named {
        assert!(error.contains(name), "{error}");
    }
}

#[test]
fn a_wrong_value_stops_the_start() {
    let folder = Folder::new("\nlisten = \"8080\"\n");
    // The test's own variable would win over the file.
    let output = purrwall(&[], &folder.file(), Path::new("/nonexistent"))
        .env_remove("PURRWALL_LISTEN")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let error = outcome(&output).1;
    let expected = "purrwall.toml:2: listen = \"8080\": is not an address";
    assert!(error.contains(expected), "{error}");

    let folder = Folder::new(&section("cat", "1 sat", "prise = \"1 sat\""));
    assert_refuses(&folder, &["purrwall.toml:6: prise", "did you mean price?"]);
}

//! The examples, run as the programs that they are, and bought from over real Lightning payments.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use purrwall_buyer::challenge;
use serde_json::json;
use shared::invoice::Invoice;
use shared::lightning::Msat;

use testing::nodes::{nodes, pay, run};
use testing::tools::l402;

/// A running example; it ends with the test.
struct Example {
    child: Child,
    url: String,
}

impl Example {
    /// Starts an example, which says where it listens.
    fn start(name: &str, change: impl FnOnce(&mut Command) -> &mut Command) -> Self {
        let program = Path::new(env!("CARGO_BIN_EXE_purrwall"))
            .with_file_name("examples")
            .join(name);
        let mut command = Command::new(&program);
        let command = change(command.env_clear().stdout(Stdio::piped()));
        let started = command.arg("127.0.0.1:0").spawn();
        let hint = "`cargo test --workspace` builds the examples; `--test all` alone does not";
        let mut child = started.unwrap_or_else(|error| panic!("{name}: {error}; {hint}"));
        let mut line = String::new();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        stdout.read_line(&mut line).unwrap();
        let url = line.trim().strip_prefix("listening on ");
        let url = url.unwrap_or_else(|| panic!("{name} says {line:?}"));
        let url = url.to_owned();
        Self { child, url }
    }

    /// Status, challenge and body of a `GET`.
    fn get(&self, path: &str, credential: Option<&str>) -> (u16, Option<String>, String) {
        let config = ureq::Agent::config_builder().http_status_as_error(false);
        let mut request = config
            .build()
            .new_agent()
            .get(format!("{}{path}", self.url));
        if let Some(credential) = credential {
            request = request.header("authorization", credential);
        }
        let mut answer = request.call().unwrap();
        let challenge = answer.headers().get("www-authenticate");
        let challenge = challenge.map(|value| value.to_str().unwrap().to_owned());
        let body = answer.body_mut().read_to_string().unwrap();
        (answer.status().as_u16(), challenge, body)
    }
}

/// A browser without scripts: it sends the cookie back and follows no redirect by itself.
struct Browser {
    agent: ureq::Agent,
    url: String,
    cookie: String,
}

impl Browser {
    fn new(example: &Example) -> Self {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false);
        Self {
            agent: config.build().new_agent(),
            url: example.url.clone(),
            cookie: String::new(),
        }
    }

    fn get(&self, path: &str) -> (u16, String) {
        let request = self.agent.get(format!("{}{path}", self.url));
        let request = request.header("accept", "text/html,*/*;q=0.8");
        let mut answer = request.header("cookie", &self.cookie).call().unwrap();
        let body = answer.body_mut().read_to_string().unwrap();
        (answer.status().as_u16(), body)
    }

    /// Posts a page's form, keeps the cookie, and gives where the answer leads.
    fn post(&mut self, path: &str, form: &str) -> String {
        let request = self.agent.post(format!("{}{path}", self.url));
        let request = request.header("accept", "text/html,*/*;q=0.8");
        let request = request.content_type("application/x-www-form-urlencoded");
        let answer = request.send(form).unwrap();
        assert_eq!(answer.status(), 303);
        let header = |name| answer.headers().get(name).unwrap().to_str().unwrap();
        let (cookie, _) = header("set-cookie").split_once(';').unwrap();
        cookie.clone_into(&mut self.cookie);
        header("location").to_owned()
    }
}

impl Drop for Example {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples")
}

#[test]
fn the_forecast_is_sold_as_json() {
    run(async {
        let nodes = nodes().await;
        let dir = tempfile::tempdir().unwrap();
        let secret = dir.path().join("forecast.secret");
        let forecast = Example::start("forecast", |command| command.arg(&nodes.store).arg(&secret));
        assert_eq!(forecast.get("/", None).0, 200);

        let (status, challenge, _) = forecast.get("/forecast", None);
        assert_eq!(status, 402);
        let (claim, bolt11) = challenge::read(challenge.as_deref()).unwrap();
        let invoice = Invoice::decode(&bolt11).unwrap();
        assert_eq!(invoice.amount_msat, Some(Msat(10_000)));
        let said = invoice.description.as_deref();
        assert_eq!(said, Some("The forecast, for a day valid:86400"));

        let proof = pay(&nodes.alice, &bolt11).await;
        let credential = format!("{}:{proof}", l402(&claim));
        let (status, _, body) = forecast.get("/forecast", Some(&credential));
        assert_eq!(status, 200);
        let degrees: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!(degrees, json!([21, 23, 22, 19, 18, 20, 24]));
    });
}

#[test]
fn the_forecast_is_sold_to_people_on_a_page() {
    run(async {
        let nodes = nodes().await;
        let dir = tempfile::tempdir().unwrap();
        let secret = dir.path().join("forecast.secret");
        let forecast = Example::start("forecast", |command| command.arg(&nodes.store).arg(&secret));
        let mut browser = Browser::new(&forecast);
        let (status, offer) = browser.get("/forecast");
        assert_eq!(status, 402);
        let after = |page: &str, start: &str| {
            let (_, rest) = page.split_once(start).unwrap();
            rest.split_once('"').unwrap().0.to_owned()
        };
        let id = after(&offer, "name=\"purchase_id\" value=\"");
        let to = browser.post("/forecast", &format!("purchase_id={id}"));
        let (status, invoice) = browser.get(&to);
        assert_eq!(status, 402);
        pay(&nodes.alice, &after(&invoice, "href=\"lightning:")).await;
        // As its refreshes would.
        let mut paid = browser.get(&to);
        while paid.0 == 402 {
            tokio::time::sleep(Duration::from_millis(25)).await;
            paid = browser.get(&to);
        }
        assert_eq!(paid, (200, "[21,23,22,19,18,20,24]".to_owned()));
    });
}

#[test]
fn the_blogs_article_is_sold_by_its_store() {
    run(async {
        let nodes = nodes().await;
        let dir = tempfile::tempdir().unwrap();
        for file in ["purrwall.toml", "purring.txt"] {
            fs::copy(examples().join("blog").join(file), dir.path().join(file)).unwrap();
        }
        let blog = Example::start("blog", |command| {
            let store = command.arg(dir.path().join("purrwall.toml"));
            store
                .env("PURRWALL_LIGHTNING_RPC", &nodes.store)
                .env("PURRWALL_SECRET", "ab".repeat(32))
        });
        let (status, _, front) = blog.get("/", None);
        assert_eq!(status, 200);
        assert!(front.contains("href=/store/buy>"), "{front}");
        let link = "/store/buy/purring";
        let (status, offer) = Browser::new(&blog).get(link);
        assert_eq!(status, 200);
        assert!(offer.contains("Why cats purr") && offer.contains("50 sat"));

        let out = dir.path().join("bought.txt");
        let bought = Command::new(env!("CARGO_BIN_EXE_purrwall"))
            .arg("buy")
            .arg([&blog.url, link].concat())
            .arg("--lightning-rpc")
            .arg(&nodes.alice)
            .args(["--max-sat", "50"])
            .arg("--out")
            .arg(&out)
            .output()
            .unwrap();
        assert!(bought.status.success(), "{bought:?}");
        let article = fs::read(examples().join("blog/purring.txt")).unwrap();
        assert_eq!(fs::read(out).unwrap(), article);
    });
}

/// docs/library.md, whose programs these examples are.
const GUIDE: &str = include_str!("../../../docs/library.md");

/// The code in the guide's blocks of a language.
fn blocks(language: &str) -> Vec<&str> {
    let fence = format!("\n```{language}\n");
    let blocks = GUIDE.split(&fence).skip(1);
    blocks
        .map(|rest| rest.split_once("```").unwrap().0)
        .collect()
}

#[test]
fn the_guides_programs_are_the_examples() {
    let forecast = include_str!("../../../gateway/examples/forecast.rs");
    let blog = include_str!("../../examples/blog.rs");
    assert_eq!(blocks("rust"), [forecast, blog]);
    for program in [forecast, blog] {
        assert!(program.lines().count() < 42, "too long for a guide");
        let (usage, _) = program
            .split_once("//! `")
            .unwrap()
            .1
            .split_once('`')
            .unwrap();
        let run = blocks("sh").concat();
        assert!(run.contains(usage), "{usage} is not in {run}");
    }
}

#[test]
fn the_guides_manifest_names_what_the_programs_use() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let read = |path: &str| {
        let text = fs::read_to_string(root.join(path)).unwrap();
        toml::from_str::<toml::Table>(&text).unwrap()
    };
    let manifest: toml::Table = toml::from_str(blocks("toml")[0]).unwrap();
    let workspace = read("Cargo.toml");
    for (name, told) in manifest["dependencies"].as_table().unwrap() {
        if let Some(path) = told.get("path") {
            let (_, folder) = path.as_str().unwrap().split_once("/purrwall/").unwrap();
            let package = read(&format!("{folder}/Cargo.toml"));
            assert_eq!(package["package"]["name"].as_str(), Some(&**name));
        } else {
            let ours = version(&workspace["workspace"]["dependencies"][name]);
            assert!(ours.starts_with(version(told)), "{name}");
        }
    }
}

fn version(dependency: &toml::Value) -> &str {
    let version = dependency.get("version").unwrap_or(dependency);
    version.as_str().unwrap()
}

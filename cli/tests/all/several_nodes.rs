//! A store's file that lists several nodes.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;
use testing::fake_lightningd::FakeLightningd;
use testing::tools::new_purchase;

use crate::process::Program;

/// Two nodes, and the file that lists them.
struct Listed {
    fakes: [FakeLightningd; 2],
    dir: TempDir,
}

impl Listed {
    fn new() -> Self {
        let fakes = [1, 2].map(FakeLightningd::with_key);
        let dir = tempfile::tempdir().unwrap();
        let node = |fake: &FakeLightningd| {
            format!("[[node]]\nlightning = \"{}\"\n", fake.socket().display())
        };
        let text = fakes.each_ref().map(node).concat();
        fs::write(dir.path().join("purrwall.toml"), text).unwrap();
        Self { fakes, dir }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_purrwall"));
        command
            .env_clear()
            .args(arguments)
            .arg("--config")
            .arg(self.path("purrwall.toml"));
        command
    }

    async fn run(&self, arguments: &[&str]) -> Output {
        let mut command = self.command(arguments);
        let output = tokio::task::spawn_blocking(move || command.output().unwrap());
        output.await.unwrap()
    }

    fn start(&self) -> Command {
        let mut command = self.command(&["--listen", "127.0.0.1:0"]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }
}

fn said(output: &Output) -> String {
    let (out, error) = (&output.stdout, &output.stderr);
    format!(
        "{}{}",
        String::from_utf8_lossy(out),
        String::from_utf8_lossy(error)
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_listed_node_is_checked_shown_and_sells() {
    let store = Listed::new();
    let checked = store.run(&["check"]).await;
    assert!(checked.status.success(), "{}", said(&checked));
    let config = store.run(&["config"]).await;
    for fake in &store.fakes {
        let place = fake.socket().display().to_string();
        let line = format!("ok      node {place}: ");
        assert!(said(&checked).contains(&line), "{}", said(&checked));
        assert!(
            said(&config).contains(&format!("= \"{place}\"")),
            "{}",
            said(&config)
        );
    }

    let program = Program::start(store.start());
    while store.fakes.iter().any(|fake| fake.invoices() == 0) {
        program.create(&new_purchase().to_hex());
    }
    store.fakes[1].goes_away().await;
    let away = store.run(&["check"]).await;
    assert!(said(&away).contains("failed  node "), "{}", said(&away));
    let (log, ended_well) = program.end();
    assert!(ended_well, "{log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_on_two_networks_are_no_store() {
    let store = Listed::new();
    store.fakes[1].is_on("signet");
    let checked = store.run(&["check"]).await;
    assert_eq!(checked.status.code(), Some(1));
    let mut started = store.start();
    let started = tokio::task::spawn_blocking(move || started.output().unwrap());
    let started = started.await.unwrap();
    assert_eq!(started.status.code(), Some(1), "{}", said(&started));
    for output in [&checked, &started] {
        for told in ["signet", "regtest", "[[node]]"] {
            assert!(said(output).contains(told), "{}", said(output));
        }
    }
    assert!(!said(&started).contains("listening"), "{}", said(&started));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_has_begun_at_any_of_them_has_begun() {
    let store = Listed::new();
    let token = "q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s";
    store.fakes[1].makes(&format!("purrwall/store/cat/{token}"), 600);
    let mut started = store.start();
    let started = tokio::task::spawn_blocking(move || started.output().unwrap());
    let started = started.await.unwrap();
    assert_eq!(started.status.code(), Some(1));
    assert!(
        said(&started).contains("from a backup"),
        "{}",
        said(&started)
    );
}

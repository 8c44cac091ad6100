//! The store: the real program, its folder, and ways to end it.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use shared::api::STORE_PATH;
use tempfile::TempDir;

use crate::http::Request;
use crate::nodes::program;

/// What every campaign's file begins with. Who asks is what the header says, so that one machine can
/// be many clients.
const FILE: &str = "\
listen = \"127.0.0.1:0\"
trusted_proxies = \"127.0.0.1\"
";
/// How long a store may take until it can sell.
const PATIENCE: Duration = Duration::from_mins(1);

/// An item of purrwall.toml.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    pub(crate) id: &'static str,
    pub(crate) sats: u64,
    pub(crate) valid_for: Option<u64>,
    pub(crate) goods: String,
}

impl Item {
    /// What most campaigns sell.
    pub(crate) fn cat() -> Self {
        Self {
            id: "cat",
            sats: 1,
            valid_for: None,
            goods: "The cat says that all is well.\n".repeat(40),
        }
    }

    /// How it stands in the file.
    fn section(&self) -> String {
        let Self { id, sats, .. } = self;
        let limit = self
            .valid_for
            .map(|seconds| format!("valid_for = \"{seconds}s\"\n"));
        format!(
            "\n[[item]]\nid = \"{id}\"\ntitle = \"The {id}\"\nteaser = \"A {id}\"\n\
             file = \"{id}.txt\"\nprice = \"{sats} sat\"\n{}",
            limit.unwrap_or_default()
        )
    }
}

/// A store of our own.
pub(crate) struct Store {
    dir: TempDir,
    rpc: PathBuf,
    /// More lines for the top of its file.
    settings: String,
    data_dir: Option<PathBuf>,
    /// The most descriptors that it may open.
    descriptors: Option<u32>,
    running: Option<(Child, SocketAddr)>,
}

impl Store {
    /// A store that is not open yet, at the node with this socket.
    pub(crate) fn new(rpc: &Path, settings: &str, items: &[Item]) -> Result<Self> {
        let store = Self {
            dir: tempfile::tempdir().context("cannot make a folder for the store")?,
            rpc: rpc.to_owned(),
            settings: settings.to_owned(),
            data_dir: None,
            descriptors: None,
            running: None,
        };
        store.describe(items)?;
        Ok(store)
    }

    pub(crate) fn with_data_dir(mut self, data_dir: &Path) -> Self {
        self.data_dir = Some(data_dir.to_owned());
        self
    }

    pub(crate) fn with_descriptors(mut self, most: u32) -> Self {
        self.descriptors = Some(most);
        self
    }

    /// Writes its file and its goods.
    pub(crate) fn describe(&self, items: &[Item]) -> Result<()> {
        let mut text = format!("{FILE}{}\n", self.settings);
        for item in items {
            text.push_str(&item.section());
            let goods = self.dir.path().join(format!("{}.txt", item.id));
            replace(&goods, &item.goods)?;
        }
        replace(&self.dir.path().join("purrwall.toml"), &text)
    }

    /// Starts it; it may not be able to sell yet.
    pub(crate) fn start(&mut self) -> Result<()> {
        let mut child = self.command()?.spawn().context("cannot start purrwall")?;
        let stdout = child.stdout.take().context("purrwall has no output")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let Some((_, address)) = line.trim().split_once("://") else {
            child.wait()?;
            bail!("purrwall did not start: {}", self.last_words());
        };
        let address = address.parse()?;
        self.running = Some((child, address));
        Ok(())
    }

    /// Starts it and waits until it sells.
    pub(crate) fn open(&mut self) -> Result<()> {
        self.start()?;
        until("the store to open", PATIENCE, || {
            let store = Request::get(STORE_PATH).send(self.address()?)?;
            Ok(store.status == 200)
        })
    }

    /// Starts it and ends it again after this time, wherever it is then.
    pub(crate) fn start_and_kill(&mut self, after: Duration) -> Result<()> {
        let mut child = self.command()?.spawn().context("cannot start purrwall")?;
        std::thread::sleep(after);
        child.kill()?;
        child.wait()?;
        Ok(())
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) {
        if let Some((mut child, _)) = self.running.take() {
            child.kill().ok();
            child.wait().ok();
        }
    }

    /// Ends it as systemd would.
    pub(crate) fn stop(&mut self) -> Result<()> {
        if let Some((mut child, _)) = self.running.take() {
            kill_process(Pid::from_child(&child), Signal::TERM)?;
            child.wait()?;
        }
        Ok(())
    }

    /// Has it read its file again.
    pub(crate) fn hang_up(&self) -> Result<()> {
        let (child, _) = self.running.as_ref().context("the store is closed")?;
        Ok(kill_process(Pid::from_child(child), Signal::HUP)?)
    }

    pub(crate) fn address(&self) -> Result<SocketAddr> {
        let (_, address) = self.running.as_ref().context("the store is closed")?;
        Ok(*address)
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }

    fn last_words(&self) -> String {
        self.log().lines().last().unwrap_or("nothing").to_owned()
    }

    fn command(&self) -> Result<Command> {
        let purrwall = program("PURRWALL", "purrwall")?;
        let mut command = match self.descriptors {
            None => Command::new(purrwall),
            // Only the shell can lower the limit without unsafe code.
            Some(most) => {
                let mut shell = Command::new("sh");
                let limited = format!("ulimit -n {most} && exec \"$@\"");
                shell.args(["-c", &limited, "sh"]).arg(purrwall);
                shell
            }
        };
        command
            .arg("--config")
            .arg(self.dir.path().join("purrwall.toml"));
        command.arg("--lightning-rpc").arg(&self.rpc);
        if let Some(data_dir) = &self.data_dir {
            command.arg("--data-dir").arg(data_dir);
        }
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.dir.path().join("log"))?;
        command
            .env("PURRWALL_LOG", "warn")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log);
        Ok(command)
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Waits for a condition; an error is no more than a "not yet".
pub(crate) fn until(
    what: &str,
    patience: Duration,
    mut holds: impl FnMut() -> Result<bool>,
) -> Result<()> {
    let end = Instant::now() + patience;
    loop {
        let tried = holds();
        if matches!(tried, Ok(true)) {
            return Ok(());
        }
        if Instant::now() > end {
            let why = tried
                .err()
                .map_or_else(String::new, |error| format!(": {error:#}"));
            bail!("waited {} s in vain for {what}{why}", patience.as_secs());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// At once, as owners' tools do: a reader sees the old text or the new one.
fn replace(path: &Path, text: &str) -> Result<()> {
    let new = path.with_extension("new");
    let written = fs::write(&new, text).and_then(|()| fs::rename(&new, path));
    written.with_context(|| format!("cannot write {}", path.display()))
}

//! The store: the real program, its folder, and ways to end it.

use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, kill_process, prlimit};
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
const FILE_NAME: &str = "purrwall.toml";
/// What makes calls to the system fail (`fiu-run` names them so).
const LIBFIU: [&str; 2] = [
    "/usr/lib/fiu/fiu_run_preload.so",
    "/usr/lib/fiu/fiu_posix_preload.so",
];
/// How long a store may take until it can sell.
const PATIENCE: Duration = Duration::from_mins(1);

/// So many US dollars for a bitcoin make one of them 1,000 sat.
pub(crate) const RATE: u32 = 100_000;

/// An item of purrwall.toml.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    pub(crate) id: &'static str,
    pub(crate) sats: u64,
    /// Whether the file states the price in US dollars, at [`RATE`].
    pub(crate) in_dollars: bool,
    pub(crate) valid_for: Option<u64>,
    pub(crate) goods: String,
}

impl Item {
    /// What most campaigns sell.
    pub(crate) fn cat() -> Self {
        Self {
            id: "cat",
            sats: 1,
            in_dollars: false,
            valid_for: None,
            goods: "The cat says that all is well.\n".repeat(40),
        }
    }

    /// How it stands in the file.
    fn section(&self) -> String {
        let Self { id, sats, .. } = self;
        let price = if self.in_dollars {
            format!("{}.{:03} USD", sats / 1000, sats % 1000)
        } else {
            format!("{sats} sat")
        };
        let limit = self
            .valid_for
            .map(|seconds| format!("valid_for = \"{seconds}s\"\n"));
        format!(
            "\n[[item]]\nid = \"{id}\"\ntitle = \"The {id}\"\nteaser = \"A {id}\"\n\
             file = \"{id}.txt\"\nprice = \"{price}\"\n{}",
            limit.unwrap_or_default()
        )
    }
}

/// What the system lets a program have.
#[derive(Clone, Copy, Default)]
pub(crate) struct Limits {
    /// The most descriptors that it may open.
    pub(crate) descriptors: Option<u64>,
    /// The most bytes of a file that it may write. It dies in the write that goes beyond.
    pub(crate) file_size: Option<u64>,
}

impl Limits {
    pub(crate) const NONE: Self = Self {
        descriptors: None,
        file_size: None,
    };

    pub(crate) fn descriptors(most: u64) -> Self {
        Self {
            descriptors: Some(most),
            ..Self::NONE
        }
    }

    pub(crate) fn file_size(most: u64) -> Self {
        Self {
            file_size: Some(most),
            ..Self::NONE
        }
    }

    /// Holds for a process that runs, from now on.
    fn set(self, pid: Pid) -> Result<()> {
        let no_core = self.file_size.map(|_| 0);
        for (resource, most) in [
            (Resource::Nofile, self.descriptors),
            (Resource::Fsize, self.file_size),
            (Resource::Core, no_core),
        ] {
            if most.is_some() {
                let limit = Rlimit {
                    current: most,
                    maximum: most,
                };
                prlimit(Some(pid), resource, limit)?;
            }
        }
        Ok(())
    }
}

/// A store of our own.
pub(crate) struct Store {
    dir: TempDir,
    rpc: PathBuf,
    /// More lines for the top of its file.
    settings: String,
    data_dir: Option<PathBuf>,
    /// Those of the next start.
    limits: Limits,
    /// The faults of libfiu's that it and its commands run with, as `fiu-run` takes them.
    faults: Option<&'static str>,
    is_logged: bool,
    /// Where it listens at each start, if it has to be the same address.
    listen: Option<SocketAddr>,
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
            limits: Limits::NONE,
            faults: None,
            is_logged: true,
            listen: None,
            running: None,
        };
        store.describe(items)?;
        Ok(store)
    }

    pub(crate) fn with_data_dir(mut self, data_dir: &Path) -> Self {
        self.data_dir = Some(data_dir.to_owned());
        self
    }

    pub(crate) fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Changes what the top of its file says, from its next description on.
    pub(crate) fn set_settings(&mut self, settings: &str) {
        settings.clone_into(&mut self.settings);
    }

    /// Runs with these faults from its next start on.
    pub(crate) fn set_faults(&mut self, faults: Option<&'static str>) {
        self.faults = faults;
    }

    /// Listens where it listens now whenever it is started again.
    pub(crate) fn stay_here(&mut self) -> Result<()> {
        self.listen = Some(self.address()?);
        Ok(())
    }

    /// Writes no log, which is a file, too.
    pub(crate) fn without_log(mut self) -> Self {
        self.is_logged = false;
        self
    }

    /// Writes its file and its goods.
    pub(crate) fn describe(&self, items: &[Item]) -> Result<()> {
        self.describe_with(items, "")
    }

    /// Writes its file with more sections, and its goods.
    pub(crate) fn describe_with(&self, items: &[Item], sections: &str) -> Result<()> {
        let mut text = format!("{FILE}{}\n{sections}", self.settings);
        for item in items {
            text.push_str(&item.section());
            let goods = self.dir.path().join(format!("{}.txt", item.id));
            replace(&goods, &item.goods)?;
        }
        replace(&self.dir.path().join(FILE_NAME), &text)
    }

    /// Starts it; it may not be able to sell yet.
    pub(crate) fn start(&mut self) -> Result<()> {
        let mut child = self.spawn(&[], self.limits)?;
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
        let mut child = self.spawn(&[], Limits::NONE)?;
        thread::sleep(after);
        child.kill()?;
        child.wait()?;
        Ok(())
    }

    /// Starts it under these limits. Whether they ended it; else it is killed once it has started.
    pub(crate) fn start_under(&mut self, limits: Limits) -> Result<bool> {
        let mut child = self.spawn(&[], limits)?;
        let stdout = child.stdout.take().context("purrwall has no output")?;
        let mut line = String::new();
        let has_started = BufReader::new(stdout).read_line(&mut line)? > 0;
        child.kill()?;
        child.wait()?;
        Ok(!has_started)
    }

    /// Runs one of its commands under these limits.
    pub(crate) fn command(&self, command: &[&str], limits: Limits) -> Result<Output> {
        Ok(self.spawn(command, limits)?.wait_with_output()?)
    }

    /// Holds for the running store, from now on.
    pub(crate) fn limit(&self, limits: Limits) -> Result<()> {
        limits.set(self.pid()?)
    }

    /// Leaves the running store room for so many descriptors more than it has.
    pub(crate) fn spare_descriptors(&self, spare: u64) -> Result<()> {
        let pid = self.pid()?;
        let path = format!("/proc/{}/fd", pid.as_raw_nonzero());
        let open = u64::try_from(fs::read_dir(path)?.count())?;
        let current = Some(open + spare);
        let limit = getrlimit(Resource::Nofile);
        prlimit(Some(pid), Resource::Nofile, Rlimit { current, ..limit })?;
        Ok(())
    }

    /// After this time, the running store may open as many descriptors as it had inherited.
    pub(crate) fn relief(&self, after: Duration) -> Result<JoinHandle<io::Result<()>>> {
        let (pid, limit) = (self.pid()?, getrlimit(Resource::Nofile));
        Ok(thread::spawn(move || {
            thread::sleep(after);
            prlimit(Some(pid), Resource::Nofile, limit)?;
            Ok(())
        }))
    }

    /// Whether it has ended by itself.
    pub(crate) fn has_ended(&mut self) -> Result<bool> {
        let (child, _) = self.running.as_mut().context("the store is closed")?;
        Ok(child.try_wait()?.is_some())
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
        Ok(kill_process(self.pid()?, Signal::HUP)?)
    }

    pub(crate) fn pid(&self) -> Result<Pid> {
        let (child, _) = self.running.as_ref().context("the store is closed")?;
        Ok(Pid::from_child(child))
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

    /// Starts the program. A shell that becomes it waits until its limits are set.
    fn spawn(&self, command: &[&str], limits: Limits) -> Result<Child> {
        let mut shell = Command::new("sh");
        shell.args(["-c", "read -r go && exec \"$@\"", "sh"]);
        shell.arg(program("PURRWALL", "purrwall")?).args(command);
        shell.arg("--config").arg(self.dir.path().join(FILE_NAME));
        shell.arg("--lightning-rpc").arg(&self.rpc);
        if let Some(data_dir) = &self.data_dir {
            shell.arg("--data-dir").arg(data_dir);
        }
        if let (Some(address), []) = (self.listen, command) {
            shell.arg("--listen").arg(address.to_string());
        }
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.dir.path().join("log"))?;
        if let Some(faults) = self.faults {
            for library in LIBFIU {
                ensure!(
                    Path::new(library).is_file(),
                    "there is no {library}: install fiu-utils, or run `cargo xtask setup`"
                );
            }
            shell.env("LD_PRELOAD", LIBFIU.join(" "));
            shell.env("FIU_ENABLE", faults);
        }
        shell
            .env("PURRWALL_LOG", "warn")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(if self.is_logged {
                Stdio::from(log)
            } else {
                Stdio::null()
            });
        let mut child = shell.spawn().context("cannot start purrwall")?;
        limits.set(Pid::from_child(&child))?;
        let mut stdin = child.stdin.take().context("purrwall has no input")?;
        stdin.write_all(b"go\n")?;
        Ok(child)
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
        thread::sleep(Duration::from_millis(50));
    }
}

/// At once, as owners' tools do: a reader sees the old text or the new one.
fn replace(path: &Path, text: &str) -> Result<()> {
    let new = path.with_extension("new");
    let written = fs::write(&new, text).and_then(|()| fs::rename(&new, path));
    written.with_context(|| format!("cannot write {}", path.display()))
}

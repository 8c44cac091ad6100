//! The process that faces the internet. It has neither lightningd's socket nor lightningd's standard
//! input and output; where the owner names a user for it, it has lightningd's user no more, either.

use std::env;
use std::fs::{self, DirBuilder};
use std::os::unix::fs::{DirBuilderExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{self, Stdio};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Error, Result, anyhow};
use purrwall::settings::{ALL, Arguments};
use purrwall_gateway::StoreId;
use purrwall_guard::{Guard, listen};
use serde_json::{Map, Value};
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStderr, ChildStdin, Command};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::commands::serve::ENDS_WITH_INPUT;

/// Longer than the last requests of a gateway take.
const TIME_TO_END: Duration = Duration::from_secs(15);

/// What the HTTP side is told.
pub(super) struct Told<'a> {
    /// Its settings, but for the way to lightningd.
    pub(super) arguments: &'a Arguments,
    /// lightningd's own socket, which only the guard has.
    pub(super) lightning_rpc: PathBuf,
    pub(super) store: StoreId,
    /// The user that it runs as; by default our own.
    pub(super) user: Option<String>,
}

/// A running gateway, which ends with this.
pub(super) struct HttpSide {
    /// Where it listens.
    pub(super) url: String,
    child: Child,
    /// Its end asks the gateway to end.
    stdin: Option<ChildStdin>,
    _folder: Folder,
    _tasks: JoinSet<()>,
}

impl HttpSide {
    /// Starts the guard, and the gateway behind it.
    ///
    /// # Errors
    /// Why the gateway did not start, in its own words.
    pub(super) async fn start(told: Told<'_>) -> Result<Self> {
        let user = told.user.as_deref().map(User::named).transpose()?;
        let folder = Folder::new(user.as_ref())?;
        let socket = folder.0.join("store-rpc");
        let listener = listen(&socket).context("cannot listen for the HTTP side")?;
        if let Some(User { uid, gid }) = user {
            chown(&socket, Some(uid), Some(gid))?;
        }
        let store = told.store;
        let guard = Guard {
            lightning_rpc: told.lightning_rpc,
            owns: Arc::new(move |label| store.owns(label)),
        };
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let error = guard.serve(listener).await;
            tracing::error!("the guard's socket is broken: {error}");
        });

        let mut command = Command::new(env::current_exe().context("cannot find this program")?);
        command
            .args(flags(told.arguments))
            .arg("--lightning")
            .arg(&socket)
            .arg("--log-format=json")
            .env_remove("LIGHTNINGD_PLUGIN")
            .env(ENDS_WITH_INPUT, "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        if let Some(User { uid, gid }) = user {
            command.uid(uid).gid(gid);
        }
        let mut child = command.spawn().context("cannot start the HTTP side")?;
        let stderr = child.stderr.take().expect("it is piped");
        let mut log = BufReader::new(stderr).lines();
        let stdout = child.stdout.take().expect("it is piped");
        let line = BufReader::new(stdout).lines().next_line().await?;
        let Some(url) = line
            .as_deref()
            .and_then(|line| line.strip_prefix(LISTENING))
        else {
            return Err(why(&mut log).await);
        };
        let url = url.to_owned();
        tasks.spawn(async move {
            while let Ok(Some(line)) = log.next_line().await {
                pass_on(&line);
            }
        });
        Ok(Self {
            url,
            stdin: child.stdin.take(),
            child,
            _folder: folder,
            _tasks: tasks,
        })
    }

    /// Done when it has ended by itself.
    pub(super) async fn ended(&mut self) -> Error {
        match self.child.wait().await {
            Ok(status) => anyhow!("the HTTP side has ended: {status}"),
            Err(error) => error.into(),
        }
    }

    /// Asks it to end, and waits until its last requests are answered.
    pub(super) async fn end(mut self) {
        drop(self.stdin.take());
        if timeout(TIME_TO_END, self.child.wait()).await.is_err() {
            tracing::warn!("the HTTP side does not end, and is killed");
        }
    }
}

/// What a gateway prints when it takes requests.
const LISTENING: &str = "purrwall: listening on ";

/// The flags that say the same, but for lightningd's socket.
fn flags(arguments: &Arguments) -> impl Iterator<Item = String> {
    let given = ALL.iter().filter(|about| about.key != "lightning_rpc");
    given.filter_map(|about| Some(format!("{}={}", about.flag(), arguments.get(about.key)?)))
}

/// Why it did not start: what it wrote last that is not in its log's form.
async fn why(log: &mut Lines<BufReader<ChildStderr>>) -> Error {
    let mut last = "it ended without a word".to_owned();
    while let Ok(Some(line)) = log.next_line().await {
        match line.strip_prefix("purrwall: ") {
            Some(error) => error.clone_into(&mut last),
            None => pass_on(&line),
        }
    }
    anyhow!(last)
}

/// Writes a line of its log into ours.
fn pass_on(line: &str) {
    let Ok(mut line) = serde_json::from_str::<Map<String, Value>>(line) else {
        tracing::info!("{line}");
        return;
    };
    let mut take = |name: &str| line.remove(name);
    let (level, message) = (take("level"), take("message"));
    let (_, target) = (take("timestamp"), take("target"));
    let text = |value: Option<Value>| value.as_ref().and_then(Value::as_str).map(str::to_owned);
    let (target, message) = (
        text(target).unwrap_or_default(),
        text(message).unwrap_or_default(),
    );
    let fields = line.iter().map(|(name, value)| format!(" {name}={value}"));
    let said = format!("{target}: {message}{}", fields.collect::<String>());
    match text(level).as_deref() {
        Some("ERROR") => tracing::error!("{said}"),
        Some("WARN") => tracing::warn!("{said}"),
        Some("DEBUG") => tracing::debug!("{said}"),
        Some("TRACE") => tracing::trace!("{said}"),
        _ => tracing::info!("{said}"),
    }
}

/// A user of the system.
#[derive(Clone, Copy)]
struct User {
    uid: u32,
    gid: u32,
}

impl User {
    fn named(name: &str) -> Result<Self> {
        let id = |flag: &str| -> Result<u32> {
            let output = process::Command::new("id")
                .args([flag, "--", name])
                .output()?;
            let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
            text.parse()
                .map_err(|_| anyhow!("purrwall-user names {name:?}, who is no user of this system"))
        };
        Ok(Self {
            uid: id("-u")?,
            gid: id("-g")?,
        })
    }
}

/// A folder for the guard's socket, which goes with this.
struct Folder(PathBuf);

impl Folder {
    /// For this user and us alone.
    fn new(user: Option<&User>) -> Result<Self> {
        let path = env::temp_dir().join(format!("purrwall-{}", process::id()));
        // That of a process of before, which had our number.
        fs::remove_dir_all(&path).ok();
        let made = DirBuilder::new().mode(0o700).create(&path);
        made.with_context(|| format!("cannot make the folder {}", path.display()))?;
        if let Some(User { uid, gid }) = user {
            chown(&path, Some(*uid), Some(*gid)).context(
                "cannot give a folder to the user of purrwall-user; only root can, so leave that \
                 option out, or run purrwall beside lightningd instead of as its plugin",
            )?;
        }
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let path: &Path = &self.0;
        fs::remove_dir_all(path).ok();
    }
}

//! As a plugin of lightningd: the gateway starts and ends with the node, logs into its log, and
//! answers `purrwall-status` and `purrwall-sales`.
//!
//! Standard output belongs to lightningd here. What keeps the gateway from starting disables the
//! plugin and says why; the node runs on.

use std::env;
use std::io;
use std::path::Path;
use std::process;
use std::time::SystemTime;

use anyhow::{Result, anyhow};
use cln_plugin::options::{ConfigOption, StringConfigOption};
use cln_plugin::{Builder, ConfiguredPlugin, Plugin, RpcMethodBuilder};
use purrwall::settings::{Arguments, Settings};
use purrwall_gateway::Gateway;
use purrwall_gateway::sales::moment;
use serde_json::{Value, json};
use tokio::io::{Stdin, Stdout};
use tokio::sync::mpsc;
use tracing::{Level, Metadata};
use tracing_subscriber::fmt::MakeWriter;

use super::serve::{Opened, log_filter, shutdown};

const CONFIG: StringConfigOption =
    ConfigOption::new_str_no_default("purrwall-config", "Purrwall's file, purrwall.toml");
const LISTEN: StringConfigOption = ConfigOption::new_str_no_default(
    "purrwall-listen",
    "The address that Purrwall listens on, such as 127.0.0.1:8080",
);

/// Whether lightningd started this process.
pub(crate) fn is_asked_for() -> bool {
    env::var_os("LIGHTNINGD_PLUGIN").is_some()
}

/// Serves until lightningd ends. Ends the process itself: the runtime would first wait for a line
/// from standard input.
pub(crate) async fn run() -> ! {
    match serve().await {
        Ok(()) => process::exit(0),
        Err(error) => {
            eprintln!("purrwall: {error:#}");
            process::exit(1)
        }
    }
}

async fn serve() -> Result<()> {
    let log = start_log()?;
    let builder = Builder::new(tokio::io::stdin(), tokio::io::stdout())
        .with_logging(false)
        .dynamic()
        .option(CONFIG)
        .option(LISTEN)
        .rpcmethod(
            "purrwall-status",
            "Whether Purrwall sells, and where",
            status,
        )
        .rpcmethod_from_builder(
            RpcMethodBuilder::new("purrwall-sales", sales)
                .description("What Purrwall sold, with sums")
                .usage("[since]"),
        );
    // `lightningd --help` asks for the options and hangs up.
    let Some(configured) = builder.configure().await? else {
        return Ok(());
    };
    let opened = match open(&configured) {
        Ok(opened) => opened,
        Err(error) => return configured.disable(&format!("{error:#}")).await,
    };
    let state = State {
        gateway: opened.gateway().clone(),
        store: opened.store_name().to_owned(),
        url: opened.url()?,
    };
    let plugin = configured.start(state.clone()).await?;
    tokio::spawn(forward(log, plugin.clone()));
    tracing::info!("listening on {}", state.url);
    let asked = shutdown()?;
    opened
        .serve(async move {
            tokio::select! {
                () = asked => {}
                // lightningd closed our input.
                _ = plugin.join() => {}
            }
        })
        .await
}

/// Takes what lightningd's options and its own place say.
fn open(plugin: &ConfiguredPlugin<State, Stdin, Stdout>) -> Result<Opened> {
    let lightning = plugin.configuration();
    let dir = Path::new(&lightning.lightning_dir);
    let arguments = Arguments::of_plugin(
        plugin.option(&CONFIG)?,
        plugin.option(&LISTEN)?,
        &dir.join(&lightning.rpc_file),
        &dir.join("purrwall"),
    );
    let settings = Settings::new(&arguments)?;
    Opened::new(arguments, settings)
}

#[derive(Clone)]
struct State {
    gateway: Gateway,
    store: String,
    url: String,
}

async fn status(plugin: Plugin<State>, _: Value) -> Result<Value> {
    let State {
        gateway,
        store,
        url,
    } = plugin.state();
    let node = gateway.node().await;
    let problem = match &node {
        Ok(node) => node.syncing.clone(),
        Err(error) => Some(error.to_string()),
    };
    Ok(json!({
        "listening": url,
        "ready": problem.is_none(),
        "problem": problem,
        "store": store,
        "items": gateway.items(),
    }))
}

async fn sales(plugin: Plugin<State>, params: Value) -> Result<Value> {
    let since = params.get("since").or_else(|| params.get(0));
    let since = match since {
        None | Some(Value::Null) => 0,
        Some(Value::String(text)) => moment(text, SystemTime::now()).map_err(|why| anyhow!(why))?,
        Some(other) => {
            return Err(anyhow!(
                "since is {other}, but has to be text such as \"30d\""
            ));
        }
    };
    let report = plugin.state().gateway.sales(since).await?;
    Ok(serde_json::to_value(report)?)
}

/// Lines on their way to lightningd, each with its level.
type Lines = mpsc::UnboundedReceiver<(&'static str, String)>;

fn start_log() -> Result<Lines> {
    let (sender, lines) = mpsc::unbounded_channel();
    tracing_subscriber::fmt()
        .with_env_filter(log_filter()?)
        // lightningd writes time, level and the plugin's name.
        .without_time()
        .with_level(false)
        .with_ansi(false)
        .with_writer(ToLightningd(sender))
        .init();
    Ok(lines)
}

async fn forward(mut lines: Lines, plugin: Plugin<State>) {
    while let Some((level, message)) = lines.recv().await {
        let line = json!({ "level": level, "message": message });
        if plugin
            .send_custom_notification("log".into(), line)
            .await
            .is_err()
        {
            return;
        }
    }
}

/// Makes a writer for each line of the log.
struct ToLightningd(mpsc::UnboundedSender<(&'static str, String)>);

struct Line {
    level: &'static str,
    sender: mpsc::UnboundedSender<(&'static str, String)>,
}

impl<'a> MakeWriter<'a> for ToLightningd {
    type Writer = Line;

    fn make_writer(&'a self) -> Line {
        Line {
            level: "info",
            sender: self.0.clone(),
        }
    }

    fn make_writer_for(&'a self, metadata: &Metadata<'_>) -> Line {
        let level = match *metadata.level() {
            Level::ERROR => "error",
            Level::WARN => "warn",
            Level::INFO => "info",
            Level::DEBUG => "debug",
            Level::TRACE => "trace",
        };
        Line {
            level,
            ..self.make_writer()
        }
    }
}

/// The subscriber writes a line at once.
impl io::Write for Line {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(line).trim_end().to_owned();
        // Once lightningd is gone, nobody reads it.
        self.sender.send((self.level, text)).ok();
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

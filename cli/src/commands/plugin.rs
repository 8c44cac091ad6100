//! As a plugin of lightningd: the gateway starts and ends with the node, logs into its log, and
//! answers `purrwall-status` and `purrwall-sales`.
//!
//! This process has lightningd's rights and talks to nobody but lightningd. The gateway is a process of
//! its own ([`http_side`]) that reaches lightningd through a guard in this one. Standard output belongs
//! to lightningd here. What keeps the gateway from starting disables the plugin and says why; the node
//! runs on.

mod http_side;
mod log;

use std::env;
use std::path::Path;
use std::process;
use std::sync::Arc;
use std::time::SystemTime;

use anyhow::{Result, anyhow};
use cln_plugin::options::{ConfigOption, StringConfigOption};
use cln_plugin::{Builder, ConfiguredPlugin, Plugin, RpcMethodBuilder};
use lightningd::Lightningd;
use purrwall::settings::{Arguments, Settings};
use purrwall_gateway::goods::catalogue::CATS;
use purrwall_gateway::options::Options;
use purrwall_gateway::sales::{Report, moment};
use serde_json::{Value, json};
use tokio::io::{Stdin, Stdout};

use super::serve::shutdown;
use http_side::{HttpSide, Told};

const CONFIG: StringConfigOption =
    ConfigOption::new_str_no_default("purrwall-config", "Purrwall's file, purrwall.toml");
const LISTEN: StringConfigOption = ConfigOption::new_str_no_default(
    "purrwall-listen",
    "The address that Purrwall listens on, such as 127.0.0.1:8080",
);
const USER: StringConfigOption = ConfigOption::new_str_no_default(
    "purrwall-user",
    "The user that faces the internet; lightningd has to run as root for it",
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
    let lines = log::start()?;
    let builder = Builder::new(tokio::io::stdin(), tokio::io::stdout())
        .with_logging(false)
        .dynamic()
        .option(CONFIG)
        .option(LISTEN)
        .option(USER)
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
    let (mut http, state) = match start(&configured).await {
        Ok(started) => started,
        Err(error) => return configured.disable(&format!("{error:#}")).await,
    };
    let url = state.url.clone();
    let plugin = configured.start(state).await?;
    tokio::spawn(log::forward(lines, plugin.clone()));
    tracing::info!("listening on {url}");
    tokio::select! {
        () = shutdown()? => {}
        // lightningd closed our input.
        _ = plugin.join() => {}
        ended = http.ended() => return Err(ended),
    }
    http.end().await;
    Ok(())
}

/// Starts the HTTP side as lightningd's options and its own place say.
async fn start(plugin: &ConfiguredPlugin<State, Stdin, Stdout>) -> Result<(HttpSide, State)> {
    let lightning = plugin.configuration();
    let dir = Path::new(&lightning.lightning_dir);
    let socket = dir.join(&lightning.rpc_file);
    let config = plugin.option(&CONFIG)?;
    // Without a store's file there is no folder beside it.
    let own_place = config.is_none() && env::var_os("PURRWALL_DATA_DIR").is_none();
    let data_dir = own_place.then(|| dir.join("purrwall").display().to_string());
    let flags = [
        ("config", config),
        ("listen", plugin.option(&LISTEN)?),
        ("lightning_rpc", Some(socket.display().to_string())),
        ("data_dir", data_dir),
    ];
    let given = flags
        .into_iter()
        .filter_map(|(key, text)| Some((key, text?)));
    let arguments: Arguments = given.collect();
    let options = Settings::new(&arguments)?.options;
    let told = Told {
        arguments: &arguments,
        lightning_rpc: socket.clone(),
        store: options.store.id.clone(),
        user: plugin.option(&USER)?,
    };
    let http = HttpSide::start(told).await?;
    let state = State {
        lightningd: Arc::new(Lightningd::new(socket, options.timing.call_deadline)),
        url: http.url.clone(),
        options: Arc::new(options),
    };
    Ok((http, state))
}

#[derive(Clone)]
struct State {
    lightningd: Arc<Lightningd>,
    options: Arc<Options>,
    url: String,
}

async fn status(plugin: Plugin<State>, _: Value) -> Result<Value> {
    let State {
        lightningd,
        options,
        url,
    } = plugin.state();
    let problem = match lightningd.node().await {
        Ok(node) => match options.network {
            Some(expected) if expected != node.network => Some(format!(
                "lightningd is on {}, but the setting network says {expected}",
                node.network
            )),
            _ => node.syncing,
        },
        Err(error) => Some(error.to_string()),
    };
    let catalogue = &options.catalogue;
    let items = if catalogue.sells_cats() {
        CATS.len()
    } else {
        catalogue.items.len()
    };
    Ok(json!({
        "listening": url,
        "ready": problem.is_none(),
        "problem": problem,
        "store": options.store.name,
        "items": items,
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
    let State {
        lightningd,
        options,
        ..
    } = plugin.state();
    let report = Report::read([&**lightningd], &options.store.id, since).await?;
    Ok(serde_json::to_value(report)?)
}

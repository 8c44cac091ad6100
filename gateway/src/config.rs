//! The configuration: flag, then environment, then default; the first that is set wins.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use shared::lightning::Network;

/// What the command line and the environment say.
#[derive(Debug, Args)]
pub struct Arguments {
    /// lightningd's socket. By default ~/.lightning/NETWORK/lightning-rpc, for the network given
    /// with --network, else for bitcoin.
    #[arg(long, env = "PURRWALL_LIGHTNING_RPC", value_name = "SOCKET")]
    lightning_rpc: Option<PathBuf>,

    /// The address to listen on. Port 0 takes a free one.
    #[arg(
        long,
        env = "PURRWALL_LISTEN",
        value_name = "ADDR:PORT",
        default_value = "127.0.0.1:8080"
    )]
    listen: SocketAddr,

    /// The file of the root secret, made at the first start. By default
    /// $XDG_DATA_HOME/purrwall/secret, that is ~/.local/share/purrwall/secret. The variable
    /// PURRWALL_SECRET (64 hex digits) takes the place of any file.
    #[arg(long, env = "PURRWALL_SECRET_FILE", value_name = "FILE")]
    secret_file: Option<PathBuf>,

    /// The folder of the built page (`trunk build --release` makes dist/). Without it, only the
    /// API is served.
    #[arg(long, env = "PURRWALL_FRONTEND", value_name = "DIR")]
    frontend: Option<PathBuf>,

    /// The store's name, as buyers see it.
    #[arg(
        long,
        env = "PURRWALL_STORE_NAME",
        value_name = "NAME",
        default_value = "Purrwall"
    )]
    store_name: String,

    /// The network that lightningd has to be on: bitcoin, testnet, signet or regtest. By default
    /// the one that it is on.
    #[arg(long, env = "PURRWALL_NETWORK", value_name = "NETWORK")]
    network: Option<Network>,

    /// How long a new invoice can be paid, in seconds: at most 30 days.
    #[arg(
        long,
        env = "PURRWALL_INVOICE_EXPIRY",
        value_name = "SECONDS",
        default_value_t = 600,
        value_parser = clap::value_parser!(u32).range(1..=MAX_EXPIRY_SECS)
    )]
    invoice_expiry: u32,

    /// For development only: a script that gives the page a wallet, added to its index.html.
    #[arg(long, env = "PURRWALL_WEBLN_SCRIPT", value_name = "URL")]
    webln_script: Option<String>,
}

/// lightningd aborts at 2^60 seconds; nobody waits longer than this.
const MAX_EXPIRY_SECS: i64 = 30 * 86_400;

/// Everything that the gateway needs to know, checked.
#[derive(Debug)]
pub struct Config {
    /// lightningd's socket.
    pub lightning_rpc: PathBuf,
    /// The address to listen on.
    pub listen: SocketAddr,
    /// Where the root secret is kept.
    pub secret_file: PathBuf,
    /// What is sold, and how.
    pub store: StoreConfig,
    /// The page.
    pub frontend: FrontendConfig,
    /// The network that lightningd has to be on; `None` takes any.
    pub network: Option<Network>,
    /// How long things may take.
    pub timing: Timing,
}

/// What is sold, and how.
#[derive(Clone, Debug)]
pub struct StoreConfig {
    /// The store's name, as buyers see it.
    pub name: String,
    /// How long a new invoice can be paid, in seconds.
    pub invoice_expiry_secs: u32,
}

/// The page.
#[derive(Clone, Debug, Default)]
pub struct FrontendConfig {
    /// The folder of the built page; `None` serves the API alone.
    pub dir: Option<PathBuf>,
    /// A script that index.html is to load, for development.
    pub webln_script: Option<String>,
}

/// How long things may take. Not for owners; tests shorten them.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// A call to lightningd.
    pub call_deadline: Duration,
    /// One question of the watcher's for the next payment, in whole seconds.
    pub watch_round: Duration,
    /// The watcher's first pause after a lost connection; doubled with each failure …
    pub reconnect_min: Duration,
    /// … up to this.
    pub reconnect_max: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            call_deadline: Duration::from_secs(10),
            watch_round: Duration::from_mins(1),
            reconnect_min: Duration::from_millis(100),
            reconnect_max: Duration::from_secs(5),
        }
    }
}

/// Why the gateway cannot start as it was asked to.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A default path begins at home, and there is none.
    #[error("HOME is not set, so {0} has to be given")]
    NoHome(&'static str),
}

impl Config {
    /// Takes the flags, and what the environment says where a flag is not given.
    pub fn new(arguments: Arguments) -> Result<Self, ConfigError> {
        let home = std::env::home_dir();
        let network = arguments.network;
        Ok(Self {
            lightning_rpc: match (arguments.lightning_rpc, &home) {
                (Some(path), _) => path,
                (None, Some(home)) => default_socket(home, network),
                (None, None) => return Err(ConfigError::NoHome("--lightning-rpc")),
            },
            listen: arguments.listen,
            secret_file: match (
                arguments.secret_file,
                std::env::var_os("XDG_DATA_HOME"),
                home,
            ) {
                (Some(path), _, _) => path,
                (None, Some(data), _) => Path::new(&data).join("purrwall/secret"),
                (None, None, Some(home)) => home.join(".local/share/purrwall/secret"),
                (None, None, None) => return Err(ConfigError::NoHome("--secret-file")),
            },
            store: StoreConfig {
                name: arguments.store_name,
                invoice_expiry_secs: arguments.invoice_expiry,
            },
            frontend: FrontendConfig {
                dir: arguments.frontend,
                webln_script: arguments.webln_script,
            },
            network,
            timing: Timing::default(),
        })
    }
}

fn default_socket(home: &Path, network: Option<Network>) -> PathBuf {
    let network = network.unwrap_or(Network::Bitcoin);
    home.join(format!(".lightning/{network}/lightning-rpc"))
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[derive(clap::Parser)]
    struct CommandLine {
        #[command(flatten)]
        arguments: Arguments,
    }

    fn config(flags: &[&str]) -> Result<Config, String> {
        let flags = std::iter::once("purrwall").chain(flags.iter().copied());
        let parsed = CommandLine::try_parse_from(flags).map_err(|error| error.to_string())?;
        Config::new(parsed.arguments).map_err(|error| error.to_string())
    }

    #[test]
    fn the_defaults_are_those_of_the_help() {
        let config = config(&[]).unwrap();
        assert!(
            config
                .lightning_rpc
                .ends_with(".lightning/bitcoin/lightning-rpc")
        );
        assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
        assert!(config.secret_file.ends_with("purrwall/secret"));
        assert_eq!(config.store.invoice_expiry_secs, 600);
        assert_eq!(config.network, None);
    }

    #[test]
    fn the_network_chooses_the_socket() {
        let config = config(&["--network", "regtest"]).unwrap();
        assert!(
            config
                .lightning_rpc
                .ends_with(".lightning/regtest/lightning-rpc")
        );
    }

    #[track_caller]
    fn check_refused(flags: &[&str], named: &str) {
        let error = config(flags).unwrap_err();
        assert!(error.contains(named), "{error}");
    }

    #[test]
    fn a_malformed_value_names_itself() {
        check_refused(&["--listen", "8080"], "--listen");
        check_refused(&["--network", "moon"], "moon");
        check_refused(&["--invoice-expiry", "0"], "--invoice-expiry");
        check_refused(&["--invoice-expiry", "2592001"], "2592001");
        check_refused(
            &["--invoice-expiry", "1152921504606846976"],
            "--invoice-expiry",
        );
    }
}

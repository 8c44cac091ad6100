//! The configuration: flag, then environment, then file, then default; the first that is set wins.
//!
//! A setting has one name everywhere: `invoice_expiry` in the file is `--invoice-expiry` on the
//! command line and `PURRWALL_INVOICE_EXPIRY` in the environment. What is sold stands in the file
//! alone.

mod catalogue;
mod file;
mod limits;
mod origin;
mod web;

use std::ffi::OsString;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::http::Uri;
use clap::Args;
use shared::api::MAX_WAIT_SECS;
use shared::lightning::Network;

pub use catalogue::{CatalogueConfig, ItemConfig, RateConfig, RateSource};
pub use limits::LimitsConfig;
pub use origin::Origin;
pub use web::WebConfig;

use file::ConfigFile;
use origin::{Given, Sources, variable_name};

/// What the command line says.
///
/// The values are text here and are read together with the environment's and the file's, so that
/// all of them are read alike.
#[derive(Clone, Debug, Default, Args)]
#[command(after_help = AFTER_HELP)]
pub struct Arguments {
    /// The store's file, purrwall.toml; `purrwall new` makes one. Without it the store sells its
    /// two built-in cats.
    #[arg(long, value_name = "FILE")]
    config: Option<String>,

    /// lightningd's socket. By default ~/.lightning/NETWORK/lightning-rpc, for the network given
    /// with --network, else for bitcoin.
    #[arg(long, value_name = "SOCKET")]
    lightning_rpc: Option<String>,

    /// The address to listen on. Port 0 takes a free one. [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDR:PORT")]
    listen: Option<String>,

    /// The folder of what the gateway keeps: its secret, and the goods in each version that was
    /// offered. By default .purrwall beside the store's file; without one,
    /// $XDG_DATA_HOME/purrwall, that is ~/.local/share/purrwall.
    #[arg(long, value_name = "DIR")]
    data_dir: Option<String>,

    /// The file of the root secret, made at the first start. By default `secret` in the folder of
    /// --data-dir. The variable PURRWALL_SECRET (64 hex digits) takes the place of any file.
    #[arg(long, value_name = "FILE")]
    secret_file: Option<String>,

    /// The folder of the built page (`trunk build --release` makes dist/). Without it, only the
    /// API is served.
    #[arg(long, value_name = "DIR")]
    frontend: Option<String>,

    /// The store's name, as buyers see it. [default: Purrwall]
    #[arg(long, value_name = "NAME")]
    store_name: Option<String>,

    /// The address by which buyers know the store, such as `https://cats.example`.
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,

    /// The network that lightningd has to be on: bitcoin, testnet, signet or regtest. By default
    /// the one that it is on.
    #[arg(long, value_name = "NETWORK")]
    network: Option<String>,

    /// How long a new invoice can be paid, such as 10m or 600 (seconds): at most 30 days.
    /// [default: 10m]
    #[arg(long, value_name = "TIME")]
    invoice_expiry: Option<String>,

    /// The file of a certificate with its chain, in PEM. With it and --tls-key, the gateway speaks
    /// HTTPS. Both files are read again when they change.
    #[arg(long, value_name = "FILE")]
    tls_certificate: Option<String>,

    /// The file of the certificate's private key, in PEM.
    #[arg(long, value_name = "FILE")]
    tls_key: Option<String>,

    /// Where payments are told of: web addresses with spaces between them. See `purrwall webhook`.
    #[arg(long, value_name = "URLS")]
    webhooks: Option<String>,
    /// The addresses and networks of the proxies before the gateway, such as `127.0.0.1, ::1`. Their
    /// header X-Forwarded-For says who asks; nobody else's is believed. [default: none]
    #[arg(long, value_name = "NETWORKS")]
    trusted_proxies: Option<String>,

    /// How many invoices a client may ask for: so many at once, and so many a minute. 0 is no limit.
    /// A client is an IPv4 address or an IPv6 network of 64 bits. [default: 30]
    #[arg(long, value_name = "NUMBER")]
    invoices_per_minute: Option<String>,

    /// How many invoices may be unpaid and not expired in all. 0 is no limit. [default: 10000]
    #[arg(long, value_name = "NUMBER")]
    open_invoices: Option<String>,

    /// How long after their expiry the store's unpaid invoices are deleted from lightningd, or
    /// `never`, which leaves it to lightningd's autoclean. [default: 1h]
    #[arg(long, value_name = "TIME")]
    delete_expired: Option<String>,

    /// Who may show the store's pages in a frame: `none`, `*`, or origins such as
    /// `https://blog.example`. The widget on a site of yours needs none of it. [default: none]
    #[arg(long, value_name = "ORIGINS")]
    frame_ancestors: Option<String>,

    /// The origins whose pages may use the API, such as `https://blog.example`; `*` is all.
    /// [default: *]
    #[arg(long, value_name = "ORIGINS")]
    cors_origins: Option<String>,

    /// The address to listen on for /metrics. Without it, programs on this machine get them on the
    /// store's own address.
    #[arg(long, value_name = "ADDR:PORT")]
    metrics_listen: Option<String>,

    /// How the log is written: text or json. [default: text]
    #[arg(long, value_name = "FORMAT")]
    log_format: Option<String>,

    /// For development only: a script that gives the page a wallet, added to its index.html.
    #[arg(long, value_name = "URL")]
    webln_script: Option<String>,
}

const AFTER_HELP: &str = "Each option can also be set by a variable (PURRWALL_LISTEN for --listen) \
    or in the store's file (listen). A flag wins over a variable, a variable over the file. \
    `purrwall config` shows what is in force and where it was set.";

impl Arguments {
    /// A command line that names the store's file and nothing else.
    pub fn of_file(file: &Path) -> Self {
        Self {
            config: Some(file.to_string_lossy().into_owned()),
            ..Self::default()
        }
    }

    /// What a plugin of lightningd's has in place of flags: lightningd's options, its socket, and
    /// a folder beside that for a gateway without a store's file.
    pub fn of_plugin(
        config: Option<String>,
        listen: Option<String>,
        lightning_rpc: &Path,
        data_dir: &Path,
    ) -> Self {
        let own_place = config.is_none() && std::env::var_os("PURRWALL_DATA_DIR").is_none();
        Self {
            config,
            listen,
            lightning_rpc: Some(lightning_rpc.display().to_string()),
            data_dir: own_place.then(|| data_dir.display().to_string()),
            ..Self::default()
        }
    }

    fn flag(&self, key: &str) -> Option<&String> {
        match key {
            "config" => &self.config,
            "lightning_rpc" => &self.lightning_rpc,
            "listen" => &self.listen,
            "data_dir" => &self.data_dir,
            "secret_file" => &self.secret_file,
            "frontend" => &self.frontend,
            "store_name" => &self.store_name,
            "public_url" => &self.public_url,
            "network" => &self.network,
            "invoice_expiry" => &self.invoice_expiry,
            "webhooks" => &self.webhooks,
            "tls_certificate" => &self.tls_certificate,
            "tls_key" => &self.tls_key,
            "trusted_proxies" => &self.trusted_proxies,
            "invoices_per_minute" => &self.invoices_per_minute,
            "open_invoices" => &self.open_invoices,
            "delete_expired" => &self.delete_expired,
            "frame_ancestors" => &self.frame_ancestors,
            "cors_origins" => &self.cors_origins,
            "metrics_listen" => &self.metrics_listen,
            "log_format" => &self.log_format,
            "webln_script" => &self.webln_script,
            _ => &None,
        }
        .as_ref()
    }
}

/// lightningd aborts at 2^60 seconds; nobody waits longer than this.
const MAX_EXPIRY: Duration = Duration::from_hours(30 * 24);

/// Everything that the gateway needs to know, checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// lightningd's socket.
    pub lightning_rpc: PathBuf,
    /// The address to listen on.
    pub listen: SocketAddr,
    /// Where the root secret is kept.
    pub secret_file: PathBuf,
    /// The store itself.
    pub store: StoreConfig,
    /// The goods.
    pub catalogue: CatalogueConfig,
    /// The page.
    pub frontend: FrontendConfig,
    /// The certificate to speak HTTPS with; `None` speaks HTTP.
    pub tls: Option<TlsConfig>,
    /// Who is told of payments.
    pub webhooks: WebhooksConfig,
    /// How many invoices are made and kept.
    pub limits: LimitsConfig,
    /// What browsers may do.
    pub web: WebConfig,
    /// The address for metrics; `None` is the store's own.
    pub metrics_listen: Option<SocketAddr>,
    /// How the log is written.
    pub log_format: LogFormat,
    /// The network that lightningd has to be on; `None` takes any.
    pub network: Option<Network>,
    /// How long things may take.
    pub timing: Timing,
}

/// How the log is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// The store itself.
#[derive(Clone, Debug)]
pub struct StoreConfig {
    /// The store's name, as buyers see it.
    pub name: String,
    /// The address by which buyers know it, without a slash at its end.
    pub public_url: Option<String>,
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

/// The gateway's own certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsConfig {
    /// The file of the chain, in PEM.
    pub certificate: PathBuf,
    /// The file of its key, in PEM.
    pub key: PathBuf,
}

/// Who is told of payments.
#[derive(Clone, Debug, Default)]
pub struct WebhooksConfig {
    /// Their addresses.
    pub urls: Vec<String>,
    /// Where undelivered webhooks are kept.
    pub dir: PathBuf,
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
    /// A receiver's answer to a webhook.
    pub webhook_deadline: Duration,
    /// The first pause before a webhook is sent again; doubled with each failure …
    pub webhook_retry_min: Duration,
    /// … up to this.
    pub webhook_retry_max: Duration,
    /// Between two calls for cleaning.
    pub cleaning_pause: Duration,
    /// Between two looks for what there is to clean.
    pub cleaning_round: Duration,
    /// A request's head, and a connection's rest between two requests.
    pub head: Duration,
    /// A request, up to its answer's head.
    pub request: Duration,
    /// A client that takes no byte of an answer.
    pub write: Duration,
    /// What open requests may take after the end was asked for.
    pub last_requests: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            call_deadline: Duration::from_secs(10),
            watch_round: Duration::from_mins(1),
            reconnect_min: Duration::from_millis(100),
            reconnect_max: Duration::from_secs(5),
            webhook_deadline: Duration::from_secs(15),
            webhook_retry_min: Duration::from_secs(5),
            webhook_retry_max: Duration::from_hours(1),
            cleaning_pause: Duration::from_millis(20),
            cleaning_round: Duration::from_secs(30),
            // Longer than proxies keep a connection that they may use again, or they would run into
            // its end.
            head: Duration::from_secs(75),
            // The longest wait, and lightningd's deadline before and after it.
            request: Duration::from_secs(MAX_WAIT_SECS + 30),
            write: Duration::from_mins(1),
            last_requests: Duration::from_secs(10),
        }
    }
}

/// Why the gateway cannot start as it was asked to.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A default path begins at home, and there is none.
    #[error("HOME is not set, so {0} has to be given")]
    NoHome(&'static str),
    /// The file cannot be read.
    #[error("cannot read {path:?}; `purrwall new my-store` makes a store with its file")]
    Read {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// A value is not what it has to be.
    #[error("{place}: {why}")]
    Value {
        /// File and line, variable or flag, with key and value.
        place: String,
        /// What is wrong, and the remedy.
        why: String,
    },
}

/// A setting as it is in force.
#[derive(Clone, Debug)]
pub struct Setting {
    /// The key as the file has it.
    pub key: &'static str,
    /// `None` where it is not set and has no default.
    pub value: Option<String>,
    /// Where it was set.
    pub origin: Origin,
}

impl Config {
    /// The defaults of a gateway that is part of another program, before the lightningd at this
    /// socket. Nothing is read.
    pub fn before(lightning_rpc: PathBuf) -> Self {
        Self {
            lightning_rpc,
            listen: DEFAULT_LISTEN.parse().expect("the default is an address"),
            secret_file: PathBuf::new(),
            store: StoreConfig {
                name: DEFAULT_NAME.to_owned(),
                public_url: None,
                invoice_expiry_secs: invoice_expiry(DEFAULT_EXPIRY).expect("the default is a time"),
            },
            catalogue: CatalogueConfig::default(),
            frontend: FrontendConfig::default(),
            tls: None,
            webhooks: WebhooksConfig::default(),
            limits: LimitsConfig::default(),
            web: WebConfig::default(),
            metrics_listen: None,
            log_format: LogFormat::default(),
            network: None,
            timing: Timing::default(),
        }
    }

    /// Takes the flags, and what the environment and the file say where a flag is not given.
    pub fn new(arguments: &Arguments) -> Result<Self, ConfigError> {
        Self::explained(arguments).map(|(config, _)| config)
    }

    /// The configuration, and where each setting comes from.
    pub fn explained(arguments: &Arguments) -> Result<(Self, Vec<Setting>), ConfigError> {
        Self::load(arguments, &|name| std::env::var_os(name))
    }

    fn load(
        arguments: &Arguments,
        environment: &dyn Fn(&str) -> Option<OsString>,
    ) -> Result<(Self, Vec<Setting>), ConfigError> {
        let mut sources = Sources {
            arguments,
            environment,
            file: None,
        };
        let config_file = sources.find("config")?.map(|given| given.path());
        let file = config_file.as_deref().map(ConfigFile::read).transpose()?;
        sources.file = file.as_ref();
        let mut reader = SettingsReader {
            sources,
            settings: Vec::new(),
        };
        reader
            .settings
            .extend(config_file.iter().map(|path| Setting {
                key: "config",
                value: Some(path.display().to_string()),
                origin: if arguments.config.is_some() {
                    Origin::Flag
                } else {
                    Origin::Environment(variable_name("config"))
                },
            }));

        let home = std::env::home_dir();
        let network: Option<Network> = reader.optional("network", |given| {
            given.read(|text| {
                let why = "is not a network; write bitcoin, testnet, signet or regtest";
                text.parse().map_err(|_| why)
            })
        })?;
        let data_dir = reader.path("data_dir", || {
            match (&config_file, std::env::var_os("XDG_DATA_HOME"), &home) {
                (Some(file), _, _) => Some(file.with_file_name(".purrwall")),
                (None, Some(data), _) => Some(Path::new(&data).join("purrwall")),
                (None, None, home) => Some(home.as_ref()?.join(".local/share/purrwall")),
            }
        })?;
        let secret_file = reader.path("secret_file", || Some(data_dir.join("secret")))?;
        let webhooks_dir = data_dir.join("webhooks");
        let catalogue = CatalogueConfig {
            kept_dir: data_dir.join("goods"),
            private: [data_dir, secret_file.clone()]
                .into_iter()
                .chain(config_file.clone())
                .collect(),
            ..CatalogueConfig::default()
        };
        let config = Self {
            lightning_rpc: reader.path("lightning_rpc", || {
                Some(default_socket(home.as_ref()?, network))
            })?,
            listen: reader.required("listen", DEFAULT_LISTEN, |given| given.read(address))?,
            secret_file,
            store: StoreConfig {
                name: reader
                    .required("store_name", DEFAULT_NAME, |given| Ok(given.text.clone()))?,
                public_url: reader.optional("public_url", |given| given.read(public_url))?,
                invoice_expiry_secs: reader.required(
                    "invoice_expiry",
                    DEFAULT_EXPIRY,
                    |given| given.read(invoice_expiry),
                )?,
            },
            frontend: FrontendConfig {
                dir: reader.optional("frontend", |given| Ok(given.path()))?,
                webln_script: reader.optional("webln_script", |given| Ok(given.text.clone()))?,
            },
            tls: reader.tls()?,
            webhooks: WebhooksConfig {
                urls: reader
                    .optional("webhooks", |given| given.read(webhook_urls))?
                    .unwrap_or_default(),
                dir: webhooks_dir,
            },
            limits: LimitsConfig::read(&mut reader)?,
            web: WebConfig::read(&mut reader)?,
            metrics_listen: reader.optional("metrics_listen", |given| given.read(address))?,
            log_format: reader.required("log_format", "text", |given| given.read(log_format))?,
            network,
            catalogue: match (&config_file, &file) {
                (Some(path), Some(file)) => CatalogueConfig::read(path, file, catalogue)?,
                _ => catalogue,
            },
            timing: Timing::default(),
        };
        Ok((config, reader.settings))
    }
}

const DEFAULT_LISTEN: &str = "127.0.0.1:8080";
const DEFAULT_NAME: &str = "Purrwall";
const DEFAULT_EXPIRY: &str = "10m";

/// Reads settings and notes where each was set.
struct SettingsReader<'a> {
    sources: Sources<'a>,
    settings: Vec<Setting>,
}

impl SettingsReader<'_> {
    fn optional<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&Given) -> Result<T, ConfigError>,
    ) -> Result<Option<T>, ConfigError> {
        let given = self.sources.find(key)?;
        self.note(key, given.as_ref(), None);
        given.as_ref().map(read).transpose()
    }

    fn required<T>(
        &mut self,
        key: &'static str,
        default: &str,
        read: impl FnOnce(&Given) -> Result<T, ConfigError>,
    ) -> Result<T, ConfigError> {
        let given = self.sources.find(key)?.unwrap_or_else(|| Given {
            key: key.to_owned(),
            text: default.to_owned(),
            origin: Origin::Default,
        });
        self.note(key, Some(&given), None);
        read(&given)
    }

    fn path(
        &mut self,
        key: &'static str,
        default: impl FnOnce() -> Option<PathBuf>,
    ) -> Result<PathBuf, ConfigError> {
        let given = self.sources.find(key)?;
        let path = match &given {
            Some(given) => given.path(),
            None => default().ok_or(ConfigError::NoHome(match key {
                "lightning_rpc" => "--lightning-rpc",
                "secret_file" => "--secret-file",
                _ => "--data-dir",
            }))?,
        };
        self.note(key, given.as_ref(), Some(&path));
        Ok(path)
    }

    /// Neither or both: one is of no use without the other.
    fn tls(&mut self) -> Result<Option<TlsConfig>, ConfigError> {
        let certificate = self.sources.find("tls_certificate")?;
        let key = self.sources.find("tls_key")?;
        self.note("tls_certificate", certificate.as_ref(), None);
        self.note("tls_key", key.as_ref(), None);
        match (certificate, key) {
            (Some(certificate), Some(key)) => Ok(Some(TlsConfig {
                certificate: certificate.path(),
                key: key.path(),
            })),
            (None, None) => Ok(None),
            (Some(lone), None) => Err(lone.wrong("needs tls_key, the file of its key")),
            (None, Some(lone)) => {
                Err(lone.wrong("needs tls_certificate, the file of its certificate"))
            }
        }
    }

    fn note(&mut self, key: &'static str, given: Option<&Given>, path: Option<&Path>) {
        let path = path.map(|path| path.display().to_string());
        self.settings.push(Setting {
            key,
            value: path.or(given.map(|given| given.text.clone())),
            origin: given.map_or(Origin::Default, |given| given.origin.clone()),
        });
    }
}

fn address(text: &str) -> Result<SocketAddr, &'static str> {
    let why = "is not an address with a port; write one such as 127.0.0.1:8080";
    text.parse().map_err(|_| why)
}

fn log_format(text: &str) -> Result<LogFormat, &'static str> {
    match text {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        _ => Err("is no format of the log; write text or json"),
    }
}

fn invoice_expiry(text: &str) -> Result<u32, String> {
    match catalogue::duration(text)? {
        expiry if expiry <= MAX_EXPIRY => {
            Ok(u32::try_from(expiry.as_secs()).expect("30 days are few seconds"))
        }
        _ => Err("is too long; an invoice can be paid for at most 30d".into()),
    }
}

/// Without a slash at its end, so that paths can be put behind it.
fn public_url(text: &str) -> Result<String, &'static str> {
    let why = "is not a web address; write one such as https://cats.example";
    let uri: Uri = text.parse().map_err(|_| why)?;
    match uri.scheme_str() {
        Some("http" | "https") if uri.query().is_none() && !text.contains('#') => {
            Ok(text.trim_end_matches('/').to_owned())
        }
        _ => Err(why),
    }
}

fn webhook_urls(text: &str) -> Result<Vec<String>, String> {
    text.split_whitespace().map(webhook_url).collect()
}

/// The address of a receiver, to the letter: its key follows from it.
pub fn webhook_url(text: &str) -> Result<String, String> {
    let uri = text.parse::<Uri>().ok();
    let scheme = uri.as_ref().and_then(Uri::scheme_str);
    match scheme {
        Some("http" | "https") if !text.contains('#') => Ok(text.to_owned()),
        _ => Err(format!(
            "{text:?} is not a web address; write one such as https://shop.example/purrwall"
        )),
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

    fn load(flags: &[&str], variables: &[(&str, &str)]) -> Result<(Config, Vec<Setting>), String> {
        let flags = std::iter::once("purrwall").chain(flags.iter().copied());
        let parsed = CommandLine::try_parse_from(flags).map_err(|error| error.to_string())?;
        let environment = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| OsString::from(value))
        };
        Config::load(&parsed.arguments, &environment).map_err(|error| error.to_string())
    }

    fn config(flags: &[&str]) -> Result<Config, String> {
        load(flags, &[]).map(|(config, _)| config)
    }

    /// A store's file with this text.
    struct StoreFile(tempfile::TempDir);

    impl StoreFile {
        fn new(text: &str) -> Self {
            let dir = tempfile::tempdir().unwrap();
            std::fs::write(dir.path().join("purrwall.toml"), text).unwrap();
            Self(dir)
        }

        fn path(&self) -> String {
            self.0.path().join("purrwall.toml").display().to_string()
        }

        fn load(&self) -> Result<(Config, Vec<Setting>), String> {
            load(&["--config", &self.path()], &[])
        }
    }

    const ITEM: &str = "[[item]]\nid = \"cat\"\ntitle = \"A cat\"\nfile = \"cat.txt\"\n";

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
        assert_eq!(config.store.name, "Purrwall");
        assert_eq!(config.store.invoice_expiry_secs, 600);
        assert_eq!(config.network, None);
        assert!(config.catalogue.file.is_none());
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
    fn check_name(flags: &[&str], variables: &[(&str, &str)], value: &str, origin: &str) {
        let file = StoreFile::new("\nstore_name = \"File\"\n");
        let path = file.path();
        let flags = [&["--config", path.as_str()], flags].concat();
        let (config, settings) = load(&flags, variables).unwrap();
        assert_eq!(config.store.name, value);
        let setting = settings.iter().find(|one| one.key == "store_name").unwrap();
        assert_eq!(setting.value.as_deref(), Some(value));
        assert_eq!(
            setting.origin.to_string().replace(&path, "purrwall.toml"),
            origin
        );
    }

    #[test]
    fn a_flag_wins_over_a_variable_and_a_variable_over_the_file() {
        let variable = [("PURRWALL_STORE_NAME", "Variable")];
        check_name(&["--store-name", "Flag"], &variable, "Flag", "flag");
        check_name(
            &[],
            &variable,
            "Variable",
            "environment PURRWALL_STORE_NAME",
        );
        check_name(&[], &[], "File", "purrwall.toml:2");
        check_name(
            &[],
            &[("PURRWALL_STORE_NAME", "")],
            "File",
            "purrwall.toml:2",
        );
    }

    #[test]
    fn paths_in_the_file_are_seen_from_its_folder() {
        let file = StoreFile::new("lightning_rpc = \"rpc\"\nfrontend = \"/srv/dist\"\n");
        let (config, _) = file.load().unwrap();
        let dir = file.0.path();
        assert_eq!(config.lightning_rpc, dir.join("rpc"));
        assert_eq!(config.frontend.dir, Some(PathBuf::from("/srv/dist")));
        assert_eq!(config.secret_file, dir.join(".purrwall/secret"));
    }

    #[track_caller]
    fn check_refused(flags: &[&str], named: &str) {
        let error = config(flags).unwrap_err();
        assert!(error.contains(named), "{error}");
    }

    #[test]
    fn a_malformed_value_names_itself() {
        check_refused(
            &["--listen", "8080"],
            "--listen \"8080\": is not an address",
        );
        check_refused(&["--network", "moon"], "moon");
        check_refused(&["--invoice-expiry", "0"], "--invoice-expiry");
        check_refused(&["--invoice-expiry", "31d"], "at most 30d");
        check_refused(
            &["--invoice-expiry", "1152921504606846976"],
            "--invoice-expiry",
        );
        check_refused(&["--public-url", "cats.example"], "https://cats.example");
        let error = load(&[], &[("PURRWALL_LISTEN", "x")]).unwrap_err();
        assert!(error.starts_with("PURRWALL_LISTEN=\"x\": "), "{error}");
    }

    /// The error names the file, the line, the key with its value, and the remedy.
    #[track_caller]
    fn check_file_refused(text: &str, line: usize, key: &str, remedy: &str) {
        let file = StoreFile::new(text);
        let error = file.load().unwrap_err();
        let place = format!("{}:{line}: {key}", file.path());
        assert!(error.starts_with(&place), "{error}");
        assert!(error.contains(remedy), "{error}");
        assert!(!error.contains('\n'), "{error}");
    }

    #[test]
    fn a_wrong_setting_names_its_line_and_the_remedy() {
        check_file_refused(
            "\nlisten = \"8080\"",
            2,
            "listen = \"8080\"",
            "127.0.0.1:8080",
        );
        check_file_refused("invoice_expiry = 0", 1, "invoice_expiry = \"0\"", "30d");
        check_file_refused("listen = [1]", 1, "listen", "text or a number");
        check_file_refused("a = 1\n\nlisten = = 2", 3, "", "");
        check_file_refused("[item]\nid = 1", 1, "item", "[[item]]");
    }

    #[test]
    fn an_unknown_key_is_an_error_with_a_suggestion() {
        check_file_refused("listn = \"x\"", 1, "listn", "did you mean listen?");
        check_file_refused("[[items]]\nid = 1", 1, "items", "did you mean item?");
        check_file_refused("colour = 1", 1, "colour", "the keys here are store_name");
        let wrong = format!("{ITEM}prise = \"1 sat\"");
        check_file_refused(&wrong, 5, "prise", "did you mean price?");
        let wrong = "[rates.USD]\nfixd = 1";
        check_file_refused(wrong, 2, "fixd", "did you mean fixed?");
    }

    #[track_caller]
    fn check_item_refused(line: &str, key: &str, remedy: &str) {
        check_file_refused(&format!("{ITEM}{line}"), 5, key, remedy);
    }

    #[test]
    fn a_wrong_item_names_its_line_and_the_remedy() {
        check_item_refused("price = \"free\"", "price = \"free\"", "100 sat");
        check_item_refused("price = 100", "price = \"100\"", "100 sat");
        check_item_refused("price = \"0 sat\"", "price", "1 msat");
        check_item_refused("price = \"1 EUR\"", "price = \"1 EUR\"", "[rates.EUR]");
        let priced = |line: &str| format!("price = \"1 sat\"\n{line}");
        let check = |line: &str, key: &str, remedy: &str| {
            check_file_refused(&format!("{ITEM}{}", priced(line)), 6, key, remedy);
        };
        check("valid_for = \"soon\"", "valid_for = \"soon\"", "30d");
        check("content_type = \"image\"", "content_type", "image/png");
    }

    #[test]
    fn what_an_item_lacks_is_named() {
        check_file_refused(ITEM, 1, "[[item]]", "add `price = …`");
    }

    #[test]
    fn two_items_cannot_have_one_id() {
        let item = format!("{ITEM}price = \"1 sat\"\n");
        let file = StoreFile::new(&[item.as_str(), item.as_str()].concat());
        let error = file.load().unwrap_err();
        assert!(error.contains(":7: id = \"cat\""), "{error}");
        assert!(error.contains(":1: [[item]]"), "{error}");
    }

    #[test]
    fn a_wrong_rate_names_its_line_and_the_remedy() {
        check_file_refused("[rates.usd]\nfixed = 1", 1, "rates = \"usd\"", "USD");
        check_file_refused("[rates.USD]\nfixed = 0", 2, "fixed = \"0\"", "65000");
        check_file_refused("[rates.USD]\n", 1, "[rates.USD]", "`fixed = …`");
        let url = "[rates.USD]\nurl = \"http://rates.example/\"\npointer = \"/usd\"";
        check_file_refused(url, 2, "url", "https://");
        let pointer = "[rates.USD]\nurl = \"https://rates.example/\"\npointer = \"usd\"";
        check_file_refused(pointer, 3, "pointer", "slash");
        let both = "[rates.USD]\nfixed = 1\nurl = \"https://rates.example/\"";
        check_file_refused(both, 1, "[rates.USD]", "take one away");
    }

    #[test]
    fn a_missing_file_is_named_with_the_remedy() {
        let error = config(&["--config", "/nonexistent/purrwall.toml"]).unwrap_err();
        assert!(error.contains("/nonexistent/purrwall.toml"), "{error}");
        assert!(error.contains("purrwall new"), "{error}");
    }

    #[test]
    fn an_item_with_everything_is_read() {
        let text = format!(
            "{ITEM}teaser = \"Miau\"\nprice = \"0.25 USD\"\nvalid_for = \"30d\"\n\
             content_type = \"text/plain\"\n[rates.USD]\nfixed = 65_000.5\n"
        );
        let (config, _) = StoreFile::new(&text).load().unwrap();
        let [item] = &config.catalogue.items[..] else {
            panic!("one item");
        };
        assert_eq!(item.id.as_str(), "cat");
        assert_eq!(item.teaser, "Miau");
        assert_eq!(item.price.to_string(), "0.25 USD");
        assert_eq!(item.valid_for, Some(Duration::from_hours(720)));
        assert_eq!(item.content_type.as_deref(), Some("text/plain"));
        let fixed = RateSource::Fixed("65000.5".parse().unwrap());
        assert_eq!(config.catalogue.rates[0].source, fixed);
    }

    /// Every key stands in the example, with its default behind it.
    #[test]
    fn the_example_has_every_key_at_its_default() {
        let example = include_str!("../../config.example.toml");
        let uncommented: String = example
            .lines()
            .map(|line| match line.strip_prefix("# ") {
                Some(rest) if rest.starts_with('[') || is_assignment(rest) => format!("{rest}\n"),
                _ if line.is_empty() || line.starts_with('#') => "\n".to_owned(),
                _ => panic!("not commented out: {line}"),
            })
            .collect();
        let path = Path::new("purrwall.toml");
        let file = ConfigFile::parse(path, &uncommented).unwrap();
        for key in file::KEYS {
            assert!(file.settings.contains_key(key), "{key}");
        }
        let sections = |keys: &[&str], sections: &[&file::Section]| {
            for key in keys {
                let found = sections.iter().any(|section| section.get(key).is_some());
                assert!(found, "{key}");
            }
        };
        sections(&file::ITEM_KEYS, &file.items.iter().collect::<Vec<_>>());
        let rates: Vec<_> = file.rates.iter().map(|(_, section)| section).collect();
        sections(&file::RATE_KEYS, &rates);
        CatalogueConfig::read(path, &file, CatalogueConfig::default()).unwrap();

        let (example, _) = StoreFile::new(&uncommented).load().unwrap();
        let (defaults, _) = StoreFile::new("").load().unwrap();
        assert_eq!(example.lightning_rpc, defaults.lightning_rpc);
        assert_eq!(example.listen, defaults.listen);
        assert_eq!(example.network, defaults.network);
        assert_eq!(example.frontend.dir, defaults.frontend.dir);
        assert_eq!(example.frontend.webln_script, None);
        assert_eq!((example.tls, defaults.tls), (None, None));
        assert!(example.webhooks.urls.is_empty());
        assert_eq!(example.limits, defaults.limits);
        assert_eq!(defaults.limits, LimitsConfig::default());
        assert_eq!(example.web, defaults.web);
        assert_eq!(defaults.web, WebConfig::default());
        assert_eq!(example.metrics_listen, None);
        assert_eq!(example.log_format, defaults.log_format);
        assert_eq!(example.store.name, defaults.store.name);
        assert_eq!(example.store.public_url, defaults.store.public_url);
        assert_eq!(
            example.store.invoice_expiry_secs,
            defaults.store.invoice_expiry_secs
        );
        assert!(example.secret_file.ends_with(".purrwall/secret"));
        assert!(defaults.secret_file.ends_with(".purrwall/secret"));
        assert!(example.catalogue.kept_dir.ends_with(".purrwall/goods"));
        assert!(defaults.catalogue.kept_dir.ends_with(".purrwall/goods"));
    }

    fn is_assignment(line: &str) -> bool {
        let key = line.split(" = ").next().unwrap_or_default();
        key != line
            && key
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte == b'_')
    }
}

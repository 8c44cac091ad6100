//! The settings as flags of the command line.

use std::path::Path;

use clap::Args;

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

    /// The address to listen on for /metrics and the full /readyz, which strangers must not reach.
    /// Without it there are none.
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

    /// Whether the store's file is named here.
    pub(super) fn names_a_file(&self) -> bool {
        self.config.is_some()
    }

    /// The value of a flag, as text.
    pub(super) fn flag(&self, key: &str) -> Option<&String> {
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

//! The table of settings. Everything that is known about a setting stands here, once: the command
//! line, the file, `purrwall config`, the warnings of a reload and the documents follow from it.
//!
//! A reload takes the items and the rates of the file, and none of these.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use http::HeaderValue;
use ipnet::IpNet;
use purrwall_gateway::StoreId;
use shared::lightning::Network;

use crate::settings::error::SettingsError;
use crate::settings::origin::{Given, flag_name, variable_name};
use crate::settings::parse;

/// A setting whose value is a `T`.
pub(super) struct Key<T> {
    pub(super) about: About,
    /// Reads what was given; says what is wrong with it, and the remedy.
    pub(super) read: fn(&Given) -> Result<T, SettingsError>,
}

/// What people are told about a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct About {
    /// Its name in the file.
    pub key: &'static str,
    /// What its value is called.
    pub value: &'static str,
    /// Its value where none is given; `None` where there is none, or where it follows from others.
    pub default: Option<&'static str>,
    help: &'static str,
}

impl About {
    /// What it is for.
    pub fn help(&self) -> &'static str {
        self.help.trim_start()
    }

    /// Its name on the command line: `invoice_expiry` is `--invoice-expiry`.
    pub fn flag(&self) -> String {
        flag_name(self.key)
    }

    /// Its name in the environment: `invoice_expiry` is `PURRWALL_INVOICE_EXPIRY`.
    pub fn variable(&self) -> String {
        variable_name(self.key)
    }
}

macro_rules! table {
    ($($(#[doc = $help:literal])+ $key:ident: $T:ty = $read:expr, $value:literal $(= $default:literal)?;)*) => {
        $(
            $(#[doc = $help])+
            #[expect(non_upper_case_globals, reason = "a setting has one name everywhere")]
            pub(super) const $key: Key<$T> = Key {
                about: About {
                    key: stringify!($key),
                    value: $value,
                    default: [$(Some($default),)? None][0],
                    help: concat!($($help),+),
                },
                read: $read,
            };
        )*

        /// All settings, in the order in which people are told of them.
        pub const ALL: &[About] = &[$($key.about),*];
    };
}

table! {
    /// The store's file, purrwall.toml; `purrwall new` makes one. Without it the store sells its two
    /// built-in cats.
    config: PathBuf = |given| Ok(given.path()), "FILE";

    /// The store's name, as buyers see it.
    store_name: String = |given| Ok(given.text.clone()), "NAME" = "Purrwall";

    /// The store's own name at lightningd, which tells its invoices from those of other stores at the
    /// same node: 1 to 24 lower-case letters, digits or hyphens. `purrwall new` chooses one; it stays
    /// as it is once something was sold.
    store_id: StoreId = |given| given.read(str::parse), "ID" = "store";

    /// The names of the store's host, such as `cats.example www.cats.example`: with them the gateway gets
    /// its certificate by itself and renews it, listens on port 443, and leads plain http there. The names have
    /// to lead to this machine.
    domain: Vec<String> = |given| given.read(parse::domains), "NAMES";

    /// The address by which buyers know the store, such as `https://cats.example`. With `domain` by default
    /// that name.
    public_url: String = |given| given.read(parse::public_url), "URL";

    /// The address to listen on. Port 0 takes a free one. With `domain` by default `[::]:443`.
    listen: SocketAddr = |given| given.read(parse::address), "ADDR:PORT" = "127.0.0.1:8080";

    /// With `domain`: the address for plain http, which is led to https. By default `[::]:80`.
    http_listen: SocketAddr = |given| given.read(parse::address), "ADDR:PORT";

    /// The file of a certificate with its chain, in PEM. With it and its key, the gateway speaks
    /// HTTPS. Both files are read again when they change.
    tls_certificate: PathBuf = |given| Ok(given.path()), "FILE";

    /// The file of the certificate's private key, in PEM.
    tls_key: PathBuf = |given| Ok(given.path()), "FILE";

    /// With `domain`: the directory of the CA that certificates come from, by default that of Let's Encrypt.
    acme_directory: String = |given| given.read(parse::directory), "URL";

    /// With `domain`: the file of the certificate, in PEM, that the CA's own is signed by, for a CA that browsers
    /// do not know.
    acme_ca_file: PathBuf = |given| Ok(given.path()), "FILE";

    /// The network that lightningd has to be on: bitcoin, testnet, signet or regtest. By default the
    /// one that it is on.
    network: Network = |given| given.read(parse::network), "NETWORK";

    /// Where lightningd is: the address of its REST plugin clnrest, such as
    /// `https://node.example:3010`, or the socket of `purrwall guard`. Where both are set in the same
    /// place, it wins over lightning_rpc. Several nodes stand in the file, each as a table `[[node]]`.
    lightning: parse::Lightning = |given| Ok(parse::lightning(given)), "URL";

    /// The file with the rune for clnrest; `purrwall rune` prints the command that makes one. The
    /// variable PURRWALL_RUNE, which holds the rune itself, takes the place of any file.
    rune_file: PathBuf = |given| Ok(given.path()), "FILE";

    /// The file with the certificate that clnrest's own is signed by: ca.pem in lightningd's folder.
    /// No other authority is trusted.
    ca_file: PathBuf = |given| Ok(given.path()), "FILE";

    /// The name that clnrest's certificate has to be for, by default the host in the address.
    /// clnrest's own is for localhost.
    tls_name: String = |given| Ok(given.text.clone()), "NAME";

    /// What becomes of a rune that could pay, withdraw or make runes: `refuse` or `allow`.
    dangerous_rune: bool = |given| given.read(parse::dangerous_rune), "WHAT" = "refuse";

    /// lightningd's own socket: whoever can open it can spend. By default
    /// ~/.lightning/NETWORK/lightning-rpc, for the network that is set, else for bitcoin.
    lightning_rpc: PathBuf = |given| Ok(given.path()), "SOCKET";

    /// The folder of what the gateway keeps: its secret, and the goods in each version that was
    /// offered. By default .purrwall beside the store's file; without one, $XDG_DATA_HOME/purrwall,
    /// that is ~/.local/share/purrwall.
    data_dir: PathBuf = |given| Ok(given.path()), "DIR";

    /// The file of the secret, made at the first start. By default `secret` in the data_dir. The
    /// variable PURRWALL_SECRET (64 hex digits) takes the place of any file.
    secret_file: PathBuf = |given| Ok(given.path()), "FILE";

    /// The file with the key by which your own servers may ask whether a receipt or a claim is good (`POST
    /// /api/v1/verify`): 32 characters or more, such as `openssl rand -hex 32` gives. The variable
    /// PURRWALL_VERIFY_KEY, which holds the key itself, takes the place of any file. Without either,
    /// nobody may ask.
    verify_key_file: PathBuf = |given| Ok(given.path()), "FILE";

    /// The folder of the built page (`trunk build --release` makes dist/). Without it, only the API
    /// is served.
    frontend: PathBuf = |given| Ok(given.path()), "DIR";

    /// For development only: a script that gives the page a wallet, added to its index.html.
    webln_script: String = |given| Ok(given.text.clone()), "URL";

    /// How long a new invoice can be paid, such as 10m or 600 (seconds): at most 30 days.
    invoice_expiry: u32 = |given| given.read(parse::invoice_expiry), "TIME" = "10m";

    /// Where payments are told of: web addresses with spaces between them. See `purrwall webhook`.
    webhooks: Vec<String> = |given| given.read(parse::webhook_urls), "URLS";

    /// The addresses and networks of the proxies in front of the gateway, such as `127.0.0.1, ::1`.
    /// Their header X-Forwarded-For says who asks; nobody else's is believed.
    trusted_proxies: Vec<IpNet> = |given| given.read(parse::networks), "NETWORKS";

    /// How many invoices a client may ask for: so many at once, and so many a minute. 0 is no limit.
    /// A client is an IPv4 address or an IPv6 network of 64 bits.
    invoices_per_minute: Option<NonZeroU32> = |given| given.read(parse::limit), "NUMBER" = "30";

    /// How many invoices of one client may be unpaid and not expired. 0 is no limit.
    open_invoices_per_client: Option<NonZeroU32> = |given| given.read(parse::limit), "NUMBER" = "5";

    /// The same for a network of 256 IPv4 addresses or of 56 bits of IPv6; one of 48 bits may have four
    /// times as many. 0 is no limit.
    open_invoices_per_network: Option<NonZeroU32> = |given| given.read(parse::limit), "NUMBER" = "50";

    /// The same for all clients together. Beyond it, only a network that has none gets one. 0 is no
    /// limit.
    open_invoices: Option<NonZeroU32> = |given| given.read(parse::limit), "NUMBER" = "10000";

    /// The same whoever asks, with those that were found in lightningd's book: the gateway remembers
    /// each of them.
    most_open_invoices: NonZeroU32 = |given| given.read(parse::most), "NUMBER" = "100000";

    /// How long after their expiry the store's unpaid invoices are deleted from lightningd, or
    /// `never`, which leaves it to lightningd's autoclean.
    delete_expired: Option<Duration> = |given| given.read(parse::age), "TIME" = "1h";

    /// Who may show the store's pages in a frame: `none`, `*`, or origins such as
    /// `https://blog.example`. The widget on a site of yours needs none of it.
    frame_ancestors: String = |given| given.read(parse::frame_ancestors), "ORIGINS" = "none";

    /// The origins whose pages may use the API, such as `https://blog.example`; `*` is all.
    cors_origins: Option<Vec<HeaderValue>> = |given| given.read(parse::cors_origins), "ORIGINS" = "*";

    /// The address to listen on for /metrics and the full /readyz, which strangers must not reach.
    /// Without it there are none.
    metrics_listen: SocketAddr = |given| given.read(parse::address), "ADDR:PORT";

    /// The address of the owner's desk, such as `127.0.0.1:8090`: pages to look after sales and goods,
    /// for who has a code of `purrwall desk`. On this machine alone, or with tls_certificate over HTTPS;
    /// never the store's address. Without it there is no desk.
    desk_listen: SocketAddr = |given| given.read(parse::address), "ADDR:PORT";

    /// How the log is written: text or json.
    log_format: parse::LogFormat = |given| given.read(parse::log_format), "FORMAT" = "text";
}

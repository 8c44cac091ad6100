//! The settings: flag, then environment, then file, then default; the first that is set wins.
//!
//! A setting has one name everywhere: `invoice_expiry` in the file is `--invoice-expiry` on the
//! command line and `PURRWALL_INVOICE_EXPIRY` in the environment. What is sold stands in the file
//! alone.

mod arguments;
mod catalogue;
mod certificate;
#[cfg(feature = "program")]
mod command_line;
mod error;
mod file;
mod keys;
mod look;
mod node;
mod origin;
mod parse;
mod reader;
mod routes;
mod sources;
mod verify_key;

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

pub use arguments::Arguments;
pub use certificate::Certificate;
pub use error::SettingsError;
pub use keys::{ALL, About};
pub use node::RuneFile;
pub use origin::Origin;
pub use parse::{LogFormat, webhook_url};
use purrwall_gateway::StoreId;
use purrwall_gateway::options::{
    CatalogueOptions, ConnectionsOptions, LimitsOptions, Options, PageOptions, StoreOptions,
    Timing, WebOptions, WebhooksOptions,
};
pub use reader::Setting;

use certificate::Named;
use file::ConfigFile;
use reader::SettingsReader;
use sources::Sources;

/// All settings, checked.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What the gateway is told.
    pub options: Options,
    /// Whether a rune is taken that could pay, withdraw or make runes.
    pub allow_dangerous_rune: bool,
    /// The files that runes were read from.
    pub rune_files: Vec<RuneFile>,
    /// The address to listen on.
    pub listen: SocketAddr,
    /// The certificate to speak HTTPS with; `None` speaks HTTP.
    pub certificate: Option<Certificate>,
    /// The address for plain HTTP where that is led to HTTPS.
    pub http_listen: Option<SocketAddr>,
    /// The address for metrics; `None` is the store's own.
    pub metrics_listen: Option<SocketAddr>,
    /// The address of the owner's desk; `None` is no desk.
    pub desk_listen: Option<SocketAddr>,
    /// The folder of what the gateway keeps.
    pub data_dir: PathBuf,
    /// Where the secret is kept.
    pub secret_file: PathBuf,
    /// Who is told of payments.
    pub webhooks: WebhooksOptions,
    /// How the log is written.
    pub log_format: LogFormat,
    /// Each setting as text, in the order of [`ALL`], and where it was set.
    pub all: Vec<Setting>,
}

/// The settings of who stands between a store and its lightningd, for whom nothing else of the store
/// has to be in place.
#[derive(Clone, Debug)]
pub struct Between {
    /// The store's own name at lightningd.
    pub store_id: StoreId,
    /// lightningd's own socket.
    pub lightning_rpc: PathBuf,
    /// How the log is written.
    pub log_format: LogFormat,
}

impl Between {
    /// Takes the flags, and what the environment and the file say where a flag is not given.
    pub fn new(arguments: &Arguments) -> Result<Self, SettingsError> {
        let mut reader = reader(arguments, &|name| std::env::var_os(name));
        let config_file = reader.optional(&keys::config)?;
        let file = config_file.as_deref().map(ConfigFile::read).transpose()?;
        reader.sources.file = file.as_ref();
        let network = reader.optional(&keys::network)?;
        Ok(Self {
            store_id: reader.required(&keys::store_id)?,
            lightning_rpc: node::socket(&mut reader, std::env::home_dir().as_deref(), network)?,
            log_format: reader.required(&keys::log_format)?,
        })
    }
}

impl Settings {
    /// Takes the flags, and what the environment and the file say where a flag is not given.
    pub fn new(arguments: &Arguments) -> Result<Self, SettingsError> {
        Self::load(arguments, None, &|name| std::env::var_os(name))
    }

    /// The same, as if the file held this text.
    pub fn with_text(arguments: &Arguments, text: &str) -> Result<Self, SettingsError> {
        Self::load(arguments, Some(text), &|name| std::env::var_os(name))
    }

    fn load(
        arguments: &Arguments,
        text: Option<&str>,
        environment: &dyn Fn(&str) -> Option<OsString>,
    ) -> Result<Self, SettingsError> {
        let mut reader = reader(arguments, environment);
        let config_file = reader.optional(&keys::config)?;
        let read = |path| match text {
            Some(text) => ConfigFile::parse(path, text),
            None => ConfigFile::read(path),
        };
        let file = config_file.as_deref().map(read).transpose()?;
        reader.sources.file = file.as_ref();

        let store_name = reader.required(&keys::store_name)?;
        let store_id = reader.required(&keys::store_id)?;
        let named = Named::read(&mut reader)?;
        let home = std::env::home_dir();
        let network = reader.optional(&keys::network)?;
        let nodes = node::read(&mut reader, home.as_deref(), network)?;
        let data_dir = reader.path(&keys::data_dir, || {
            match (&config_file, std::env::var_os("XDG_DATA_HOME"), &home) {
                (Some(file), _, _) => Some(file.with_file_name(".purrwall")),
                (None, Some(data), _) => Some(Path::new(&data).join("purrwall")),
                (None, None, home) => Some(home.as_ref()?.join(".local/share/purrwall")),
            }
        })?;
        let certificate = named.certificate(&data_dir);
        let secret_file = reader.path(&keys::secret_file, || Some(data_dir.join("secret")))?;
        let verify_key_file = reader.given(&keys::verify_key_file)?;
        let verify_key = verify_key::read(&reader, verify_key_file.as_ref())?;
        let page = PageOptions {
            dir: reader.optional(&keys::frontend)?,
            webln_script: reader.optional(&keys::webln_script)?,
        };
        let store = StoreOptions {
            id: store_id,
            name: store_name,
            public_url: named.public_url.clone(),
            invoice_expiry_secs: reader.required(&keys::invoice_expiry)?,
        };
        let webhooks = WebhooksOptions {
            urls: reader.optional(&keys::webhooks)?.unwrap_or_default(),
            dir: data_dir.join("webhooks"),
        };
        let limits = LimitsOptions {
            trusted_proxies: reader.optional(&keys::trusted_proxies)?.unwrap_or_default(),
            invoices_per_minute: reader.required(&keys::invoices_per_minute)?,
            open_invoices_per_client: reader.required(&keys::open_invoices_per_client)?,
            open_invoices_per_network: reader.required(&keys::open_invoices_per_network)?,
            open_invoices: reader.required(&keys::open_invoices)?,
            most_open_invoices: reader.required(&keys::most_open_invoices)?,
            delete_expired: reader.required(&keys::delete_expired)?,
        };
        let web = WebOptions {
            frame_ancestors: reader.required(&keys::frame_ancestors)?,
            cors_origins: reader.required(&keys::cors_origins)?,
        };
        let metrics_listen = reader.optional(&keys::metrics_listen)?;
        let has_files = certificate.as_ref().and_then(Certificate::files).is_some();
        let desk_listen = desk(&mut reader, named.listen, metrics_listen, has_files)?;
        let log_format = reader.required(&keys::log_format)?;
        let catalogue = CatalogueOptions {
            versions_dir: data_dir.join("goods"),
            seal_secret_file: data_dir.join("seal_secret"),
            private: [data_dir.clone(), secret_file.clone()]
                .into_iter()
                .chain(config_file.clone())
                .chain(verify_key_file.map(|given| given.path()))
                .collect(),
            ..CatalogueOptions::default()
        };
        let catalogue = match (&config_file, &file) {
            (Some(path), Some(file)) => catalogue::read(path, file, catalogue)?,
            _ => catalogue,
        };
        let routes = file
            .as_ref()
            .map(|file| routes::read(file, &catalogue.rates, &limits.trusted_proxies));
        Ok(Self {
            options: Options {
                nodes: nodes.endpoints,
                network,
                store,
                catalogue,
                routes: routes.transpose()?.unwrap_or_default(),
                page,
                limits,
                web,
                verify_key,
                connections: ConnectionsOptions::default(),
                timing: Timing::default(),
            },
            allow_dangerous_rune: nodes.allow_dangerous_rune,
            rune_files: nodes.rune_files,
            listen: named.listen,
            certificate,
            http_listen: named.http_listen,
            metrics_listen,
            desk_listen,
            data_dir,
            secret_file,
            webhooks,
            log_format,
            all: reader.settings,
        })
    }
}

fn reader<'a>(
    arguments: &'a Arguments,
    environment: &'a dyn Fn(&str) -> Option<OsString>,
) -> SettingsReader<'a> {
    SettingsReader {
        sources: Sources {
            arguments,
            environment,
            file: None,
        },
        settings: Vec::new(),
    }
}

/// Whoever is signed in at the desk can change what is sold, so it is kept apart from the store, and its
/// cookie never travels in the clear.
fn desk(
    reader: &mut SettingsReader,
    store: SocketAddr,
    metrics: Option<SocketAddr>,
    is_over_tls: bool,
) -> Result<Option<SocketAddr>, SettingsError> {
    let Some(given) = reader.given(&keys::desk_listen)? else {
        return Ok(None);
    };
    let address: SocketAddr = given.read(parse::address)?;
    let is_taken = |other: SocketAddr| {
        let is_same_host = other.ip() == address.ip()
            || other.ip().is_unspecified()
            || address.ip().is_unspecified();
        address.port() != 0 && other.port() == address.port() && is_same_host
    };
    if [Some(store), metrics].into_iter().flatten().any(is_taken) {
        return Err(
            given.wrong("is taken by the store or its metrics; give the desk a port of its own")
        );
    }
    if !address.ip().is_loopback() && !is_over_tls {
        return Err(given.wrong(
            "can be reached from elsewhere, and plain HTTP would show the owner's cookie on the way; \
             use 127.0.0.1 and a tunnel such as `ssh -L 8090:127.0.0.1:8090`, or set tls_certificate \
             and tls_key",
        ));
    }
    Ok(Some(address))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use purrwall_gateway::Endpoint;
    use purrwall_gateway::options::RateSource;

    use super::*;

    fn load(flags: &[(&str, &str)], variables: &[(&str, &str)]) -> Result<Settings, String> {
        let key = |flag| ALL.iter().find(|about| about.flag() == flag).unwrap().key;
        let flags = flags
            .iter()
            .map(|(flag, text)| (key(*flag), (*text).to_owned()));
        let environment = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| OsString::from(value))
        };
        Settings::load(&flags.collect(), None, &environment).map_err(|error| error.to_string())
    }

    #[test]
    fn a_desk_is_off_unless_it_is_on_this_machine_or_over_tls() {
        assert_eq!(load(&[], &[]).unwrap().desk_listen, None);
        let desk = |address, flags: &[(&str, &str)]| {
            let flags = [&[("--desk-listen", address)], flags].concat();
            load(&flags, &[]).map(|settings| settings.desk_listen.unwrap().to_string())
        };
        for address in ["127.0.0.1:8090", "[::1]:8090", "127.0.0.1:0"] {
            assert_eq!(desk(address, &[]).unwrap(), address);
        }
        let tls = [("--tls-certificate", "a"), ("--tls-key", "b")];
        for address in ["0.0.0.0:8090", "192.0.2.1:8090"] {
            let error = desk(address, &[]).unwrap_err();
            assert!(
                error.contains(address) && error.contains("ssh -L"),
                "{error}"
            );
            assert_eq!(desk(address, &tls).unwrap(), address);
        }
        let metrics = [("--metrics-listen", "127.0.0.1:8090")];
        for (address, flags) in [
            ("127.0.0.1:8080", &[][..]),
            ("0.0.0.0:8080", &tls[..]),
            ("127.0.0.1:8090", &metrics[..]),
        ] {
            let error = desk(address, flags).unwrap_err();
            assert!(error.contains("port of its own"), "{error}");
        }
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

        fn load(&self) -> Result<Settings, String> {
            load(&[("--config", &self.path())], &[])
        }
    }

    const ITEM: &str = "[[item]]\nid = \"cat\"\ntitle = \"A cat\"\nfile = \"cat.txt\"\n";

    #[test]
    fn the_defaults_are_those_of_the_help() {
        let config = load(&[], &[]).unwrap();
        assert!(socket(&config).ends_with(".lightning/bitcoin/lightning-rpc"));
        assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
        assert!(config.secret_file.ends_with("purrwall/secret"));
        assert_eq!(config.options.store.name, "Purrwall");
        assert_eq!(config.options.store.invoice_expiry_secs, 600);
        assert_eq!(config.options.network, None);
        assert!(config.options.catalogue.file.is_none());
    }

    #[test]
    fn the_network_chooses_the_socket() {
        let config = load(&[("--network", "regtest")], &[]).unwrap();
        assert!(socket(&config).ends_with(".lightning/regtest/lightning-rpc"));
    }

    /// The socket by which lightningd is reached.
    fn socket(config: &Settings) -> &Path {
        match &config.options.nodes[..] {
            [Endpoint::Socket(socket)] => socket,
            other => panic!("{other:?} is no socket"),
        }
    }

    /// A rune of nobody's that allows everything.
    const RUNE: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA9MA==";

    fn rest_store(lines: &str) -> StoreFile {
        let file = StoreFile::new(&format!("ca_file = \"ca.pem\"\n{lines}"));
        let ca = rcgen::generate_simple_self_signed(["ca".to_owned()]).unwrap();
        std::fs::write(file.0.path().join("ca.pem"), ca.cert.pem()).unwrap();
        std::fs::write(file.0.path().join("rune"), format!("{RUNE}\n")).unwrap();
        file
    }

    #[test]
    fn clnrest_takes_the_place_of_the_socket() {
        let lines = "lightning = \"https://node.example:3010\"\nlightning_rpc = \"/rpc\"";
        let file = rest_store(&format!("{lines}\nrune_file = \"rune\"\n"));
        let config = file.load().unwrap();
        let shown = format!("{:?} {:?}", config.options.nodes, config.all);
        assert!(shown.contains("https://node.example:3010"), "{shown}");
        assert!(!shown.contains("AAAA"), "the rune is shown: {shown}");

        let file = rest_store(lines);
        let error = file.load().unwrap_err();
        assert!(
            error.contains("rune_file") && error.contains("PURRWALL_RUNE"),
            "{error}"
        );
        let variables = [("PURRWALL_RUNE", RUNE)];
        load(&[("--config", &file.path())], &variables).unwrap();
        let variables = [("PURRWALL_RUNE", "no rune")];
        let error = load(&[("--config", &file.path())], &variables).unwrap_err();
        assert!(
            error.contains("purrwall rune") && !error.contains("no rune"),
            "{error}"
        );
    }

    #[test]
    fn the_key_of_the_owners_servers_is_read_and_never_shown() {
        let key = "0123456789abcdef0123456789abcdef";
        let file = StoreFile::new("verify_key_file = \"verify.key\"\n");
        let error = file.load().unwrap_err();
        assert!(
            error.contains("purrwall.toml:1") && error.contains("cannot be read"),
            "{error}"
        );
        let put = |text: &str| std::fs::write(file.0.path().join("verify.key"), text).unwrap();
        put("short\n");
        let error = file.load().unwrap_err();
        assert!(
            error.contains("32 or more") && !error.contains("short"),
            "{error}"
        );
        put(&format!("{key}\n"));
        let config = file.load().unwrap();
        assert!(config.options.verify_key.is_some());
        assert!(!format!("{config:?}").contains(key));
        assert!(
            config
                .options
                .catalogue
                .private
                .contains(&file.0.path().join("verify.key"))
        );

        let variable = |text| load(&[], &[("PURRWALL_VERIFY_KEY", text)]);
        assert!(variable(key).unwrap().options.verify_key.is_some());
        let error = variable("short").unwrap_err();
        assert!(
            error.contains("PURRWALL_VERIFY_KEY") && !error.contains("short"),
            "{error}"
        );
        assert!(load(&[], &[]).unwrap().options.verify_key.is_none());
    }

    #[test]
    fn a_domain_is_a_whole_set_up() {
        let file = StoreFile::new(
            "domain = \"cats.example, www.cats.example\"\nstore_name = \"Cats\"\n\
             data_dir = \"/var/lib/purrwall\"\nlightning = \"/run/purrwall-guard/store-rpc\"\n\
             item = [{ id = \"cat\", title = \"A cat\", file = \"cat.txt\", price = \"1 sat\" }]\n",
        );
        let config = file.load().unwrap();
        assert_eq!(config.listen, "[::]:443".parse().unwrap());
        assert_eq!(config.http_listen, Some("[::]:80".parse().unwrap()));
        let url = config.options.store.public_url.as_deref();
        assert_eq!(url, Some("https://cats.example"));
        let Some(Certificate::ByItself(acme)) = config.certificate else {
            panic!("it gets none: {:?}", config.certificate);
        };
        assert_eq!(acme.domains, ["cats.example", "www.cats.example"]);
        assert!(acme.directory.contains("letsencrypt.org"));
        assert_eq!(acme.dir, Path::new("/var/lib/purrwall/acme"));
        assert_eq!(config.options.catalogue.items.len(), 1);

        // What is said wins.
        let flags = [
            ("--domain", "cats.example"),
            ("--listen", "127.0.0.1:8443"),
            ("--http-listen", "127.0.0.1:8080"),
            ("--public-url", "https://cats.example/shop"),
        ];
        let config = load(&flags, &[]).unwrap();
        assert_eq!(config.listen.port(), 8443);
        assert_eq!(config.http_listen.unwrap().port(), 8080);
        let url = config.options.store.public_url.as_deref();
        assert_eq!(url, Some("https://cats.example/shop"));
        let config = load(&[], &[]).unwrap();
        assert_eq!((config.http_listen, config.certificate), (None, None));
    }

    #[test]
    fn a_domain_that_cannot_be_one_is_told_with_the_remedy() {
        for wrong in [
            "https://cats.example",
            "cats",
            "Cats.example",
            "cats.example:443",
            "1.2.3.4",
            "*.cats.example",
            ",",
        ] {
            let error = load(&[("--domain", wrong)], &[]).unwrap_err();
            assert!(
                error.contains("cats.example") && error.contains("--domain"),
                "{error}"
            );
        }
        for (flag, value) in [
            ("--http-listen", "127.0.0.1:8080"),
            ("--acme-directory", "https://ca.example/dir"),
            ("--acme-ca-file", "ca.pem"),
        ] {
            let error = load(&[(flag, value)], &[]).unwrap_err();
            assert!(
                error.contains(flag) && error.contains("needs domain"),
                "{error}"
            );
        }
        let both = [("--domain", "cats.example"), ("--tls-key", "key.pem")];
        let error = load(&both, &[]).unwrap_err();
        assert!(error.contains("take one of them out"), "{error}");
        let plain = [
            ("--domain", "cats.example"),
            ("--acme-directory", "http://ca.example"),
        ];
        let error = load(&plain, &[]).unwrap_err();
        assert!(
            error.contains("--acme-directory") && error.contains("https://"),
            "{error}"
        );
    }

    #[test]
    fn a_socket_is_a_place_of_lightningd_too() {
        let file = StoreFile::new("lightning = \"guard/store-rpc\"\n");
        let config = file.load().unwrap();
        assert_eq!(socket(&config), file.0.path().join("guard/store-rpc"));
        let flags = [
            ("--config", file.path()),
            ("--lightning-rpc", "/rpc".to_owned()),
        ];
        let flags = flags.each_ref().map(|(flag, text)| (*flag, text.as_str()));
        assert_eq!(socket(&load(&flags, &[]).unwrap()), Path::new("/rpc"));
    }

    #[test]
    fn nobody_but_the_named_authority_is_trusted() {
        let variables = [("PURRWALL_RUNE", RUNE)];
        for (flag, remedy) in [
            ("https://node.example:3010", "ca_file"),
            ("http://node.example:3010", "https://"),
            ("https://node.example:3010/v1", "https://node.example:3010"),
        ] {
            let error = load(&[("--lightning", flag)], &variables).unwrap_err();
            assert!(error.contains(flag) && error.contains(remedy), "{error}");
        }
        load(&[("--lightning", "http://127.0.0.1:3010")], &variables).unwrap();
        let file = rest_store("lightning = \"https://node.example:3010\"\ntls_name = \"a b\"");
        let error = load(&[("--config", &file.path())], &variables).unwrap_err();
        assert!(error.contains("tls_name = \"a b\""), "{error}");
    }

    #[test]
    fn several_nodes_are_listed() {
        let one = "[[node]]\nlightning = \"https://node.example:3010\"\nrune_file = \"rune\"\n\
                   ca_file = \"ca.pem\"\ntls_name = \"localhost\"\n";
        let two = "[[node]]\nlightning = \"guard/store-rpc\"\n";
        let file = |text: &str| {
            let file = rest_store("");
            std::fs::write(file.0.path().join("purrwall.toml"), text).unwrap();
            file
        };
        let both = file(&[one, two].concat());
        let config = both.load().unwrap();
        let places = config.options.nodes.iter().map(ToString::to_string);
        let socket = both.0.path().join("guard/store-rpc").display().to_string();
        assert_eq!(
            places.collect::<Vec<_>>(),
            ["https://node.example:3010", &socket]
        );
        let [rune] = &config.rune_files[..] else {
            panic!("one rune");
        };
        assert_eq!(rune.path, both.0.path().join("rune"));

        // A flag or a variable names one node, in place of all that the file lists.
        let path = both.path();
        for name in ["--lightning", "--lightning-rpc"] {
            let config = load(&[("--config", &path), (name, "/rpc")], &[]).unwrap();
            assert_eq!(self::socket(&config), Path::new("/rpc"));
        }
        for (lines, told) in [
            (
                "lightning = \"/rpc\"",
                "1: lightning = \"/rpc\": stands beside [[node]]",
            ),
            ("lightning_rpc = \"/rpc\"", "stands beside [[node]]"),
            ("tls_name = \"localhost\"", "move it into the [[node]]"),
        ] {
            let error = file(&format!("{lines}\n{two}")).load().unwrap_err();
            assert!(error.contains(told), "{error}");
        }
        for (lines, told) in [
            ("[[node]]\nrune_file = \"rune\"\n", "add `lightning = …`"),
            ("[[node]]\nlightnin = \"/rpc\"\n", "did you mean lightning?"),
            (
                "[[node]]\nlightning = \"https://node.example\"\n",
                "with rune_file in this [[node]]",
            ),
            (
                "[[node]]\nlightning = \"/rpc\"\nlisten = \"x\"\n",
                "above the first",
            ),
            ("node = \"/rpc\"\n", "[[node]]"),
        ] {
            let error = file(lines).load().unwrap_err();
            assert!(error.contains(told), "{error}");
        }
        let error = load(&[("--config", &path)], &[("PURRWALL_RUNE", RUNE)]).unwrap_err();
        assert!(
            error.contains("holds one for all") && !error.contains(RUNE),
            "{error}"
        );
    }

    #[track_caller]
    fn check_name(flags: &[(&str, &str)], variables: &[(&str, &str)], value: &str, origin: &str) {
        let file = StoreFile::new("\nstore_name = \"File\"\n");
        let path = file.path();
        let flags = [&[("--config", path.as_str())], flags].concat();
        let config = load(&flags, variables).unwrap();
        assert_eq!(config.options.store.name, value);
        let setting = config
            .all
            .iter()
            .find(|one| one.key == "store_name")
            .unwrap();
        assert_eq!(setting.value.as_deref(), Some(value));
        assert_eq!(
            setting.origin.to_string().replace(&path, "purrwall.toml"),
            origin
        );
    }

    #[test]
    fn a_flag_wins_over_a_variable_and_a_variable_over_the_file() {
        let variable = [("PURRWALL_STORE_NAME", "Variable")];
        check_name(&[("--store-name", "Flag")], &variable, "Flag", "flag");
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
        let config = file.load().unwrap();
        let dir = file.0.path();
        assert_eq!(socket(&config), dir.join("rpc"));
        assert_eq!(config.options.page.dir, Some(PathBuf::from("/srv/dist")));
        assert_eq!(config.secret_file, dir.join(".purrwall/secret"));
    }

    #[track_caller]
    fn check_refused(flag: &str, value: &str, named: &str) {
        let error = load(&[(flag, value)], &[]).unwrap_err();
        assert!(error.contains(named), "{error}");
    }

    #[test]
    fn a_malformed_value_names_itself() {
        check_refused("--listen", "8080", "--listen \"8080\": is not an address");
        check_refused("--network", "moon", "moon");
        check_refused("--invoice-expiry", "0", "--invoice-expiry");
        check_refused("--invoice-expiry", "31d", "at most 30d");
        check_refused(
            "--invoice-expiry",
            "1152921504606846976",
            "--invoice-expiry",
        );
        check_refused("--open-invoices-per-client", "few", "0 for no limit");
        check_refused("--most-open-invoices", "0", "write one such as 100000");
        check_refused("--public-url", "cats.example", "https://cats.example");
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

    #[test]
    fn a_setting_below_a_table_is_told_to_move() {
        let remedy = "move it above the first […]";
        check_file_refused(&format!("{ITEM}frontend = \"dist\""), 5, "frontend", remedy);
        check_file_refused(
            "[rates.USD]\nfixed = 1\nlisten = \"x\"",
            3,
            "listen",
            remedy,
        );
    }

    #[test]
    fn all_settings_are_read_in_the_order_of_the_table() {
        let read = load(&[], &[]).unwrap();
        let keys: Vec<_> = read.all.iter().map(|setting| setting.key).collect();
        let table: Vec<_> = ALL.iter().map(|about| about.key).collect();
        assert_eq!(keys, table);
    }

    #[track_caller]
    fn check_item_refused(line: &str, key: &str, remedy: &str) {
        check_file_refused(&format!("{ITEM}{line}"), 5, key, remedy);
    }

    #[test]
    fn a_wrong_item_names_its_line_and_the_remedy() {
        check_item_refused("price = \"free\"", "price = \"free\"", "100 sat");
        check_item_refused("price = 100", "price = \"100\"", "100 sat");
        check_item_refused("price = \"0 sat\"", "price", "0.001 sat");
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
        let error = load(&[("--config", "/nonexistent/purrwall.toml")], &[]).unwrap_err();
        assert!(error.contains("/nonexistent/purrwall.toml"), "{error}");
        assert!(error.contains("purrwall new"), "{error}");
    }

    #[test]
    fn an_item_with_everything_is_read() {
        let text = format!(
            "{ITEM}teaser = \"Miau\"\nprice = \"0.25 USD\"\nvalid_for = \"30d\"\n\
             content_type = \"text/plain\"\n[rates.USD]\nfixed = 65_000.5\n"
        );
        let config = StoreFile::new(&text).load().unwrap();
        let [item] = &config.options.catalogue.items[..] else {
            panic!("one item");
        };
        assert_eq!(item.id.as_str(), "cat");
        assert_eq!(item.teaser, "Miau");
        assert_eq!(item.price.to_string(), "0.25 USD");
        assert_eq!(item.valid_for, Some(Duration::from_hours(720)));
        assert_eq!(item.content_type.as_deref(), Some("text/plain"));
        let fixed = RateSource::Fixed("65000.5".parse().unwrap());
        assert_eq!(config.options.catalogue.rates[0].source, fixed);
    }

    #[test]
    fn a_route_needs_three_lines() {
        let route = |more: &str| {
            let text = format!("[[route]]\npath = \"/Forecast/*\"\nprice = \"10 sat\"\n{more}\n");
            StoreFile::new(&text)
                .load()
                .map(|config| config.options.routes)
        };
        let upstream = "upstream = \"http://127.0.0.1:3000\"\n";
        let [plain] = &route(upstream).unwrap()[..] else {
            panic!("one route");
        };
        assert_eq!(
            (plain.name.as_str(), &*plain.title),
            ("forecast", "forecast")
        );
        assert_eq!(plain.upstream.as_ref().unwrap(), "127.0.0.1:3000");
        let asked = "[[route]]\npath = \"/api/*\"\nprice = \"1 sat\"\nforward_auth = true\n";
        let text = format!("trusted_proxies = \"127.0.0.1\"\n{asked}");
        let config = StoreFile::new(&text).load().unwrap();
        assert_eq!(config.options.routes[0].upstream, None);
        let text = format!("[[route]]\npath = \"/a\"\nprice = \"1 sat\"\n{upstream}");
        let services = StoreFile::new(&text).load().unwrap().options.catalogue;
        assert!(!services.sells_cats());
        let lists = "methods = [\"GET\", \"POST\"]\nfree = \"/Forecast/about\"\n";
        let [listed] = &route(&[upstream, lists].concat()).unwrap()[..] else {
            panic!("one route");
        };
        assert_eq!((listed.methods.len(), listed.free.len()), (2, 1));
        for (more, told) in [
            ("", "has no upstream"),
            ("forward_auth = true", "needs trusted_proxies"),
            ("forward_auth = false", "`forward_auth = true`"),
            ("forward_auth = 1", "forward_auth = \"1\""),
            (
                &*format!("{upstream}forward_auth = true"),
                "no use beside `upstream`",
            ),
            ("upstream = \"https://x.example\"", "http://127.0.0.1:3000"),
            ("upstream = \"http://127.0.0.1:3000/a\"", "without a path"),
            (&*format!("{upstream}signing_key = \"short\""), "too short"),
            (&*format!("{upstream}methods = [\"get\"]"), "is no method"),
            (&*format!("{upstream}free = [\"about\"]"), "is not a path"),
            (
                &*format!("{upstream}upstrem = \"x\""),
                "did you mean upstream?",
            ),
            (
                &*format!("{upstream}[[route]]\npath = \"/api/x\"\nprice = \"1 sat\"\n{upstream}"),
                "the store's own",
            ),
            (
                &*format!(
                    "{upstream}[[route]]\npath = \"/forecast\"\nprice = \"1 sat\"\n{upstream}"
                ),
                "another price",
            ),
        ] {
            let error = route(more).unwrap_err();
            assert!(error.contains(told), "{error}");
        }
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
        for key in file::keys() {
            assert!(file.settings.contains_key(key), "{key}");
        }
        let sections = |keys: &[&str], sections: &[&file::Section]| {
            for key in keys {
                let found = sections.iter().any(|section| !section.list(key).is_empty());
                assert!(found, "{key}");
            }
        };
        sections(&file::ITEM_KEYS, &file.items.iter().collect::<Vec<_>>());
        sections(&file::ROUTE_KEYS, &file.routes.iter().collect::<Vec<_>>());
        sections(&file::NODE_KEYS, &file.nodes.iter().collect::<Vec<_>>());
        let rates: Vec<_> = file.rates.iter().map(|(_, section)| section).collect();
        sections(&file::RATE_KEYS, &rates);
        sections(&file::LOOK_KEYS, &file.look.iter().collect::<Vec<_>>());
        catalogue::read(path, &file, CatalogueOptions::default()).unwrap();

        let shown = |file: &StoreFile| -> Vec<_> {
            let folder = file.0.path().display().to_string();
            let text = |setting: Setting| {
                let value = setting.value.unwrap_or_default();
                (setting.key, value.replace(&folder, ""))
            };
            file.load().unwrap().all.into_iter().map(text).collect()
        };
        // Several nodes stand in place of the one that is the default.
        let (one_node, _) = uncommented.split_once("[[node]]").unwrap();
        // By default no proxy is trusted, so that none may ask.
        let upstream = "upstream = \"http://127.0.0.1:3001\"";
        let one_node = one_node.replace("forward_auth = true", upstream);
        let (example, defaults) = (StoreFile::new(&one_node), StoreFile::new(""));
        assert_eq!(shown(&example), shown(&defaults));
    }

    #[test]
    fn the_defaults_are_those_of_the_library() {
        let options = load(&[], &[]).unwrap().options;
        assert_eq!(options.store, StoreOptions::default());
        assert_eq!(options.page, PageOptions::default());
        assert_eq!(options.limits, LimitsOptions::default());
        assert_eq!(options.web, WebOptions::default());
    }

    #[test]
    fn the_documents_have_the_table() {
        let rows: Vec<_> = ALL
            .iter()
            .map(|about| {
                let default = about.default.map(|default| format!("`{default}`"));
                let (key, default) = (about.key, default.unwrap_or_default());
                format!("| `{key}` | {default} | {} |\n", about.help())
            })
            .collect();
        let rows = rows.concat();
        let documented = include_str!("../../docs/operating.md");
        assert!(
            documented.contains(&rows),
            "docs/operating.md needs\n{rows}"
        );
    }

    fn is_assignment(line: &str) -> bool {
        let key = line.split(" = ").next().unwrap_or_default();
        key != line
            && key
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte == b'_')
    }
}

//! `cargo xtask demo`: a store that sells cats over a Lightning network in a box.

use std::{fs, net::TcpListener, thread};

use anyhow::{Context, Result, bail};
use signal_hook::{
    consts::{SIGCHLD, SIGINT, SIGTERM},
    iterator::Signals,
};

use crate::{
    build,
    clnrest::Clnrest,
    command::{command, programs_dir, root, run},
    demo_page, goods,
    server::Server,
    setup::setup,
    site,
    steps::Steps,
    tools::Purpose,
};

/// Where the store listens; the network's own page is one higher, the page that embeds the widget two.
const DEFAULT_PORT: u16 = 8080;

/// Where the demo keeps its nodes and its secret, seen from the top folder: the path of a Unix
/// socket may hold no more than about a hundred bytes, so it is not made absolute.
const DIR: &str = ".demo";

/// What can be chosen.
pub(crate) struct Options {
    /// Where the store listens.
    port: u16,
    /// What the network is told, in its own words: `--nodes 12 --seed 7`.
    network: Vec<String>,
    /// Whether the store reaches its node by clnrest, with a rune that cannot spend.
    by_rune: bool,
}

impl Options {
    /// Reads what follows `demo` on the command line.
    pub(crate) fn parse(args: &[&str]) -> Result<Self> {
        let mut options = Self {
            port: DEFAULT_PORT,
            network: Vec::new(),
            by_rune: false,
        };
        let mut args = args.to_vec();
        if let Some(at) = args.iter().position(|arg| *arg == "--rune") {
            args.remove(at);
            options.by_rune = true;
        }
        for pair in args.chunks(2) {
            match *pair {
                ["--port", port] => options.port = parse_port(port)?,
                [name @ ("--nodes" | "--seed"), number] => {
                    let parsed: Result<u64, _> = number.parse();
                    parsed.with_context(|| format!("{name} wants a number, not {number:?}"))?;
                    options.network.extend([name.into(), number.into()]);
                }
                [name, ..] => {
                    bail!(
                        "demo takes --rune, and --port, --nodes and --seed, each with a number, not \
                         {name:?}"
                    )
                }
                [] => {}
            }
        }
        Ok(options)
    }
}

/// The port that `--port` names; the two above it must be ports too.
fn parse_port(port: &str) -> Result<u16> {
    let parsed: Option<u16> = port.parse().ok();
    parsed
        .filter(|port| (1..u16::MAX - 1).contains(port))
        .with_context(|| format!("--port wants a number from 1 to 65533, not {port:?}"))
}

/// Builds everything, starts the network and the store, and keeps them up until Ctrl-C.
pub(crate) fn demo(options: &Options) -> Result<()> {
    let port = options.port;
    for port in port..=port + 2 {
        ensure_free(port)?;
    }
    println!(
        "A store, its Lightning network and two buyers, in four steps. The first start compiles \
         everything and takes minutes; the next ones take seconds."
    );
    let mut steps = Steps::new();
    // The programs need no tool that may be missing.
    steps.run("tools and programs", || {
        side_by_side(|| setup(Purpose::Demo), || run(&mut build::programs()))
    })?;

    // From here on Ctrl-C is ours, so that we end after our children.
    let mut signals =
        Signals::new([SIGINT, SIGTERM, SIGCHLD]).context("cannot listen for Ctrl-C")?;
    let mut network = steps.run("Lightning network", || start_network(port + 1, options))?;
    println!("Its page is open already: http://{}/", address(port + 1));
    let page = format!("{DIR}/page");
    steps.run("page", || demo_page::build(&root().join(&page)))?;
    let by_rune = if options.by_rune {
        Some(steps.run("rune", || Clnrest::find(&network, DIR))?)
    } else {
        None
    };
    let store_url = format!("http://{}", address(port));
    let sealed = goods::prepare(&root().join(DIR), &site::files(port + 2))?;
    let mut store = steps.run("store", || {
        start_store(port, port + 1, &page, by_rune.as_ref())
    })?;
    let journal = site::open(port + 2, &store_url, &node_id(&network)?, sealed)?;
    steps.summary();
    println!(
        "\n\
         The store              {store_url}/\n\
         The network            http://{}/\n\
         Somebody else's page   {journal}\n\n\
         Buy a cat and pay with one click: as alice, who has a channel to the store, or as bob, who\n\
         pays through her. The two cats travel sealed: the other site has them, encrypted, and the payment is the\n\
         key. The network's page shows each payment find its way, and pays any invoice.\n\
         The nodes answer lightningd's calls at {DIR}/devnet/{{store,alice,bob}}/lightning-rpc.\n\
         Ctrl-C closes the store.",
        address(port + 1)
    );
    if let Some(Clnrest { url, .. }) = &by_rune {
        println!(
            "\nThe store reaches its node at {url}, with a rune that makes invoices and cannot spend."
        );
    }

    for signal in signals.forever() {
        if signal != SIGCHLD {
            println!("\nclosing");
            break;
        }
        store.ensure_running()?;
        network.ensure_running()?;
    }
    // The store first: it would complain of a network that is gone.
    store.stop()?;
    network.stop()
}

fn start_network(port: u16, options: &Options) -> Result<Server> {
    let dir = root().join(DIR);
    fs::create_dir_all(&dir).with_context(|| format!("cannot create {}", dir.display()))?;
    let mut devnet = command(programs_dir()?.join("devnet"));
    devnet
        .args(["--dir", &format!("{DIR}/devnet")])
        .args(["--http", &address(port)])
        .args(&options.network);
    if options.by_rune {
        devnet.arg("--rest");
    }
    Server::start("the Lightning network", devnet, "ready")
}

fn start_store(
    port: u16,
    network_port: u16,
    page: &str,
    by_rune: Option<&Clnrest>,
) -> Result<Server> {
    let mut gateway = command(programs_dir()?.join("purrwall"));
    gateway
        .args(["--config", &format!("{DIR}/{}", goods::FILE)])
        .args(["--listen", &address(port)])
        .args(["--secret-file", &format!("{DIR}/secret")])
        .args(["--frontend", page])
        .args([
            "--webln-script",
            &format!("http://{}/webln.js?node=alice", address(network_port)),
        ]);
    match by_rune {
        None => gateway.args([
            "--lightning-rpc",
            &format!("{DIR}/devnet/store/lightning-rpc"),
        ]),
        Some(Clnrest { url, ca, rune_file }) => gateway
            .args(["--lightning", url, "--ca-file", ca])
            .args(["--rune-file", rune_file, "--tls-name", "localhost"]),
    };
    Server::start("the store", gateway, &address(port))
}

/// The store's node, as the network announces it: `store NODE_ID SOCKET`.
fn node_id(network: &Server) -> Result<String> {
    let mut lines = network.lines.iter();
    let id = lines.find_map(|line| line.strip_prefix("store ")?.split(' ').next());
    id.map(str::to_owned)
        .context("the Lightning network names no store")
}

fn address(port: u16) -> String {
    format!("127.0.0.1:{port}")
}

/// Does both at the same time; where both fail, the first one's error counts.
fn side_by_side(
    one: impl FnOnce() -> Result<()> + Send,
    other: impl FnOnce() -> Result<()>,
) -> Result<()> {
    thread::scope(|scope| {
        let one = scope.spawn(one);
        let other = other();
        one.join().expect("a step returns errors")?;
        other
    })
}

/// Sees at once, and not after minutes of building, that a port is in use.
fn ensure_free(port: u16) -> Result<()> {
    if let Err(error) = TcpListener::bind(address(port)) {
        bail!(
            "cannot listen on port {port} ({error}); the demo needs three ports, \
             choose the first with `cargo xtask demo --port PORT`"
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::Options;

    #[test]
    fn what_is_not_said_is_the_story() {
        let options = Options::parse(&[]).unwrap();
        assert_eq!((options.port, options.network), (8080, Vec::new()));
    }

    #[test]
    fn the_network_is_told_of_its_size() {
        let args = ["--nodes", "12", "--port", "9000", "--seed", "7"];
        let options = Options::parse(&args).unwrap();
        assert_eq!(options.port, 9000);
        assert_eq!(options.network, ["--nodes", "12", "--seed", "7"]);
        assert!(!options.by_rune);
    }

    #[test]
    fn the_rune_takes_no_number() {
        let options = Options::parse(&["--rune", "--port", "9000"]).unwrap();
        assert!(options.by_rune && options.port == 9000);
    }

    #[test]
    fn what_it_does_not_know_is_named() {
        for (args, named) in [
            (&["--ports", "1"][..], "--ports"),
            (&["--port"], "--port"),
            (&["--port", "65535"], "65535"),
            (&["--nodes", "many"], "many"),
        ] {
            let error = Options::parse(args).err().unwrap();
            assert!(error.to_string().contains(named), "{error}");
        }
    }
}

//! A store that was installed somehow sells its cat, over the Lightning network in a box.

use std::{
    env, fs,
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, bail, ensure};

use crate::{
    command::{command, programs_dir, root, run},
    server::Server,
};

/// A folder for one test, with a Lightning network in it.
pub(super) struct Place {
    dir: PathBuf,
    network: Server,
}

impl Place {
    pub(super) fn new(name: &str) -> Result<Self> {
        // The path of a Unix socket may hold no more than about a hundred bytes.
        let dir = env::temp_dir().join(format!("purrwall-{name}-{}", std::process::id()));
        fs::create_dir_all(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
        let mut devnet = command(programs_dir()?.join("devnet"));
        devnet
            .args(["--http", "127.0.0.1:0", "--dir"])
            .arg(dir.join("net"));
        let network = Server::start("the Lightning network", devnet, "ready")?;
        Ok(Self { dir, network })
    }

    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// The socket of the store's node.
    pub(super) fn lightning_rpc(&self) -> PathBuf {
        self.dir.join("net/store/lightning-rpc")
    }

    /// Starts this program's guard before the node, and gives its socket.
    pub(super) fn guard(&self, program: &Path) -> Result<(Server, PathBuf)> {
        let socket = self.dir.join("store-rpc");
        let mut guard = command(program);
        guard
            .args(["guard", "--lightning-rpc"])
            .arg(self.lightning_rpc())
            .arg("--listen-socket")
            .arg(&socket);
        Ok((Server::start("the guard", guard, "guarding at")?, socket))
    }

    /// Starts the store, whose page has to be in it, and buys a cat with its own program.
    /// `store` listens on `address`.
    pub(super) fn sell(&self, store: Command, address: &str, program: &Path) -> Result<()> {
        let store = Server::start("the store", store, address)?;
        let page = get(address, "/")?;
        let links = page.split(['"', '=', ' ', '>']).map(Path::new);
        let script = links.filter(|link| link.extension().is_some_and(|end| end == "js"));
        let script = script.map(|link| link.display().to_string()).next();
        let script = script.with_context(|| format!("a page without a script: {page}"))?;
        get(
            address,
            &format!("/{}", script.trim_start_matches(['.', '/'])),
        )?;

        let cat = self.dir.join("cat.txt");
        run(command(program)
            .args(["buy", &format!("http://{address}/api/v1/items/cat/content")])
            .args(["--max-sat", "200", "--lightning-rpc"])
            .arg(self.dir.join("net/alice/lightning-rpc"))
            .arg("--out")
            .arg(&cat))?;
        let bought = fs::read(&cat).context("no cat was bought")?;
        let expected = fs::read(root().join("gateway/cats/cat.txt"))?;
        ensure!(bought == expected, "the bought cat is another one");
        store.stop()
    }

    /// Ends the network and removes the folder.
    pub(super) fn clear(self) -> Result<()> {
        self.network.stop()?;
        fs::remove_dir_all(&self.dir)
            .with_context(|| format!("cannot remove {}", self.dir.display()))
    }
}

/// An address that nobody listens on.
pub(super) fn free_address() -> Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").context("cannot listen")?;
    Ok(listener.local_addr()?.to_string())
}

/// What the store answers, head and all.
fn get(address: &str, path: &str) -> Result<String> {
    let mut stream = TcpStream::connect(address).context("the store does not listen")?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n"
    )?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let answer = String::from_utf8_lossy(&answer).into_owned();
    if !answer.starts_with("HTTP/1.1 200 ") {
        bail!(
            "GET {path}: {}",
            answer.lines().next().unwrap_or("no answer")
        );
    }
    Ok(answer)
}

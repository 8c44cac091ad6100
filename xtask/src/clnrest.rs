//! The demo's node behind its REST plugin, clnrest.

use std::{
    env, fs,
    io::{BufRead as _, BufReader, Write as _},
    os::unix::{fs::PermissionsExt as _, net::UnixStream},
};

use anyhow::{Context, Result, ensure};

use crate::{
    command::{command, output, programs_dir, root},
    server::Server,
};

/// The store's node behind its REST plugin.
pub(crate) struct Clnrest {
    pub(crate) url: String,
    /// The file of its authority's certificate.
    pub(crate) ca: String,
    pub(crate) rune_file: String,
}

impl Clnrest {
    /// Finds what the network announced, and makes a rune as an owner does: by the command that
    /// `purrwall rune` prints. `dir` is the demo's, seen from the top folder.
    pub(crate) fn find(network: &Server, dir: &str) -> Result<Self> {
        let mut lines = network.lines.iter();
        let rest = lines.find_map(|line| line.strip_prefix("rest ")?.split_once(' '));
        let (url, ca) = rest.context("the Lightning network names no REST")?;
        let printed = output(command(programs_dir()?.join("purrwall")).arg("rune"))?;
        let restrictions = printed
            .split_once("restrictions='")
            .and_then(|(_, rest)| rest.split_once('\''));
        let (restrictions, _) = restrictions.context("`purrwall rune` prints no restrictions")?;
        let made = call_store(
            dir,
            "createrune",
            &format!("{{\"restrictions\":{restrictions}}}"),
        )?;
        // A rune is base64, so this needs no reader of JSON.
        let rune = made.split_once("\"rune\"");
        let rune = rune.and_then(|(_, rest)| rest.split('"').nth(1));
        let rune_file = format!("{dir}/rune");
        let path = root().join(&rune_file);
        fs::write(&path, rune.context("the store's node makes no rune")?)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
        Ok(Self {
            url: url.to_owned(),
            ca: ca.to_owned(),
            rune_file,
        })
    }
}

/// Calls the store's node as `lightning-cli` does, and gives its answer.
fn call_store(dir: &str, method: &str, params: &str) -> Result<String> {
    // Seen from the top folder, as the path of a socket must be short.
    let socket = format!("{dir}/devnet/store/lightning-rpc");
    env::set_current_dir(root())?;
    let stream = UnixStream::connect(&socket);
    let mut stream = stream.with_context(|| format!("cannot connect to {socket}"))?;
    let request = format!(
        "{{\"jsonrpc\":\"2.0\",\"id\":\"demo\",\"method\":\"{method}\",\"params\":{params}}}"
    );
    stream.write_all(request.as_bytes())?;
    let mut answer = String::new();
    let mut lines = BufReader::new(stream);
    while !answer.ends_with("\n\n") {
        ensure!(lines.read_line(&mut answer)? > 0, "{socket} hung up");
    }
    Ok(answer)
}

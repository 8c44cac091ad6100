//! lightningd's REST plugin, clnrest, before a node. With `PURRWALL_TEST_REST=1` the gateways of tests
//! reach their nodes through it: the devnet's through its own clnrest with TLS and a rune, and any
//! other through one in this process, which takes every rune.

use std::collections::HashMap;
use std::env;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex};

use lightningd::{Endpoint, Rest};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::runtime::Runtime;

use crate::rpc::call;

/// A port that the system chooses.
pub const ANY_PORT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
/// A rune of nobody's.
const ANY_RUNE: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA9MA==";
/// The restrictions that were recorded for a store.
const RECORDED: &str = include_str!("../../devnet/tests/fixtures/rest/runes.json");

/// The devnet's own, by the node's socket.
static KNOWN: LazyLock<Mutex<HashMap<PathBuf, Rest>>> = LazyLock::new(Mutex::default);

/// Whether gateways are to reach their nodes over REST.
pub fn is_wanted() -> bool {
    env::var("PURRWALL_TEST_REST").is_ok_and(|value| value == "1")
}

/// The way to the node at this socket that the tests are to take.
pub fn endpoint(socket: &Path) -> Endpoint {
    if !is_wanted() {
        return socket.into();
    }
    let known = KNOWN.lock().unwrap().get(socket).cloned();
    known.unwrap_or_else(|| bridge(socket.to_owned())).into()
}

/// The node at this socket has a clnrest, which is taken from now on.
pub(crate) fn know(socket: PathBuf, rest: Rest) {
    KNOWN.lock().unwrap().insert(socket, rest);
}

/// The rune that was recorded for a store, made by the node at this socket.
pub async fn recorded_rune(socket: &Path) -> String {
    let recorded: Value = serde_json::from_str(RECORDED).unwrap();
    rune(socket, recorded["restrictions"].clone()).await
}

/// A rune with these restrictions, made by the node at this socket.
pub async fn rune(socket: &Path, restrictions: Value) -> String {
    let params = json!({ "restrictions": restrictions });
    let made = call(socket, "createrune", params).await.unwrap();
    made["rune"].as_str().unwrap().to_owned()
}

/// The devnet's clnrest at another address than its own.
pub fn client(devnet: &devnet::Rest, address: SocketAddr, rune: &str) -> Rest {
    let ca = std::fs::read(&devnet.ca).unwrap();
    let url = format!("https://{address}");
    Rest::new(&url, rune, Some(&ca), Some("localhost")).unwrap()
}

/// clnrest before the node at this socket, as far as a store sees it. A connection to it is one to the
/// socket, and ends with it.
fn bridge(socket: PathBuf) -> Rest {
    // Tests have runtimes of their own, which end with them.
    static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());
    let listener = std::net::TcpListener::bind(ANY_PORT).unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    RUNTIME.spawn(async move {
        let listener = TcpListener::from_std(listener).unwrap();
        loop {
            let (client, _) = listener.accept().await.unwrap();
            let socket = socket.clone();
            tokio::spawn(async move { serve(client, &socket).await });
        }
    });
    Rest::new(&format!("http://{address}"), ANY_RUNE, None, None).unwrap()
}

/// Answers until either side ends.
async fn serve(mut client: TcpStream, socket: &Path) -> Option<()> {
    client.set_nodelay(true).ok()?;
    let mut node = UnixStream::connect(socket).await.ok()?;
    let mut buffer = Vec::new();
    loop {
        let (method, params) = read_request(&mut client, &mut buffer).await?;
        let question = json!({"jsonrpc": "2.0", "id": "rest", "method": method, "params": params});
        node.write_all(question.to_string().as_bytes()).await.ok()?;
        let answer = tokio::select! {
            answer = read_answer(&mut node) => answer?,
            // A client that asks nothing more before it is answered has gone.
            _ = client.read_u8() => return None,
        };
        let (status, body) = match serde_json::from_slice::<Value>(&answer) {
            Ok(answer) if answer.get("error").is_some() => ("500 Error", answer["error"].clone()),
            Ok(answer) => ("201 Created", answer["result"].clone()),
            Err(_) => ("201 Created", Value::Null),
        };
        let body = body.to_string();
        let head = format!(
            "HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        client.write_all((head + &body).as_bytes()).await.ok()?;
    }
}

async fn read_request(client: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<(String, Value)> {
    loop {
        if let Some(end) = buffer.windows(4).position(|part| part == b"\r\n\r\n") {
            let head = String::from_utf8(buffer[..end].to_vec()).ok()?;
            let length = head.lines().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                let is_length = name.eq_ignore_ascii_case("content-length");
                is_length.then(|| value.trim().parse::<usize>().ok())?
            })?;
            let whole = end + 4 + length;
            if buffer.len() >= whole {
                let params = serde_json::from_slice(&buffer[end + 4..whole]).ok()?;
                buffer.drain(..whole);
                let path = head.split(' ').nth(1)?;
                return Some((path.strip_prefix("/v1/")?.to_owned(), params));
            }
        }
        if client.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    }
}

async fn read_answer(node: &mut UnixStream) -> Option<Vec<u8>> {
    let mut answer = Vec::new();
    while !answer.ends_with(b"\n\n") {
        if node.read_buf(&mut answer).await.ok()? == 0 {
            return None;
        }
    }
    Some(answer)
}

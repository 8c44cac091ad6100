//! Somebody else's site: one page, on an origin of its own, that sells what the store has, and a folder of files,
//! where the store's sealed goods lie.
//!
//! The page is the same that the browser tests buy on. It names an example's store and node; here
//! they become the demo's.

use std::{
    fs,
    io::{self, BufRead, BufReader, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use anyhow::{Context, Result};

use crate::command::root;

const PAGE: &str = "frontend/pages/journal.html";
/// What stands in the page for the store and for its node.
const EXAMPLE_STORE: &str = "https://store.example";
const EXAMPLE_NODE: &str = "03ddeaecd301b035406f4f806b149b1be2e4e925fa3d117fdc4873394222423642";
/// Where the files are.
const FILES: &str = "/goods/";
/// A browser that opens a connection and says nothing is not waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where the files of the site at this port are.
pub(crate) fn files(port: u16) -> String {
    format!("http://localhost:{port}{FILES}")
}

/// Serves the page and the files of a folder on a port, for as long as this program runs, and returns the page's
/// address.
pub(crate) fn open(port: u16, store: &str, node_id: &str, dir: PathBuf) -> Result<String> {
    let path = root().join(PAGE);
    let page =
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let page = page
        .replace(EXAMPLE_STORE, store)
        .replace(EXAMPLE_NODE, node_id);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
        .with_context(|| format!("cannot listen on port {port}"))?;
    let port = listener.local_addr()?.port();
    thread::spawn(move || {
        for visitor in listener.incoming().map_while(Result::ok) {
            let (page, dir) = (page.clone(), dir.clone());
            // A visitor who goes away in the middle is no error of ours.
            thread::spawn(move || answer(visitor, &page, &dir));
        }
    });
    // Not 127.0.0.1, where the store is: to a browser this is another site.
    Ok(format!("http://localhost:{port}/"))
}

fn answer(mut visitor: TcpStream, page: &str, dir: &Path) -> io::Result<()> {
    visitor.set_read_timeout(Some(PATIENCE))?;
    let mut lines = BufReader::new(&visitor).lines();
    let request = lines.next().transpose()?.unwrap_or_default();
    // The rest of the head is read, so that closing the connection does not reset it.
    for line in lines {
        if line?.is_empty() {
            break;
        }
    }
    let (status, kind, body) = match request.split(' ').nth(1) {
        Some("/") => (
            "200 OK",
            "text/html; charset=utf-8",
            page.as_bytes().to_vec(),
        ),
        Some(path) => match file(dir, path) {
            Some(file) => ("200 OK", "application/octet-stream", file),
            None => ("404 Not Found", "text/plain", Vec::new()),
        },
        None => ("400 Bad Request", "text/plain", Vec::new()),
    };
    write!(
        visitor,
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nCache-Control: no-store\r\n\
         Access-Control-Allow-Origin: *\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    )?;
    visitor.write_all(&body)
}

/// A file of the folder, by its name alone: a ciphertext is called by 64 hex digits.
fn file(dir: &Path, path: &str) -> Option<Vec<u8>> {
    let name = path.strip_prefix(FILES)?;
    let is_name = name.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_name.then(|| fs::read(dir.join(name)).ok())?
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn the_page_sells_from_the_store_that_is_named() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("0af1"), "sealed").unwrap();
        let address = open(0, "http://127.0.0.1:1", "02ab", dir.path().to_owned()).unwrap();
        let port = address
            .trim_start_matches("http://localhost:")
            .trim_end_matches('/');
        let ask = |path: &str| {
            let mut stream = TcpStream::connect(format!("127.0.0.1:{port}")).unwrap();
            write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).unwrap();
            answer
        };
        let page = ask("/");
        assert!(page.starts_with("HTTP/1.1 200"), "{page}");
        assert!(page.contains(r#"src="http://127.0.0.1:1/widget.js""#));
        assert!(page.contains(r#"payee="02ab""#));
        assert!(!page.contains(EXAMPLE_STORE) && !page.contains(EXAMPLE_NODE));
        assert!(ask("/other").starts_with("HTTP/1.1 404"));
        let sealed = ask("/goods/0af1");
        assert!(sealed.ends_with("\r\n\r\nsealed") && sealed.contains("Allow-Origin: *"));
        for other in ["/goods/", "/goods/0af2", "/goods/../0af1"] {
            assert!(ask(other).starts_with("HTTP/1.1 404"), "{other}");
        }
    }
}

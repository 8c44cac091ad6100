//! Somebody else's site: one page, on an origin of its own, that sells what the store has.
//!
//! The page is the same that the browser tests buy on. It names an example's store and node; here
//! they become the demo's.

use std::{
    fs,
    io::{self, BufRead, BufReader, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
    thread,
    time::Duration,
};

use anyhow::{Context, Result};

use crate::command::root;

const PAGE: &str = "frontend/pages/journal.html";
/// What stands in the page for the store and for its node.
const EXAMPLE_STORE: &str = "https://store.example";
const EXAMPLE_NODE: &str = "03ddeaecd301b035406f4f806b149b1be2e4e925fa3d117fdc4873394222423642";
/// A browser that opens a connection and says nothing is not waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// Serves the page on a port, for as long as this program runs, and returns its address.
pub(crate) fn open(port: u16, store: &str, node_id: &str) -> Result<String> {
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
            let page = page.clone();
            // A visitor who goes away in the middle is no error of ours.
            thread::spawn(move || answer(visitor, &page));
        }
    });
    // Not 127.0.0.1, where the store is: to a browser this is another site.
    Ok(format!("http://localhost:{port}/"))
}

fn answer(mut visitor: TcpStream, page: &str) -> io::Result<()> {
    visitor.set_read_timeout(Some(PATIENCE))?;
    let mut lines = BufReader::new(&visitor).lines();
    let request = lines.next().transpose()?.unwrap_or_default();
    // The rest of the head is read, so that closing the connection does not reset it.
    for line in lines {
        if line?.is_empty() {
            break;
        }
    }
    let (status, body) = if request.starts_with("GET / ") {
        ("200 OK", page)
    } else {
        ("404 Not Found", "")
    };
    write!(
        visitor,
        "HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nCache-Control: no-store\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn the_page_sells_from_the_store_that_is_named() {
        let address = open(0, "http://127.0.0.1:1", "02ab").unwrap();
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
    }
}

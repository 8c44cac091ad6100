//! A request over a connection of its own.

use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use serde_json::Value;
use socket2::{Domain, Socket, Type};

/// How long an answer may take, where the request does not say.
const PATIENCE: Duration = Duration::from_mins(1);

/// A request to be sent.
pub(crate) struct Request {
    from: Ipv4Addr,
    head: String,
    body: String,
    patience: Duration,
}

/// A whole answer: one that was cut off is an error.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: Vec<u8>,
}

impl Request {
    pub(crate) fn new(method: &str, path: &str) -> Self {
        Self {
            from: Ipv4Addr::LOCALHOST,
            head: format!("{method} {path} HTTP/1.1\r\nHost: store\r\nConnection: close\r\n"),
            body: String::new(),
            patience: PATIENCE,
        }
    }

    pub(crate) fn get(path: &str) -> Self {
        Self::new("GET", path)
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.head.extend([name, ": ", value, "\r\n"]);
        self
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        self.body("application/json", body.to_string())
    }

    pub(crate) fn form(self, body: String) -> Self {
        self.body("application/x-www-form-urlencoded", body)
    }

    /// Sends it from another address of this machine.
    pub(crate) fn from(mut self, address: Ipv4Addr) -> Self {
        self.from = address;
        self
    }

    pub(crate) fn within(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    fn body(mut self, content_type: &str, body: String) -> Self {
        self.body = body;
        self.header("Content-Type", content_type)
    }

    pub(crate) fn send(&self, to: SocketAddr) -> io::Result<Answer> {
        let end = Instant::now() + self.patience;
        let mut stream = connect(self.from, to, self.patience)?;
        stream.set_write_timeout(Some(self.patience))?;
        let length = self.body.len();
        let request = format!("{}Content-Length: {length}\r\n\r\n{}", self.head, self.body);
        stream.write_all(request.as_bytes())?;
        let mut bytes = Vec::new();
        let mut piece = [0; 16_384];
        loop {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(io::ErrorKind::TimedOut.into());
            }
            stream.set_read_timeout(Some(left))?;
            match stream.read(&mut piece)? {
                0 => return Answer::parse(&bytes, self.head.starts_with("HEAD ")),
                length => bytes.extend_from_slice(&piece[..length]),
            }
        }
    }
}

impl Answer {
    fn parse(bytes: &[u8], is_head: bool) -> io::Result<Self> {
        let cut = || io::Error::from(io::ErrorKind::UnexpectedEof);
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
        let (head, body) = bytes.split_at(end.ok_or_else(cut)? + 4);
        let head = String::from_utf8_lossy(head).into_owned();
        let status = head.get(9..12).and_then(|status| status.parse().ok());
        let answer = Self {
            status: status.ok_or_else(|| io::Error::other("an answer without a status"))?,
            head,
            body: body.to_vec(),
        };
        match answer.header("content-length").map(str::parse::<usize>) {
            Some(Ok(length)) if !is_head && length != answer.body.len() => Err(cut()),
            _ => Ok(answer),
        }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(':'));
        let (_, value) = lines.find(|(its_name, _)| its_name.eq_ignore_ascii_case(name))?;
        Some(value.trim())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body's value, or `Null` where it is not JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The code of a problem document, or an empty text.
    pub(crate) fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }
}

/// Connects from an address of this machine.
pub(crate) fn connect(from: Ipv4Addr, to: SocketAddr, patience: Duration) -> io::Result<TcpStream> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.bind(&SocketAddr::from((from, 0)).into())?;
    socket.connect_timeout(&to.into(), patience)?;
    Ok(socket.into())
}

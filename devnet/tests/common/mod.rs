//! What several tests of the devnet need.

#![allow(dead_code, reason = "each test uses a part of it")]

use std::path::Path;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

pub(crate) mod http;
pub(crate) mod https;

/// A connection to a node's socket that sends text and reads answers.
pub(crate) struct Client {
    stream: UnixStream,
    received: Vec<u8>,
}

impl From<std::os::unix::net::UnixStream> for Client {
    fn from(stream: std::os::unix::net::UnixStream) -> Self {
        Self {
            stream: UnixStream::from_std(stream).unwrap(),
            received: Vec::new(),
        }
    }
}

impl Client {
    pub(crate) async fn connect(socket: &Path) -> Self {
        let stream = UnixStream::connect(socket).await.unwrap();
        Self {
            stream,
            received: Vec::new(),
        }
    }

    pub(crate) async fn send(&mut self, text: &str) {
        self.stream.write_all(text.as_bytes()).await.unwrap();
    }

    /// The next answer as it was written, without its end; `None` when the node closed.
    pub(crate) async fn receive(&mut self) -> Option<String> {
        loop {
            let end = self.received.windows(2).position(|pair| pair == b"\n\n");
            if let Some(end) = end {
                let rest = self.received.split_off(end + 2);
                let answer = std::mem::replace(&mut self.received, rest);
                return Some(String::from_utf8_lossy(&answer[..end]).into_owned());
            }
            if self.stream.read_buf(&mut self.received).await.unwrap() == 0 {
                return None;
            }
        }
    }

    /// Waits until the node has read everything that was sent, which it proves by answering one
    /// more request. Returns what it answered before that.
    pub(crate) async fn is_heard(&mut self) -> Option<Value> {
        self.send(r#"{"jsonrpc":"2.0","id":"heard","method":"getinfo","params":{}}"#)
            .await;
        let mut early = None;
        loop {
            let answer: Value = serde_json::from_str(&self.receive().await.unwrap()).unwrap();
            if answer["id"] == "heard" {
                return early;
            }
            early = Some(answer);
        }
    }

    /// Stops writing, as a client does that wants no answer.
    pub(crate) async fn stop_writing(&mut self) {
        self.stream.shutdown().await.unwrap();
    }

    /// Sends text that is one request and reads the answer to it.
    pub(crate) async fn exchange(&mut self, request: &str) -> Value {
        self.send(request).await;
        let answer = self
            .receive()
            .await
            .expect("the node closed the connection");
        serde_json::from_str(&answer).unwrap()
    }

    /// Calls a method.
    pub(crate) async fn call(&mut self, method: &str, params: Value) -> Result<Value, Value> {
        let request = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let mut answer = self.exchange(&request.to_string()).await;
        match answer.get_mut("error") {
            Some(error) => Err(error.take()),
            None => Ok(answer["result"].take()),
        }
    }
}

//! One connection to lightningd's Unix socket: a request, and its answer up to the blank line.

use std::io;
use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;

use crate::call::{Call, closed_error, decode_error};
use crate::error::LightningError;

#[derive(Debug)]
pub(crate) struct Connection {
    stream: UnixStream,
    calls: u64,
    buffer: Vec<u8>,
}

#[derive(Serialize)]
struct Question<'a, P> {
    jsonrpc: &'static str,
    id: &'a str,
    method: &'a str,
    params: &'a P,
}

#[derive(Deserialize)]
struct Answer<T> {
    id: Option<String>,
    result: Option<T>,
    error: Option<AnswerError>,
}

#[derive(Deserialize)]
struct AnswerError {
    code: i64,
    message: String,
}

impl Connection {
    pub(crate) async fn open(socket: &Path) -> Result<Self, LightningError> {
        let stream =
            UnixStream::connect(socket)
                .await
                .map_err(|source| LightningError::Connect {
                    socket: socket.to_owned(),
                    source: Arc::new(source),
                })?;
        Ok(Self {
            stream,
            calls: 0,
            buffer: Vec::new(),
        })
    }

    pub(crate) async fn call<R: Call>(
        &mut self,
        request: &R,
    ) -> Result<R::Response, LightningError> {
        let method = request.method();
        self.calls += 1;
        let id = format!("purrwall:{method}#{}", self.calls);
        let question = serde_json::to_vec(&Question {
            jsonrpc: "2.0",
            id: &id,
            method,
            params: request,
        })
        .expect("requests have string keys and no failing field");
        let closed = |_| closed_error(request);
        self.stream.write_all(&question).await.map_err(closed)?;
        let end = self.read_answer().await.map_err(closed)?;

        let answer: Answer<R::Response> = serde_json::from_slice(&self.buffer[..end])
            .map_err(|error| decode_error(request, error.column()))?;
        self.buffer.clear();
        match answer {
            Answer {
                id: Some(answered),
                result: Some(result),
                ..
            } if answered == id => Ok(result),
            Answer {
                id: Some(answered),
                error: Some(error),
                ..
            } if answered == id => Err(LightningError::Rpc {
                method: method.to_owned(),
                code: error.code,
                message: error.message,
            }),
            _ => Err(decode_error(request, 0)),
        }
    }

    /// Reads up to the blank line that ends an answer, and gives the answer's length.
    async fn read_answer(&mut self) -> io::Result<usize> {
        let mut searched = 0;
        loop {
            if let Some(found) = self.buffer[searched..]
                .windows(2)
                .position(|w| w == b"\n\n")
            {
                return Ok(searched + found);
            }
            // The first newline may be the last byte so far.
            searched = self.buffer.len().saturating_sub(1);
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }
}

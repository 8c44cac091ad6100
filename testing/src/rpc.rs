//! lightningd's JSON-RPC, a call at a time, from either end.

use std::path::Path;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;

/// Calls a method; gives the result, or lightningd's error.
pub async fn call(socket: &Path, method: &str, params: Value) -> Result<Value, Value> {
    let mut stream = UnixStream::connect(socket).await.unwrap();
    let request = json!({"jsonrpc": "2.0", "id": "test", "method": method, "params": params});
    stream
        .write_all(request.to_string().as_bytes())
        .await
        .unwrap();
    let mut buffer = Vec::new();
    while !buffer.ends_with(b"\n\n") {
        let read = stream.read_buf(&mut buffer).await.unwrap();
        assert!(read > 0, "{method}: the node hung up");
    }
    let mut answer: Value = serde_json::from_slice(&buffer).unwrap();
    match answer.get_mut("result") {
        Some(result) => Ok(result.take()),
        None => Err(answer["error"].take()),
    }
}

/// What is asked next of a lightningd that the test plays; `None` once whoever asks is gone.
pub async fn next_request(stream: &mut UnixStream) -> Option<Value> {
    let mut buffer = Vec::new();
    while stream
        .read_buf(&mut buffer)
        .await
        .is_ok_and(|read| read > 0)
    {
        if let Ok(request) = serde_json::from_slice(&buffer) {
            return Some(request);
        }
    }
    None
}

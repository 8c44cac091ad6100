//! JSON on a stream, as lightningd has it: requests follow each other without a separator, and an
//! answer ends with an empty line.

use std::io;

use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt as _};

/// What a request may hold; a store's are some hundred bytes.
const MAX_REQUEST: usize = 64 * 1024;

/// Reads one document after the other.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    buffer: Vec<u8>,
}

impl Reader {
    /// The next request; `None` at the end.
    ///
    /// # Errors
    /// If it is no JSON, or longer than any request of a store's.
    pub(crate) async fn request(
        &mut self,
        stream: &mut (impl AsyncRead + Unpin),
    ) -> io::Result<Option<Value>> {
        loop {
            let mut documents = serde_json::Deserializer::from_slice(&self.buffer).into_iter();
            match documents.next() {
                Some(Ok(document)) => {
                    let end = documents.byte_offset();
                    self.buffer.drain(..end);
                    return Ok(Some(document));
                }
                Some(Err(error)) if !error.is_eof() => return Err(error.into()),
                _ if self.buffer.len() > MAX_REQUEST => {
                    return Err(io::ErrorKind::InvalidData.into());
                }
                // A part of one, or nothing but space.
                _ => {}
            }
            if stream.read_buf(&mut self.buffer).await? == 0 {
                return Ok(None);
            }
        }
    }

    /// The next answer, up to its empty line.
    pub(crate) async fn answer(
        &mut self,
        stream: &mut (impl AsyncRead + Unpin),
    ) -> io::Result<Value> {
        let mut searched = 0;
        loop {
            let unseen = &self.buffer[searched..];
            if let Some(found) = unseen.windows(2).position(|pair| pair == b"\n\n") {
                let end = searched + found;
                let answer = serde_json::from_slice(&self.buffer[..end])?;
                self.buffer.drain(..end + 2);
                return Ok(answer);
            }
            // The first newline may be the last byte so far.
            searched = self.buffer.len().saturating_sub(1);
            if stream.read_buf(&mut self.buffer).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn requests_need_no_separator_and_may_come_in_parts() {
        let (mut near, mut far) = tokio::io::duplex(7);
        let sent = br#"{"id": 1}{"id": 2} 
            {"id": "3"}"#;
        let sending = tokio::io::AsyncWriteExt::write_all(&mut near, sent);
        let mut reader = Reader::default();
        let reading = async {
            let mut ids = Vec::new();
            for _ in 0..3 {
                let request = reader.request(&mut far).await.unwrap().unwrap();
                ids.push(request["id"].to_string());
            }
            ids
        };
        let (sent, ids) = tokio::join!(sending, reading);
        sent.unwrap();
        assert_eq!(ids, ["1", "2", "\"3\""]);
        drop(near);
        assert_eq!(reader.request(&mut far).await.unwrap(), None);
    }

    #[tokio::test]
    async fn what_is_no_json_or_has_no_end_is_an_error() {
        let mut reader = Reader::default();
        assert!(reader.request(&mut &b"{]"[..]).await.is_err());
        let endless = [vec![b'{', b'"'], vec![b'x'; 2 * MAX_REQUEST]].concat();
        let mut reader = Reader::default();
        assert!(reader.request(&mut endless.as_slice()).await.is_err());
    }
}

//! The stream of requests and the text of answers.
//!
//! Requests need no separator: an object ends where its braces close. After input that is no
//! JSON-RPC at all, lightningd answers once with the id `null` and then ignores the connection.

use std::str;

use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;

use super::answer::{self, Answer};
use super::error::RpcError;

/// A request that names a method and has parameters.
#[derive(Debug)]
pub(crate) struct Request {
    /// The id as it was written, to be echoed.
    pub(crate) id: String,
    pub(crate) method: String,
    pub(crate) params: Box<RawValue>,
    pub(crate) filter: Option<Box<RawValue>>,
}

/// Why something is not a [`Request`], and the id to say so with.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) id: String,
    pub(crate) error: RpcError,
}

/// The text of an answer.
pub(crate) fn answer(id: &str, answer: &Answer) -> Vec<u8> {
    let body = match answer {
        Ok(result) => format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#),
        Err(error) => {
            let error = serde_json::to_string(error).expect("an error is a JSON object");
            format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{error}}}"#)
        }
    };
    let mut bytes = body.into_bytes();
    bytes.extend_from_slice(b"\n\n");
    bytes
}

/// What a request's `filter` leaves of its result.
pub(crate) fn filtered(answer: Answer, filter: Option<&RawValue>) -> Answer {
    let (Ok(result), Some(filter)) = (&answer, filter) else {
        return answer;
    };
    let parse = |raw: &RawValue| serde_json::from_str::<Value>(raw.get());
    let (Ok(result), Ok(filter)) = (parse(result), parse(filter)) else {
        return answer;
    };
    answer::result(&keep(result, &filter))
}

fn keep(value: Value, filter: &Value) -> Value {
    match (value, filter) {
        (Value::Object(fields), Value::Object(wanted)) => fields
            .into_iter()
            .filter_map(|(name, value)| Some((keep(value, wanted.get(&name)?), name)))
            .map(|(value, name)| (name, value))
            .collect(),
        (Value::Array(items), Value::Array(wanted)) => match wanted.first() {
            Some(wanted) => items.into_iter().map(|item| keep(item, wanted)).collect(),
            None => Value::Array(items),
        },
        (value, _) => value,
    }
}

/// Cuts a stream of bytes into requests.
#[derive(Default)]
pub(crate) struct Framer {
    buffer: Vec<u8>,
    /// Where the object that is being read starts, and how far it was looked at.
    start: usize,
    scanned: usize,
    depth: usize,
    in_string: bool,
    escaped: bool,
    /// After garbage: nothing more is read.
    is_dead: bool,
}

impl Framer {
    /// Adds what has arrived.
    pub(crate) fn feed(&mut self, bytes: &[u8]) {
        if !self.is_dead {
            self.buffer.drain(..self.start);
            self.scanned -= self.start;
            self.start = 0;
            self.buffer.extend_from_slice(bytes);
        }
    }

    /// The next complete request, or the reason why it is none.
    pub(crate) fn next_request(&mut self) -> Option<Result<Request, Refusal>> {
        let frame = self.next_frame()?;
        let Ok(text) = str::from_utf8(&frame) else {
            return Some(Err(self.give_up(not_json(&String::from_utf8_lossy(&frame)))));
        };
        if text.trim_start().starts_with('[') {
            return Some(Err(self.give_up(not_json_rpc(text))));
        }
        let Ok(envelope) = serde_json::from_str::<Envelope>(text) else {
            return Some(Err(self.give_up(not_json(text))));
        };
        let Some(version) = envelope.jsonrpc else {
            return Some(Err(self.give_up(not_json_rpc(text))));
        };
        Some(envelope.into_request(version))
    }

    fn next_frame(&mut self) -> Option<Vec<u8>> {
        if self.is_dead {
            return None;
        }
        while let Some(&byte) = self.buffer.get(self.scanned) {
            if self.depth == 0 && !matches!(byte, b'{' | b'[') {
                if byte.is_ascii_whitespace() {
                    self.scanned += 1;
                    self.start = self.scanned;
                    continue;
                }
                return self.garbage();
            }
            self.scanned += 1;
            if self.closes_at(byte) {
                let frame = self.buffer[self.start..self.scanned].to_vec();
                self.start = self.scanned;
                return Some(frame);
            }
        }
        None
    }

    /// Follows strings and brackets; tells whether this byte closes the outermost one.
    fn closes_at(&mut self, byte: u8) -> bool {
        match byte {
            _ if self.escaped => self.escaped = false,
            b'\\' if self.in_string => self.escaped = true,
            b'"' => self.in_string = !self.in_string,
            _ if self.in_string => {}
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => {
                self.depth -= 1;
                return self.depth == 0;
            }
            _ => {}
        }
        false
    }

    /// lightningd looks at its input whenever a brace has closed, so garbage waits for one.
    fn garbage(&mut self) -> Option<Vec<u8>> {
        let garbage = &self.buffer[self.start..];
        garbage.contains(&b'}').then(|| garbage.to_vec())
    }

    fn give_up(&mut self, error: RpcError) -> Refusal {
        self.is_dead = true;
        self.buffer = Vec::new();
        Refusal {
            id: "null".to_owned(),
            error,
        }
    }
}

fn not_json(text: &str) -> RpcError {
    RpcError::invalid_request(format!("Failed to parse RPC JSON response '{text}'"))
}

fn not_json_rpc(text: &str) -> RpcError {
    let message = format!("JSON-RPC message does not contain \"jsonrpc\" field: '{text}'");
    RpcError::invalid_request(message)
}

/// The members of a request as they were written; `null` is not the same as absent.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, default, deserialize_with = "present")]
    jsonrpc: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    id: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    method: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    params: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    filter: Option<&'a RawValue>,
}

fn present<'de: 'a, 'a, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<&'a RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

impl Envelope<'_> {
    fn into_request(self, version: &RawValue) -> Result<Request, Refusal> {
        let without_id = |message: &str| Refusal {
            id: "null".to_owned(),
            error: RpcError::invalid_request(message),
        };
        if version.get() != r#""2.0""# {
            return Err(without_id(
                r#"jsonrpc: "2.0" must be specified in the request"#,
            ));
        }
        let id = self.id.ok_or_else(|| without_id("No id"))?.get();
        if id.starts_with(['{', '[']) {
            return Err(without_id("Expected string/primitive for id"));
        }
        let refuse = |error| Refusal {
            id: id.to_owned(),
            error,
        };
        let refuse_request = |message: &str| refuse(RpcError::invalid_request(message));
        let method = self.method.ok_or_else(|| refuse_request("No method"))?;
        let method = serde_json::from_str(method.get())
            .map_err(|_| refuse_request("Expected string for method"))?;
        let params = self.params.ok_or_else(|| refuse_request("No params"))?;
        if !params.get().starts_with(['{', '[']) {
            let message = "Expected array or object for params";
            return Err(refuse(RpcError::invalid_params(message)));
        }
        Ok(Request {
            id: id.to_owned(),
            method,
            params: params.to_owned(),
            filter: self.filter.map(ToOwned::to_owned),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(framer: &mut Framer) -> Vec<Result<String, i32>> {
        std::iter::from_fn(|| framer.next_request())
            .map(|request| {
                request
                    .map(|request| request.id)
                    .map_err(|refusal| refusal.error.code)
            })
            .collect()
    }

    fn request(id: u32) -> String {
        format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"a}}\"{{","params":{{"x":[{{}}]}}}}"#)
    }

    #[test]
    fn requests_need_no_separator_and_may_come_in_pieces() {
        let text = format!("  {}{}\n\n{}", request(1), request(2), request(3));
        for size in [1, 7, text.len()] {
            let mut framer = Framer::default();
            let mut ids = Vec::new();
            for piece in text.as_bytes().chunks(size) {
                framer.feed(piece);
                ids.extend(read(&mut framer).into_iter().map(Result::unwrap));
            }
            assert_eq!(ids, ["1", "2", "3"], "in pieces of {size}");
        }
    }

    #[test]
    fn garbage_waits_for_a_brace_is_answered_once_and_ends_the_stream() {
        let mut framer = Framer::default();
        framer.feed(b"hello");
        assert_eq!(read(&mut framer), []);
        framer.feed(request(1).as_bytes());
        assert_eq!(read(&mut framer), [Err(-32600)]);
        framer.feed(request(2).as_bytes());
        assert_eq!(read(&mut framer), []);
    }

    #[test]
    fn a_request_without_params_is_refused_and_the_next_is_read() {
        let mut framer = Framer::default();
        framer.feed(br#"{"jsonrpc":"2.0","id":1,"method":"getinfo"}"#);
        framer.feed(request(2).as_bytes());
        assert_eq!(read(&mut framer), [Err(-32600), Ok("2".to_owned())]);
    }

    #[test]
    fn a_filter_keeps_what_it_names() {
        let raw = |text: &str| RawValue::from_string(text.to_owned()).unwrap();
        let kept = filtered(
            Ok(raw(r#"{"a":1,"b":[{"c":2,"d":3},{"c":4}]}"#)),
            Some(&raw(r#"{"b":[{"c":true}]}"#)),
        );
        assert_eq!(kept.unwrap().get(), r#"{"b":[{"c":2},{"c":4}]}"#);
    }
}

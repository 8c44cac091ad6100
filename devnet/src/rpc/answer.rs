//! What a method answers, and when.

use std::future::Future;
use std::pin::Pin;

use serde::Serialize;
use serde_json::value::RawValue;

use super::error::RpcError;

/// What a method answers: the JSON of `result`, or an error.
pub(crate) type Answer = Result<Box<RawValue>, RpcError>;

/// How a method answers.
pub(crate) enum Reply {
    /// At once.
    Now(Answer),
    /// When something has happened. Dropped when the client goes away.
    Later(Pin<Box<dyn Future<Output = Answer> + Send>>),
    /// At once, and then the node stops.
    Stop(Answer),
}

/// The answer with this result.
#[expect(
    clippy::unnecessary_wraps,
    reason = "it is the last expression of every method"
)]
pub(crate) fn result(value: &impl Serialize) -> Answer {
    Ok(serde_json::value::to_raw_value(value).expect("the types of results are JSON objects"))
}

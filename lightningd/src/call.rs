//! What a call is, whichever way it goes to lightningd.

use std::time::Duration;

use cln_rpc::TypedRequest;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use crate::error::LightningError;

/// What cln-rpc's requests are.
pub(crate) trait Call: TypedRequest<Response: DeserializeOwned> + Serialize + Sync {}
impl<R: TypedRequest<Response: DeserializeOwned> + Serialize + Sync> Call for R {}

/// Gives up a call after `deadline`.
pub(crate) async fn within<R: Call, T>(
    deadline: Duration,
    request: &R,
    call: impl Future<Output = Result<T, LightningError>>,
) -> Result<T, LightningError> {
    timeout(deadline, call).await.unwrap_or_else(|_| {
        Err(LightningError::Timeout {
            method: request.method().to_owned(),
            after: deadline,
        })
    })
}

pub(crate) fn decode_error(request: &impl Call, at: usize) -> LightningError {
    LightningError::Decode {
        method: request.method().to_owned(),
        at,
    }
}

pub(crate) fn closed_error(request: &impl Call) -> LightningError {
    LightningError::Closed {
        method: request.method().to_owned(),
    }
}

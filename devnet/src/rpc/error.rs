//! lightningd's error codes.

use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::invoices::InvoiceError;

/// The request cannot be understood.
const INVALID_REQUEST: i32 = -32600;
const METHOD_NOT_FOUND: i32 = -32601;
const INVALID_PARAMS: i32 = -32602;
/// Anything without a code of its own.
const GENERAL: i32 = -1;

/// The `error` member of an answer.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct RpcError {
    pub(crate) code: i32,
    pub(crate) message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) data: Option<Box<RawValue>>,
}

impl RpcError {
    pub(crate) fn new(code: i32, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            data: None,
        }
    }

    pub(crate) fn with_data(self, data: &impl Serialize) -> Self {
        Self {
            data: serde_json::value::to_raw_value(data).ok(),
            ..self
        }
    }

    pub(crate) fn general(message: impl Into<String>) -> Self {
        Self::new(GENERAL, message)
    }

    pub(crate) fn invalid_request(message: impl Into<String>) -> Self {
        Self::new(INVALID_REQUEST, message)
    }

    pub(crate) fn invalid_params(message: impl Into<String>) -> Self {
        Self::new(INVALID_PARAMS, message)
    }

    pub(crate) fn unknown_command(method: &str) -> Self {
        Self::new(METHOD_NOT_FOUND, format!("Unknown command '{method}'"))
    }
}

impl From<InvoiceError> for RpcError {
    fn from(error: InvoiceError) -> Self {
        let code = match &error {
            InvoiceError::DuplicateLabel(_) => 900,
            InvoiceError::PreimageUsed => 901,
            InvoiceError::Unknown => 905,
            InvoiceError::WrongStatus { .. } => 906,
            InvoiceError::NoDescription => 908,
        };
        let plain = Self::new(code, error.to_string());
        match error {
            InvoiceError::WrongStatus { current, expected } => {
                plain.with_data(&Value::from_iter([
                    ("current_status", current.to_owned()),
                    ("expected_status", expected),
                ]))
            }
            _ => plain,
        }
    }
}

//! One connection to lightningd, over either way: one call after the other.

use crate::call::Call;
use crate::endpoint::Endpoint;
use crate::error::LightningError;
use crate::{rest, socket};

#[derive(Debug)]
pub(crate) enum Connection {
    Socket(socket::Connection),
    Rest(rest::Connection),
}

impl Connection {
    pub(crate) async fn open(endpoint: &Endpoint) -> Result<Self, LightningError> {
        Ok(match endpoint {
            Endpoint::Socket(path) => Self::Socket(socket::Connection::open(path).await?),
            // A handshake takes much room, and is rare.
            Endpoint::Rest(rest) => Self::Rest(Box::pin(rest::Connection::open(rest)).await?),
        })
    }

    pub(crate) async fn call<R: Call>(
        &mut self,
        request: &R,
    ) -> Result<R::Response, LightningError> {
        match self {
            Self::Socket(connection) => connection.call(request).await,
            Self::Rest(connection) => Box::pin(connection.call(request)).await,
        }
    }
}

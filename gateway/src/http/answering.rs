//! Answers the requests of one connection, which is busy until the last byte of an answer is taken.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, Request};
use axum::http::{Response, StatusCode};
use hyper::body::{Frame, Incoming, SizeHint};
use hyper::service::Service;
use tower::Service as _;

use crate::http::listener::{Busy, Peer};
use crate::http::visitor::OverTls;

/// Answers one connection.
pub(crate) struct Answering {
    /// What answers requests.
    pub(crate) router: Router,
    /// Whether the connection is over the gateway's own TLS.
    pub(crate) is_tls: bool,
    /// Who connected.
    pub(crate) peer: Peer,
}

/// The connection has to make room for another one.
#[derive(Debug, thiserror::Error)]
#[error("the connection was closed to make room for another one")]
pub(crate) struct Shed;

impl Service<Request<Incoming>> for Answering {
    type Response = Response<Answer>;
    type Error = Shed;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Answer>, Shed>> + Send>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let peer = self.peer.clone();
        let busy = peer.seat.busy();
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(peer.address));
        if self.is_tls {
            request.extensions_mut().insert(OverTls);
        }
        // It is always ready.
        let answering = self.router.clone().call(request);
        Box::pin(async move {
            let answer = tokio::select! {
                // Most answers come at once, and need not listen for the other.
                biased;
                Ok(answer) = answering => answer,
                () = peer.seat.closed() => return Err(Shed),
            };
            let busy = if answer.status() == StatusCode::SWITCHING_PROTOCOLS {
                busy.until_its_end();
                None
            } else {
                Some(busy)
            };
            Ok(answer.map(|body| Answer { body, _busy: busy }))
        })
    }
}

/// An answer's body, which keeps its connection busy.
pub(crate) struct Answer {
    body: Body,
    _busy: Option<Busy>,
}

impl hyper::body::Body for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

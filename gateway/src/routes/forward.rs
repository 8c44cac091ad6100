//! Passes a request on to a service and its answer back: streaming both ways, without the headers that are
//! for one connection alone (RFC 9110, 7.6.1), and with the connection itself where both sides upgrade it,
//! as WebSockets do.

use std::time::Duration;

use axum::body::Body;
use axum::http::header::{CONNECTION, HOST, TE, TRAILER, TRANSFER_ENCODING, UPGRADE};
use axum::http::uri::{Authority, PathAndQuery, Scheme};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, Uri, Version};
use hyper::upgrade::OnUpgrade;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::copy_bidirectional;
use tokio::time::timeout;

use crate::routes::via::Via;

/// How long a service may take to accept a connection.
const CONNECT: Duration = Duration::from_secs(10);
/// How long a service may take to begin its answer, which may be to a large upload.
const PATIENCE: Duration = Duration::from_mins(10);

/// Headers that are for one connection, beside those that `Connection` names.
const HOP_BY_HOP: [HeaderName; 8] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    HeaderName::from_static("proxy-authorization"),
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// Why a service's answer is not there.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ForwardError {
    /// The request was passed on by this gateway before.
    #[error("the request came back")]
    Loop,
    /// No connection, or it ended too early.
    #[error("the service cannot be reached")]
    Unreachable(#[from] hyper_util::client::legacy::Error),
    /// No answer in time.
    #[error("the service has not begun to answer")]
    Silent,
    /// No address can be made of what was asked for.
    #[error("the address cannot be passed on")]
    Address,
}

/// The way to one service.
#[derive(Clone)]
pub(crate) struct Forward {
    client: Client<HttpConnector, Body>,
    authority: Authority,
    via: Via,
}

impl Forward {
    /// The service at this host and port.
    pub(crate) fn new(authority: Authority, via: Via) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(CONNECT));
        Self {
            client: Client::builder(TokioExecutor::new()).build(connector),
            authority,
            via,
        }
    }

    /// Passes a request on, for this path and query.
    pub(crate) async fn pass(
        &self,
        mut request: Request<Body>,
        target: PathAndQuery,
    ) -> Result<Response<Body>, ForwardError> {
        if self.via.has_passed(request.headers()) {
            return Err(ForwardError::Loop);
        }
        let wanted = upgrade(request.headers());
        let ours: Option<OnUpgrade> = wanted.is_some().then(|| hyper::upgrade::on(&mut request));
        let uri = Uri::builder()
            .scheme(Scheme::HTTP)
            .authority(self.authority.clone())
            .path_and_query(target);
        *request.uri_mut() = uri.build().map_err(|_| ForwardError::Address)?;
        *request.version_mut() = Version::HTTP_11;
        let headers = request.headers_mut();
        strip(headers);
        // The client says whom it asks.
        headers.remove(HOST);
        self.via.sign(headers);
        upgrades(headers, wanted.as_ref());

        let answer = timeout(PATIENCE, self.client.request(request)).await;
        let mut answer = answer.map_err(|_| ForwardError::Silent)??;
        let switched = match (answer.status(), ours) {
            (StatusCode::SWITCHING_PROTOCOLS, Some(ours)) => {
                bridge(ours, hyper::upgrade::on(&mut answer));
                upgrade(answer.headers())
            }
            _ => None,
        };
        let mut answer = answer.map(Body::new);
        let headers = answer.headers_mut();
        strip(headers);
        self.via.sign(headers);
        upgrades(headers, switched.as_ref());
        Ok(answer)
    }
}

/// The protocol that a connection is to be upgraded to.
fn upgrade(headers: &HeaderMap) -> Option<HeaderValue> {
    let is_meant = nominated(headers).any(|name| name == UPGRADE);
    headers.get(UPGRADE).filter(|_| is_meant).cloned()
}

fn upgrades(headers: &mut HeaderMap, protocol: Option<&HeaderValue>) {
    if let Some(protocol) = protocol {
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(UPGRADE, protocol.clone());
    }
}

/// The headers that `Connection` names.
fn nominated(headers: &HeaderMap) -> impl Iterator<Item = HeaderName> {
    let values = headers.get_all(CONNECTION).iter();
    let values = values.filter_map(|value| value.to_str().ok());
    let names = values.flat_map(|value| value.split(','));
    names.filter_map(|name| HeaderName::try_from(name.trim()).ok())
}

fn strip(headers: &mut HeaderMap) {
    let takes_trailers = headers
        .get(TE)
        .is_some_and(|te| te.as_bytes().eq_ignore_ascii_case(b"trailers"));
    let names: Vec<_> = nominated(headers).chain(HOP_BY_HOP).collect();
    for name in names {
        headers.remove(name);
    }
    if takes_trailers {
        headers.insert(TE, HeaderValue::from_static("trailers"));
    }
}

/// Carries bytes both ways until one side ends.
fn bridge(ours: OnUpgrade, theirs: OnUpgrade) {
    tokio::spawn(async move {
        let (ours, theirs) = tokio::try_join!(ours, theirs)?;
        let (mut ours, mut theirs) = (TokioIo::new(ours), TokioIo::new(theirs));
        // That a side went away is how these connections end.
        copy_bidirectional(&mut ours, &mut theirs).await.ok();
        Ok::<_, hyper::Error>(())
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let parse = |&(name, value)| {
            (
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            )
        };
        pairs.iter().map(parse).collect()
    }

    #[test]
    fn what_is_for_one_connection_goes_no_further() {
        let mut told = headers(&[
            ("connection", "close, X-Mine"),
            ("x-mine", "1"),
            ("keep-alive", "timeout=5"),
            ("te", "trailers"),
            ("transfer-encoding", "chunked"),
            ("upgrade", "h2c"),
            ("accept", "text/plain"),
        ]);
        assert_eq!(upgrade(&told), None, "`Connection` does not name it");
        strip(&mut told);
        assert_eq!(
            told,
            headers(&[("accept", "text/plain"), ("te", "trailers")])
        );
    }

    #[test]
    fn an_upgrade_is_one_that_the_connection_names() {
        let told = headers(&[
            ("connection", "keep-alive, Upgrade"),
            ("upgrade", "websocket"),
        ]);
        assert_eq!(upgrade(&told), Some(HeaderValue::from_static("websocket")));
    }
}

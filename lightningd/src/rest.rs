//! lightningd's REST plugin, clnrest: `POST /v1/<method>` with a rune, over TLS.
//!
//! Only the authority that the owner names is trusted, and verification is never switched off. A
//! connection has one call at a time, so that the pool treats it as one to the socket.

use std::fmt;
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;

use http::header::{CONTENT_TYPE, HOST};
use http::uri::Scheme;
use http::{HeaderName, HeaderValue, Request, Response, StatusCode, Uri};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{self, ClientConfig, RootCertStore};

use crate::call::{Call, closed_error, decode_error};
use crate::error::{LightningError, NOT_PERMITTED};
use crate::rune::Rune;

/// Where clnrest is, whom we take for it, and the rune that it wants to see. A clone is another handle to
/// the same.
#[derive(Clone)]
pub struct Rest(Arc<Parts>);

struct Parts {
    uri: Uri,
    host: String,
    port: u16,
    tls: Option<Tls>,
    shown: RwLock<Shown>,
}

/// The rune, as it is sent and as it is read.
struct Shown {
    header: HeaderValue,
    rune: Rune,
}

impl Shown {
    fn parse(rune: &str) -> Result<Self, RestError> {
        let text = rune.trim();
        let mut header = HeaderValue::from_str(text).map_err(|_| RestError::Rune)?;
        header.set_sensitive(true);
        let rune = Rune::parse(text).ok_or(RestError::Rune)?;
        Ok(Self { header, rune })
    }
}

/// How clnrest proves itself.
struct Tls {
    connector: TlsConnector,
    name: ServerName<'static>,
}

/// Why clnrest cannot be used as the owner describes it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RestError {
    /// The address is none.
    #[error("is not the address of clnrest; write one such as https://node.example:3010")]
    Url,
    /// Everyone on the way could read the rune.
    #[error(
        "would send the rune unencrypted; write https:// for a node that is not on this machine"
    )]
    Plain,
    /// Nothing says whom to trust.
    #[error(
        "needs ca_file, the certificate that clnrest's own is signed by; it is ca.pem in \
         lightningd's folder"
    )]
    NoCa,
    /// The file holds no certificate.
    #[error("ca_file holds no certificate in PEM; copy ca.pem out of lightningd's folder")]
    Ca,
    /// No certificate can be for this.
    #[error("is not a name that a certificate can be for; clnrest's own is for localhost")]
    Name,
    /// The text is no rune. It is not repeated.
    #[error("is not a rune; `purrwall rune` prints the command that makes one")]
    Rune,
}

const RUNE: HeaderName = HeaderName::from_static("rune");
/// A connection that is cut without a word is found out so soon.
const IDLE: Duration = Duration::from_secs(15);
const PROBE_PAUSE: Duration = Duration::from_secs(5);
const PROBES: u32 = 3;
/// How long to wait where the rune may not be used again so soon.
const TOO_SOON_PAUSE: Duration = Duration::from_millis(5);
/// How lightningd says that.
const TOO_SOON: &str = "too soon";

impl Rest {
    /// clnrest at `url`, such as `https://node.example:3010`, with a rune. `ca` is the certificate, in
    /// PEM, by which clnrest's own has to be signed, for `tls_name` or else for the host in `url`.
    /// Without TLS (`http:`) it has to be on this machine.
    ///
    /// # Errors
    /// If one of them cannot be what it is given as.
    pub fn new(
        url: &str,
        rune: &str,
        ca: Option<&[u8]>,
        tls_name: Option<&str>,
    ) -> Result<Self, RestError> {
        let uri: Uri = url.parse().map_err(|_| RestError::Url)?;
        let host = uri.host().ok_or(RestError::Url)?.trim_matches(['[', ']']);
        let has_user = uri
            .authority()
            .is_some_and(|all| all.as_str().contains('@'));
        if has_user || uri.path() != "/" || uri.query().is_some() {
            return Err(RestError::Url);
        }
        let is_tls = match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTPS => true,
            Some(scheme) if *scheme == Scheme::HTTP && is_here(host) => false,
            Some(scheme) if *scheme == Scheme::HTTP => return Err(RestError::Plain),
            _ => return Err(RestError::Url),
        };
        let tls = if is_tls {
            Some(Tls {
                connector: trusting(ca.ok_or(RestError::NoCa)?)?,
                name: ServerName::try_from(tls_name.unwrap_or(host).to_owned())
                    .map_err(|_| RestError::Name)?,
            })
        } else {
            None
        };
        Ok(Self(Arc::new(Parts {
            host: host.to_owned(),
            port: uri.port_u16().unwrap_or(if is_tls { 443 } else { 80 }),
            tls,
            shown: RwLock::new(Shown::parse(rune)?),
            uri,
        })))
    }

    /// The rune, to see what it allows.
    pub fn rune(&self) -> Rune {
        self.shown().rune.clone()
    }

    /// Shows this rune from now on, on connections that are open, too. All clones do.
    ///
    /// # Errors
    /// If the text is no rune.
    pub fn replace_rune(&self, rune: &str) -> Result<(), RestError> {
        let rune = Shown::parse(rune)?;
        *self.0.shown.write().unwrap_or_else(PoisonError::into_inner) = rune;
        Ok(())
    }

    fn shown(&self) -> RwLockReadGuard<'_, Shown> {
        let shown = self.0.shown.read();
        shown.unwrap_or_else(PoisonError::into_inner)
    }

    /// Its address.
    pub fn url(&self) -> String {
        self.0.uri.to_string().trim_end_matches('/').to_owned()
    }
}

/// Without the rune.
impl fmt::Debug for Rest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = f.debug_struct("Rest");
        text.field("url", &self.url());
        text.field("tls_name", &self.0.tls.as_ref().map(|tls| &tls.name));
        text.finish_non_exhaustive()
    }
}

/// Whether the host is this machine.
fn is_here(host: &str) -> bool {
    let address: Option<IpAddr> = host.parse().ok();
    host == "localhost" || address.is_some_and(|address| address.is_loopback())
}

/// TLS that takes only what this authority has signed.
fn trusting(ca: &[u8]) -> Result<TlsConnector, RestError> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(ca) {
        let certificate = certificate.map_err(|_| RestError::Ca)?;
        roots.add(certificate).map_err(|_| RestError::Ca)?;
    }
    if roots.is_empty() {
        return Err(RestError::Ca);
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring has what the versions of TLS need")
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

#[derive(Debug)]
pub(crate) struct Connection {
    rest: Rest,
    sender: SendRequest<String>,
    /// Drives the connection, and ends with this.
    _driver: JoinSet<()>,
}

/// clnrest's error, which is lightningd's where that was asked.
#[derive(Deserialize)]
struct AnswerError {
    code: i64,
    message: String,
}

impl Connection {
    pub(crate) async fn open(rest: &Rest) -> Result<Self, LightningError> {
        let unreachable = |source| LightningError::Unreachable {
            url: rest.url(),
            source: Arc::new(source),
        };
        let stream = TcpStream::connect((rest.0.host.as_str(), rest.0.port))
            .await
            .map_err(unreachable)?;
        keep_alive(&stream).map_err(unreachable)?;
        let Some(Tls { connector, name }) = &rest.0.tls else {
            return Self::over(rest, stream).await;
        };
        let secured = connector.connect(name.clone(), stream).await;
        let stream = secured.map_err(|error| match certificate_error(&error) {
            Some(why) => LightningError::Certificate {
                url: rest.url(),
                name: name.to_str().into_owned(),
                why,
            },
            None => unreachable(error),
        })?;
        Self::over(rest, stream).await
    }

    async fn over<S>(rest: &Rest, stream: S) -> Result<Self, LightningError>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let (sender, connection) =
            handshake(TokioIo::new(stream))
                .await
                .map_err(|error| LightningError::Unreachable {
                    url: rest.url(),
                    source: Arc::new(io::Error::other(error)),
                })?;
        let mut driver = JoinSet::new();
        // What ends it is told to whoever calls.
        driver.spawn(async move {
            connection.await.ok();
        });
        Ok(Self {
            rest: rest.clone(),
            sender,
            _driver: driver,
        })
    }

    /// Calls; waits where the rune's rate wants it.
    pub(crate) async fn call<R: Call>(
        &mut self,
        request: &R,
    ) -> Result<R::Response, LightningError> {
        let body =
            serde_json::to_string(request).expect("requests have string keys and no failing field");
        loop {
            match self.call_once(request, body.clone()).await {
                Err(LightningError::Rpc { code, message, .. })
                    if code == NOT_PERMITTED && message.contains(TOO_SOON) =>
                {
                    sleep(TOO_SOON_PAUSE).await;
                }
                answered => return answered,
            }
        }
    }

    async fn call_once<R: Call>(
        &mut self,
        request: &R,
        body: String,
    ) -> Result<R::Response, LightningError> {
        let method = request.method();
        let authority = self.rest.0.uri.authority().expect("the address has a host");
        let post = Request::post(format!("/v1/{method}"))
            .header(HOST, authority.as_str())
            .header(RUNE, self.rest.shown().header.clone())
            .header(CONTENT_TYPE, "application/json")
            .body(body)
            .expect("methods are plain words");
        let failed = |error: hyper::Error| {
            if error.is_parse() {
                decode_error(request, 0)
            } else {
                closed_error(request)
            }
        };
        // The connection may have been closed since it was used last.
        self.sender.ready().await.map_err(failed)?;
        let answer = self.sender.send_request(post).await.map_err(failed)?;
        read(request, answer).await
    }
}

async fn read<R: Call>(
    request: &R,
    answer: Response<Incoming>,
) -> Result<R::Response, LightningError> {
    let status = answer.status();
    let body = answer.into_body().collect().await;
    let body = body.map_err(|_| closed_error(request))?.to_bytes();
    let wrong = |error: serde_json::Error| decode_error(request, error.column());
    if status == StatusCode::CREATED {
        return serde_json::from_slice(&body).map_err(wrong);
    }
    let AnswerError { code, message } = serde_json::from_slice(&body).map_err(wrong)?;
    Err(LightningError::Rpc {
        method: request.method().to_owned(),
        code,
        message,
    })
}

/// A call is one small packet, and a watch is silent for long.
fn keep_alive(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let keepalive = TcpKeepalive::new()
        .with_time(IDLE)
        .with_interval(PROBE_PAUSE)
        .with_retries(PROBES);
    SockRef::from(stream).set_tcp_keepalive(&keepalive)
}

/// What is wrong with the certificate, if that is why there is no connection.
fn certificate_error(error: &io::Error) -> Option<String> {
    let inner = error.get_ref()?.downcast_ref::<rustls::Error>()?;
    match inner {
        rustls::Error::InvalidCertificate(why) => Some(why.to_string()),
        _ => None,
    }
}

//! TLS by ourselves: a certificate and its key from files, read again when they change, so that
//! what renews certificates need not know of the gateway.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use axum::serve::Listener;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject as _};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::{self, ServerConfig};
use tokio_rustls::server::TlsStream;

use crate::errors::chain;
use crate::options::TlsOptions;
use crate::stamp::Stamp;

/// Takes connections over TLS. Handshakes run side by side, so that a slow one holds up nobody.
pub struct TlsListener {
    tcp: TcpListener,
    acceptor: TlsAcceptor,
    handshakes: JoinSet<Option<(TlsStream<TcpStream>, SocketAddr)>>,
    /// Ends with the listener.
    reload: AbortHandle,
}

/// A certificate that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The certificate's file.
    #[error("cannot read a certificate from {path:?}; it has to hold the chain in PEM")]
    Certificate {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: pem::Error,
    },
    /// The key's file.
    #[error("cannot read a private key from {path:?}; it has to hold one in PEM, without password")]
    Key {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: pem::Error,
    },
    /// Both, together.
    #[error("the certificate in {certificate:?} does not go with the key in {key:?}")]
    Mismatch {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// The reason.
        source: rustls::Error,
    },
}

/// Who has not finished the handshake by then never will.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// More handshakes than this wait for their turn.
const MAX_HANDSHAKES: usize = 1000;
/// How often the files are looked at. What changed has to rest for as long before it is read.
const LOOK: Duration = Duration::from_secs(1);

impl TlsListener {
    /// Reads the certificate and takes connections with it.
    ///
    /// # Errors
    /// What is wrong with the files.
    ///
    /// # Panics
    /// Outside of a Tokio runtime.
    pub fn new(tcp: TcpListener, config: TlsOptions) -> Result<Self, TlsError> {
        let stamps = look(&config);
        let current = Arc::new(Current(RwLock::new(Arc::new(load(&config)?))));
        let mut server = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("ring knows the versions that rustls calls safe")
            .with_no_client_auth()
            .with_cert_resolver(current.clone());
        server.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self {
            tcp,
            acceptor: TlsAcceptor::from(Arc::new(server)),
            handshakes: JoinSet::new(),
            reload: tokio::spawn(reload(config, current, stamps)).abort_handle(),
        })
    }
}

impl Drop for TlsListener {
    fn drop(&mut self) {
        self.reload.abort();
    }
}

impl Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, SocketAddr) {
        loop {
            let has_room = self.handshakes.len() < MAX_HANDSHAKES;
            tokio::select! {
                (stream, client) = Listener::accept(&mut self.tcp), if has_room => {
                    let handshake = shake_hands(self.acceptor.clone(), stream, client);
                    self.handshakes.spawn(handshake);
                }
                Some(done) = self.handshakes.join_next() => {
                    if let Ok(Some(connection)) = done {
                        return connection;
                    }
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.tcp.local_addr()
    }
}

async fn shake_hands(
    acceptor: TlsAcceptor,
    stream: TcpStream,
    client: SocketAddr,
) -> Option<(TlsStream<TcpStream>, SocketAddr)> {
    // An answer is one small packet; Nagle's algorithm would hold it back.
    stream.set_nodelay(true).ok();
    match timeout(HANDSHAKE, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => Some((stream, client)),
        // Scanners and plain HTTP; not worth a line each.
        Ok(Err(error)) => {
            tracing::debug!("a TLS handshake failed: {error}");
            None
        }
        Err(_) => None,
    }
}

/// The certificate that new connections get.
#[derive(Debug)]
struct Current(RwLock<Arc<CertifiedKey>>);

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let current = self.0.read().unwrap_or_else(PoisonError::into_inner);
        Some(current.clone())
    }
}

async fn reload(config: TlsOptions, current: Arc<Current>, mut read: [Option<Stamp>; 2]) {
    let mut seen = read;
    loop {
        sleep(LOOK).await;
        let now = look(&config);
        let rests = now == seen;
        seen = now;
        if !rests || now == read {
            continue;
        }
        read = now;
        match load(&config) {
            Ok(loaded) => {
                *current.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(loaded);
                tracing::info!("the certificate was read again");
            }
            Err(error) => {
                tracing::error!("the certificate of before stays in use: {}", chain(&error));
            }
        }
    }
}

fn look(config: &TlsOptions) -> [Option<Stamp>; 2] {
    [&config.certificate, &config.key].map(|path| Some(Stamp::of(&fs::metadata(path).ok()?)))
}

fn load(config: &TlsOptions) -> Result<CertifiedKey, TlsError> {
    let certificate = |source| TlsError::Certificate {
        path: config.certificate.clone(),
        source,
    };
    let chain = CertificateDer::pem_file_iter(&config.certificate).map_err(certificate)?;
    let chain: Vec<_> = chain.collect::<Result<_, _>>().map_err(certificate)?;
    if chain.is_empty() {
        return Err(certificate(pem::Error::NoItemsFound));
    }
    let key = PrivateKeyDer::from_pem_file(&config.key).map_err(|source| TlsError::Key {
        path: config.key.clone(),
        source,
    })?;
    CertifiedKey::from_der(chain, key, &ring::default_provider()).map_err(|source| {
        TlsError::Mismatch {
            certificate: config.certificate.clone(),
            key: config.key.clone(),
            source,
        }
    })
}

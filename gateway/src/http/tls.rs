//! The gateway's own TLS: a certificate and its key from files, read again when they change, so that
//! whatever renews certificates need not know of the gateway. `acme` gets one without files.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject as _};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WantsServerCert;
use tokio_rustls::rustls::{self, ConfigBuilder, ServerConfig};
use tokio_rustls::server::TlsStream;

use crate::errors::chain;
use crate::options::TlsOptions;
use crate::stamp::Stamp;

/// The gateway's own certificate, which follows its files.
#[derive(Debug)]
pub struct Tls {
    config: watch::Receiver<Arc<ServerConfig>>,
    /// What follows it; ends with it.
    task: AbortHandle,
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
    /// The folder of a certificate that the gateway gets by itself.
    #[error(
        "cannot make the folder {path:?} for the certificate; set `data_dir` to one that purrwall may write"
    )]
    Folder {
        /// The folder.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// The file of the authority that a CA's own certificate is signed by.
    #[error(
        "cannot read a certificate from {path:?}; it has to hold, in PEM, the one that the CA's own is signed by"
    )]
    Authority {
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

/// How long a handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// How often the files are looked at. What changed has to rest for as long before it is read.
const LOOK: Duration = Duration::from_secs(1);

impl Tls {
    /// Reads the certificate and its key, and follows them from now on.
    ///
    /// # Errors
    /// What is wrong with the files.
    ///
    /// # Panics
    /// Outside of a Tokio runtime.
    pub fn load(options: TlsOptions) -> Result<Self, TlsError> {
        let stamps = look(&options);
        let (sender, config) = watch::channel(Arc::new(load(&options)?));
        let reload = tokio::spawn(reload(options, sender, stamps));
        Ok(Self::new(config, reload.abort_handle()))
    }

    /// What is in force, and what follows it.
    pub(crate) fn new(config: watch::Receiver<Arc<ServerConfig>>, task: AbortHandle) -> Self {
        Self { config, task }
    }

    /// Shakes hands with the certificate that is in force then.
    pub(crate) fn handshakes(&self) -> Handshakes {
        Handshakes(self.config.clone())
    }
}

/// Shakes hands with clients.
#[derive(Clone)]
pub(crate) struct Handshakes(watch::Receiver<Arc<ServerConfig>>);

impl Handshakes {
    /// A connection over TLS, if the client shakes hands in time.
    pub(crate) async fn shake<S>(&self, stream: S) -> io::Result<TlsStream<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let acceptor = TlsAcceptor::from(self.0.borrow().clone());
        timeout(HANDSHAKE, acceptor.accept(stream)).await?
    }
}

impl Drop for Tls {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn reload(
    options: TlsOptions,
    config: watch::Sender<Arc<ServerConfig>>,
    mut read: [Option<Stamp>; 2],
) {
    let mut seen = read;
    loop {
        sleep(LOOK).await;
        let now = look(&options);
        let rests = now == seen;
        seen = now;
        if !rests || now == read {
            continue;
        }
        read = now;
        match load(&options) {
            Ok(loaded) => {
                config.send_replace(Arc::new(loaded));
                tracing::info!("the certificate was read again");
            }
            Err(error) => {
                tracing::error!("the certificate of before stays in use: {}", chain(&error));
            }
        }
    }
}

/// What all of the gateway's TLS has in common.
pub(crate) fn server_config() -> ConfigBuilder<ServerConfig, WantsServerCert> {
    ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring knows the versions that rustls calls safe")
        .with_no_client_auth()
}

fn look(options: &TlsOptions) -> [Option<Stamp>; 2] {
    [&options.certificate, &options.key].map(|path| Stamp::at(path))
}

fn load(options: &TlsOptions) -> Result<ServerConfig, TlsError> {
    let certificate = |source| TlsError::Certificate {
        path: options.certificate.clone(),
        source,
    };
    let chain = CertificateDer::pem_file_iter(&options.certificate).map_err(certificate)?;
    let chain: Vec<_> = chain.collect::<Result<_, _>>().map_err(certificate)?;
    if chain.is_empty() {
        return Err(certificate(pem::Error::NoItemsFound));
    }
    let key = PrivateKeyDer::from_pem_file(&options.key).map_err(|source| TlsError::Key {
        path: options.key.clone(),
        source,
    })?;
    let mut config = server_config()
        .with_single_cert(chain, key)
        .map_err(|source| TlsError::Mismatch {
            certificate: options.certificate.clone(),
            key: options.key.clone(),
            source,
        })?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

//! The parts of a desk, and what it is told.

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use purrwall_gateway::Gateway;
use purrwall_gateway::options::{
    CatalogueOptions, LimitsOptions, StoreOptions, TlsOptions, WebhooksOptions,
};
use tokio::sync::Mutex;

use crate::certificate::CertificateFile;
use crate::ledger::Ledger;
use crate::sessions::Sessions;

/// What a desk is told.
#[derive(Clone, Debug)]
pub struct DeskOptions {
    /// Where it listens.
    pub address: SocketAddr,
    /// The certificate that it listens with; `None` is plain HTTP, for this machine alone.
    pub tls: Option<TlsOptions>,
    /// The folder of the store's data.
    pub data_dir: PathBuf,
    /// The store's file; without one the goods cannot be changed.
    pub file: Option<StoreFile>,
    /// The file of the secret; `None` where it is kept elsewhere.
    pub secret_file: Option<PathBuf>,
    /// The store.
    pub store: StoreOptions,
    /// Its bounds.
    pub limits: LimitsOptions,
    /// Who is told of payments.
    pub webhooks: WebhooksOptions,
}

/// A store's file, which the desk changes.
#[derive(Clone)]
pub struct StoreFile {
    /// Where it is.
    pub path: PathBuf,
    /// Reads a text as if it stood in the file; says what is wrong with it, and the remedy.
    pub read: ReadText,
}

/// Reads a text of a store's file.
pub type ReadText = Arc<dyn Fn(&str) -> Result<CatalogueOptions, String> + Send + Sync>;

impl StoreFile {
    /// Its folder, which the paths in it begin at.
    pub(crate) fn folder(&self) -> PathBuf {
        match self.path.parent() {
            Some(folder) if folder != Path::new("") => folder.to_owned(),
            _ => PathBuf::from("."),
        }
    }
}

impl fmt::Debug for StoreFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("StoreFile").field(&self.path).finish()
    }
}

/// A desk. A clone is another handle to the same one.
#[derive(Clone)]
pub struct Desk {
    pub(crate) gateway: Gateway,
    pub(crate) options: Arc<DeskOptions>,
    pub(crate) sessions: Arc<Sessions>,
    pub(crate) ledger: Arc<Ledger>,
    /// Held while the store's file is changed.
    pub(crate) writing: Arc<Mutex<()>>,
    pub(crate) certificate: Option<Arc<CertificateFile>>,
}

impl Desk {
    /// A desk of this gateway's store. It begins to sum the sales, in tasks that end with the last handle.
    ///
    /// # Panics
    /// Outside of a Tokio runtime.
    pub fn new(gateway: Gateway, options: DeskOptions) -> Self {
        let certificate = options.tls.as_ref().map(|tls| tls.certificate.clone());
        let ledger = Ledger::start(gateway.books(), &options.data_dir);
        Self {
            sessions: Arc::new(Sessions::new(options.tls.is_some())),
            ledger: Arc::new(ledger),
            writing: Arc::default(),
            certificate: certificate.map(CertificateFile::new).map(Arc::new),
            gateway,
            options: Arc::new(options),
        }
    }

    /// What it was told.
    pub fn options(&self) -> &DeskOptions {
        &self.options
    }

    pub(crate) fn is_over_tls(&self) -> bool {
        self.options.tls.is_some()
    }

    /// Whether its certificate is for this name.
    pub(crate) fn is_certified_for(&self, name: &str) -> bool {
        let certificate = self.certificate.as_ref();
        let certificate = certificate.and_then(|file| file.read().ok());
        certificate.is_some_and(|certificate| certificate.is_for(name))
    }
}

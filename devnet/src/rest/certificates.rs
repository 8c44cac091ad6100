//! clnrest's certificates: an authority of the node's own, and a certificate for `localhost`.

use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// The certificate of the authority, which clients trust.
pub(super) fn ca_path(dir: &Path) -> PathBuf {
    dir.join("ca.pem")
}

/// The set-up of TLS with the certificates of a directory. Makes them first if there are none, so
/// that clients who trust them can come back after a restart.
pub(super) fn server_config(dir: &Path) -> anyhow::Result<Arc<ServerConfig>> {
    let (certificate, key) = (dir.join("server.pem"), dir.join("server-key.pem"));
    if !key.exists() {
        make(dir, &certificate, &key).context("cannot make certificates for REST")?;
    }
    let read = |path: &Path| format!("cannot read {}", path.display());
    let chain = CertificateDer::from_pem_file(&certificate).with_context(|| read(&certificate))?;
    let key = PrivateKeyDer::from_pem_file(&key).with_context(|| read(&key))?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![chain], key)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn make(dir: &Path, certificate: &Path, key: &Path) -> anyhow::Result<()> {
    let mut ca = CertificateParams::default();
    ca.distinguished_name
        .push(DnType::CommonName, "cln Root REST CA");
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    ca.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let ca_key = KeyPair::generate()?;
    let ca_certificate = ca.self_signed(&ca_key)?;
    let issuer = Issuer::new(ca, ca_key);

    let mut server = CertificateParams::new(["localhost".to_owned()])?;
    server
        .distinguished_name
        .push(DnType::CommonName, "cln rest server");
    let server_key = KeyPair::generate()?;
    let signed = server.signed_by(&server_key, &issuer)?;

    fs::write(ca_path(dir), ca_certificate.pem())?;
    fs::write(certificate, signed.pem())?;
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    options
        .open(key)?
        .write_all(server_key.serialize_pem().as_bytes())?;
    Ok(())
}

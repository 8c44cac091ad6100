//! A certificate that the gateway gets and renews by itself (ACME, RFC 8555). It proves that it has the domains
//! on the port that it serves (TLS-ALPN-01, RFC 8737), and keeps the certificate, its key and its account in a
//! folder.

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;
use std::sync::Arc;

use futures_util::StreamExt as _;
use rustls_acme::acme::{ACME_TLS_ALPN_NAME, Auth};
use rustls_acme::caches::DirCache;
use rustls_acme::{AcmeConfig, AcmeState, EventError, EventOk, OrderError};
use serde_json::Value;
use tokio::sync::watch;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject as _};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::errors::chain;
use crate::http::tls::{Tls, TlsError, server_config};
use crate::options::AcmeOptions;

type Event = Result<EventOk, EventError<io::Error, io::Error>>;

impl Tls {
    /// Uses the certificate in the folder, if there is one, and gets and renews it from now on. Until there is
    /// one, no visitor can connect.
    ///
    /// # Errors
    /// What is wrong with the folder, or the authority's file.
    ///
    /// # Panics
    /// Outside of a Tokio runtime.
    pub fn by_itself(options: AcmeOptions) -> Result<Self, TlsError> {
        let AcmeOptions {
            domains,
            directory,
            authority,
            dir,
        } = options;
        // The key is in it.
        let mut builder = DirBuilder::new();
        let made = builder.recursive(true).mode(0o700).create(&dir);
        made.map_err(|source| TlsError::Folder {
            path: dir.clone(),
            source,
        })?;
        let config = match &authority {
            Some(path) => AcmeConfig::new_with_client_config(&domains, trusting(path)?),
            None => AcmeConfig::new(&domains),
        };
        let state = config
            .directory(&directory)
            .cache(DirCache::new(dir))
            .state();
        let mut server = server_config().with_cert_resolver(state.resolver());
        server.alpn_protocols = vec![b"http/1.1".to_vec(), ACME_TLS_ALPN_NAME.to_vec()];
        let task = tokio::spawn(follow(state, domains.join(", "), directory));
        // It has a new certificate by itself.
        let (_, config) = watch::channel(Arc::new(server));
        Ok(Self::new(config, task.abort_handle()))
    }
}

/// Speaks with the CA whose own certificate is signed by the authority in this file, and with no other.
fn trusting(path: &Path) -> Result<Arc<ClientConfig>, TlsError> {
    let wrong = |source| TlsError::Authority {
        path: path.to_owned(),
        source,
    };
    let found = CertificateDer::pem_file_iter(path).map_err(wrong)?;
    let found: Vec<_> = found.collect::<Result<_, _>>().map_err(wrong)?;
    let mut roots = RootCertStore::empty();
    if roots.add_parsable_certificates(found).0 == 0 {
        return Err(wrong(pem::Error::NoItemsFound));
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring knows the versions that rustls calls safe")
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

/// Lets the certificate be had and renewed, and tells of it. After an error it is tried again, at first after a second and then
/// after twice the pause of before.
async fn follow(mut state: AcmeState<io::Error>, domains: String, directory: String) {
    let mut has_one = false;
    while let Some(event) = state.next().await {
        has_one |= matches!(
            event,
            Ok(EventOk::DeployedCachedCert | EventOk::DeployedNewCert)
        );
        tell(&event, &domains, &directory, has_one);
    }
}

fn tell(event: &Event, domains: &str, directory: &str, has_one: bool) {
    let until = if has_one {
        "the certificate of before stays in use"
    } else {
        "until there is a certificate, nobody can connect"
    };
    match event {
        Ok(EventOk::DeployedCachedCert) => {
            tracing::info!("the kept certificate for {domains} is in use");
        }
        Ok(EventOk::DeployedNewCert) => {
            tracing::info!("a new certificate for {domains} is in use");
        }
        Ok(EventOk::CertCacheStore | EventOk::AccountCacheStore) => {}
        Err(EventError::Order(error)) => tracing::error!(
            "no certificate for {domains}: {}; it is tried again, and {until}",
            why(error, directory)
        ),
        Err(EventError::CertCacheStore(error) | EventError::AccountCacheStore(error)) => {
            tracing::error!(
                "the certificate for {domains} is in use, but cannot be kept in data_dir: {error}; \
                 after a restart it would have to be asked for again"
            );
        }
        Err(other) => tracing::error!(
            "the kept certificate for {domains} cannot be used: {other}; a new one is asked for"
        ),
    }
}

/// What is wrong, for the owner, with the remedy.
fn why(error: &OrderError, directory: &str) -> String {
    match error {
        OrderError::BadAuth(auth) => {
            let (domain, detail) = denied(auth);
            format!(
                "the CA could not reach this gateway as {domain} ({detail}); the name has to lead to \
                 this machine, and its port 443 to the gateway"
            )
        }
        OrderError::BadOrder(order) => {
            let detail = order
                .error
                .as_ref()
                .and_then(|error| error.detail.as_deref());
            format!(
                "the CA refuses it: {}",
                detail.unwrap_or("it does not say why")
            )
        }
        OrderError::Acme(error) => match refusal(&error.to_string()) {
            Some(detail) => format!("the CA refuses it: {detail}"),
            None => format!(
                "the CA at {directory} does not answer as it should: {}",
                chain(error)
            ),
        },
        other => chain(other),
    }
}

fn denied(auth: &Auth) -> (&str, &str) {
    let rustls_acme::acme::Identifier::Dns(domain) = &auth.identifier;
    let mut errors = auth
        .challenges
        .iter()
        .filter_map(|challenge| challenge.error.as_ref());
    let detail = errors.find_map(|error| error.detail.as_deref());
    (domain, detail.unwrap_or("it does not say why"))
}

/// The CA's own words, where it answered with a problem document (RFC 8555, 6.7). The library has them in the text
/// of its error only.
fn refusal(text: &str) -> Option<String> {
    let (_, answer) = text.split_once("non 2xx http status: ")?;
    let (status, body) = answer.split_once(' ')?;
    let body: String = serde_json::from_str(body).ok()?;
    let problem: Option<Value> = serde_json::from_str(&body).ok();
    let detail = problem
        .as_ref()
        .and_then(|problem| problem["detail"].as_str());
    Some(detail.map_or_else(|| format!("status {status}"), str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cas_own_words_are_told() {
        let body = r#"{\n  \"type\": \"urn:ietf:params:acme:error:rejectedIdentifier\",\n  \"detail\": \"No.\"}"#;
        let text = format!("http request error: non 2xx http status: 400 \"{body}\"");
        assert_eq!(refusal(&text).as_deref(), Some("No."));
        assert_eq!(
            refusal("non 2xx http status: 502 \"<html>\"").as_deref(),
            Some("status 502")
        );
        assert_eq!(refusal("io error: Connection refused"), None);
    }
}

//! Whom a process trusts, and with which cryptography it speaks TLS: one value, made once, for every HTTP client in it.
//!
//! HTTP clients left to themselves each read the machine's certificates, a folder of a few hundred files or a bundle of
//! 150 certificates to decode, some of them at the first call. Here the roots are Mozilla's, compiled in, which costs
//! nothing at the start; where a bundle is named, its certificates take their place, and it is read once.
//!
//! Nothing here knows an HTTP client.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::{self, PemObject};
use rustls::{ClientConfig, RootCertStore};

pub use rustls::pki_types::CertificateDer;

/// Why a bundle of certificates cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// It cannot be read.
    #[error("the certificate bundle {path} cannot be read")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        cause: std::io::Error,
    },
    /// It holds no certificate that can be a root.
    #[error("the certificate bundle {0} holds no certificate")]
    Empty(PathBuf),
}

/// How a process speaks TLS. Clones share the roots.
#[derive(Debug, Clone)]
pub struct Tls {
    provider: Arc<CryptoProvider>,
    roots: Arc<RootCertStore>,
}

impl Tls {
    /// Trusts the roots that are compiled in; no file is touched.
    pub fn compiled_in() -> Self {
        Self::trusting(RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() })
    }

    /// Trusts the certificates of a file and no others. The file is read here and never again. A certificate in it that
    /// cannot be parsed is left out, as systems' bundles hold odd ones.
    pub fn of_bundle(path: &Path) -> Result<Self, BundleError> {
        let unreadable = |cause| BundleError::Unreadable { path: path.to_owned(), cause };
        let bundle = std::fs::read(path).map_err(unreadable)?;
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(CertificateDer::pem_slice_iter(&bundle).filter_map(Result::ok));
        if roots.is_empty() {
            return Err(BundleError::Empty(path.to_owned()));
        }
        Ok(Self::trusting(roots))
    }

    fn trusting(roots: RootCertStore) -> Self {
        Self { provider: Arc::new(aws_lc_rs::default_provider()), roots: Arc::new(roots) }
    }

    /// Returns the same, trusting these certificates too; one that cannot be parsed is left out.
    pub fn and_trusting(&self, certificates: &[CertificateDer<'static>]) -> Self {
        let mut roots = RootCertStore::clone(&self.roots);
        roots.add_parsable_certificates(certificates.iter().cloned());
        Self { provider: Arc::clone(&self.provider), roots: Arc::new(roots) }
    }

    /// Returns the client's side of TLS for connections that speak one of these protocols, the most wanted first; for an
    /// HTTP client that names its protocols itself, none.
    pub fn client(&self, protocols: &[&str]) -> ClientConfig {
        let mut config = ClientConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_safe_default_protocol_versions()
            .expect("the provider has suites for the default versions")
            .with_root_certificates(Arc::clone(&self.roots))
            .with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
        config
    }
}

/// Returns the certificates of a PEM text.
pub fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, pem::Error> {
    CertificateDer::pem_slice_iter(pem).collect()
}

#[cfg(test)]
mod tests;

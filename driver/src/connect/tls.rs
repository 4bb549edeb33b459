//! TLS as libpq's `sslmode` defines it, done by rustls.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio_postgres::config::SslMode;
use tokio_postgres_rustls::MakeRustlsConnect;

use super::dsn::Parameters;

/// What is checked of the server's certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Check {
    Nothing,
    Chain,
    ChainAndName,
}

/// How connections are encrypted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TlsChoice {
    pub(super) mode: SslMode,
    check: Check,
    root: Option<PathBuf>,
    client: Option<(PathBuf, PathBuf)>,
}

impl TlsChoice {
    /// Reads `sslmode`, `sslrootcert`, `sslcert` and `sslkey`; `home` is where libpq's default files are.
    pub(super) fn of(parameters: &Parameters, home: Option<&Path>) -> Result<Self> {
        let default_file = |name: &str| {
            home.map(|home| home.join(".postgresql").join(name))
                .filter(|path| path.is_file())
        };
        let root = match parameters.get("sslrootcert") {
            Some("system") => None,
            Some(path) => Some(PathBuf::from(path)),
            None => default_file("root.crt"),
        };
        // libpq: `require` checks the chain where somebody took the trouble of installing a root certificate.
        let chain_if_root = if root.is_some() {
            Check::Chain
        } else {
            Check::Nothing
        };
        let (mode, check) = match parameters.get("sslmode").unwrap_or("prefer") {
            "disable" => (SslMode::Disable, Check::Nothing),
            "allow" | "prefer" => (SslMode::Prefer, Check::Nothing),
            "require" => (SslMode::Require, chain_if_root),
            "verify-ca" => (SslMode::Require, Check::Chain),
            "verify-full" => (SslMode::Require, Check::ChainAndName),
            other => bail!(
                "sslmode {other:?} is unknown; it is one of disable, allow, prefer, require, verify-ca, verify-full"
            ),
        };
        let own = |name: &str, file: &str| {
            parameters
                .get(name)
                .map(PathBuf::from)
                .or_else(|| default_file(file))
        };
        let client = own("sslcert", "postgresql.crt").zip(own("sslkey", "postgresql.key"));
        Ok(Self {
            mode,
            check,
            root,
            client,
        })
    }

    /// The connector for tokio-postgres. Files are read here, once.
    pub(super) fn connector(&self) -> Result<MakeRustlsConnect> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let roots = if self.check == Check::Nothing {
            RootCertStore::empty()
        } else {
            self.roots()?
        };
        let builder = ClientConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .context("TLS is not available")?;
        let builder = match self.check {
            Check::ChainAndName => builder.with_root_certificates(roots),
            Check::Chain | Check::Nothing => {
                let chain = match self.check {
                    Check::Nothing => None,
                    _ => Some(
                        WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone())
                            .build()
                            .context("the root certificates are of no use")?,
                    ),
                };
                builder
                    .dangerous()
                    .with_custom_certificate_verifier(Arc::new(NameIsFree { chain, provider }))
            }
        };
        let config = match &self.client {
            None => builder.with_no_client_auth(),
            Some((certificate, key)) => {
                let key = PrivateKeyDer::from_pem_file(key)
                    .with_context(|| format!("cannot read the client key {}", key.display()))?;
                builder
                    .with_client_auth_cert(certificates(certificate)?, key)
                    .context("the client certificate and key do not fit together")?
            }
        };
        Ok(MakeRustlsConnect::new(config))
    }

    fn roots(&self) -> Result<RootCertStore> {
        let mut store = RootCertStore::empty();
        let found = match &self.root {
            Some(path) => certificates(path)?,
            None => rustls_native_certs::load_native_certs().certs,
        };
        store.add_parsable_certificates(found);
        if store.is_empty() {
            bail!("no root certificate to check the server's with: set sslrootcert (PGSSLROOTCERT)");
        }
        Ok(store)
    }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let failed = || format!("cannot read the certificate {}", path.display());
    CertificateDer::pem_file_iter(path)
        .with_context(failed)?
        .collect::<Result<Vec<_>, _>>()
        .with_context(failed)
}

/// Accepts a certificate for another host name, and any certificate when there is no `chain` to check it with: what
/// `verify-ca`, and `prefer` and `require`, mean in libpq. Signatures of the handshake are checked in every case.
#[derive(Debug)]
struct NameIsFree {
    chain: Option<Arc<WebPkiServerVerifier>>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for NameIsFree {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let Some(chain) = &self.chain else {
            return Ok(ServerCertVerified::assertion());
        };
        match chain.verify_server_cert(certificate, intermediates, name, ocsp, now) {
            Err(rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            verdict => verdict,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(
            message,
            certificate,
            signature,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(
            message,
            certificate,
            signature,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choice(dsn: &str) -> Result<TlsChoice> {
        TlsChoice::of(&Parameters::parse(dsn)?, None)
    }

    #[test]
    fn sslmode_says_whether_to_encrypt_and_what_to_check() {
        for (dsn, mode, check) in [
            ("", SslMode::Prefer, Check::Nothing),
            ("sslmode=disable", SslMode::Disable, Check::Nothing),
            ("sslmode=require", SslMode::Require, Check::Nothing),
            ("sslmode=require sslrootcert=/r", SslMode::Require, Check::Chain),
            ("sslmode=verify-ca", SslMode::Require, Check::Chain),
            (
                "postgres://h/d?sslmode=verify-full",
                SslMode::Require,
                Check::ChainAndName,
            ),
        ] {
            let found = choice(dsn).unwrap();
            assert_eq!((found.mode, found.check), (mode, check), "{dsn}");
        }
        assert!(
            choice("sslmode=always")
                .unwrap_err()
                .to_string()
                .contains("verify-full")
        );
    }

    #[test]
    fn a_root_certificate_that_is_not_there_is_an_error_before_connecting() {
        let error = choice("sslmode=verify-full sslrootcert=/nonexistent/root.crt")
            .unwrap()
            .connector();
        assert!(format!("{:#}", error.err().expect("no such file")).contains("/nonexistent/root.crt"));
    }

    #[test]
    fn prefer_needs_no_root_certificate() {
        assert!(choice("sslmode=prefer").unwrap().connector().is_ok());
    }
}

//! TLS as libpq's `sslmode` defines it, done by rustls.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
    SupportedProtocolVersion,
};
use tokio_postgres::config::SslMode;
use tokio_postgres_rustls::MakeRustlsConnect;
use x509_cert::Certificate;
use x509_cert::der::{Decode as _, Encode as _};

use super::dsn::Parameters;

/// How the server's certificate is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Check {
    Nothing,
    Chain,
    ChainAndName,
}

/// The root certificates for the check.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Roots {
    File(PathBuf),
    System,
    /// None is configured.
    None,
}

/// How connections are encrypted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TlsChoice {
    pub(super) mode: SslMode,
    check: Check,
    roots: Roots,
    client: Option<(PathBuf, PathBuf)>,
    revoked: Vec<PathBuf>,
    versions: Vec<Version>,
    server_name: bool,
    is_direct: bool,
}

/// A TLS version; rustls has no older ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Version {
    /// A version older than rustls supports.
    Older,
    Tls12,
    Tls13,
}

impl Version {
    fn read(name: &str, value: &str) -> Result<Self> {
        match value.to_ascii_lowercase().as_str() {
            "tlsv1" | "tlsv1.1" => Ok(Self::Older),
            "tlsv1.2" => Ok(Self::Tls12),
            "tlsv1.3" => Ok(Self::Tls13),
            _ => bail!("{name} is one of TLSv1, TLSv1.1, TLSv1.2, TLSv1.3, not {value:?}"),
        }
    }
}

impl TlsChoice {
    /// Reads the parameters that start with `ssl`; `home` is the directory of libpq's default files.
    pub(super) fn of(parameters: &Parameters, home: Option<&Path>) -> Result<Self> {
        let default_file = |name: &str| {
            home.map(|home| home.join(".postgresql").join(name))
                .filter(|path| path.is_file())
        };
        let roots = match parameters.get("sslrootcert") {
            Some("system") => Roots::System,
            Some(path) => Roots::File(path.into()),
            None => default_file("root.crt").map_or(Roots::None, Roots::File),
        };
        let (mode, check) = mode_and_check(parameters, &roots)?;
        let own = |name: &str, file: &str| {
            parameters
                .get(name)
                .map(PathBuf::from)
                .or_else(|| default_file(file))
        };
        let client = match parameters.get("sslcertmode") {
            Some("disable") => None,
            Some("allow") | None => own("sslcert", "postgresql.crt").zip(own("sslkey", "postgresql.key")),
            Some("require") => bail!(
                "the connection parameter sslcertmode=require is not supported: let pg_hba.conf ask for the certificate (clientcert)"
            ),
            Some(other) => bail!("sslcertmode is one of disable, allow, require, not {other:?}"),
        };
        let is_direct = parameters.get("sslnegotiation") == Some("direct");
        if is_direct && mode != SslMode::Require {
            bail!("sslnegotiation=direct needs sslmode=require, verify-ca or verify-full");
        }
        Ok(Self {
            mode,
            check,
            roots,
            client,
            revoked: revocation_lists(parameters, default_file("root.crl"))?,
            versions: versions(parameters)?,
            server_name: parameters.get("sslsni") != Some("0"),
            is_direct,
        })
    }

    /// The connector for tokio-postgres. Files are read here, once.
    pub(super) fn connector(&self) -> Result<MakeRustlsConnect> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let versions: Vec<&SupportedProtocolVersion> = self
            .versions
            .iter()
            .map(|version| match version {
                Version::Tls13 => &rustls::version::TLS13,
                _ => &rustls::version::TLS12,
            })
            .collect();
        let builder = ClientConfig::builder_with_provider(provider.clone())
            .with_protocol_versions(&versions)
            .context("TLS is not available")?;
        let chain = match self.check {
            Check::Nothing => None,
            Check::Chain | Check::ChainAndName => Some(self.chain(&provider)?),
        };
        let verifier = LibpqVerifier {
            chain,
            checks_name: self.check == Check::ChainAndName,
            provider,
        };
        let builder = builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier));
        let mut config = match &self.client {
            None => builder.with_no_client_auth(),
            Some((certificate, key)) => {
                let key = PrivateKeyDer::from_pem_file(key)
                    .with_context(|| format!("cannot read the client key {}", key.display()))?;
                builder
                    .with_client_auth_cert(certificates(certificate)?, key)
                    .context("the client certificate and key do not match")?
            }
        };
        config.enable_sni = self.server_name;
        if self.is_direct {
            config.alpn_protocols = vec![b"postgresql".to_vec()];
        }
        Ok(MakeRustlsConnect::new(config))
    }

    fn chain(&self, provider: &Arc<CryptoProvider>) -> Result<Arc<WebPkiServerVerifier>> {
        let mut lists = Vec::new();
        for path in &self.revoked {
            let failed = || format!("cannot read the certificate revocation list {}", path.display());
            for list in CertificateRevocationListDer::pem_file_iter(path).with_context(failed)? {
                lists.push(list.with_context(failed)?);
            }
        }
        let roots = Arc::new(self.root_certificates()?);
        let mut builder = WebPkiServerVerifier::builder_with_provider(roots, provider.clone());
        if !self.revoked.is_empty() {
            builder = builder.with_crls(lists).enforce_revocation_expiration();
        }
        builder.build().context("the root certificates are not usable")
    }

    fn root_certificates(&self) -> Result<RootCertStore> {
        let mut store = RootCertStore::empty();
        let found = match &self.roots {
            Roots::File(path) => certificates(path)?,
            Roots::System => rustls_native_certs::load_native_certs().certs,
            Roots::None => Vec::new(),
        };
        store.add_parsable_certificates(found);
        if store.is_empty() {
            bail!(
                "no root certificate to check the server's with: set sslrootcert (PGSSLROOTCERT) to a file, or to system"
            );
        }
        Ok(store)
    }
}

/// The effect of `sslmode` with these root certificates.
fn mode_and_check(parameters: &Parameters, roots: &Roots) -> Result<(SslMode, Check)> {
    let mode = parameters.get("sslmode");
    if *roots == Roots::System {
        // Anyone can get a certificate that the system trusts, so the name must be checked too.
        return match mode {
            None | Some("verify-full") => Ok((SslMode::Require, Check::ChainAndName)),
            Some(weak) => {
                bail!("weak sslmode {weak:?} may not be used with sslrootcert=system: use verify-full")
            }
        };
    }
    Ok(match mode.unwrap_or("prefer") {
        "disable" => (SslMode::Disable, Check::Nothing),
        "allow" | "prefer" => (SslMode::Prefer, Check::Nothing),
        // As in libpq, `require` checks the chain if a root certificate is installed.
        "require" if *roots == Roots::None => (SslMode::Require, Check::Nothing),
        "require" | "verify-ca" => (SslMode::Require, Check::Chain),
        "verify-full" => (SslMode::Require, Check::ChainAndName),
        other => bail!(
            "sslmode {other:?} is unknown; it is one of disable, allow, prefer, require, verify-ca, verify-full"
        ),
    })
}

/// The files of `sslcrl` and `sslcrldir`.
fn revocation_lists(parameters: &Parameters, default: Option<PathBuf>) -> Result<Vec<PathBuf>> {
    let (file, directory) = (parameters.get("sslcrl"), parameters.get("sslcrldir"));
    let mut paths: Vec<PathBuf> = file.map(PathBuf::from).into_iter().collect();
    if let Some(directory) = directory {
        let failed = || format!("cannot read the directory of certificate revocation lists {directory}");
        for entry in std::fs::read_dir(directory).with_context(failed)? {
            paths.push(entry.with_context(failed)?.path());
        }
    }
    if file.is_none() && directory.is_none() {
        paths.extend(default);
    }
    Ok(paths)
}

/// The TLS versions between `ssl_min_protocol_version` and `ssl_max_protocol_version`.
fn versions(parameters: &Parameters) -> Result<Vec<Version>> {
    let read = |name: &str, default: Version| {
        parameters
            .get(name)
            .map_or(Ok(default), |value| Version::read(name, value))
    };
    let least = read("ssl_min_protocol_version", Version::Tls12)?;
    let most = read("ssl_max_protocol_version", Version::Tls13)?;
    if least > most {
        bail!("ssl_min_protocol_version is above ssl_max_protocol_version");
    }
    let left: Vec<Version> = [Version::Tls13, Version::Tls12]
        .into_iter()
        .filter(|version| (least..=most).contains(version))
        .collect();
    if left.is_empty() {
        bail!("ssl_max_protocol_version is below TLSv1.2, the oldest supported version");
    }
    Ok(left)
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let failed = || format!("cannot read the certificate {}", path.display());
    CertificateDer::pem_file_iter(path)
        .with_context(failed)?
        .collect::<Result<Vec<_>, _>>()
        .with_context(failed)
}

/// Checks a certificate as libpq does: the chain if a root certificate is configured, the name only for `verify-full`,
/// nothing for `prefer` and `require`. Signatures of the handshake are always checked.
#[derive(Debug)]
struct LibpqVerifier {
    chain: Option<Arc<WebPkiServerVerifier>>,
    checks_name: bool,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for LibpqVerifier {
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
            )) if !self.checks_name => Ok(ServerCertVerified::assertion()),
            verdict => verdict,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        if self.chain.is_some() {
            return verify_tls12_signature(message, certificate, signature, algorithms);
        }
        verify_with_key(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        if self.chain.is_some() {
            return verify_tls13_signature(message, certificate, signature, algorithms);
        }
        verify_with_key(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

/// Checks a signature of the handshake with the public key of a certificate that is not checked otherwise. rustls itself
/// rejects certificates of version 1, which openssl makes without extensions, and Citus too.
fn verify_with_key(
    message: &[u8],
    certificate: &CertificateDer<'_>,
    signature: &DigitallySignedStruct,
    algorithms: &WebPkiSupportedAlgorithms,
) -> Result<HandshakeSignatureValid, rustls::Error> {
    let malformed = || rustls::Error::from(CertificateError::BadEncoding);
    let parsed = Certificate::from_der(certificate).map_err(|_| malformed())?;
    let key = &parsed.tbs_certificate.subject_public_key_info;
    // rustls compares the algorithm without the outer SEQUENCE.
    let algorithm = key.algorithm.to_der().map_err(|_| malformed())?;
    let bits = key.subject_public_key.as_bytes().ok_or_else(malformed)?;
    let of_scheme = algorithms
        .mapping
        .iter()
        .filter(|(scheme, _)| *scheme == signature.scheme)
        .flat_map(|(_, candidates)| candidates.iter());
    for candidate in of_scheme {
        if !algorithm.ends_with(candidate.public_key_alg_id().as_ref()) {
            continue;
        }
        if candidate
            .verify_signature(bits, message, signature.signature())
            .is_ok()
        {
            return Ok(HandshakeSignatureValid::assertion());
        }
    }
    Err(CertificateError::BadSignature.into())
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
            ("sslrootcert=system", SslMode::Require, Check::ChainAndName),
            (
                "sslrootcert=system sslmode=verify-full",
                SslMode::Require,
                Check::ChainAndName,
            ),
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
    fn the_systems_certificates_are_of_no_use_without_the_name() {
        for mode in ["disable", "allow", "prefer", "require", "verify-ca"] {
            let error = choice(&format!("sslrootcert=system sslmode={mode}"))
                .unwrap_err()
                .to_string();
            assert!(error.contains("weak sslmode") && error.contains(mode), "{error}");
        }
    }

    #[test]
    fn the_versions_of_tls_are_those_asked_for() {
        assert_eq!(choice("").unwrap().versions, [Version::Tls13, Version::Tls12]);
        assert_eq!(
            choice("ssl_min_protocol_version=TLSv1.3").unwrap().versions,
            [Version::Tls13]
        );
        assert_eq!(
            choice("ssl_max_protocol_version=tlsv1.2").unwrap().versions,
            [Version::Tls12]
        );
        for wrong in [
            "ssl_max_protocol_version=TLSv1.1",
            "ssl_min_protocol_version=SSLv3",
            "ssl_min_protocol_version=TLSv1.3 ssl_max_protocol_version=TLSv1.2",
            "sslcertmode=require",
            "sslcertmode=x",
            "sslnegotiation=direct",
            "sslcrldir=/nonexistent",
        ] {
            assert!(choice(wrong).is_err(), "{wrong}");
        }
        let without = choice("sslmode=verify-full").unwrap().connector();
        assert!(without.is_err(), "checked with no root certificate");
    }

    #[test]
    fn prefer_needs_no_root_certificate() {
        assert!(choice("sslmode=prefer").unwrap().connector().is_ok());
    }
}

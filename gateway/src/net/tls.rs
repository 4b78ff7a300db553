//! TLS for the doors that have it: handshakes that end, and a certificate that may become another while connections
//! go on.
//!
//! Hides rustls, and how a certificate is read. Says what clients will not like about one.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::{ArcSwap, ArcSwapOption};
use rustls::client::danger::ServerCertVerifier as _;
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::{ClientHello, ParsedCertificate, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{CertificateError, ClientConfig, Error, InconsistentKeys, RootCertStore, ServerConfig};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
pub(crate) use tokio_rustls::server::TlsStream;
use tokio_rustls::{TlsAcceptor, TlsConnector};

/// A certificate with its chain, and the key that goes with it.
#[derive(Clone)]
pub(crate) struct Certificate(Arc<CertifiedKey>);

impl Certificate {
    /// Reads two files of PEM: the chain, our own certificate first, and the key.
    pub(crate) fn read(chain: &Path, key: &Path) -> Result<Self, NoCertificate> {
        let read = |path: &Path| {
            fs::read(path).map_err(|error| format!("it must be a file that can be read ({error})"))
        };
        let certificates = read(chain).and_then(|text| {
            let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
            let all = all.ok().filter(|all| !all.is_empty());
            all.ok_or_else(|| {
                "it must be a file of PEM with the certificate, then those that signed it".into()
            })
        });
        let secret = read(key).and_then(|text| {
            // What is said of one that cannot be read might quote it.
            let secret = PrivateKeyDer::from_pem_slice(&text);
            secret.map_err(|_| "it must be a file of PEM with a private key that has no password".into())
        });
        let certificates = certificates.map_err(NoCertificate::Chain)?;
        let secret = secret.map_err(NoCertificate::Key)?;
        match CertifiedKey::from_der(certificates, secret, &provider()) {
            Ok(certified) => Ok(Self(Arc::new(certified))),
            Err(Error::InconsistentKeys(InconsistentKeys::KeyMismatch)) => {
                Err(NoCertificate::Key("it must be the key of the certificate in tls-certificate".to_owned()))
            }
            Err(error) => Err(NoCertificate::Chain(format!("it must be one that can be used ({error})"))),
        }
    }

    /// What clients will not like about it when they come to one of these hosts, IPv6 addresses in brackets.
    pub(crate) fn doubts(&self, hosts: &[&str]) -> Vec<String> {
        let mut doubts = Vec::new();
        let now = UnixTime::now();
        let soon = UnixTime::since_unix_epoch(Duration::from_secs(now.as_secs()) + SOON);
        match (self.validity(now), self.validity(soon)) {
            (Validity::Early, _) => doubts.push("clients refuse it, for it is not valid yet".to_owned()),
            (Validity::Late, _) => doubts.push("clients refuse it, for it has expired".to_owned()),
            (Validity::Good, Validity::Late) => {
                doubts.push(format!("it expires within {} days", SOON.as_secs() / DAY));
            }
            (Validity::Good, Validity::Good | Validity::Early) => {}
        }
        for host in hosts {
            if !self.is_for(host) {
                doubts.push(format!("clients refuse it, for it is not for {host}"));
            }
        }
        doubts
    }

    /// Whether clients of all these hosts will take it for so long from now on.
    pub(super) fn will_do(&self, hosts: &[&str], so_long: Duration) -> bool {
        let now = UnixTime::now();
        let then = UnixTime::since_unix_epoch(Duration::from_secs(now.as_secs()) + so_long);
        let is_good = |at| matches!(self.validity(at), Validity::Good);
        is_good(now) && is_good(then) && hosts.iter().all(|host| self.is_for(host))
    }

    fn is_for(&self, host: &str) -> bool {
        let name = ServerName::try_from(host.trim_start_matches('[').trim_end_matches(']'));
        let certificate = self.0.cert.first().map(ParsedCertificate::try_from);
        match (name, certificate) {
            (Ok(name), Some(Ok(certificate))) => verify_server_name(&certificate, &name).is_ok(),
            (_, _) => false,
        }
    }

    /// Whoever verifies a certificate looks at the time first, so that it is enough to trust nobody but itself.
    fn validity(&self, at: UnixTime) -> Validity {
        let Some((own, chain)) = self.0.cert.split_first() else { return Validity::Good };
        let mut roots = RootCertStore::empty();
        let trusted = roots.add(own.clone()).map_err(drop);
        let verifier = trusted.and_then(|()| {
            let roots = Arc::new(roots);
            WebPkiServerVerifier::builder_with_provider(roots, provider()).build().map_err(drop)
        });
        let Ok(verifier) = verifier else { return Validity::Good };
        let anybody = ServerName::IpAddress(std::net::Ipv4Addr::LOCALHOST.into());
        let verified = verifier.verify_server_cert(own, chain, &anybody, &[], at);
        let Err(Error::InvalidCertificate(error)) = verified else { return Validity::Good };
        if matches!(error, CertificateError::Expired | CertificateError::ExpiredContext { .. }) {
            Validity::Late
        } else if matches!(error, CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. })
        {
            Validity::Early
        } else {
            Validity::Good
        }
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Certificate(..)")
    }
}

enum Validity {
    Early,
    Good,
    Late,
}

/// Why there is none: what one of its files must be instead.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum NoCertificate {
    Chain(String),
    Key(String),
}

/// What a door needs to speak TLS. Cheap to clone; all clones have one certificate.
#[derive(Debug, Clone)]
pub struct Tls {
    current: Arc<Current>,
    config: Arc<ServerConfig>,
}

impl Tls {
    /// Without a certificate handshakes fail until there is one. With `proves`, what proves that names are ours is
    /// shown to whoever asks for that alone.
    pub(crate) fn new(certificate: Option<&Certificate>, proves: bool) -> Result<Self, Error> {
        let certificate = ArcSwapOption::new(certificate.map(|certificate| Arc::clone(&certificate.0)));
        let current = Arc::new(Current { certificate, proofs: ArcSwap::default() });
        let versions =
            ServerConfig::builder_with_provider(provider()).with_safe_default_protocol_versions()?;
        let resolver = Arc::clone(&current) as Arc<dyn ResolvesServerCert>;
        let mut config = versions.with_no_client_auth().with_cert_resolver(resolver);
        // After an outage everybody comes back at once, and signing is what costs.
        config.ticketer = ring::Ticketer::new()?;
        if proves {
            config.alpn_protocols = vec![b"http/1.1".to_vec(), PROOF.to_vec()];
        }
        Ok(Self { current, config: Arc::new(config) })
    }

    /// Has handshakes use another certificate from now on; `false` if it is the same.
    pub(crate) fn replace(&self, certificate: &Certificate) -> bool {
        let before = self.current.certificate.swap(Some(Arc::clone(&certificate.0)));
        before.is_none_or(|before| before.cert != certificate.0.cert)
    }

    /// Shows this to an authority that wants a proof for the name.
    pub(super) fn prove(
        &self,
        name: String,
        proof: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
    ) -> Result<(), Error> {
        let mut proofs = Proofs::clone(&self.current.proofs.load());
        // Nobody else reads an extension that a proof must have, so it is not looked at here either.
        let key = provider().key_provider.load_private_key(key)?;
        proofs.insert(name, Arc::new(CertifiedKey::new(proof, key)));
        self.current.proofs.store(Arc::new(proofs));
        Ok(())
    }

    pub(super) fn forget_proofs(&self) {
        self.current.proofs.store(Arc::default());
    }

    /// Goes through a peer's handshake, which has its time. What else bounds it is the socket's.
    pub(crate) async fn shake_hands<S>(&self, socket: S) -> io::Result<TlsStream<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let shaking = TlsAcceptor::from(Arc::clone(&self.config)).accept(socket);
        timeout(HANDSHAKE, shaking).await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
    }
}

/// What is shown at the moment.
#[derive(Debug)]
struct Current {
    certificate: ArcSwapOption<CertifiedKey>,
    proofs: ArcSwap<Proofs>,
}

/// By the names that they are for.
type Proofs = BTreeMap<String, Arc<CertifiedKey>>;

impl ResolvesServerCert for Current {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        if hello.alpn().is_some_and(|mut wanted| wanted.next() == Some(PROOF)) {
            return self.proofs.load().get(hello.server_name()?).cloned();
        }
        self.certificate.load_full()
    }
}

/// How we speak to servers that the machine trusts.
pub(super) fn client() -> Result<TlsConnector, Error> {
    let mut roots = RootCertStore::empty();
    // What cannot be read of them is not trusted.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let versions = ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions()?;
    Ok(TlsConnector::from(Arc::new(versions.with_root_certificates(roots).with_no_client_auth())))
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

/// The protocol that is not spoken, but asked for by whoever wants a proof.
const PROOF: &[u8] = b"acme-tls/1";
/// How long a peer may take from its first byte to the last of its handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// Who renews automatically has done so by then.
const SOON: Duration = Duration::from_secs(14 * DAY);
const DAY: u64 = 86_400;

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};
    use tokio::io::{AsyncWriteExt as _, duplex};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_handshake_has_its_time() {
        let tls = Tls::new(Some(&certificate(2099)), false).unwrap();
        let (server, mut client) = duplex(1024);
        client.write_all(&[22, 3, 1, 1, 0, 1]).await.unwrap();
        let begun = tokio::time::Instant::now();
        let error = tls.shake_hands(server).await.unwrap_err();
        assert_eq!((error.kind(), begun.elapsed()), (io::ErrorKind::TimedOut, HANDSHAKE));
    }

    #[test]
    fn what_clients_will_not_like_is_known() {
        let doubts = |last, hosts: &[&str]| certificate(last).doubts(hosts);
        assert_eq!(doubts(2099, &["call.example.com", "[2001:db8::1]", "a.example.org"]), [""; 0]);
        for host in ["other.example.com", "[2001:db8::2]", "192.0.2.1", "a.b.example.org", "example.org"] {
            assert_eq!(doubts(2099, &[host]), [format!("clients refuse it, for it is not for {host}")]);
        }
        assert_eq!(doubts(2020, &[]), ["clients refuse it, for it has expired"]);
        let (valid, day) = (certificate(2099), Duration::from_secs(DAY));
        let at = |year: i32| {
            let seconds = u64::try_from(date_time_ymd(year, 1, 1).unix_timestamp()).unwrap();
            UnixTime::since_unix_epoch(Duration::from_secs(seconds) - day)
        };
        assert!(matches!(valid.validity(at(2019)), Validity::Early));
        assert!(matches!(valid.validity(at(2099)), Validity::Good));
        assert!(matches!(valid.validity(at(2100)), Validity::Late));
    }

    fn certificate(last_year: i32) -> Certificate {
        let names = ["call.example.com", "2001:db8::1", "*.example.org"].map(str::to_owned);
        let mut wanted = CertificateParams::new(names).unwrap();
        wanted.not_before = date_time_ymd(2019, 1, 1);
        wanted.not_after = date_time_ymd(last_year, 1, 1);
        let key = KeyPair::generate().unwrap();
        let signed = wanted.self_signed(&key).unwrap();
        let secret = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let certified = CertifiedKey::from_der(vec![signed.der().clone()], secret, &provider()).unwrap();
        Certificate(Arc::new(certified))
    }
}

//! Certificates that the gateway gets by itself (ACME, RFC 8555), and gets anew before they expire.
//!
//! Hides how an authority is talked to. What proves that a name is ours is shown at the doors that the certificate
//! is for (TLS-ALPN-01, RFC 8737): no other port is needed.

use std::error::Error as StdError;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::PathBuf;
use std::pin::Pin;
use std::time::Duration;

use axum::http::{Request, Uri, header};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use instant_acme::{
    Account, AccountCredentials, AuthorizationStatus, BodyWrapper, BytesResponse, ChallengeType, Error,
    HttpClient, Identifier, NewAccount, NewOrder, OrderStatus, RetryPolicy,
};
use rcgen::{CertificateParams, CustomExtension, KeyPair};
use rustls::pki_types::{PrivateKeyDer, ServerName};
use serde::{Deserialize, Serialize};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsConnector;
use tracing::{info, warn};

use super::tls::{Certificate, Tls, client};

/// Whose certificates, from whom, and where they are kept.
#[derive(Debug, Clone)]
pub(crate) struct Acme {
    /// For the certificate, its key, and the account at the authority.
    pub(crate) folder: PathBuf,
    /// The authority.
    pub(crate) directory: String,
    /// Whom it may write to.
    pub(crate) contact: Option<String>,
    /// Never empty.
    pub(crate) names: Vec<String>,
}

impl Acme {
    /// Makes the folder, for our eyes only.
    pub(crate) fn prepare(&self) -> io::Result<()> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)
    }

    /// The certificate that was got before, if it will do for a while.
    pub(crate) fn kept(&self) -> Option<Certificate> {
        let kept = Certificate::read(&self.folder.join(CERTIFICATE), &self.folder.join(KEY)).ok()?;
        let names: Vec<_> = self.names.iter().map(String::as_str).collect();
        kept.will_do(&names, RENEWED).then_some(kept)
    }

    /// Sees to it that there is always one that is good. Never returns.
    pub(crate) async fn keep(self, tls: Tls) {
        let mut pause = FIRST_PAUSE;
        loop {
            if let Some(kept) = self.kept() {
                if tls.replace(&kept) {
                    info!("acme: a certificate for {} is in use", self.names.join(", "));
                }
                pause = FIRST_PAUSE;
                sleep(LOOKED_AT).await;
                continue;
            }
            let got = timeout(ORDER, self.order(&tls)).await;
            tls.forget_proofs();
            let why = match got {
                Ok(Ok(())) if self.kept().is_some() => continue,
                Ok(Ok(())) => "what the authority has given will not do".to_owned(),
                Ok(Err(error)) => error.to_string(),
                Err(_) => "the authority takes too long".to_owned(),
            };
            let (names, secs) = (self.names.join(", "), pause.as_secs());
            warn!("acme: no certificate for {names}: {why}; the next attempt is in {secs} s");
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    async fn order(&self, tls: &Tls) -> Result<(), Failure> {
        let account = self.account().await?;
        let names: Vec<_> = self.names.iter().cloned().map(Identifier::Dns).collect();
        let mut order = account.new_order(&NewOrder::new(&names)).await?;
        let mut authorizations = order.authorizations();
        while let Some(authorization) = authorizations.next().await {
            let mut authorization = authorization?;
            if authorization.status == AuthorizationStatus::Valid {
                continue;
            }
            let challenge = authorization.challenge(ChallengeType::TlsAlpn01);
            let mut challenge = challenge.ok_or("the authority does not offer TLS-ALPN-01")?;
            let name = challenge.identifier().to_string();
            prove(tls, name, challenge.key_authorization().digest().as_ref())?;
            challenge.set_ready().await?;
        }
        let retries = RetryPolicy::new().timeout(ORDER);
        let status = order.poll_ready(&retries).await?;
        if status != OrderStatus::Ready {
            let error = order.state().error.as_ref().map(ToString::to_string);
            let why =
                error.unwrap_or_else(|| "it cannot reach this gateway at port 443 of that name".to_owned());
            return Err(format!("the authority has not been convinced: {why}").into());
        }
        let key = order.finalize().await?;
        let chain = order.poll_certificate(&retries).await?;
        self.write(KEY, &key)?;
        self.write(CERTIFICATE, &chain)?;
        Ok(())
    }

    /// The account of before, or a new one.
    async fn account(&self) -> Result<Account, Failure> {
        let builder = Account::builder_with_http(Box::new(Http { connector: client()? }));
        let kept = fs::read(self.folder.join(ACCOUNT)).ok();
        let kept = kept.and_then(|text| serde_json::from_slice::<Kept>(&text).ok());
        if let Some(kept) = kept.filter(|kept| kept.directory == self.directory) {
            return Ok(builder.from_credentials(kept.credentials).await?);
        }
        let contact: Vec<_> = self.contact.iter().map(|address| format!("mailto:{address}")).collect();
        let contact: Vec<_> = contact.iter().map(String::as_str).collect();
        let wanted =
            NewAccount { contact: &contact, terms_of_service_agreed: true, only_return_existing: false };
        let (account, credentials) = builder.create(&wanted, self.directory.clone(), None).await?;
        let kept = Kept { directory: self.directory.clone(), credentials };
        self.write(ACCOUNT, &serde_json::to_string(&kept)?)?;
        Ok(account)
    }

    /// Whoever reads the file has all of the old text or all of the new one.
    fn write(&self, name: &str, text: &str) -> Result<(), Failure> {
        let (file, new) = (self.folder.join(name), self.folder.join(format!("{name}.new")));
        let written = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new);
        let written =
            written.and_then(|mut new| new.write_all(text.as_bytes()).and_then(|()| new.sync_all()));
        let moved = written.and_then(|()| fs::rename(&new, &file));
        moved.map_err(|error| format!("{} cannot be written: {error}", file.display()).into())
    }
}

/// An account, as it is kept.
#[derive(Serialize, Deserialize)]
struct Kept {
    directory: String,
    credentials: AccountCredentials,
}

type Failure = Box<dyn StdError + Send + Sync>;

/// Shows the authority what only the holder of the account can know, in a certificate of its own.
fn prove(tls: &Tls, name: String, digest: &[u8]) -> Result<(), Failure> {
    let mut wanted = CertificateParams::new(vec![name.clone()])?;
    wanted.custom_extensions = vec![CustomExtension::new_acme_identifier(digest)];
    let key = KeyPair::generate()?;
    let proof = wanted.self_signed(&key)?;
    let secret = PrivateKeyDer::try_from(key.serialize_der())?;
    tls.prove(name, vec![proof.der().clone()], secret)?;
    Ok(())
}

/// How the authority is asked: a connection for each request, of which there are few.
struct Http {
    connector: TlsConnector,
}

impl HttpClient for Http {
    fn request(
        &self,
        request: Request<BodyWrapper<Bytes>>,
    ) -> Pin<Box<dyn Future<Output = Result<BytesResponse, Error>> + Send>> {
        let connector = self.connector.clone();
        Box::pin(async move {
            let answered = timeout(REQUEST, ask(connector, request)).await;
            let answered = answered.unwrap_or_else(|_| Err("the authority does not answer".into()));
            answered.map_err(Error::Other)
        })
    }
}

async fn ask(
    connector: TlsConnector,
    mut request: Request<BodyWrapper<Bytes>>,
) -> Result<BytesResponse, Failure> {
    let uri = std::mem::take(request.uri_mut());
    let (Some("https"), Some(authority)) = (uri.scheme_str(), uri.authority().cloned()) else {
        return Err(format!("{uri} is no https:// address").into());
    };
    let host = authority.host();
    let unreachable = |error: io::Error| format!("{authority} cannot be reached: {error}");
    let socket =
        TcpStream::connect((host, authority.port_u16().unwrap_or(443))).await.map_err(unreachable)?;
    let name = ServerName::try_from(host.to_owned())?;
    let secured = connector.connect(name, socket).await.map_err(unreachable)?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(secured)).await?;
    // It ends with the only answer.
    tokio::spawn(connection);
    *request.uri_mut() =
        uri.path_and_query().map_or_else(|| Ok(Uri::default()), |path| path.as_str().parse())?;
    request.headers_mut().insert(header::HOST, authority.as_str().parse()?);
    let (parts, body) = sender.send_request(request).await?.into_parts();
    let body = Limited::new(body, MAX_ANSWER).collect().await?.to_bytes();
    Ok(BytesResponse { parts, body: Box::new(body) })
}

const CERTIFICATE: &str = "certificate.pem";
const KEY: &str = "key.pem";
const ACCOUNT: &str = "account.json";
/// How long before it expires a certificate is replaced: a third of those that are good for 90 days.
const RENEWED: Duration = Duration::from_secs(30 * 86_400);
const LOOKED_AT: Duration = Duration::from_secs(6 * 3600);
/// Authorities count failures, five an hour being too many for one name.
const FIRST_PAUSE: Duration = Duration::from_secs(60);
const LONGEST_PAUSE: Duration = Duration::from_secs(6 * 3600);
const ORDER: Duration = Duration::from_secs(120);
const REQUEST: Duration = Duration::from_secs(30);
const MAX_ANSWER: usize = 1 << 20;

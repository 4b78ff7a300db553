//! What works and may not be meant, and what cannot work on this machine.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;

use super::address::{self, MediaAddress, MediaScheme};
use super::checks::unusable;
use super::error::ConfigError;
use super::meaning::Config;
use crate::net::{Acme, Certificate, NoCertificate};
use crate::rights::{Apps, Secret};

impl Config {
    /// What works and may not be meant: who gets in without a token, unless that is nobody but this machine; what
    /// a restart ends; limits that cannot be reached.
    #[must_use]
    pub fn doubts(&self) -> Vec<String> {
        let mut doubts = Vec::new();
        let mut doubt = |is_one: bool, text: &str| {
            if is_one {
                doubts.push(text.to_owned());
            }
        };
        doubt(
            self.allow_faults,
            "FAULTS ARE ALLOWED: whoever connects may ask for misbehaviour. Never in production!",
        );
        doubt(
            self.secret.is_none(),
            "no secret is set: a restart ends every ticket, and no other gateway accepts ours",
        );
        doubt(
            self.secret.as_ref().is_some_and(Secret::is_placeholder),
            "the secret is one character all over, as in a test set-up; try `openssl rand -hex 32`",
        );
        let is_told_nowhere = self.listen.ip().is_unspecified() && self.public_address.is_empty()
            || self.rtmp_listen.ip().is_unspecified()
                && self.public_media.is_none()
                && self.media_server.server.is_none();
        doubt(
            is_told_nowhere,
            "clients are told this machine's own address; set --public-address and --public-media",
        );
        let broker = &self.media.broker;
        doubt(
            self.media.connections < broker.streams.saturating_add(broker.players),
            "max-rtmp-connections: there are more streams and players than that",
        );
        doubt(
            broker.players_per_holder > broker.players_per_stream,
            "max-players-per-user: a stream has fewer players than that",
        );
        doubt(
            self.media.message_bytes > self.media.memory,
            "max-message-size: media-memory has less than that",
        );
        doubts.extend(self.media_server.doubts());
        // Behind a proxy, the address that is listened on says nothing.
        let is_private = self.listen.ip().is_loopback() && self.public_address.is_empty();
        match &self.apps {
            Apps::Any if is_private => {}
            Apps::Any => doubts.push(format!(
                "no application is listed: everybody who reaches {} may open rooms",
                self.listen
            )),
            Apps::Listed(apps) => {
                let open = apps.iter().filter(|(_, app)| !app.secure);
                doubts.extend(open.map(|(key, _)| {
                    format!("apps.{key}: whoever knows this key may open rooms, without a token")
                }));
                if self.dev && !is_private {
                    doubts.push("dev: whoever asks gets a token".to_owned());
                }
            }
        }
        doubts
    }

    /// Reads the certificate that clients are to be shown, if they are.
    pub(crate) fn certificate(&self) -> Result<Option<Certificate>, ConfigError> {
        let missing =
            |name, beside: &str| Err(unusable(name, "nothing".to_owned(), format!("{beside} needs it")));
        let (certificate, key) = match (&self.tls_certificate, &self.tls_key) {
            (Some(certificate), Some(key)) => (certificate, key),
            (Some(_), None) => return missing("tls-key", "tls-certificate"),
            (None, Some(_)) => return missing("tls-certificate", "tls-key"),
            (None, None) if self.acme_folder.is_some() => return Ok(None),
            (None, None) if self.rtmps_listen.is_some() => return missing("tls-certificate", "rtmps-listen"),
            (None, None) => return Ok(None),
        };
        let wrong = |name, file: &Path, must| unusable(name, format!("{:?}", file.display()), must);
        Certificate::read(certificate, key).map(Some).map_err(|error| match error {
            NoCertificate::Chain(must) => wrong("tls-certificate", certificate, must),
            NoCertificate::Key(must) => wrong("tls-key", key, must),
        })
    }

    /// What clients will not like about the certificate.
    ///
    /// # Errors
    ///
    /// Says why there is none that could be used.
    pub fn doubts_about_tls(&self) -> Result<Vec<String>, ConfigError> {
        if let Some(acme) = self.acme()? {
            let is_elsewhere = self.listen.port() != HTTPS;
            let text = format!(
                "acme-folder: the authority comes to port 443 of {}; it must lead to listen",
                acme.names.join(", ")
            );
            return Ok(is_elsewhere.then_some(text).into_iter().collect());
        }
        let Some(certificate) = self.certificate()? else { return Ok(Vec::new()) };
        let doubts = certificate.doubts(&self.secured_hosts().into_iter().collect::<Vec<_>>());
        Ok(doubts.into_iter().map(|doubt| format!("tls-certificate: {doubt}")).collect())
    }

    /// How certificates are got, if they are.
    pub(crate) fn acme(&self) -> Result<Option<Acme>, ConfigError> {
        let Some(folder) = self.acme_folder.clone() else { return Ok(None) };
        let shown = format!("{:?}", folder.display());
        if self.tls_certificate.is_some() || self.tls_key.is_some() {
            return Err(unusable(
                "acme-folder",
                shown,
                "it must be left out beside tls-certificate and tls-key",
            ));
        }
        let names: Vec<_> = self.secured_hosts().into_iter().map(str::to_owned).collect();
        let is_address = |name: &String| name.starts_with('[') || name.parse::<Ipv4Addr>().is_ok();
        if self.public_address.is_empty() || names.iter().any(is_address) {
            let must = "it must have the name that the certificate is for, since acme-folder is set";
            return Err(unusable("public-address", format!("{:?}", names.join(", ")), must));
        }
        let (directory, contact) = (self.acme_directory.clone(), self.acme_contact.clone());
        Ok(Some(Acme { folder, directory, contact, names }))
    }

    /// The hosts that clients come to over our TLS, as far as they are told any.
    fn secured_hosts(&self) -> BTreeSet<&str> {
        let signalling = (!self.public_address.is_empty()).then(|| address::host_of(&self.public_address));
        let is_ours =
            |media: &&MediaAddress| self.rtmps_listen.is_some() && media.scheme != Some(MediaScheme::Rtmp);
        let media = self.public_media.as_ref().filter(is_ours).map(|media| media.authority.host());
        signalling.into_iter().chain(media).collect()
    }

    /// Tries what a start would do with this machine, and says what is in the way for the moment only.
    ///
    /// # Errors
    ///
    /// Names the address that cannot be listened on, whoever else does.
    pub fn try_addresses(&self) -> Result<Vec<String>, ConfigError> {
        let mut busy = Vec::new();
        for (name, addr) in self.addresses() {
            match TcpListener::bind(addr) {
                Ok(_) => {}
                // By the gateway that these settings are for, perhaps.
                Err(error) if error.kind() == ErrorKind::AddrInUse => {
                    busy.push(format!("{name}: somebody listens on {addr} already"));
                }
                Err(error) => {
                    let must = format!("it must be an address that can be listened on ({error})");
                    return Err(unusable(name, addr.to_string(), must));
                }
            }
        }
        busy.extend(self.media_server.missing());
        Ok(busy)
    }

    fn addresses(&self) -> impl Iterator<Item = (&'static str, SocketAddr)> {
        let mut all = vec![("listen", self.listen), ("admin-listen", self.admin_address())];
        match self.media_server.server {
            Some(_) => all.push(("hook-listen", self.media_server.hook_listen)),
            None => {
                all.push(("rtmp-listen", self.rtmp_listen));
                all.extend(self.rtmps_listen.map(|rtmps| ("rtmps-listen", rtmps)));
            }
        }
        all.into_iter()
    }
}

/// Where authorities, and clients that are told no port, come to.
const HTTPS: u16 = 443;

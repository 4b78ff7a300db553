//! Which media server there is, and how its addresses must look for it to work.

use std::net::{SocketAddr, TcpStream, ToSocketAddrs as _};
use std::time::Duration;

use super::address::Authority;
use super::checks::unusable;
use super::error::ConfigError;
use crate::media::embedded::EmbeddedLimits;
use crate::media::external::{Api, ExternalConfig, Server};
use crate::rights::Secret;

/// Which media server there is, as far as settings say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaServer {
    /// Another than the one in this process.
    pub server: Option<Server>,
    /// What is before a stream's name in the URLs that clients push to.
    pub push: Option<Base>,
    /// The same for playing.
    pub pull: Option<Base>,
    /// Where its hooks are accepted.
    pub hook_listen: SocketAddr,
    /// What their path ends in.
    pub hook_secret: Option<String>,
    /// Where it can be told to drop a client.
    pub api: Option<Api>,
}

impl Default for MediaServer {
    fn default() -> Self {
        Self {
            server: None,
            push: None,
            pull: None,
            hook_listen: SocketAddr::from(([127, 0, 0, 1], 8397)),
            hook_secret: None,
            api: None,
        }
    }
}

impl MediaServer {
    /// The server that is not in this process, if there is one. Members may come back for `settling`, and `media`
    /// has how much of everything there may be.
    pub(super) fn external(
        &self,
        settling: Duration,
        media: &EmbeddedLimits,
    ) -> Result<Option<ExternalConfig>, ConfigError> {
        let Self { server, push, pull, hook_listen, hook_secret, api } = self.clone();
        let Some(server) = server else { return Ok(None) };
        let missing = |name| move || unusable(name, "nothing".to_owned(), format!("{server} needs it"));
        let push = push.ok_or_else(missing("media-push"))?;
        let pull = pull.ok_or_else(missing("media-pull"))?;
        let api = api.ok_or_else(missing("media-api"))?;
        if push.app != pull.app {
            let must = format!("it must end in the application of media-push, which is {}", push.app);
            return Err(unusable("media-pull", pull.app, must));
        }
        if hook_secret.is_none() && !hook_listen.ip().is_loopback() {
            let must = "it must be an address of this machine alone, as 127.0.0.1:8397, unless there is a hook-secret";
            return Err(unusable("hook-listen", hook_listen.to_string(), must));
        }
        Ok(Some(ExternalConfig {
            server,
            push: push.text,
            pull: pull.text,
            app: push.app,
            hook_listen,
            hook_secret,
            api,
            settling,
            limits: media.broker.clone(),
            waiting: media.waiting,
        }))
    }

    /// What of these settings works and may not be meant.
    pub(super) fn doubts(&self) -> Vec<String> {
        let Self { server, push, pull, api, .. } = self;
        let told =
            [("media-push", push.is_some()), ("media-pull", pull.is_some()), ("media-api", api.is_some())];
        match server {
            None => {
                let told = told.into_iter().filter(|(_, is_told)| *is_told);
                told.map(|(name, _)| format!("{name}: without media-engine it means nothing")).collect()
            }
            Some(Server::NginxRtmp) if pull.as_ref().is_some_and(|pull| pull.text.starts_with("http")) => {
                vec!["media-pull: nginx-rtmp itself serves no HTTP-FLV".to_owned()]
            }
            Some(Server::NginxRtmp | Server::Srs) => Vec::new(),
        }
    }

    /// Whether nobody is at its API, which is the server's own affair.
    pub(super) fn missing(&self) -> Option<String> {
        let api = &self.server.and(self.api.as_ref())?.authority;
        let answers = |address| TcpStream::connect_timeout(&address, Duration::from_secs(1)).is_ok();
        let is_there = api.to_socket_addrs().is_ok_and(|mut addresses| addresses.any(answers));
        (!is_there).then(|| format!("media-api: nobody listens on {api}"))
    }
}

/// What is before a stream's name in a URL: scheme, host, perhaps a path, and the application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Base {
    text: String,
    app: String,
}

impl Base {
    /// Reads `SCHEME://HOST[:PORT][/PATH]/APP`.
    pub(super) fn parse(text: &str, schemes: &[&str]) -> Result<Self, String> {
        let scheme = schemes
            .iter()
            .find(|scheme| text.strip_prefix(**scheme).is_some_and(|rest| rest.starts_with("://")));
        let scheme = scheme.ok_or_else(|| format!("it must begin with {}://", schemes.join(":// or ")))?;
        let Api { authority, path } = host_and_path(&text[scheme.len() + 3..])?;
        let app = path.rsplit('/').next().unwrap_or_default().to_owned();
        if app.is_empty() {
            return Err("it must end in an application, as in rtmp://media.example.com/live".to_owned());
        }
        Ok(Self { text: format!("{scheme}://{authority}{path}"), app })
    }

    /// Host and port, as they stand in the URL.
    #[must_use]
    pub fn authority(&self) -> &str {
        let rest = self.text.split_once("://").map_or("", |(_, rest)| rest);
        rest.split('/').next().unwrap_or_default()
    }
}

/// Reads `http://HOST:PORT[/PATH]`.
pub(super) fn api(text: &str) -> Result<Api, String> {
    let rest = text.strip_prefix("http://").ok_or("it must begin with http://")?;
    let api = host_and_path(rest)?;
    // The port of each of them is one of its own, and none is guessed.
    match Authority::parse(&api.authority)?.port() {
        Some(_) => Ok(api),
        None => Err("it must have a port, as in http://127.0.0.1:1985".to_owned()),
    }
}

fn host_and_path(text: &str) -> Result<Api, String> {
    let whole = super::address::with_path(text)?;
    let (authority, path) = whole.split_at(whole.find('/').unwrap_or(whole.len()));
    Ok(Api { authority: authority.to_owned(), path: path.trim_end_matches('/').to_owned() })
}

/// It stands in a URL that the media server calls.
pub(super) fn check_hook_secret(secret: &str) -> Result<(), String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    if Secret::is_weak(secret) || !secret.bytes().all(plain) {
        let least = Secret::MIN_LEN;
        return Err(format!(
            "it must be at least {least} letters, digits, hyphens and underscores, not all the same; try `openssl \
             rand -hex 32`"
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_is_taken_as_it_stands_in_a_url() {
        const RTMP: &[&str] = &["rtmp", "rtmps"];
        for (text, app, authority) in [
            ("rtmp://media.example.com/live", "live", "media.example.com"),
            ("rtmps://media.example.com:443/live/", "live", "media.example.com:443"),
            ("rtmp://[::1]:1935/a/b", "b", "[::1]:1935"),
        ] {
            let base = Base::parse(text, RTMP).unwrap();
            assert_eq!((base.app.as_str(), base.authority()), (app, authority), "{text}");
            assert_eq!(base.text, text.trim_end_matches('/'));
        }
        for (text, must) in [
            ("media.example.com/live", "begin with rtmp:// or rtmps://"),
            ("http://media.example.com/live", "begin with"),
            ("rtmp://media.example.com", "application"),
            ("rtmp://media.example.com/", "application"),
            ("rtmp:///live", "host"),
            ("rtmp://0.0.0.0/live", "reach"),
            ("rtmp://media.example.com/live?x=1", "query"),
        ] {
            let error = Base::parse(text, RTMP).unwrap_err();
            assert!(error.contains(must), "{text}: {error}");
        }
    }

    #[test]
    fn the_api_is_plain_http_with_a_port() {
        let nginx = api("http://127.0.0.1:8088/control/").unwrap();
        assert_eq!((nginx.authority.as_str(), nginx.path.as_str()), ("127.0.0.1:8088", "/control"));
        assert_eq!(api("http://[::1]:1985").unwrap().path, "");
        for (text, must) in [("https://h:1", "http://"), ("http://h", "port"), ("h:1985", "http://")] {
            let error = api(text).unwrap_err();
            assert!(error.contains(must), "{text}: {error}");
        }
    }
}

//! What the media server is told, and asked: to drop clients, and who is there.

use std::collections::BTreeSet;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{Request as HttpRequest, header};
use http_body_util::{BodyExt as _, Limited};
use hyper::client::conn::http1::handshake;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::task::AbortOnDropHandle;
use tracing::{error, info, warn};

use super::sessions::Drop;
use super::shared::{Api, Shared};
use super::words::{ClientId, Listed, Request};

/// Has the server drop whoever may not go on.
pub(super) async fn drop_withdrawn(shared: Arc<Shared>) {
    loop {
        let due = shared.sessions().next_due();
        let due = async {
            match due {
                Some(at) => sleep_until(at).await,
                None => pending().await,
            }
        };
        tokio::select! {
            () = shared.drops.notified() => continue,
            () = due => {}
        }
        let mut asked = JoinSet::new();
        for (client, stream) in shared.sessions().take_due(Instant::now(), AT_ONCE) {
            let shared = Arc::clone(&shared);
            asked.spawn(async move { shared.drop_client(&client, &stream).await });
        }
        while asked.join_next().await.is_some() {}
    }
}

/// Notices when the server is gone, and clients with it.
pub(super) async fn look_after(shared: Arc<Shared>) {
    let server = shared.config.server;
    let (mut failures, mut strange) = (0, BTreeSet::new());
    loop {
        sleep(BETWEEN).await;
        let asked = Instant::now();
        match shared.list().await {
            Ok(list) => {
                if failures > 0 {
                    info!("{server} answers again");
                }
                failures = 0;
                let left = match list {
                    Some(list) => {
                        let (left, unknown) = shared.sessions().listed(&list, asked);
                        strange = shared.drop_strange(&strange, unknown).await;
                        left
                    }
                    None => shared.sessions().forget_silent(asked),
                };
                shared.tell_left(left);
            }
            Err(Unanswered(why)) => {
                failures += 1;
                if failures == 1 {
                    warn!("{server} does not answer at {}: {why}", shared.config.api.authority);
                }
                if failures == UNTIL_GONE {
                    // Dropped before the next lock.
                    let left = shared.sessions().clear();
                    if !left.is_empty() {
                        warn!("{server} is gone, and {} publishers and players with it", left.len());
                    }
                    shared.tell_left(left);
                }
            }
        }
    }
}

impl Shared {
    async fn drop_client(&self, client: &ClientId, stream: &str) {
        let server = self.config.server;
        let request = server.drop_request(&self.config.app, stream, client);
        let outcome = match ask(&self.config.api, request).await {
            Ok((status, body)) => {
                let outcome = server.dropped(status, &body);
                if outcome.is_none() {
                    warn!("{server} does not drop a client: its answer is {status}; media-api may be wrong");
                }
                outcome
            }
            Err(Unanswered(why)) => {
                warn!("{server} does not answer, and a client is still to be dropped: {why}");
                None
            }
        };
        let outcome = self.sessions().dropped(client, outcome, Instant::now());
        match outcome {
            Drop::Done(left) => self.tell_left(left),
            Drop::GivenUp => {
                error!("{server} has not dropped a client of stream {stream:?}; it goes on there")
            }
        }
    }

    /// The names of the server's clients, if it tells them.
    async fn list(&self) -> Result<Option<BTreeSet<String>>, Unanswered> {
        let mut names = BTreeSet::new();
        let mut seen = 0;
        while seen < MOST_LISTED {
            let request = self.config.server.list_request(&self.config.app, seen);
            let (status, body) = ask(&self.config.api, request).await?;
            let listed = self.config.server.listed(status, &body);
            let (clients, is_last) = match listed.ok_or_else(|| wrong(status))? {
                Listed::Untold => return Ok(None),
                Listed::Some(clients) => (clients, false),
                Listed::Last(clients) => (clients, true),
            };
            seen += clients.len();
            names.extend(clients.iter().map(|client| client.name().to_owned()));
            if is_last || clients.is_empty() {
                break;
            }
        }
        Ok(Some(names))
    }

    /// Drops clients that nobody here let in, as the gateway before us did: who may come back does, and is asked.
    /// Those that were as strange before; the others may be about to begin.
    async fn drop_strange(&self, before: &BTreeSet<String>, unknown: Vec<String>) -> BTreeSet<String> {
        if self.is_settling() {
            return BTreeSet::new();
        }
        let twice = unknown.iter().filter(|name| before.contains(*name)).take(AT_ONCE);
        let mut dropped = 0;
        for name in twice {
            let Some(client) = ClientId::new(name.clone(), String::new()) else { continue };
            let request = self.config.server.drop_request(&self.config.app, "", &client);
            if ask(&self.config.api, request).await.is_err() {
                break;
            }
            dropped += 1;
        }
        if dropped > 0 {
            info!("{} has dropped {dropped} clients that were let in before this start", self.config.server);
        }
        unknown.into_iter().collect()
    }
}

/// Why there is no answer.
struct Unanswered(String);

fn wrong(status: u16) -> Unanswered {
    Unanswered(format!("its answer is {status}, and none of its API's; media-api may be wrong"))
}

/// One request on a connection of its own.
async fn ask(api: &Api, Request { method, path }: Request) -> Result<(u16, Bytes), Unanswered> {
    let request = HttpRequest::builder()
        .method(method)
        .uri(format!("{}{path}", api.path))
        .header(header::HOST, &api.authority)
        .header(header::CONNECTION, "close")
        .body(Body::empty());
    let asked = async {
        let socket = TcpStream::connect(&api.authority).await.map_err(|error| error.to_string())?;
        let (mut sender, connection) =
            handshake(TokioIo::new(socket)).await.map_err(|error| error.to_string())?;
        let _connection = AbortOnDropHandle::new(tokio::spawn(connection));
        let request = request.map_err(|error| error.to_string())?;
        let answer = sender.send_request(request).await.map_err(|error| error.to_string())?;
        let status = answer.status().as_u16();
        let body = Limited::new(answer.into_body(), LONGEST).collect().await;
        Ok((status, body.map_err(|error| error.to_string())?.to_bytes()))
    };
    timeout(PATIENCE, asked).await.unwrap_or_else(|_| Err("it takes too long".to_owned())).map_err(Unanswered)
}

/// Clients that are dropped at once.
const AT_ONCE: usize = 16;
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(2);
/// Bytes of an answer: a thousand clients of SRS, and more.
const LONGEST: usize = 4 << 20;
/// Between two looks at the server.
const BETWEEN: Duration = Duration::from_secs(3);
/// Looks without an answer until its clients are gone.
const UNTIL_GONE: u32 = 3;
/// Clients that are listed at all.
const MOST_LISTED: usize = 1_000_000;

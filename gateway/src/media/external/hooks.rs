//! What the media server calls before it lets a client in, and when one has gone.
//!
//! A budget of its own: so many hooks at once, so many bytes, so much time. One that is over it is refused, and
//! no other part of the gateway waits for any.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use subtle::ConstantTimeEq as _;
use tokio::time::{Instant, timeout};
use tracing::{debug, warn};

use super::shared::Shared;
use super::words::{Asked, Hook};
use crate::media::{MediaRefusal, is_name};
use crate::rights::{Action, GrantError, Sense};

/// `POST /hooks`, or `POST /hooks/<secret>` where there is one.
pub(super) fn router(shared: &Arc<Shared>) -> Router {
    Router::new()
        .route("/hooks", post(answer))
        .route("/hooks/{secret}", post(answer))
        .with_state(Arc::clone(shared))
}

async fn answer(State(shared): State<Arc<Shared>>, secret: Option<Path<String>>, body: Body) -> Response {
    let given = secret.as_ref().map_or("", |Path(secret)| secret.as_str());
    let wanted = shared.config.hook_secret.as_deref().unwrap_or("");
    if !bool::from(given.as_bytes().ct_eq(wanted.as_bytes())) {
        return shared.turn_away(StatusCode::NOT_FOUND, "hook-forged", "its path has not our hook-secret");
    }
    let Ok(_place) = shared.hooks.try_acquire() else {
        return shared.turn_away(StatusCode::SERVICE_UNAVAILABLE, "hook-too-many", "too many at once");
    };
    let body = match timeout(SLOWEST, Limited::new(body, LONGEST).collect()).await {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            return shared.turn_away(StatusCode::PAYLOAD_TOO_LARGE, "hook-too-long", "its body is too long");
        }
        Ok(Err(_)) => return shared.turn_away(StatusCode::BAD_REQUEST, "hook-broken", "its body broke off"),
        Err(_) => return shared.turn_away(StatusCode::REQUEST_TIMEOUT, "hook-slow", "its body did not come"),
    };
    shared.take(&body).await
}

impl Shared {
    async fn take(&self, body: &Bytes) -> Response {
        let server = self.config.server;
        let hook = match server.read(body) {
            Ok(hook) => hook,
            Err(unreadable) => {
                return self.turn_away(StatusCode::BAD_REQUEST, "hook-malformed", &unreadable.to_string());
            }
        };
        let outcome = match hook {
            Hook::Begin(asked) => {
                let outcome = self.let_in(&asked).await;
                self.gate.count(&asked.stream, outcome)
            }
            Hook::Goes(asked) => self.let_go_on(&asked).await,
            Hook::End(client, action) => {
                let left = self.sessions().end(&client, action);
                self.tell_left(left);
                Ok(())
            }
            Hook::Own => {
                debug!("{server} hands a stream on, as its configuration says");
                Ok(())
            }
            Hook::Other => Ok(()),
        };
        match outcome {
            Ok(()) => server.allow(),
            Err(refusal) => server.refuse(refusal),
        }
    }

    async fn let_in(&self, asked: &Asked) -> Result<(), MediaRefusal> {
        let Asked { action, app, stream, grant, .. } = asked;
        if *app != self.config.app || !is_name(stream) {
            return Err(MediaRefusal::BadName);
        }
        let holder = self.gate.admit(*action, stream, grant, Some(PATIENCE), || ()).await?;
        let may = self.gate.confirm(*action, stream, holder)?.now();
        if ![Sense::Sound, Sense::Picture].iter().all(|sense| may.allows(*action, *sense)) {
            return Err(MediaRefusal::Partial);
        }
        if *action == Action::Publish {
            self.make_way(stream, holder.uid).await;
        }
        let client = asked.client.clone();
        self.sessions().begin(client, *action, stream, holder.uid, Instant::now())?;
        // One of a user's players may have had to go.
        self.drops.notify_one();
        self.flows.touch(stream);
        if let Err(refusal) = self.gate.confirm(*action, stream, holder) {
            let left = self.sessions().remove(&asked.client);
            self.tell_left(left);
            return Err(refusal);
        }
        Ok(())
    }

    /// A phone that changes networks is back long before its old connection is known to be dead, and the server
    /// would call the stream busy.
    async fn make_way(&self, stream: &str, holder: u64) {
        let mut left = self.left.subscribe();
        if !self.sessions().make_way(stream, holder, Instant::now()) {
            return;
        }
        self.drops.notify_one();
        let gone = async { while self.sessions().is_live(stream) && left.changed().await.is_ok() {} };
        // The server says so itself if it is not gone by then.
        let _busy = timeout(LEAVING, gone).await;
    }

    /// The server asks now and then. It may know clients that the gateway before us let in.
    async fn let_go_on(&self, asked: &Asked) -> Result<(), MediaRefusal> {
        let known = self.sessions().goes_on(&asked.client, Instant::now());
        match known {
            Some(true) => Ok(()),
            Some(false) => Err(GrantError::NotAMember.into()),
            None => match self.let_in(asked).await {
                // Their members may still come back.
                Err(MediaRefusal::Grant(GrantError::NotAMember)) if self.is_settling() => Ok(()),
                outcome => self.gate.count(&asked.stream, outcome),
            },
        }
    }

    pub(super) fn is_settling(&self) -> bool {
        self.started.elapsed() < self.config.settling
    }

    fn turn_away(&self, status: StatusCode, reason: &'static str, words: &str) -> Response {
        warn!("a hook is refused: {words}");
        self.gate.tally(reason);
        status.into_response()
    }
}

/// Hooks that are answered at once; each costs a few kilobytes.
pub(super) const AT_ONCE: usize = 512;
/// Bytes of a body. A client's URL stands in it twice, and is no longer than this lets it be.
const LONGEST: usize = 16 * 1024;
/// How long a body may take.
const SLOWEST: Duration = Duration::from_secs(3);
/// How long a hook waits for the holder of a grant to come back after a restart. SRS forgets a stream that begins
/// if it is not answered within three seconds.
const PATIENCE: Duration = Duration::from_millis(1500);
/// How long a publisher may take to make way for its successor.
const LEAVING: Duration = Duration::from_secs(1);

//! The media engine inside the gateway: RTMP and HTTP-FLV from the process that does the signalling.
//!
//! Hides how the parts are put together, started and stopped.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use std::{fmt, io};

use axum::Router;
use tokio::net::TcpListener;
use tokio::sync::{Mutex, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;

use crate::broker::BrokerLimits;
use crate::clock::wall_clock_ms;
use crate::hall::{Hall, Publication, Subscription};
use crate::media::{APP, MediaEngine, MediaStatistics, Refusal, name_and_grant};
use crate::memory::Memory;
use crate::strangers::Crowd;
use crate::token::{Action, Grants, Holder};
use crate::{flv, rtmp};

/// Where the engine listens and what it lets clients do.
#[derive(Debug, Clone)]
pub struct EmbeddedConfig {
    /// Where RTMP connections are accepted; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The host that clients reach this server under.
    pub public_host: String,
    /// The RTMP port that clients see, if it is not the one listened on.
    pub public_port: Option<u16>,
    /// How much of everything.
    pub limits: EmbeddedLimits,
    /// Milliseconds since the Unix epoch, to tell expired grants.
    pub clock: fn() -> u64,
}

impl Default for EmbeddedConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 1935)),
            public_host: "127.0.0.1".to_owned(),
            public_port: None,
            limits: EmbeddedLimits::default(),
            clock: wall_clock_ms,
        }
    }
}

/// How much the engine takes on.
#[derive(Debug, Clone)]
pub struct EmbeddedLimits {
    /// Open RTMP connections; one more is closed at once.
    pub connections: usize,
    /// RTMP connections that have not proved a right yet; for one more, the oldest goes.
    pub strangers: usize,
    /// Those of one address, loopback and private networks excepted; 0 is no limit.
    pub strangers_per_address: usize,
    /// Bytes for messages that are being received or sent, of all connections together, besides 128 KiB
    /// of each. When they are used up, the connection that holds the most is cut off.
    pub memory: usize,
    /// The longest RTMP message from a publisher, in bytes; a longer one closes the connection.
    pub message_bytes: usize,
    /// How long a connection may take to say anything at all.
    pub first_byte: Duration,
    /// How long a connection may take to ask for a stream, handshake included.
    pub negotiation: Duration,
    /// How long a publisher may send neither media nor, asked half-way, that it is there.
    pub idle_publisher: Duration,
    /// How long a player waits for media.
    pub idle_player: Duration,
    /// How long an HTTP-FLV player that waits is sent nothing at all: proxies close what is silent, nginx
    /// after a minute.
    pub quiet: Duration,
    /// How long a client may take nothing while something is there for it.
    pub stalled: Duration,
    /// How many streams and players, and how much is held for them. Its `stalled_ms` follows
    /// `stalled`.
    pub broker: BrokerLimits,
}

impl Default for EmbeddedLimits {
    fn default() -> Self {
        let broker = BrokerLimits::default();
        Self {
            // One for every publisher and player, and for those who have not said yet what they want.
            connections: broker.streams + broker.players + STRANGERS,
            strangers: STRANGERS,
            strangers_per_address: 0,
            memory: 64 << 20,
            message_bytes: 4 << 20,
            first_byte: Duration::from_secs(3),
            negotiation: Duration::from_secs(10),
            idle_publisher: Duration::from_secs(20),
            idle_player: Duration::from_secs(600),
            quiet: Duration::from_secs(20),
            stalled: Duration::from_secs(10),
            broker,
        }
    }
}

/// The running engine.
#[derive(Debug)]
pub struct Embedded {
    engine: Arc<Engine>,
    rtmp_addr: SocketAddr,
    rtmp_url: String,
    stop: watch::Sender<bool>,
    listener: Mutex<Option<JoinHandle<()>>>,
}

impl Embedded {
    /// Listens for RTMP. HTTP-FLV is served once [`Embedded::flv_router`] is part of a server.
    ///
    /// `welcome` says whether a user may do something with a stream at the moment; a grant alone does not
    /// tell, because it outlives its holder's stay.
    ///
    /// # Errors
    ///
    /// Fails when the address cannot be listened on.
    pub async fn start(
        config: EmbeddedConfig,
        grants: Arc<Grants>,
        welcome: impl Fn(Action, &str, u64) -> bool + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(config.listen).await?;
        let rtmp_addr = listener.local_addr()?;
        let port = config.public_port.unwrap_or(rtmp_addr.port());
        let mut limits = config.limits;
        limits.broker.stalled_ms = limits.stalled.as_millis() as u64;
        let engine = Arc::new(Engine {
            hall: Hall::new(limits.broker.clone()),
            memory: Memory::new(limits.memory, MEMORY_OF_EACH),
            limits,
            grants,
            welcome: Box::new(welcome),
            clock: config.clock,
        });
        let (stop, stopped) = watch::channel(false);
        let accepting = tokio::spawn(accept(listener, Arc::clone(&engine), stopped));
        tracing::info!(%rtmp_addr, "media is served");
        Ok(Self {
            engine,
            rtmp_addr,
            rtmp_url: format!("rtmp://{}:{port}/{APP}", config.public_host),
            stop,
            listener: Mutex::new(Some(accepting)),
        })
    }

    /// Where RTMP is listened on.
    #[must_use]
    pub fn rtmp_addr(&self) -> SocketAddr {
        self.rtmp_addr
    }

    /// `GET /live/<stream>.flv?grant=<grant>`.
    pub fn flv_router(&self) -> Router {
        flv::router(Arc::clone(&self.engine))
    }

    /// Tells every client that its stream is over, and returns when all connections are closed.
    pub async fn shutdown(&self) {
        self.stop.send_replace(true);
        self.engine.hall.broker().close();
        if let Some(accepting) = self.listener.lock().await.take() {
            // It fails only if it was aborted or panicked, and is over either way.
            let _ = accepting.await;
        }
    }
}

impl MediaEngine for Embedded {
    fn push_url(&self, stream: &str, grant: &str) -> String {
        format!("{}/{stream}?grant={grant}", self.rtmp_url)
    }

    fn pull_url(&self, stream: &str, grant: &str) -> String {
        self.push_url(stream, grant)
    }

    fn end_stream(&self, stream: &str) {
        self.engine.hall.broker().end(stream);
    }

    fn review(&self, holder: u64) {
        let Engine { hall, welcome, .. } = &*self.engine;
        hall.broker().review(holder, |action, stream| welcome(action, stream, holder));
    }

    fn statistics(&self) -> MediaStatistics {
        self.engine.hall.broker().statistics()
    }
}

/// What every connection shares.
pub(crate) struct Engine {
    pub(crate) hall: Hall,
    pub(crate) memory: Arc<Memory>,
    pub(crate) limits: EmbeddedLimits,
    grants: Arc<Grants>,
    welcome: Box<Welcome>,
    clock: fn() -> u64,
}

/// Whether this user may do this with this stream at the moment.
type Welcome = dyn Fn(Action, &str, u64) -> bool + Send + Sync;

impl Engine {
    /// Lets a client publish what it asks for (`stream?grant=…`), if it may.
    pub(crate) fn publish(&self, asked: &str) -> Result<Publication, Refusal> {
        let (name, holder) = self.admit(Action::Publish, asked)?;
        let seat = self.hall.publish(name, holder.uid)?;
        self.confirm(Action::Publish, name, holder).map(|()| seat)
    }

    /// Lets a client play what it asks for, if it may.
    pub(crate) fn play(&self, asked: &str) -> Result<Subscription, Refusal> {
        let (name, holder) = self.admit(Action::Play, asked)?;
        let seat = self.hall.play(name, holder.uid)?;
        self.confirm(Action::Play, name, holder).map(|()| seat)
    }

    fn admit<'a>(&self, action: Action, asked: &'a str) -> Result<(&'a str, Holder), Refusal> {
        let (name, grant) = name_and_grant(asked)?;
        let holder = self.grants.verify(grant, action, name, (self.clock)())?;
        self.confirm(action, name, holder)?;
        Ok((name, holder))
    }

    /// Asked before a seat is taken, so that no stranger replaces anybody, and again after: a review in
    /// between would have found nothing to end.
    fn confirm(&self, action: Action, name: &str, holder: Holder) -> Result<(), Refusal> {
        if (self.welcome)(action, name, holder.uid) { Ok(()) } else { Err(Refusal::NotAGuest) }
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").field("hall", &self.hall).finish_non_exhaustive()
    }
}

async fn accept(listener: TcpListener, engine: Arc<Engine>, mut stopped: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    let strangers = Crowd::new(engine.limits.strangers, engine.limits.strangers_per_address);
    let mut was_full = false;
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next() => continue,
            _ = stopped.wait_for(|stopped| *stopped) => break,
        };
        match accepted {
            Ok((socket, peer)) if connections.len() < engine.limits.connections => {
                was_full = false;
                let engine = Arc::clone(&engine);
                let stranger = strangers.enter(peer.ip()).await;
                connections.spawn(async move {
                    if let Err(cut) = rtmp::serve(socket, &engine, stranger).await {
                        tracing::debug!(%peer, "an RTMP connection ends: {cut}");
                    }
                });
            }
            // Once for a whole crowd.
            Ok((_, peer)) if !was_full => {
                was_full = true;
                tracing::warn!(%peer, "an RTMP connection too many");
            }
            Ok(_) => {}
            // Out of file descriptors, mostly: trying again at once would only heat the room.
            Err(error) => {
                tracing::warn!("no RTMP connection could be accepted: {error}");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    let all = async { while connections.join_next().await.is_some() {} };
    if timeout(SHUTDOWN, all).await.is_err() {
        connections.shutdown().await;
    }
}

/// Connections that are not yet publishers or players.
const STRANGERS: usize = 1024;
const MEMORY_OF_EACH: usize = 128 * 1024;
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Less than what the gateway as a whole allows itself.
const SHUTDOWN: Duration = Duration::from_secs(1);

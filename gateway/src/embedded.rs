//! The media engine inside the gateway: RTMP and HTTP-FLV from the process that does the signalling.
//!
//! Hides how the parts are put together, started and stopped.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use std::{fmt, io};

use axum::Router;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::{Mutex, Semaphore, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{timeout, timeout_at};

use crate::broker::BrokerLimits;
use crate::guests::{Admission, Guests};
use crate::hall::{Hall, Publication, Subscription};
use crate::media::{APP, MediaEngine, MediaStatistics, Refusal, name_and_grant};
use crate::memory::Memory;
use crate::strangers::{Crowd, Stranger};
use crate::token::{Action, GrantError, Grants, Holder};
use crate::vital::Vital;
use crate::{flv, rtmp};

/// Where the engine listens and what it lets clients do.
#[derive(Debug, Clone)]
pub struct EmbeddedConfig {
    /// Where RTMP connections are accepted; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The host that clients reach this server under; an IPv6 address in brackets.
    pub public_host: String,
    /// The RTMP port that clients see, if it is not the one listened on.
    pub public_port: Option<u16>,
    /// How much of everything.
    pub limits: EmbeddedLimits,
}

impl Default for EmbeddedConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 1935)),
            public_host: "127.0.0.1".to_owned(),
            public_port: None,
            limits: EmbeddedLimits::default(),
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
    /// How many may wait for their holder to come back after a restart; one more is refused at once.
    pub waiting: usize,
    /// How long a publisher may send neither media nor, asked half-way, that it is there.
    pub idle_publisher: Duration,
    /// How long a player waits for media.
    pub idle_player: Duration,
    /// How long an HTTP-FLV player that waits is sent nothing at all: proxies close what is silent, nginx
    /// after a minute.
    pub quiet: Duration,
    /// How long a client may take nothing while something is there for it.
    pub stalled: Duration,
    /// RTMP messages a second, of whatever kind, that are read from one connection in the long run; the rest
    /// waits in its socket. A healthy publisher sends one for each picture and sound.
    pub messages_per_second: u64,
    /// Bytes a second that are read from one RTMP connection in the long run.
    pub bytes_per_second: u64,
    /// What came slower than that may be made up for at once, up to so long.
    pub burst: Duration,
    /// How long a connection may want to send more than that, before it is closed.
    pub excess: Duration,
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
            // Everybody, after a restart.
            waiting: broker.streams + broker.players,
            idle_publisher: Duration::from_secs(20),
            idle_player: Duration::from_secs(600),
            quiet: Duration::from_secs(20),
            stalled: Duration::from_secs(10),
            // 60 pictures and 50 sounds, and several times that.
            messages_per_second: 500,
            // 32 Mbit/s; phones send two or three.
            bytes_per_second: 4_000_000,
            burst: Duration::from_secs(2),
            excess: Duration::from_secs(60),
            broker,
        }
    }
}

/// The running engine.
#[derive(Debug)]
pub struct Embedded {
    engine: Arc<Engine>,
    _workers: Workers,
    rtmp_addr: SocketAddr,
    rtmp_url: String,
    stop: watch::Sender<bool>,
    listener: Mutex<Option<JoinHandle<()>>>,
}

impl Embedded {
    /// Listens for RTMP. HTTP-FLV is served once [`Embedded::flv_router`] is part of a server. `vital` hears of
    /// it when the engine ends.
    ///
    /// # Errors
    ///
    /// Fails when the address cannot be listened on.
    pub async fn start(
        config: EmbeddedConfig,
        grants: Arc<Grants>,
        guests: Arc<dyn Guests>,
        vital: &Vital,
    ) -> io::Result<Self> {
        let workers = Workers::start()?;
        let handle = workers.handle.clone();
        let listener = handle.spawn(TcpListener::bind(config.listen)).await??;
        let rtmp_addr = listener.local_addr()?;
        let port = config.public_port.unwrap_or(rtmp_addr.port());
        let mut limits = config.limits;
        limits.broker.stalled_ms = limits.stalled.as_millis() as u64;
        let engine = Arc::new(Engine {
            hall: Hall::new(limits.broker.clone()),
            memory: Memory::new(limits.memory, MEMORY_OF_EACH),
            workers: handle.clone(),
            waiting: Semaphore::new(limits.waiting),
            limits,
            grants,
            guests,
        });
        let (stop, stopped) = watch::channel(false);
        let accepting = vital.spawn_on(&handle, "rtmp", accept(listener, Arc::clone(&engine), stopped));
        tracing::info!(%rtmp_addr, "media is served");
        Ok(Self {
            engine,
            _workers: workers,
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
        let Engine { hall, guests, .. } = &*self.engine;
        hall.broker().review(holder, |action, stream| guests.welcomes(action, stream, holder));
    }

    fn statistics(&self) -> MediaStatistics {
        self.engine.hall.broker().statistics()
    }
}

/// Threads of the engine's own. However much media there are to carry, the system gives the signalling's
/// threads their turn; among tasks on the same threads nobody would.
#[derive(Debug)]
struct Workers {
    handle: Handle,
    runtime: Option<Runtime>,
}

impl Workers {
    fn start() -> io::Result<Self> {
        let runtime = Builder::new_multi_thread().thread_name("media").enable_all().build()?;
        Ok(Self { handle: runtime.handle().clone(), runtime: Some(runtime) })
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        // Where an engine is dropped nothing may block.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// What every connection shares.
pub(crate) struct Engine {
    pub(crate) hall: Hall,
    pub(crate) memory: Arc<Memory>,
    pub(crate) limits: EmbeddedLimits,
    /// Where everything runs that carries media.
    pub(crate) workers: Handle,
    grants: Arc<Grants>,
    guests: Arc<dyn Guests>,
    /// Places for those whose holder may come back.
    waiting: Semaphore,
}

impl Engine {
    /// Lets a client publish what it asks for (`stream?grant=…`), if it may.
    pub(crate) async fn publish(&self, asked: &str, stranger: &Stranger) -> Result<Publication, Refusal> {
        let (name, holder) = self.admit(Action::Publish, asked, Some(stranger)).await?;
        let seat = self.hall.publish(name, holder.uid)?;
        self.confirm(Action::Publish, name, holder)?;
        stranger.prove();
        Ok(seat)
    }

    /// Lets a client play what it asks for, if it may.
    pub(crate) async fn play(
        &self,
        asked: &str,
        stranger: Option<&Stranger>,
    ) -> Result<Subscription, Refusal> {
        let (name, holder) = self.admit(Action::Play, asked, stranger).await?;
        let seat = self.hall.play(name, holder.uid)?;
        self.confirm(Action::Play, name, holder)?;
        stranger.inspect(|stranger| stranger.prove());
        Ok(seat)
    }

    /// Asked before a seat is taken, so that no stranger replaces anybody. After a restart of the gateway
    /// components are back before their members are, and a refused one would not come again.
    async fn admit<'a>(
        &self,
        action: Action,
        asked: &'a str,
        stranger: Option<&Stranger>,
    ) -> Result<(&'a str, Holder), Refusal> {
        let (name, grant) = name_and_grant(asked)?;
        let holder = self.grants.verify(grant, action, name)?;
        let mut place = None;
        loop {
            match self.guests.admits(action, name, holder) {
                Admission::Granted => return Ok((name, holder)),
                Admission::Refused(refusal) => return Err(refusal.into()),
                Admission::Unknown { until, mut changed } => {
                    if place.is_none() {
                        place = Some(self.waiting.try_acquire().map_err(|_| GrantError::NotAMember)?);
                        // It takes the place of one who waits, instead of a stranger's.
                        stranger.inspect(|stranger| stranger.prove());
                    }
                    // The guests are gone with the gateway, or the time is over: the next answer is the last.
                    let _again = timeout_at(until, changed.changed()).await;
                }
            }
        }
    }

    /// Asked again after a seat was taken: a review in between would have found nothing to end.
    fn confirm(&self, action: Action, name: &str, holder: Holder) -> Result<(), Refusal> {
        match self.guests.admits(action, name, holder) {
            Admission::Granted => Ok(()),
            Admission::Refused(refusal) => Err(refusal.into()),
            Admission::Unknown { .. } => Err(GrantError::NotAMember.into()),
        }
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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};
    use std::pin::pin;

    use futures_util::FutureExt as _;

    use super::*;
    use crate::clock::Clock;
    use crate::guests::GuestList;
    use crate::token::Secret;

    #[tokio::test]
    async fn who_waits_for_its_member_after_a_restart_takes_no_strangers_place() {
        const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let grants = Arc::new(Grants::new(Secret::from_text("the same as before").unwrap()));
        let guests = Arc::new(GuestList::new(Duration::from_secs(60), Clock::new()));
        let limits = EmbeddedLimits { waiting: 1, ..EmbeddedLimits::default() };
        let listen = SocketAddr::from((HERE, 0));
        let config = EmbeddedConfig { listen, limits, ..EmbeddedConfig::default() };
        let vital = Vital::default();
        let media = Embedded::start(config, Arc::clone(&grants), guests, &vital).await.unwrap();
        let asked = format!("s?grant={}", grants.issue(Action::Play, "s", 1, 1));

        let crowd = Crowd::new(2, 0);
        let (first, second) = (crowd.enter(HERE).await, crowd.enter(HERE).await);
        let mut waiting = pin!(media.engine.play(&asked, Some(&first)));
        assert!(waiting.as_mut().now_or_never().is_none() && first.is_proved());
        let refused = media.engine.play(&asked, Some(&second)).await;
        assert!(refused.is_err() && !second.is_proved(), "no place to wait in");
    }
}

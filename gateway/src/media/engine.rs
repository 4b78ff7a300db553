//! What the connections of the engine in this process share: its limits, and who may begin and go on.
//!
//! Hides how a right becomes a place in a stream.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::runtime::Handle;

use super::broker::BrokerLimits;
use super::gate::Gate;
use super::streams::{Publication, Streams, Subscription};
use crate::media::{MediaRefusal, name_and_grant};
use crate::net::{Memory, Stranger};
use crate::rights::{Action, Authorizer, Grants, Holder};

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

impl EmbeddedLimits {
    /// Connections that are not yet publishers or players.
    pub const STRANGERS: usize = 1024;

    fn consistent(mut self) -> Self {
        self.broker.stalled_ms = u64::try_from(self.stalled.as_millis()).unwrap_or(u64::MAX);
        self
    }
}

impl Default for EmbeddedLimits {
    fn default() -> Self {
        let broker = BrokerLimits::default();
        Self {
            // One for every publisher and player, and for those who have not said yet what they want.
            connections: broker.streams + broker.players + Self::STRANGERS,
            strangers: Self::STRANGERS,
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

/// What every connection shares.
pub(crate) struct Engine {
    pub(crate) streams: Streams,
    pub(crate) memory: Arc<Memory>,
    limits: ArcSwap<EmbeddedLimits>,
    /// Where everything runs that carries media.
    pub(crate) workers: Handle,
    gate: Gate,
}

impl Engine {
    /// Makes one without connections.
    pub(crate) fn new(
        limits: EmbeddedLimits,
        workers: Handle,
        grants: Arc<Grants>,
        authorizer: Arc<dyn Authorizer>,
    ) -> Self {
        let limits = limits.consistent();
        Self {
            streams: Streams::new(limits.broker.clone()),
            memory: Memory::new(limits.memory, MEMORY_OF_EACH),
            workers,
            gate: Gate::new(grants, authorizer, limits.waiting),
            limits: ArcSwap::from_pointee(limits),
        }
    }

    /// The limits at the moment. A connection keeps to those that it began with.
    pub(crate) fn limits(&self) -> Arc<EmbeddedLimits> {
        self.limits.load_full()
    }

    /// Keeps to other limits from now on.
    pub(crate) fn limit_to(&self, limits: EmbeddedLimits) {
        let limits = limits.consistent();
        self.streams.broker().limit_to(limits.broker.clone());
        self.memory.limit_to(limits.memory);
        self.limits.store(Arc::new(limits));
    }

    /// What came of requests to publish or play so far.
    pub(crate) fn requests(&self) -> Vec<(&'static str, u64)> {
        self.gate.requests()
    }

    /// Lets a client publish what it asks for (`stream?grant=…`), if it may.
    pub(crate) async fn publish(
        &self,
        asked: &str,
        stranger: &Stranger,
    ) -> Result<Publication, MediaRefusal> {
        self.gate.count(asked, self.try_publish(asked, stranger).await)
    }

    async fn try_publish(&self, asked: &str, stranger: &Stranger) -> Result<Publication, MediaRefusal> {
        let (name, holder) = self.admit(Action::Publish, asked, Some(stranger)).await?;
        let publication = self.streams.publish(name, holder.uid)?;
        let carried = self.gate.confirm(Action::Publish, name, holder)?;
        stranger.prove();
        Ok(publication.within(carried))
    }

    /// Lets a client play what it asks for, if it may.
    pub(crate) async fn play(
        &self,
        asked: &str,
        stranger: Option<&Stranger>,
    ) -> Result<Subscription, MediaRefusal> {
        self.gate.count(asked, self.try_play(asked, stranger).await)
    }

    async fn try_play(&self, asked: &str, stranger: Option<&Stranger>) -> Result<Subscription, MediaRefusal> {
        let (name, holder) = self.admit(Action::Play, asked, stranger).await?;
        let subscription = self.streams.play(name, holder.uid)?;
        let carried = self.gate.confirm(Action::Play, name, holder)?;
        stranger.inspect(|stranger| stranger.prove());
        Ok(subscription.within(carried))
    }

    /// Ends what a user may not do any more.
    pub(crate) fn review(&self, holder: u64) {
        self.streams.broker().review(holder, |action, stream| self.gate.permits(action, stream, holder));
    }

    async fn admit<'a>(
        &self,
        action: Action,
        asked: &'a str,
        stranger: Option<&Stranger>,
    ) -> Result<(&'a str, Holder), MediaRefusal> {
        let (name, grant) = name_and_grant(asked)?;
        // It takes the place of one who waits, instead of a stranger's.
        let waits = || {
            if let Some(stranger) = stranger {
                stranger.prove();
            }
        };
        Ok((name, self.gate.admit(action, name, grant, None, waits).await?))
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").field("streams", &self.streams).finish_non_exhaustive()
    }
}

const MEMORY_OF_EACH: usize = 128 * 1024;

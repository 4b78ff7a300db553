//! Publishers and players: what a player costs a server, how late packets are, and how long a late player waits.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures_util::{StreamExt as _, stream};
use nertc_miniapp::wire::model::Uid;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::Failure;
use crate::flv::Reader;
use crate::member::{Door, Member, Scene};
use crate::progress::{Progress, until};
use crate::rtmp::{Client, Pace, Stamp, nanos};
use crate::server::Server;
use crate::tally::{Tally, Times};

/// How much of it.
#[derive(Debug, Clone, clap::Args)]
pub struct Media {
    /// Streams
    #[arg(long, value_name = "P", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub publishers: u32,
    /// Players of each stream
    #[arg(long, value_name = "Q", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub players: u32,
    /// Bits of a stream a second, in thousands
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(100..=20_000))]
    pub kbps: u32,
    /// Seconds from one key frame to the next
    #[arg(long, value_name = "SECONDS", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=10))]
    pub gop: u32,
    /// Players that come late, one after the other within a group of pictures
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub late: u32,
}

/// How players reach a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// RTMP, as `live-player` does.
    Rtmp,
    /// HTTP-FLV, as browsers do.
    Flv,
}

/// What came of it.
#[derive(Debug, Clone)]
pub struct MediaFigures {
    /// Which server.
    pub server: &'static str,
    /// How its players reached it.
    pub way: Way,
    /// Players that were there from the beginning.
    pub players: u64,
    /// Bytes of memory that each of them made the server take.
    pub memory: u64,
    /// The server's time on a processor in a second, for each of them.
    pub cpu: Duration,
    /// From the sending of each packet to its arrival at each player.
    pub latency: Times,
    /// Packets that should have come to players within the time.
    pub due: u64,
    /// From the request of a late player to its first key frame.
    pub first_key: Times,
}

impl Media {
    /// Files that we open for it, and each server besides.
    pub(crate) fn files(&self) -> u64 {
        u64::from(self.publishers) * (u64::from(self.players) + 3) + u64::from(self.late) + 64
    }

    /// Measures a server for some seconds.
    ///
    /// # Errors
    ///
    /// Something that the load needs did not work.
    pub async fn run(&self, server: &Server, way: Way, seconds: u32) -> Result<MediaFigures, Failure> {
        let epoch = Instant::now();
        let watch = Arc::new(Watch::default());
        let pace = Pace { kbps: self.kbps as usize, gop: Duration::from_secs(self.gop.into()) };
        let (sources, _members) = if server.name == "nginx" {
            (self.open_sources(server), Vec::new())
        } else {
            self.rooms(server).await?
        };
        let mut publishers = JoinSet::new();
        for source in &sources {
            let publisher = Client::publish(source.rtmp, &source.push).await?;
            let watch = Arc::clone(&watch);
            publishers.spawn(publisher.send(pace, epoch, move |stamp| watch.sent(stamp)));
        }
        let before = server.memory()?;
        let mut players = JoinSet::new();
        let count = sources.len() as u64 * u64::from(self.players);
        let mut progress = Progress::new(format!("{}: players", server.name), count);
        let all = (0..self.players).flat_map(|_| &sources);
        let mut opening = stream::iter(all).map(|source| source.play(way)).buffer_unordered(AT_ONCE);
        while let Some(player) = opening.next().await {
            players.spawn(play(player?, Arc::clone(&watch), epoch));
            progress.step();
        }
        drop(opening);
        // Some servers give no picture before the next key frame; and what players begin with must be through.
        let all_see = || watch.seeing.load(Ordering::Relaxed) >= count;
        until(all_see, 2 * pace.gop + PATIENCE).await;
        sleep(SETTLING).await;
        let memory = server.memory()?.saturating_sub(before) / count;

        let length = Duration::from_secs(seconds.into());
        let spent = server.cpu()?;
        watch.look(epoch, length);
        progress.wait(format!("{}: media", server.name), length).await;
        let cpu = server.cpu()?.saturating_sub(spent) / (seconds * u32::try_from(count)?);
        sleep(LEAD).await;
        // The last ones may be under way.
        let due = watch.sent.load(Ordering::Relaxed) * u64::from(self.players);
        until(|| watch.latency.count() >= due, PATIENCE).await;
        let latency = watch.latency.take();

        let mut late = JoinSet::new();
        for index in 0..self.late {
            let source = sources[index as usize % sources.len()].clone();
            let turn = pace.gop * index / self.late;
            late.spawn(async move {
                sleep(turn).await;
                let asked = Instant::now();
                let mut player = source.play(way).await?;
                while !player.next().await?.is_key {}
                Ok::<_, Failure>(asked.elapsed())
            });
        }
        let first_key = Tally::default();
        while let Some(waited) = late.join_next().await {
            first_key.note(u64::try_from(waited??.as_nanos())?);
        }
        // None of them ends by itself.
        if let Some(ended) = publishers.try_join_next().or_else(|| players.try_join_next()) {
            ended??;
        }
        let (server, first_key) = (server.name, first_key.take());
        Ok(MediaFigures { server, way, players: count, memory, cpu, latency, due, first_key })
    }

    fn open_sources(&self, server: &Server) -> Vec<Source> {
        let name = |index| format!("stream{index}");
        let names = (0..self.publishers).map(name);
        names
            .map(|name| Source { rtmp: server.rtmp, http: server.http, push: name.clone(), pull: name })
            .collect()
    }

    /// Rooms of a publisher and a viewer each, whose URLs all players use.
    async fn rooms(&self, server: &Server) -> Result<(Vec<Source>, Vec<Member>), Failure> {
        let scene = Scene::new(2);
        let mut door = Door::open(server.http).await?;
        let (mut sources, mut members) = (Vec::new(), Vec::new());
        for index in 0..self.publishers {
            let room = format!("media{index}");
            let publisher = Member::join(&mut door, &scene, &room, Uid(1)).await?;
            let viewer = Member::join(&mut door, &scene, &room, Uid(2)).await?;
            let key = |url: Option<&_>| -> Result<String, Failure> {
                let url: &nertc_miniapp::wire::model::Url = url.ok_or("the login's answer names no URL")?;
                Ok(url
                    .as_str()
                    .rsplit_once('/')
                    .map(|(_, key)| key.to_owned())
                    .ok_or("a URL without a stream")?)
            };
            let (push, pull) = (key(publisher.urls.first())?, key(viewer.urls.get(1))?);
            sources.push(Source { rtmp: server.rtmp, http: server.http, push, pull });
            members.extend([publisher, viewer]);
        }
        Ok((sources, members))
    }
}

/// Where a stream is.
#[derive(Debug, Clone)]
struct Source {
    rtmp: SocketAddr,
    http: SocketAddr,
    push: String,
    pull: String,
}

impl Source {
    async fn play(&self, way: Way) -> Result<Player, Failure> {
        Ok(match way {
            Way::Rtmp => Player::Rtmp(Box::new(Client::play(self.rtmp, &self.pull).await?)),
            Way::Flv => {
                let (name, grant) = self.pull.split_once('?').unwrap_or((&self.pull, ""));
                Player::Flv(Reader::open(self.http, &format!("/live/{name}.flv?{grant}")).await?)
            }
        })
    }
}

enum Player {
    Rtmp(Box<Client>),
    Flv(Reader),
}

impl Player {
    fn next(&mut self) -> Pin<Box<dyn Future<Output = Result<Stamp, Failure>> + Send + '_>> {
        match self {
            Self::Rtmp(client) => Box::pin(client.next()),
            Self::Flv(reader) => Box::pin(reader.next()),
        }
    }
}

async fn play(mut player: Player, watch: Arc<Watch>, epoch: Instant) -> Result<(), Failure> {
    let mut sees = false;
    loop {
        let stamp = player.next().await?;
        if stamp.is_key && !std::mem::replace(&mut sees, true) {
            watch.seeing.fetch_add(1, Ordering::Relaxed);
        }
        if watch.counts(stamp) {
            watch.latency.note(nanos(epoch).saturating_sub(stamp.sent));
        }
    }
}

/// What is looked at: packets that were sent from some time on until another.
#[derive(Debug)]
struct Watch {
    from: AtomicU64,
    until: AtomicU64,
    sent: AtomicU64,
    /// Players that have been given a key frame.
    seeing: AtomicU64,
    latency: Tally,
}

impl Default for Watch {
    fn default() -> Self {
        let (from, until) = (AtomicU64::new(u64::MAX), AtomicU64::new(u64::MAX));
        Self { from, until, sent: AtomicU64::new(0), seeing: AtomicU64::new(0), latency: Tally::default() }
    }
}

impl Watch {
    /// From a little later on, so that whoever sends and whoever plays agree on what counts.
    fn look(&self, epoch: Instant, length: Duration) {
        let from = nanos(epoch) + LEAD.as_nanos() as u64;
        self.until.store(from + length.as_nanos() as u64, Ordering::SeqCst);
        self.from.store(from, Ordering::SeqCst);
    }

    fn counts(&self, stamp: Stamp) -> bool {
        (self.from.load(Ordering::SeqCst)..self.until.load(Ordering::SeqCst)).contains(&stamp.sent)
    }

    fn sent(&self, stamp: Stamp) {
        if self.counts(stamp) {
            self.sent.fetch_add(1, Ordering::SeqCst);
        }
    }
}

/// Players that come at once.
const AT_ONCE: usize = 32;
const LEAD: Duration = Duration::from_millis(5);
const SETTLING: Duration = Duration::from_millis(700);
const PATIENCE: Duration = Duration::from_secs(5);

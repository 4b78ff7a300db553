//! Load for a gateway: members of rooms, publishers and players, over real sockets and in the real protocol.
//!
//! Each server that is measured is a process of its own, so that the kernel says what it costs. Servers are measured
//! one after the other in one run, because figures of different runs say little about each other.

pub mod echo;
mod flv;
pub mod limits;
pub mod media;
mod member;
mod progress;
mod rtmp;
pub mod server;
pub mod signalling;
pub mod table;
mod tally;
mod usage;

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

use self::media::{Media, MediaFigures, Way};
use self::server::Server;
use self::signalling::{Signalling, SignallingFigures};

/// Why something could not be measured.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Measures what members, publishers and players cost a gateway, and what the same costs others.
#[derive(Debug, Clone, Parser)]
#[command(after_help = EXAMPLES)]
pub struct Load {
    /// What to measure; both without it
    #[arg(value_enum, value_name = "PART")]
    pub parts: Vec<Part>,
    /// Seconds for each kind of work
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=600))]
    pub seconds: u32,
    /// What else to measure: a server for the same in Node, a server that gives back what it is sent, nginx with its RTMP
    /// module
    #[arg(long, value_enum, value_delimiter = ',', default_value = "node,echo,nginx")]
    pub vs: Vec<Peer>,
    /// The gateway's program
    #[arg(long, value_name = "FILE", default_value = "target/server/nertc-gateway")]
    pub gateway: PathBuf,
    /// Another build of the gateway, to be measured beside it
    #[arg(long, value_name = "FILE")]
    pub before: Option<PathBuf>,
    /// The server in Node
    #[arg(long, value_name = "FILE", default_value = "gateway/load/peer/peer.mjs")]
    pub peer: PathBuf,
    /// Nothing of HTTP-FLV
    #[arg(long)]
    pub no_flv: bool,
    /// Signalling
    #[command(flatten, next_help_heading = "Signalling")]
    pub signalling: Signalling,
    /// Media
    #[command(flatten, next_help_heading = "Media")]
    pub media: Media,
}

/// What can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// Members of rooms
    Signalling,
    /// Publishers and players
    Media,
    /// Be the server that gives back what it is sent
    #[value(hide = true)]
    Echo,
}

/// What the gateway is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Peer {
    /// The same signalling in Node, on the package `ws`
    Node,
    /// A server that gives back what it is sent: the limit for heartbeats
    Echo,
    /// nginx with its RTMP module
    Nginx,
    /// Nothing
    None,
}

/// All that was measured.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// A server each.
    pub signalling: Vec<SignallingFigures>,
    /// A server and a way to it each.
    pub media: Vec<MediaFigures>,
}

impl Load {
    /// Measures everything that is asked for.
    ///
    /// # Errors
    ///
    /// Something that the load needs is not there, or did not work.
    pub async fn run(&self) -> Result<Report, Failure> {
        let is_wanted = |part| self.parts.is_empty() || self.parts.contains(&part);
        let files = [
            if is_wanted(Part::Signalling) { self.signalling.files() } else { 0 },
            if is_wanted(Part::Media) { self.media.files() } else { 0 },
        ];
        limits::check(files.into_iter().max().unwrap_or_default())?;
        let mut report = Report::default();
        let gateways = || {
            let before = self.before.iter().map(|program| Server::gateway("gateway before", program));
            std::iter::once(Server::gateway("gateway", &self.gateway)).chain(before)
        };
        if is_wanted(Part::Signalling) {
            let node = self.vs.contains(&Peer::Node).then_some(|| Server::node(&self.peer));
            let echo = self.vs.contains(&Peer::Echo).then_some(Server::echo);
            // Each is gone before the next begins.
            for server in gateways()
                .chain(node.into_iter().map(|start| start()))
                .chain(echo.into_iter().map(|start| start()))
            {
                report.signalling.push(self.signalling.run(&server?, self.seconds).await?);
            }
        }
        if is_wanted(Part::Media) {
            let nginx = self.vs.contains(&Peer::Nginx).then_some(Server::nginx);
            for server in gateways().chain(nginx.into_iter().map(|start| start())) {
                report.media.push(self.media.run(&server?, Way::Rtmp, self.seconds).await?);
            }
            if !self.no_flv {
                for server in gateways() {
                    report.media.push(self.media.run(&server?, Way::Flv, self.seconds).await?);
                }
            }
        }
        Ok(report)
    }
}

impl Report {
    /// As tables of Markdown.
    #[must_use]
    pub fn tables(&self) -> String {
        let signalling = (!self.signalling.is_empty()).then(|| table::signalling(&self.signalling));
        let media = (!self.media.is_empty()).then(|| table::media(&self.media));
        signalling.into_iter().chain(media).collect::<Vec<_>>().join("\n")
    }

    /// What should not be: answers, notices and packets that are missing.
    #[must_use]
    pub fn complaints(&self) -> Vec<String> {
        table::complaints(&self.signalling, &self.media)
    }
}

const EXAMPLES: &str = "Examples:
  npm run load                                            both, against all others
  npm run load -- signalling --members 10000 --seconds 9  ten thousand members in rooms of ten
  npm run load -- signalling --room-size 100 --vs node    what a mute costs that 99 others are told of
  npm run load -- media --players 800 --vs nginx          eight hundred players of one stream
  npm run load -- --before ../old/target/server/nertc-gateway --vs none   two builds of the gateway";

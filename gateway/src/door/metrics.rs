//! What a gateway does, in numbers for whoever scrapes them (OpenMetrics text).
//!
//! Hides names and forms. Counts what happens at the doors; what rooms, media and log count themselves is added when
//! somebody asks.

use std::fmt;
use std::time::Duration;

use prometheus_client::encoding::EncodeMetric;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

use crate::log::LogStatistics;
use crate::media::MediaStatistics;
use crate::rooms::HubStatistics;

/// What the doors count.
#[derive(Clone)]
pub(crate) struct Metrics {
    bootstraps: Results,
    commands: Histogram,
    slow_connections: Counter,
}

type Results = Family<[(&'static str, &'static str); 1], Counter>;

/// What others count.
pub(crate) struct Facts {
    pub(crate) hub: HubStatistics,
    /// Inputs that wait for the hub.
    pub(crate) waiting: usize,
    pub(crate) media: MediaStatistics,
    /// Requests to publish or play, by what came of them.
    pub(crate) media_requests: Vec<(&'static str, u64)>,
    pub(crate) log: LogStatistics,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        // From 10 µs to a third of a second.
        let commands = Histogram::new(exponential_buckets(0.000_01, 2.0, 16));
        Self { bootstraps: none_yet(), commands, slow_connections: Counter::default() }
    }

    /// A bootstrap was answered.
    pub(crate) fn bootstrap(&self, result: &'static str) {
        self.bootstraps.get_or_create(&[("result", result)]).inc();
    }

    /// A connection was dropped because it reads too slowly.
    pub(crate) fn slow_connection(&self) {
        self.slow_connections.inc();
    }

    /// A packet was read, and is handled.
    pub(crate) fn command(&self, took: Duration) {
        self.commands.observe(took.as_secs_f64());
    }

    /// Everything, as it is scraped.
    pub(crate) fn text(&self, facts: &Facts) -> Result<String, fmt::Error> {
        let mut page = Page(Registry::with_prefix("nertc"));
        let Facts { hub, waiting, media, media_requests, log } = facts;
        page.add(
            "bootstraps",
            "Questions to the channel server, by what came of them",
            self.bootstraps.clone(),
        );
        page.add("logins", "Logins, by what came of them", results(hub.logins.iter().map(|(k, v)| (*k, *v))));
        page.add(
            "media_requests",
            "Requests to publish or play, by what came of them",
            results(media_requests.iter().copied()),
        );
        page.add(
            "command_seconds",
            "From the reading of a packet until its answer is on its way",
            self.commands.clone(),
        );
        page.gauge("connections", "Signalling connections, logged in or not", hub.connections);
        page.gauge("rooms", "Rooms", hub.rooms);
        page.gauge("members", "Members of all rooms, those in their grace period included", hub.members);
        page.gauge("members_away", "Members in their grace period", hub.away);
        page.gauge("hub_queue", "Packets and events that wait for the rooms", *waiting);
        page.gauge("media_streams", "Streams that have a publisher or a player", media.streams);
        page.gauge("media_publishers", "Connected publishers", media.publishers);
        page.gauge("media_players", "Connected players, waiting ones included", media.players);
        page.counter("media_bytes_in", "Bytes taken from publishers", media.bytes_in);
        page.counter("media_bytes_out", "Bytes given to players", media.bytes_out);
        page.counter("media_packets_dropped", "Packets that slow players missed", media.dropped);
        let slow = self.slow_connections.clone();
        page.add("slow_connections", "Connections dropped because they read too slowly", slow);
        page.counter("log_lines_lost", "Lines of the log that could not be written", log.lost);
        page.counter(
            "log_lines_repeated",
            "Lines of the log that were counted instead of printed",
            log.repeated,
        );
        let mut text = String::new();
        encode(&mut text, &page.0)?;
        Ok(text)
    }
}

/// What alerts ask for is there before it has happened: nothing can be told of a number that is not.
fn results(counted: impl Iterator<Item = (&'static str, u64)>) -> Results {
    let results = none_yet();
    for (result, count) in counted {
        results.get_or_create(&[("result", result)]).inc_by(count);
    }
    results
}

fn none_yet() -> Results {
    let results = Results::default();
    for result in ["ok", "room-full", "too-many-rooms", "full"] {
        drop(results.get_or_create(&[("result", result)]));
    }
    results
}

struct Page(Registry);

impl Page {
    fn add(
        &mut self,
        name: &str,
        help: &str,
        metric: impl EncodeMetric + fmt::Debug + Send + Sync + 'static,
    ) {
        self.0.register(name, help, metric);
    }

    fn gauge(&mut self, name: &str, help: &str, value: usize) {
        self.add(name, help, ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX)));
    }

    fn counter(&mut self, name: &str, help: &str, value: u64) {
        self.add(name, help, ConstCounter::new(value));
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics(..)")
    }
}

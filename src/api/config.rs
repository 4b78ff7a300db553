//! Every number that shapes a session, with its default.

use std::time::Duration;

use crate::api::error::Error;
use crate::api::join::Servers;
use crate::wire::json::{Document, Value};
use crate::wire::model::Media;
use crate::wire::protocol::{MAX_FRAME, MAX_REPORTS, MAX_UNANSWERED, MOST_MEMBERS};

/// How a session behaves. Defaults are those of the original SDK where it has one
/// (docs/protocol.md 4.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The application's key.
    pub appkey: String,
    /// Servers for every join that names none itself.
    pub servers: Servers,
    /// The host, as its API is called, for whoever reads logins and reports; empty for WeChat's.
    pub model: String,
    /// Start of the random sequence (jitter, chosen uids).
    pub seed: u64,
    /// Time for one bootstrap request.
    pub bootstrap_timeout: Duration,
    /// Time from opening a socket to the login answer.
    pub login_timeout: Duration,
    /// Time between heartbeats.
    pub heartbeat_interval: Duration,
    /// Time without any packet to giving the socket up, where the gateway is known to answer
    /// heartbeats sooner; otherwise the time from a heartbeat without any answer.
    pub silence_limit: Duration,
    /// The least time that the answer to a heartbeat is given.
    pub shortest_patience: Duration,
    /// Time from a heartbeat without any answer while the application is in the background, where
    /// timers are slow.
    pub hidden_silence_limit: Duration,
    /// The same when there is reason to doubt the socket: the application was suspended or came to
    /// the front, or the network changed.
    pub probe_limit: Duration,
    /// A timer that rings this late means that the application was suspended.
    pub suspended_after: Duration,
    /// Time for the acknowledgement of a command.
    pub command_timeout: Duration,
    /// Time for a call to settle, outages included.
    pub call_timeout: Duration,
    /// Time for the acknowledgement of a logout before the socket is closed anyway.
    pub leave_timeout: Duration,
    /// Attempts to connect before a first `join` is rejected.
    pub join_attempts: u32,
    /// Time after which no further attempt is made for a first `join`.
    pub join_budget: Duration,
    /// Longest wait before the first attempt after an outage began.
    pub first_retry: Duration,
    /// Longest wait before the second attempt; doubles from then on.
    pub retry_base: Duration,
    /// Longest wait before any attempt.
    pub retry_cap: Duration,
    /// Time after which a connection counts as stable. One that breaks before is a failed attempt,
    /// or a gateway that accepts and drops would be tried without pause and without end.
    pub stable_after: Duration,
    /// Who says when to try again after an outage began.
    pub decides: Decides,
    /// Attempts to reconnect before giving up.
    pub reconnect_attempts: u32,
    /// Time after which no further attempt to reconnect is made.
    pub reconnect_budget: Duration,
    /// Time for the first picture and the first sound of a player that is connected, before it is made
    /// anew.
    pub first_frame: Duration,
    /// Time between two looks at a player that lacks something; no more than this counts of any time in
    /// between, since for the rest the application was suspended.
    pub watch_step: Duration,
    /// Least time between making a component and making it anew for a reason that is no failure.
    pub renew_pause: Duration,
    /// Time in the background after which components are made anew.
    pub background_limit: Duration,
    /// Wait before a component that failed a second time is made anew; doubles from then on.
    pub rebuild_base: Duration,
    /// Longest such wait.
    pub rebuild_cap: Duration,
    /// Time that a component must have worked for its failures to be forgotten.
    pub steady_after: Duration,
    /// Time from a component's report to the batch that takes it to the statistics server.
    pub report_interval: Duration,
    /// Longest wait after a batch that could not be delivered; each failure doubles the wait.
    pub report_pause: Duration,
    /// Reports that wait at most.
    pub max_reports: usize,
    /// Longest time for which members are expected back after a restart of the gateway, whatever it
    /// says.
    pub longest_settling: Duration,
    /// Calls waiting at the same time: one for every medium of every member, and some.
    pub max_calls: usize,
    /// Commands that may be unanswered at the same time; the next one waits, so that a gateway is not
    /// sent more than it reads. Login, logout and heartbeats do not wait.
    pub max_unanswered: usize,
    /// Members remembered; further ones are ignored, and the first of them is logged.
    pub max_members: usize,
    /// Bytes in one frame from the gateway; larger ones are dropped.
    pub max_frame: usize,
}

impl Config {
    /// The defaults for an application.
    #[must_use]
    pub fn new(appkey: impl Into<String>) -> Self {
        Self {
            appkey: appkey.into(),
            servers: Servers::default(),
            model: String::new(),
            seed: 0,
            bootstrap_timeout: Duration::from_secs(10),
            login_timeout: Duration::from_secs(5),
            heartbeat_interval: Duration::from_secs(3),
            silence_limit: Duration::from_secs(4),
            shortest_patience: Duration::from_secs(1),
            hidden_silence_limit: Duration::from_secs(10),
            probe_limit: Duration::from_secs(2),
            suspended_after: Duration::from_secs(2),
            command_timeout: Duration::from_secs(10),
            call_timeout: Duration::from_secs(15),
            leave_timeout: Duration::from_millis(300),
            join_attempts: 3,
            join_budget: Duration::from_secs(10),
            first_retry: Duration::from_millis(50),
            retry_base: Duration::from_millis(300),
            retry_cap: Duration::from_secs(8),
            stable_after: Duration::from_millis(500),
            decides: Decides::Sdk,
            reconnect_attempts: 9,
            reconnect_budget: Duration::from_secs(90),
            first_frame: Duration::from_secs(5),
            watch_step: Duration::from_secs(1),
            renew_pause: Duration::from_secs(1),
            background_limit: Duration::from_secs(5),
            rebuild_base: Duration::from_secs(2),
            rebuild_cap: Duration::from_secs(30),
            steady_after: Duration::from_secs(60),
            report_interval: Duration::from_secs(5),
            report_pause: Duration::from_secs(60),
            max_reports: MAX_REPORTS,
            longest_settling: Duration::from_secs(30),
            max_calls: 256 + MAX_MEMBERS * Media::ALL.len(),
            max_unanswered: MAX_UNANSWERED,
            max_members: MAX_MEMBERS,
            max_frame: MAX_FRAME,
        }
    }

    /// Reads the options object that the application gave to `Client()`, in JSON.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for an `appkey` that is not text, an unusable server, or a number of
    /// `reconnect` that is out of range.
    pub fn parse(options: &str) -> Result<Self, Error> {
        let document = Document::read(options).ok();
        let Some(options) = document.as_ref().map(Document::root).filter(|options| options.is_object())
        else {
            return Err(Error::InvalidArgument("Client takes an object".into()));
        };
        let Some(appkey) = options.get("appkey").as_str() else {
            return Err(Error::InvalidArgument("appkey must be a string".into()));
        };
        let mut config = Self { servers: Servers::parse(options)?, ..Self::new(appkey) };
        config.model = options.get("model").as_str().unwrap_or_default().into();
        let reconnect = options.get("reconnect");
        // How the glue writes one.
        if reconnect.is("function") {
            config.decides = Decides::Application;
        } else if !reconnect.is_null() && !reconnect.is_object() {
            return Err(Error::InvalidArgument("reconnect must be an object or a function".into()));
        }
        for (key, value) in reconnect.members() {
            config.set(&key.as_str().unwrap_or_default(), value)?;
        }
        Ok(config)
    }

    /// Sets one number of the option `reconnect`.
    fn set(&mut self, key: &str, value: Value<'_>) -> Result<(), Error> {
        let whole = value.as_u64().and_then(|number| u32::try_from(number).ok());
        let number = whole.filter(|number| *number <= MOST);
        if key == "maxAttempts" {
            self.reconnect_attempts = number.ok_or_else(|| out_of_range(key))?;
            return Ok(());
        }
        let (target, least) = match key {
            "maxDuration" => (&mut self.reconnect_budget, 0),
            "firstDelay" => (&mut self.first_retry, 0),
            "baseDelay" => (&mut self.retry_base, 1),
            "maxDelay" => (&mut self.retry_cap, 1),
            "heartbeatInterval" => (&mut self.heartbeat_interval, 500),
            "silenceLimit" => (&mut self.silence_limit, 1000),
            "backgroundSilenceLimit" => (&mut self.hidden_silence_limit, 1000),
            "probeLimit" => (&mut self.probe_limit, 100),
            unknown => return Err(Error::InvalidArgument(format!("reconnect has no \"{unknown}\""))),
        };
        let number = number.filter(|number| *number >= least).ok_or_else(|| out_of_range(key))?;
        *target = Duration::from_millis(number.into());
        Ok(())
    }
}

/// Who says when to try again after an outage began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decides {
    /// The numbers here.
    Sdk,
    /// The application, asked each time; where it has no opinion, the numbers here.
    Application,
}

fn out_of_range(key: &str) -> Error {
    Error::InvalidArgument(format!("reconnect.{key} is not a whole number in its range"))
}

/// More than our own gateway's largest room has.
const MAX_MEMBERS: usize = 20 * MOST_MEMBERS;

/// An hour in milliseconds, the most that any number of `reconnect` may be.
const MOST: u32 = 3_600_000;

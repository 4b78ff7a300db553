//! The components of the page: what they are told to render, and what comes of their reports: a new
//! component, an event, a line for the statistics server.

use std::time::Duration;

use crate::api::config::Config;
use crate::api::doors::HttpRequest;
use crate::api::event::{Event, NativeStatus, NetworkQuality, SyncDone};
use crate::api::picture::{Page, Patch};
use crate::api::quality::{Flows, Leg};
use crate::api::report::{Report, Which};
use crate::page::meter::{Qualities, measured};
use crate::page::reports::{Reports, Subject};
use crate::page::view::{Missing, Scene, Sign, View};
use crate::time::{Instant, Timer};
use crate::wire::json::Document;
use crate::wire::model::{Media, RequestId, Stream, Uid, Url};

/// The components of the page.
#[derive(Debug, Default)]
pub(crate) struct Components {
    view: View,
    /// Whether the application has been told again where to push since the pusher was last connected.
    push_mended: bool,
    qualities: Qualities,
    reports: Reports,
}

impl Components {
    /// Those of a client whose last component had this key.
    pub(crate) fn after(key: u32) -> Self {
        Self { view: View::after(key), ..Self::default() }
    }

    /// Brings the page in line with what we push and pull.
    pub(crate) fn render(&mut self, scene: Scene, config: &Config, now: Instant) -> Option<Patch> {
        let patch = self.view.render(scene, config, now);
        (!patch.is_empty()).then_some(patch)
    }

    /// A component reports: how it is, or how well its media travel. `subject` is where we are, `push` where we
    /// push, if we do, and `flows` what should flow on a leg.
    pub(crate) fn hear(
        &mut self,
        report: &Report,
        subject: Subject,
        push: Option<&Url>,
        flows: impl Fn(Leg) -> Flows,
        config: &Config,
        now: Instant,
    ) -> Vec<Event> {
        let mut events = Vec::new();
        let document = report.data();
        let data = document.as_ref().map(Document::root);
        if let Some(which) = report.which(data)
            && subject.since.is_some()
        {
            let me = subject.uid;
            let (uid, leg) = match which {
                Which::Pusher => (me, Leg::Up),
                Which::Player { uid, .. } => (uid, Leg::Down(uid, self.view.stream_of(which))),
            };
            if let Some(code) = report.status(data, which.component()) {
                let sign = Sign::of(which.component(), code);
                // What cannot be used is told once, though it is reported in two ways.
                if sign.is_none_or(|sign| self.view.handle_sign(which, sign, config, now)) {
                    events.extend(
                        NativeStatus::new(which.component(), code, uid)
                            .map(Box::new)
                            .map(Event::NativeStatus),
                    );
                }
                if sign.is_some_and(|sign| which == Which::Pusher && self.is_in_vain(sign)) {
                    events.extend(push.cloned().map(|url| Event::SyncDone(SyncDone::new(me, url))));
                }
            }
            if let Some(statistics) = report.statistics(data) {
                let [sound, picture] = ["audioBitrate", "videoFPS"].map(|field| measured(statistics, field));
                self.view.handle_measure(which, sound, picture, config, now);
                let changed = self.qualities.report(leg, statistics, flows(leg), now);
                let told = changed.map(|quality| NetworkQuality::new(leg, quality, me));
                events.extend(told.map(Event::NetworkQuality));
            }
        }
        if !subject.server.is_empty() {
            self.reports.add(report, subject, config, now);
        }
        events
    }

    /// The application is in front again.
    pub(crate) fn shown(&mut self, away: Duration, config: &Config, now: Instant) {
        self.view.shown(away, config, now);
    }

    /// Whether a push was refused, or given up: perhaps the application pushes to another URL than it was
    /// given (6.1). Once until it is connected again.
    const fn is_in_vain(&mut self, sign: Sign) -> bool {
        match sign {
            Sign::Refused | Sign::GaveUp => !std::mem::replace(&mut self.push_mended, true),
            Sign::Connected | Sign::Flowing | Sign::Sound | Sign::Picture => {
                self.push_mended = false;
                false
            }
            Sign::Lost | Sign::Fails(_) | Sign::Works(_) => false,
        }
    }

    /// A member left: when it comes back, its media are judged anew.
    pub(crate) fn forget(&mut self, member: Uid) {
        self.qualities.retain(|leg| !matches!(leg, Leg::Down(uid, _) if uid == member));
    }

    /// A medium is asked for once more.
    pub(crate) fn retry(&mut self, media: Media, config: &Config, now: Instant) {
        self.view.retry(media, config, now);
    }

    /// Time has passed.
    pub(crate) fn handle_timeout(&mut self, hidden: bool, config: &Config, now: Instant) -> Vec<Event> {
        let told = |(uid, stream, missing)| {
            Event::NativeStatus(Box::new(match (missing, stream) {
                (Missing::Everything, _) => NativeStatus::no_first_frame(uid),
                (Missing::Picture, Stream::ScreenShare) => NativeStatus::never_came(uid, Media::ScreenShare),
                (Missing::Picture, Stream::Main | Stream::SlaveAudio) => {
                    NativeStatus::never_came(uid, Media::Video)
                }
                (Missing::Sound, Stream::SlaveAudio) => NativeStatus::never_came(uid, Media::SlaveAudio),
                (Missing::Sound, Stream::Main | Stream::ScreenShare) => {
                    NativeStatus::never_came(uid, Media::Audio)
                }
            }))
        };
        self.view.handle_timeout(hidden, config, now).into_iter().map(told).collect()
    }

    /// Whether reports are to be sent.
    pub(crate) fn has_due_reports(&self, now: Instant) -> bool {
        self.reports.deadline().is_some_and(|(due, _)| due <= now)
    }

    /// Reports go out, as the request with this id.
    pub(crate) fn send_reports(&mut self, id: RequestId, config: &Config) -> HttpRequest {
        self.reports.send(id, config)
    }

    /// The statistics server answered, or could not be reached.
    pub(crate) fn handle_response(&mut self, id: RequestId, ok: bool, config: &Config, now: Instant) {
        self.reports.handle_response(id, ok, config, now);
    }

    /// The stay is over, and with it every component; the last reports go out.
    pub(crate) fn end(&mut self, config: &Config) -> Option<HttpRequest> {
        self.view.end();
        self.push_mended = false;
        self.qualities = Qualities::default();
        self.reports.end(config)
    }

    /// The key of the last component, when nothing else is left of any.
    pub(crate) fn at_rest(&self) -> Option<u32> {
        self.view.at_rest().filter(|_| self.reports.is_empty())
    }

    /// What the page was last told to render.
    pub(crate) const fn page(&self) -> &Page {
        self.view.page()
    }

    /// What is due next.
    pub(crate) fn deadline(&self, hidden: bool, config: &Config, now: Instant) -> Option<(Instant, Timer)> {
        [self.view.deadline(hidden, config, now), self.reports.deadline()].into_iter().flatten().min()
    }
}

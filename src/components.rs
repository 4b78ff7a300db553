//! The components of the page: what they are told to render, and what comes of their reports: a new
//! component, an event, a line for the statistics server.

use crate::config::Config;
use crate::doors::{AppSignal, HttpRequest};
use crate::event::{Event, NativeStatus, NetworkQuality, SyncDone};
use crate::model::{Media, RequestId, Stream, Uid, Url};
use crate::quality::{Flows, Leg, Qualities};
use crate::report::{Report, Reports, Stay};
use crate::room::Room;
use crate::time::{Instant, Timer};
use crate::view::{Page, Patch, Pulled, Pushed, Sign, View, Which};
use crate::wants::Wants;

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

    /// Brings the page in line with what is wanted and known; `room` is missing outside of one.
    pub(crate) fn render(
        &mut self,
        room: Option<&Room>,
        wants: &Wants,
        config: &Config,
        now: Instant,
    ) -> Option<Patch> {
        let (mic, camera) = (wants.publishes(Media::Audio), wants.publishes(Media::Video));
        let url = room.and_then(Room::push_url).filter(|_| wants.pushes());
        let pushed = url.map(|url| Pushed { url: url.clone(), mic, camera });
        let mut pulled: Vec<Pulled> = Vec::new();
        for (uid, media) in wants.received() {
            let Some(url) = room.and_then(|room| room.pull_url(uid, media)) else { continue };
            let stream = media.stream();
            let (audio, video) = (media != Media::Video, matches!(media, Media::Video | Media::ScreenShare));
            match pulled.iter_mut().find(|pulled| (pulled.uid, pulled.stream) == (uid, stream)) {
                Some(known) => (known.audio, known.video) = (known.audio || audio, known.video || video),
                None => pulled.push(Pulled { uid, stream, url: url.clone(), audio, video }),
            }
        }
        let patch = self.view.render(pushed, pulled, config, now);
        (!patch.is_empty()).then_some(patch)
    }

    /// A component reports: how it is, or how well its media travel. `stay` is where we are, and `push` where
    /// we push, if we do.
    pub(crate) fn hear(
        &mut self,
        report: &Report,
        stay: Stay,
        wants: &Wants,
        push: Option<&Url>,
        config: &Config,
        now: Instant,
    ) -> Vec<Event> {
        let mut events = Vec::new();
        if let Some(which) = report.which()
            && stay.since.is_some()
        {
            let me = stay.uid;
            let (uid, leg) = match which {
                Which::Pusher => (me, Leg::Up),
                Which::Player { uid, .. } => (uid, Leg::Down(uid, self.view.stream_of(which))),
            };
            if let Some(code) = report.status() {
                events.extend(NativeStatus::new(which.component(), code, uid).map(Event::NativeStatus));
                if let Some(sign) = Sign::of(which.component(), code) {
                    self.view.handle_sign(which, sign, config, now);
                    let is_in_vain = which == Which::Pusher && self.is_in_vain(sign);
                    let push = push.filter(|_| is_in_vain).cloned();
                    events.extend(push.map(|url| Event::SyncDone(SyncDone::new(me, url))));
                }
            }
            if let Some(statistics) = report.statistics() {
                let changed = self.qualities.report(leg, statistics, flows(leg, wants), now);
                let told = changed.map(|quality| NetworkQuality::new(leg, quality, me));
                events.extend(told.map(Event::NetworkQuality));
            }
        }
        if !stay.server.is_empty() {
            self.reports.add(report, stay, config, now);
        }
        events
    }

    /// Whether a push was refused, or given up: perhaps the application pushes to another URL than it was
    /// given (6.1). Once until it is connected again.
    const fn is_in_vain(&mut self, sign: Sign) -> bool {
        match sign {
            Sign::Refused | Sign::GaveUp => !std::mem::replace(&mut self.push_mended, true),
            Sign::Connected | Sign::Flowing => {
                self.push_mended = false;
                false
            }
            Sign::Lost => false,
        }
    }

    /// The application went to the background, or came back.
    pub(crate) fn handle_signal(&mut self, signal: AppSignal, config: &Config, now: Instant) {
        match signal {
            AppSignal::Hidden => self.view.hidden(now),
            AppSignal::Shown => self.view.shown(config, now),
            AppSignal::NetworkUp | AppSignal::NetworkDown => {}
        }
    }

    /// A member left: when it comes back, its media are judged anew.
    pub(crate) fn forget(&mut self, member: Uid) {
        self.qualities.retain(|leg| !matches!(leg, Leg::Down(uid, _) if uid == member));
    }

    /// A microphone or camera that was off is to be on again.
    pub(crate) fn reopened(&mut self, config: &Config, now: Instant) {
        self.view.reopened(config, now);
    }

    /// Time has passed.
    pub(crate) fn handle_timeout(&mut self, config: &Config, now: Instant) -> Vec<Event> {
        let silent = self.view.handle_timeout(config, now).into_iter();
        silent.map(|uid| Event::NativeStatus(NativeStatus::no_first_frame(uid))).collect()
    }

    /// Whether reports are to be sent.
    pub(crate) fn has_due_reports(&self, now: Instant) -> bool {
        self.reports.deadline().is_some_and(|(due, _)| due <= now)
    }

    /// Reports go out, as the request with this id.
    pub(crate) fn send_reports(&mut self, id: RequestId, config: &Config) -> HttpRequest {
        self.reports.send(id, config)
    }

    /// The statistics server answered, or could not be reached. False when the request is another's.
    pub(crate) fn handle_response(&mut self, id: RequestId, ok: bool, config: &Config, now: Instant) -> bool {
        self.reports.handle_response(id, ok, config, now)
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
    pub(crate) fn deadline(&self, now: Instant) -> Option<(Instant, Timer)> {
        [self.view.deadline(now), self.reports.deadline()].into_iter().flatten().min()
    }
}

/// What should flow on a leg.
fn flows(leg: Leg, wants: &Wants) -> Flows {
    let has = |media| match leg {
        Leg::Up => wants.publishes(media),
        Leg::Down(uid, _) => wants.received().any(|received| received == (uid, media)),
    };
    match leg {
        Leg::Up | Leg::Down(_, Stream::Main) => Flows { audio: has(Media::Audio), video: has(Media::Video) },
        // A shared screen may stand still.
        Leg::Down(_, Stream::ScreenShare) => Flows { audio: false, video: false },
        Leg::Down(_, Stream::SlaveAudio) => Flows { audio: true, video: false },
    }
}

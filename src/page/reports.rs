//! What components told the page, on its way to a statistics server that the application named
//! (docs/protocol.md 8.2 to 8.4): collected, coalesced, and sent in batches.

use crate::api::config::Config;
use crate::api::doors::HttpRequest;
use crate::api::report::Report;
use crate::time::{Instant, Timer};
use crate::wire::bootstrap::md5_hex;
use crate::wire::json::{Document, Value, object};
use crate::wire::model::{AppUid, Cid, RequestId, Uid, Url};
use crate::wire::protocol::LONGEST_VALUE;

/// Where reports go, and which stay they are about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Subject {
    pub(crate) server: String,
    pub(crate) uid: Uid,
    pub(crate) cid: Cid,
    /// When it began.
    pub(crate) since: Option<Instant>,
    /// What the shell's clock says.
    pub(crate) clock: Option<Instant>,
}

/// The reports that are not delivered yet, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Reports {
    waiting: Vec<Waiting>,
    /// The stay that the latest is about.
    stay: Subject,
    /// When they are sent; `None` while there are none, or a batch is under way.
    due: Option<Instant>,
    under_way: Option<(RequestId, Vec<Waiting>)>,
    failures: u32,
}

#[derive(Debug)]
struct Waiting {
    /// The component, where a later report of it makes this one worthless.
    passing: Option<String>,
    /// In JSON.
    event: String,
}

impl Reports {
    /// Takes a report in. Of a component's statistics only the latest wait.
    pub(crate) fn add(&mut self, report: &Report, stay: Subject, config: &Config, now: Instant) {
        let document = report.data();
        let data = document.as_ref().map(Document::root);
        let part = |name: &str| data.and_then(|data| data.get(name).present()).map_or("", Value::raw);
        let passing = report.name.ends_with("netstatus");
        let passing = passing.then(|| format!("{} {} {}", report.direction, part("pull_uid"), part("key")));
        if passing.is_some() {
            self.waiting.retain(|waiting| waiting.passing != passing);
        }
        let value = report.data.get(..report.data.floor_char_boundary(LONGEST_VALUE)).unwrap_or_default();
        let event = object(|to| {
            to.key("function");
            to.object(|to| {
                to.field("uid", &AppUid::Text(stay.uid));
                to.field("cid", &AppUid::Text(Uid(stay.cid.0)));
                to.field("oper", &report.direction);
                to.field("value", value);
                to.field("time", &stay.clock.map_or(0, Instant::as_millis));
                to.field("name", &report.name);
            });
        });
        self.stay = stay;
        self.waiting.push(Waiting { passing, event });
        self.shrink(config);
        if self.under_way.is_none() {
            self.due.get_or_insert(now + config.report_interval);
        }
    }

    /// What waits goes out, as the request with this id.
    pub(crate) fn send(&mut self, id: RequestId, config: &Config) -> HttpRequest {
        self.due = None;
        let batch = std::mem::take(&mut self.waiting);
        let request = request(&self.stay, &batch, config);
        self.under_way = Some((id, batch));
        request
    }

    /// The stay is over: what waits goes out, and whatever comes of it, nobody waits for that.
    pub(crate) fn end(&mut self, config: &Config) -> Option<HttpRequest> {
        let over = std::mem::take(self);
        (!over.waiting.is_empty()).then(|| request(&over.stay, &over.waiting, config))
    }

    /// The server answered, or could not be reached.
    pub(crate) fn handle_response(&mut self, id: RequestId, ok: bool, config: &Config, now: Instant) {
        let Some((_, mut batch)) = self.under_way.take_if(|(sent, _)| *sent == id) else { return };
        let mut pause = config.report_interval;
        if ok {
            self.failures = 0;
        } else {
            self.failures += 1;
            pause = pause.saturating_mul(1 << self.failures.min(16)).min(config.report_pause);
            batch.append(&mut self.waiting);
            self.waiting = batch;
            self.shrink(config);
        }
        self.due = (!self.waiting.is_empty()).then(|| now + pause);
    }

    /// Whether nothing waits and nothing is under way.
    pub(crate) const fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.under_way.is_none()
    }

    /// When what waits goes out.
    pub(crate) fn deadline(&self) -> Option<(Instant, Timer)> {
        self.due.map(|due| (due, Timer::Report))
    }

    /// Beyond the limit, the oldest statistics go first.
    fn shrink(&mut self, config: &Config) {
        while self.waiting.len() > config.max_reports {
            let least = self.waiting.iter().position(|waiting| waiting.passing.is_some()).unwrap_or(0);
            self.waiting.remove(least);
        }
    }
}

/// A batch as a request: one event in the form of the original, several as a list (8.4).
fn request(stay: &Subject, batch: &[Waiting], config: &Config) -> HttpRequest {
    let since = stay.since.map_or(0, Instant::as_millis);
    let session = md5_hex(&format!("{}:{}:{since}", stay.cid, stay.uid));
    let body = object(|to| {
        to.key("common");
        to.object(|to| {
            to.field("ver", "2.0");
            to.field("sdk_type", "nrtc2");
            to.field("session_id", &session);
            to.field("app_key", &config.appkey);
            to.filled("model", &config.model);
        });
        if let [only] = batch {
            to.key("event");
            return to.raw(&only.event);
        }
        to.key("events");
        to.raw("[");
        for waiting in batch {
            to.next();
            to.raw(&waiting.event);
        }
        to.raw("]");
    });
    let headers = vec![
        ("content-type", "application/json".into()),
        ("sdktype", "nrtc2".into()),
        ("appkey", config.appkey.clone()),
        ("platform", "mini".into()),
        ("sdkver", "4.6.11".into()),
    ];
    HttpRequest { url: Url(stay.server.clone()), headers, body }
}

//! What a component told the page, as `dataReporter` is given it.

use std::borrow::Cow;

use crate::api::arguments::app_uid;
use crate::api::native::{Component, Severity};
use crate::wire::json::{Document, Json, Value, Writer, object, written};
use crate::wire::model::Uid;

/// Something that a component told the page.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    pub(crate) direction: String,
    pub(crate) name: String,
    /// What it told, in JSON.
    pub(crate) data: String,
}

/// Which component of the page reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Which {
    Pusher,
    /// A player of this member; the key tells its streams apart.
    Player {
        uid: Uid,
        key: Option<u32>,
    },
}

impl Which {
    pub(crate) const fn component(self) -> Component {
        match self {
            Self::Pusher => Component::Pusher,
            Self::Player { .. } => Component::Player,
        }
    }
}

impl Report {
    pub(crate) fn new(direction: Value<'_>, name: Value<'_>, data: Value<'_>, uid: Value<'_>) -> Self {
        let text = |value: Value<'_>, default| value.as_str().map_or(default, Cow::into_owned);
        let told = if data.is_object() && !uid.is_null() {
            object(|to| {
                // The first, so that it is not cut off.
                to.field("pull_uid", &uid);
                for (key, value) in data.members().filter(|(key, _)| !key.is("pull_uid")) {
                    to.next();
                    key.write(to);
                    to.raw(":");
                    value.write(to);
                }
            })
        } else {
            data.raw().to_owned()
        };
        Self { direction: text(direction, "push".into()), name: text(name, String::new()), data: told }
    }

    /// The arguments of a report that has the same effect, except on what the server reads.
    pub(crate) fn gist(&self) -> String {
        let document = self.data();
        let data = document.as_ref().map(Document::root);
        let is_whole = self.statistics(data).is_some();
        written(&Gist { report: self, data: data.filter(|_| !is_whole) })
    }

    /// What it told.
    pub(crate) fn data(&self) -> Option<Document<'_>> {
        Document::read(&self.data).ok()
    }

    /// Which component reports; `None` for a player that does not say whom it plays. `data` is what it told.
    pub(crate) fn which(&self, data: Option<Value<'_>>) -> Option<Which> {
        if self.direction != "pull" {
            return Some(Which::Pusher);
        }
        let uid = app_uid(data?.get("pull_uid")).ok()?.uid();
        let key = data?.get("key").as_str();
        Some(Which::Player { uid, key: key.and_then(|key| key.strip_prefix("player-")?.parse().ok()) })
    }

    /// Which status of this component it reports, if it does.
    pub(crate) fn status(&self, data: Option<Value<'_>>, component: Component) -> Option<i32> {
        let code = Component::code_in(data?)?;
        // Some clients tell of a camera that was refused by `binderror` alone. Its other codes are the
        // platform's, of which no table says anything.
        let is_known = || component.meaning(code).is_some_and(|meaning| meaning.severity >= Severity::Error);
        let is_status = self.name.ends_with("statechange") || self.name.ends_with("error") && is_known();
        is_status.then_some(code)
    }

    /// Which statistics it reports, if it does.
    pub(crate) fn statistics<'a>(&self, data: Option<Value<'a>>) -> Option<Value<'a>> {
        data.filter(|_| self.name.ends_with("netstatus"))
    }
}

/// A report for the log: of what was told only what has an effect, if it is given.
struct Gist<'a> {
    report: &'a Report,
    data: Option<Value<'a>>,
}

impl Json for Gist<'_> {
    fn write(&self, to: &mut Writer) {
        to.raw("[");
        self.report.direction.write(to);
        to.next();
        self.report.name.write(to);
        to.next();
        match self.data {
            None => to.raw(&self.report.data),
            Some(data) => to.object(|to| {
                to.option("code", Component::code_in(data).as_ref());
                to.option("key", data.get("key").present().as_ref());
                to.option("pull_uid", data.get("pull_uid").present().as_ref());
            }),
        }
        to.raw("]");
    }
}

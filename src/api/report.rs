//! What a component told the page, as `dataReporter` is given it.

use serde_json::Value;

use crate::api::arguments::app_uid;
use crate::api::native::{Component, Severity};
use crate::wire::json::{object, written};
use crate::wire::model::Uid;

/// Something that a component told the page.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    pub(crate) direction: String,
    pub(crate) name: String,
    pub(crate) data: Value,
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
    pub(crate) fn new(direction: &Value, name: &Value, data: &Value, uid: &Value) -> Self {
        let mut data = data.clone();
        if let (Value::Object(fields), false) = (&mut data, uid.is_null()) {
            fields.insert("pull_uid".into(), uid.clone());
        }
        let text = |value: &Value, default: &str| value.as_str().unwrap_or(default).to_owned();
        Self { direction: text(direction, "push"), name: text(name, ""), data }
    }

    /// The arguments of a report that has the same effect, except on what the server reads.
    pub(crate) fn gist(&self) -> String {
        let part = |key| (key, self.data[key].clone());
        let code = Component::code_in(&self.data).map(Value::from).unwrap_or_default();
        let data = match self.statistics() {
            Some(data) => data.clone(),
            None => object([("code", code), part("key"), part("pull_uid")]),
        };
        written(&[self.direction.as_str().into(), self.name.as_str().into(), data])
    }

    /// Which component reports; `None` for a player that does not say whom it plays.
    pub(crate) fn which(&self) -> Option<Which> {
        if self.direction != "pull" {
            return Some(Which::Pusher);
        }
        let uid = self.data.get("pull_uid").and_then(|uid| app_uid(uid).ok())?.uid();
        let key = self.data.get("key").and_then(Value::as_str);
        Some(Which::Player { uid, key: key.and_then(|key| key.strip_prefix("player-")?.parse().ok()) })
    }

    /// Which status of this component it reports, if it does.
    pub(crate) fn status(&self, component: Component) -> Option<i32> {
        let code = Component::code_in(&self.data)?;
        // Some clients tell of a camera that was refused by `binderror` alone. Its other codes are the
        // platform's, of which no table says anything.
        let is_known = || component.meaning(code).is_some_and(|meaning| meaning.severity >= Severity::Error);
        let is_status = self.name.ends_with("statechange") || self.name.ends_with("error") && is_known();
        is_status.then_some(code)
    }

    /// Which statistics it reports, if it does.
    pub(crate) fn statistics(&self) -> Option<&Value> {
        self.name.ends_with("netstatus").then_some(&self.data)
    }
}

//! What the page is told: the data that it renders from, and of that only what has changed.

use crate::wire::json::{Fields, Writer, serialize_as_json, written};

/// What a page is told to render. Written as the data that it renders from.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Page {
    pusher: Option<Attributes>,
    players: Vec<Attributes>,
}

/// Changes of a page's data: paths, as `setData` takes them, and what belongs there, in JSON.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Patch(Vec<(String, String)>);

/// The data of one component, in the order in which it is written; the values are JSON.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Attributes(pub(crate) Vec<(&'static str, String)>);

impl Page {
    pub(crate) const fn new(pusher: Option<Attributes>, players: Vec<Attributes>) -> Self {
        Self { pusher, players }
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.pusher.is_none() && self.players.is_empty()
    }

    pub(crate) fn changes_since(&self, before: &Self) -> Patch {
        let mut changes = Vec::new();
        match (&before.pusher, &self.pusher) {
            (None, None) => {}
            (Some(_), None) => changes.push(("pusher".to_owned(), "null".to_owned())),
            (None, Some(pusher)) => changes.push(("pusher".to_owned(), written(pusher))),
            (Some(before), Some(pusher)) => compare("pusher", before, pusher, &mut changes),
        }
        if self.players.is_empty() && !before.players.is_empty() {
            changes.push(("players".to_owned(), "[]".to_owned()));
        }
        for (place, player) in self.players.iter().enumerate() {
            let path = format!("players[{place}]");
            match before.players.get(place) {
                Some(before) => compare(&path, before, player, &mut changes),
                None => changes.push((path, written(player))),
            }
        }
        Patch(changes)
    }
}

impl Patch {
    /// Whether the page is as it should be.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Fields for Page {
    fn fields(&self, to: &mut Writer) {
        to.key("pusher");
        match &self.pusher {
            Some(pusher) => to.object(|to| pusher.fields(to)),
            None => to.raw("null"),
        }
        to.field("players", self.players.as_slice());
    }
}

impl Fields for Patch {
    fn fields(&self, to: &mut Writer) {
        for (path, value) in &self.0 {
            to.key(path);
            to.raw(value);
        }
    }
}

impl Fields for Attributes {
    fn fields(&self, to: &mut Writer) {
        for (name, value) in &self.0 {
            to.key(name);
            to.raw(value);
        }
    }
}

serialize_as_json!(Page, Patch);

/// One component's attributes, one by one while it is the same kind of thing.
fn compare(path: &str, before: &Attributes, now: &Attributes, changes: &mut Vec<(String, String)>) {
    let (before, all) = (&before.0, &now.0);
    let is_same_thing = before.len() == all.len()
        && before.iter().zip(all).all(|((_, old), (name, new))| !IDENTITY.contains(name) || old == new);
    if !is_same_thing {
        return changes.push((path.to_owned(), written(now)));
    }
    for ((_, old), (name, new)) in before.iter().zip(all) {
        if old != new {
            changes.push((format!("{path}.{name}"), new.clone()));
        }
    }
}

/// What cannot change without being another thing.
const IDENTITY: [&str; 2] = ["uid", "kind"];

//! What the page is told: the data that it renders from, and of that only what has changed.

use serde::Serialize;
use serde::ser::{SerializeMap, SerializeStruct, Serializer};

use crate::wire::model::{Uid, event_uid};

/// What a page is told to render. Serialises to the data that it renders from.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Page {
    pusher: Option<Attributes>,
    players: Vec<Attributes>,
}

/// Changes of a page's data: paths, as `setData` takes them, and what belongs there.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Patch(Vec<(String, Change)>);

/// The data of one component, in the order in which it is written.
pub(crate) type Attributes = Vec<(&'static str, Attribute)>;

/// One value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Attribute {
    Text(String),
    Flag(bool),
    Number(u32),
    Tenths(u8),
    Uid(Uid),
}

/// What is told of a place in the data.
#[derive(Debug, Clone, PartialEq)]
enum Change {
    /// There is nothing any more.
    Nothing,
    /// There is no player any more.
    NoPlayers,
    One(Attribute),
    All(Attributes),
}

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
            (Some(_), None) => changes.push(("pusher".to_owned(), Change::Nothing)),
            (None, Some(pusher)) => changes.push(("pusher".to_owned(), Change::All(pusher.clone()))),
            (Some(before), Some(pusher)) => compare("pusher", before, pusher, &mut changes),
        }
        if self.players.is_empty() && !before.players.is_empty() {
            changes.push(("players".to_owned(), Change::NoPlayers));
        }
        for (place, player) in self.players.iter().enumerate() {
            let path = format!("players[{place}]");
            match before.players.get(place) {
                Some(before) => compare(&path, before, player, &mut changes),
                None => changes.push((path, Change::All(player.clone()))),
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

impl Serialize for Page {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Page", 2)?;
        fields.serialize_field("pusher", &self.pusher.as_ref().map(Written))?;
        fields.serialize_field("players", &self.players.iter().map(Written).collect::<Vec<_>>())?;
        fields.end()
    }
}

impl Serialize for Patch {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(path, change)| (path, change)))
    }
}

impl Serialize for Change {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Nothing => serializer.serialize_unit(),
            Self::NoPlayers => [(); 0].serialize(serializer),
            Self::One(attribute) => attribute.serialize(serializer),
            Self::All(attributes) => Written(attributes).serialize(serializer),
        }
    }
}

impl Serialize for Attribute {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            Self::Flag(flag) => serializer.serialize_bool(*flag),
            Self::Number(number) => serializer.serialize_u32(*number),
            Self::Tenths(tenths) => serializer.serialize_f64(f64::from(*tenths) / 10.0),
            Self::Uid(uid) => event_uid(uid, serializer),
        }
    }
}

/// Attributes as an object.
struct Written<'a>(&'a Attributes);

impl Serialize for Written<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_map(Some(self.0.len()))?;
        for (name, attribute) in self.0 {
            object.serialize_entry(name, attribute)?;
        }
        object.end()
    }
}

/// One component's attributes, one by one while it is the same kind of thing.
fn compare(path: &str, before: &Attributes, now: &Attributes, changes: &mut Vec<(String, Change)>) {
    let is_same_thing = before.len() == now.len()
        && before.iter().zip(now).all(|((_, old), (name, new))| !IDENTITY.contains(name) || old == new);
    if !is_same_thing {
        return changes.push((path.to_owned(), Change::All(now.clone())));
    }
    for ((_, old), (name, new)) in before.iter().zip(now) {
        if old != new {
            changes.push((format!("{path}.{name}"), Change::One(new.clone())));
        }
    }
}

/// What cannot change without being another thing.
const IDENTITY: [&str; 2] = ["uid", "kind"];

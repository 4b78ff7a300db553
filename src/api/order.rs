//! What the application asks of RTMP tasks (docs/protocol.md 9).

use std::borrow::Cow;

use crate::api::arguments::invalid;
use crate::api::error::Error;
use crate::wire::json::{Value, object};

/// What to do with which tasks.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskOrder {
    pub(crate) operation: Operation,
    /// The tasks as they were given, in JSON; never empty.
    pub(crate) tasks: Vec<String>,
}

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// Start pushing a room to a stream.
    Add,
    /// Change what is pushed.
    Update,
    /// Stop.
    Delete,
}

impl TaskOrder {
    pub(crate) fn add(options: Value<'_>) -> Result<Self, Error> {
        Ok(Self { operation: Operation::Add, tasks: objects(options, "rtmpTasks")? })
    }

    pub(crate) fn update(options: Value<'_>) -> Result<Self, Error> {
        Ok(Self { operation: Operation::Update, tasks: objects(options, "rtmpTasks")? })
    }

    pub(crate) fn delete(options: Value<'_>) -> Result<Self, Error> {
        let Some(ids) = list(options, "taskIds") else {
            return invalid(format!("deleteTasks takes {{taskIds: [...]}} with 1 to {MAX_TASKS} ids"));
        };
        let task = |id| object(|to| to.field("taskId", &*as_text(id)));
        Ok(Self { operation: Operation::Delete, tasks: ids.items().map(task).collect() })
    }
}

impl Operation {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Add => "addTasks",
            Self::Update => "updateTasks",
            Self::Delete => "deleteTasks",
        }
    }
}

pub(crate) fn as_text(value: Value<'_>) -> Cow<'_, str> {
    value.as_str().unwrap_or(Cow::Borrowed(value.raw()))
}

fn objects(options: Value<'_>, key: &str) -> Result<Vec<String>, Error> {
    let tasks = list(options, key).filter(|list| list.items().all(Value::is_object));
    tasks.map_or_else(
        || invalid(format!("tasks are given as {{{key}: [...]}} with 1 to {MAX_TASKS} objects")),
        |tasks| Ok(tasks.items().map(|task| task.raw().to_owned()).collect()),
    )
}

fn list<'a>(options: Value<'a>, key: &str) -> Option<Value<'a>> {
    Some(options.get(key)).filter(|list| (1..=MAX_TASKS).contains(&list.items().count()))
}

/// More than any server takes in a room (3), little enough for a mistake.
const MAX_TASKS: usize = 100;

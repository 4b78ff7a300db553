//! What the application asks of RTMP tasks (docs/protocol.md 9).

use serde_json::Value;

use crate::api::arguments::invalid;
use crate::api::error::Error;
use crate::wire::json::{object, written};

/// What to do with which tasks.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskOrder {
    pub(crate) operation: Operation,
    /// One body per task; never empty.
    pub(crate) tasks: Vec<Value>,
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
    pub(crate) fn add(options: &Value) -> Result<Self, Error> {
        Ok(Self { operation: Operation::Add, tasks: objects(options, "rtmpTasks")? })
    }

    pub(crate) fn update(options: &Value) -> Result<Self, Error> {
        Ok(Self { operation: Operation::Update, tasks: objects(options, "rtmpTasks")? })
    }

    pub(crate) fn delete(options: &Value) -> Result<Self, Error> {
        let Some(ids) = list(options, "taskIds") else {
            return invalid(format!("deleteTasks takes {{taskIds: [...]}} with 1 to {MAX_TASKS} ids"));
        };
        let task = |id: &Value| object([("taskId", as_text(id).into())]);
        Ok(Self { operation: Operation::Delete, tasks: ids.iter().map(task).collect() })
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

pub(crate) fn as_text(value: &Value) -> String {
    value.as_str().map_or_else(|| written(value), str::to_owned)
}

fn objects(options: &Value, key: &str) -> Result<Vec<Value>, Error> {
    let tasks = list(options, key).filter(|list| list.iter().all(Value::is_object));
    tasks.cloned().map_or_else(
        || invalid(format!("tasks are given as {{{key}: [...]}} with 1 to {MAX_TASKS} objects")),
        Ok,
    )
}

fn list<'a>(options: &'a Value, key: &str) -> Option<&'a Vec<Value>> {
    options.get(key)?.as_array().filter(|list| !list.is_empty() && list.len() <= MAX_TASKS)
}

/// More than any server takes in a room (3), little enough for a mistake.
const MAX_TASKS: usize = 100;

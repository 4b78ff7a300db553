//! RTMP tasks: checked requests to the task server, one task each, one after the other
//! (docs/protocol.md 9).

use std::collections::VecDeque;

use crate::api::arguments::app_uid;
use crate::api::doors::HttpRequest;
use crate::api::error::{DomainList, Error, ErrorKind};
use crate::api::order::{Operation, TaskOrder, as_text};
use crate::api::symptoms;
use crate::time::{Instant, Timer};
use crate::wire::json::{Document, Json, Value, Writer, object};
use crate::wire::lenient::Fields;
use crate::wire::model::{CallId, Cid, RequestId, Uid, Url};

/// The orders under way.
#[derive(Debug, Default)]
pub(crate) struct Tasks(Vec<(RequestId, Running)>);

/// One order, while its tasks are sent one by one.
#[derive(Debug)]
struct Running {
    call: CallId,
    url: Url,
    order: Rest,
    deadline: Instant,
}

/// What is left of an order.
#[derive(Debug)]
pub(crate) struct Rest {
    pub(crate) operation: Operation,
    /// The bodies of the tasks to come.
    pub(crate) bodies: VecDeque<String>,
    /// How many tasks have succeeded.
    done: usize,
}

/// What an answer of the task server leads to.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// There is another task to send.
    Next(CallId, Rest),
    /// The order is done, or failed.
    Settled(CallId, Result<(), Error>),
}

impl Rest {
    /// An order with nothing done yet. A task is hosted by whoever adds it.
    pub(crate) fn of(order: &TaskOrder, me: Uid) -> Self {
        let bodies = order.tasks.iter().map(|task| body(order.operation, task, me)).collect();
        Self { operation: order.operation, bodies, done: 0 }
    }

    /// One task's request.
    pub(crate) fn request(&self, server: &str, cid: Cid, token: &str, body: String) -> HttpRequest {
        let url = Url(format!("{server}/{cid}/{}", path(self.operation)));
        let content_type = "application/json;charset=utf-8".into();
        HttpRequest { url, headers: vec![("content-type", content_type), ("Token", token.to_owned())], body }
    }
}

impl Tasks {
    /// A task's request is on its way.
    pub(crate) fn sent(&mut self, id: RequestId, call: CallId, url: Url, order: Rest, deadline: Instant) {
        self.0.push((id, Running { call, url, order, deadline }));
    }

    /// The task server answered; `None` when nobody waits for it any more.
    pub(crate) fn handle_response(
        &mut self,
        id: RequestId,
        result: Result<(u16, &str), &str>,
    ) -> Option<Outcome> {
        let found = self.0.iter().position(|(request, _)| *request == id)?;
        let (_, running) = self.0.remove(found);
        let Running { call, url, mut order, .. } = running;
        let verdict = match result {
            Ok((status, body)) => read_answer(&url, status, body),
            Err(message) if symptoms::is_unlisted(message) => {
                let error = Error::NotListed { host: url.host().to_owned(), list: DomainList::Request };
                Err((error.kind(), error.reason()))
            }
            Err(message) => {
                let words = symptoms::of_failure(&url, message);
                Err((ErrorKind::Network, format!("task server {} unreachable: {words}", url.host())))
            }
        };
        Some(match verdict {
            Ok(()) if order.bodies.is_empty() => Outcome::Settled(call, Ok(())),
            Ok(()) => {
                order.done += 1;
                Outcome::Next(call, order)
            }
            Err((kind, words)) => {
                let desc = match order.done {
                    0 => words,
                    done => format!("{words} (task {}; the {done} before it succeeded)", done + 1),
                };
                Outcome::Settled(call, Err(failed(order.operation, kind, desc)))
            }
        })
    }

    /// Takes the first order whose answer is overdue.
    pub(crate) fn overdue(&mut self, now: Instant) -> Option<(CallId, Error)> {
        let found = self.0.iter().position(|(_, running)| running.deadline <= now)?;
        let (_, running) = self.0.remove(found);
        Some((running.call, Error::Timeout(running.order.operation.name())))
    }

    /// The stay is over; late answers mean nothing.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// The earliest deadline.
    pub(crate) fn deadline(&self) -> Option<(Instant, Timer)> {
        self.0.iter().map(|(_, running)| (running.deadline, Timer::Task)).min()
    }
}

/// Reads what the task server says, and why it says no.
fn read_answer(url: &Url, status: u16, body: &str) -> Result<(), (ErrorKind, String)> {
    let Ok(answer) = Document::read(body) else {
        let met = format!("{} (HTTP status {status})", symptoms::kind_of(body));
        return Err((ErrorKind::Server, format!("the answer of {} is no task server's: {met}", url.host())));
    };
    let answer = Fields(answer.root());
    let words = Some(answer.text("reason")).filter(|reason| !reason.is_empty());
    let words = words.unwrap_or_else(|| answer.text("errmsg"));
    match answer.code("code") {
        Some(200) => Ok(()),
        Some(code) => Err((ErrorKind::Refused, format!("code {code} {words}"))),
        None => Err((ErrorKind::Server, format!("HTTP status {status}, no code {words}"))),
    }
}

/// Below the room's address. The singular is the server's.
const fn path(operation: Operation) -> &'static str {
    match operation {
        Operation::Add => "tasks",
        Operation::Update => "task/update",
        Operation::Delete => "tasks/delete",
    }
}

fn failed(operation: Operation, kind: ErrorKind, desc: String) -> Error {
    let code = match operation {
        Operation::Add => "434",
        Operation::Update => "436",
        Operation::Delete => "435",
    };
    Error::TaskFailed { operation: operation.name(), code, kind, desc }
}

/// The keys of one task, absent ones left out, and uids as integers however they were given.
fn body(operation: Operation, task: &str, me: Uid) -> String {
    let document = match Document::read(task) {
        Ok(document) if operation != Operation::Delete => document,
        Ok(_) | Err(_) => return task.to_owned(),
    };
    let task = document.root();
    let given = |to: &mut Writer, key: &str| to.option(key, task.get(key).present().as_ref());
    object(|to| {
        to.field("version", &1_u8);
        to.option("taskId", task.get("taskId").present().map(as_text).as_deref());
        given(to, "streamUrl");
        given(to, "record");
        if operation == Operation::Add {
            to.field("hostUid", &me);
        } else if let Some(host) = task.get("hostUid").present() {
            to.key("hostUid");
            exact_uid(host, to);
        }
        if let Some(layout) = task.get("layout").present() {
            to.key("layout");
            rewritten(layout, "users", to, |users, to| {
                if !users.is_array() {
                    return users.write(to);
                }
                to.raw("[");
                for user in users.items() {
                    to.next();
                    rewritten(user, "uid", to, exact_uid);
                }
                to.raw("]");
            });
        }
        given(to, "config");
        given(to, "extraInfo");
    })
}

/// A value as it is, but for what an object has under this key.
fn rewritten(value: Value<'_>, name: &str, to: &mut Writer, rewrite: impl Fn(Value<'_>, &mut Writer)) {
    if !value.is_object() {
        return value.write(to);
    }
    to.object(|to| {
        for (key, value) in value.members() {
            to.next();
            key.write(to);
            to.raw(":");
            if key.is(name) {
                rewrite(value, to);
            } else {
                value.write(to);
            }
        }
    });
}

fn exact_uid(value: Value<'_>, to: &mut Writer) {
    match app_uid(value) {
        Ok(uid) => uid.uid().write(to),
        Err(_) => value.write(to),
    }
}

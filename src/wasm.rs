//! The shell: drives a [`Session`] inside a mini-program. Nothing else knows JavaScript.
//!
//! One rule keeps it simple: no borrow is held while JavaScript runs. An answer that arrives from
//! within a host function is queued and handled by the loop that is already running.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::VecDeque;
use std::rc::{Rc, Weak};

use gloo_timers::callback::Timeout;
use js_sys::Date;
use serde::Serializer as _;
use serde_wasm_bindgen::Serializer;
use wasm_bindgen::prelude::*;

use crate::time::millis;
use crate::wire::json::written;
use crate::{
    Advice, AppSignal, Call, CallId, CloseInfo, Config, Error, HttpFailure, HttpRequest, HttpResponse, Input,
    Instant, Journal, Level, Output, RequestId, Session, SocketId,
};

#[wasm_bindgen]
extern "C" {
    /// What the glue does for us (`js-glue/host.js`). None of it throws, none of it waits. Values are handed over as
    /// JSON, since each crossing costs more than what it brings.
    pub type Host;

    #[wasm_bindgen(method, js_name = openSocket)]
    fn open_socket(this: &Host, id: u32, url: &str);
    #[wasm_bindgen(method, js_name = sendText)]
    fn send_text(this: &Host, id: u32, text: &str);
    #[wasm_bindgen(method, js_name = closeSocket)]
    fn close_socket(this: &Host, id: u32, code: u16, reason: &str);
    #[wasm_bindgen(method)]
    fn request(this: &Host, id: u32, url: &str, method: &str, headers: &JsValue, body: &str);
    #[wasm_bindgen(method)]
    fn tell(this: &Host, events: &str);
    #[wasm_bindgen(method)]
    fn settle(this: &Host, id: u32, value: &str, refused: bool);
    #[wasm_bindgen(method)]
    fn broke(this: &Host, reason: &str);
    #[wasm_bindgen(method)]
    fn advise(this: &Host, context: &str) -> f64;
    #[wasm_bindgen(method)]
    fn report(this: &Host, batch: &str) -> bool;
    #[wasm_bindgen(method)]
    fn forget(this: &Host);
    #[wasm_bindgen(method)]
    fn log(this: &Host, level: &str, text: &str);

    #[wasm_bindgen(js_namespace = console, js_name = error)]
    fn console_error(text: &str);
    #[wasm_bindgen(js_name = setTimeout)]
    fn set_timeout(act: &Closure<dyn FnMut()>, millis: u32);
}

/// One client, as the glue sees it.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Core(Rc<Shell>);

#[wasm_bindgen]
impl Core {
    /// Makes a client from the options that the application gave to `Client()`, in JSON. Where they are unusable, each
    /// call is refused for that reason.
    #[wasm_bindgen(constructor)]
    pub fn new(options: String, host: Host) -> Core {
        // After a panic the hook cannot be set any more.
        if !BROKEN.get() {
            std::panic::set_hook(Box::new(|info| {
                console_error(&info.to_string());
                break_down();
            }));
        }
        let (mut config, unusable) = match Config::parse(&options) {
            Ok(config) => (config, None),
            Err(error) => (Config::new(""), Some(error)),
        };
        if let Some(error) = &unusable {
            host.log("notice", &error.to_string());
        }
        config.seed = (js_sys::Math::random() * f64::from(u32::MAX)) as u64 ^ now().as_millis();
        let session = Session::new(config, now());
        let shell = Rc::new(Shell {
            host,
            unusable,
            journal: RefCell::new(Journal::new(options, &session, now())),
            session: RefCell::new(session),
            inputs: RefCell::default(),
            running: Cell::new(false),
            alarm: RefCell::default(),
            events: RefCell::default(),
            viewed: Cell::new(false),
            turn: OnceCell::new(),
            turn_is_due: Cell::new(false),
        });
        SHELLS.with_borrow_mut(|shells| {
            shells.retain(|shell| shell.strong_count() > 0);
            shells.push(Rc::downgrade(&shell));
        });
        Self(shell)
    }

    /// Makes a call, which is settled under this id. It comes as the method's name and a list of its arguments, in
    /// JSON: `mute["audio"]`.
    pub fn call(&self, id: u32, call: String) {
        let at = call.bytes().position(|byte| byte == b'[').unwrap_or(call.len());
        let (name, arguments) = (call.get(..at).unwrap_or_default(), call.get(at..).unwrap_or_default());
        let unusable = if BROKEN.get() { Some(&Error::Broken) } else { self.0.unusable.as_ref() };
        match (unusable, Call::parse(name, arguments)) {
            (Some(error), Ok(_)) => self.0.refuse(id, error),
            (_, Err(error)) => self.0.refuse(id, &error),
            (None, Ok(call)) => self.0.take(Input::Call(CallId(id), call), arguments.to_owned()),
        }
    }

    /// What there is to read, as text; which of it has the same numbers in `js-glue/host.js`.
    pub fn read(&self, what: u32) -> JsValue {
        let session = &self.0.session;
        let text = match what {
            // What the application may look at, now.
            0 => written(&session.borrow().info()),
            // What the page should render, now. From then on, changes come as events.
            1 => {
                self.0.viewed.set(true);
                self.0.feed(Input::Render);
                // The answer says it all.
                self.0.events.borrow_mut().retain(|(event, ..)| *event != "view");
                written(session.borrow().page())
            }
            // The name of the stay under way; empty outside of a room.
            2 => session.try_borrow().map(|session| session.stay().to_owned()).unwrap_or_default(),
            // What happened lately, without secrets; empty when not even that works any more.
            _ => self.0.journal.try_borrow().map(|journal| journal.export()).unwrap_or_default(),
        };
        text.into()
    }

    /// The platform tells something. `what` it is has the same numbers in `js-glue/host.js`; the rest is as that needs
    /// it: which socket or request; the code with which a socket closed, or the status of an answer; a text.
    pub fn hear(&self, what: u32, id: u32, code: u16, text: String) {
        self.0.feed(match what {
            0 => Input::SocketOpened(SocketId(id)),
            1 => Input::SocketText(SocketId(id), text),
            2 => Input::SocketClosed(SocketId(id), CloseInfo { code, reason: text }),
            3 => Input::Response(RequestId(id), Ok(HttpResponse { status: code, body: text })),
            4 => Input::Response(RequestId(id), Err(HttpFailure { message: text })),
            _ => match AppSignal::named(&text) {
                Some(signal) => Input::App(signal),
                None => return self.0.host.log("warn", &format!("unknown signal {text}")),
            },
        });
    }
}

#[global_allocator]
static MEMORY: rlsf::SmallGlobalTlsf = rlsf::SmallGlobalTlsf::new();

thread_local! {
    /// Every client of this instance.
    static SHELLS: RefCell<Vec<Weak<Shell>>> = const { RefCell::new(Vec::new()) };
    /// Whether a panic has ended this instance.
    static BROKEN: Cell<bool> = const { Cell::new(false) };
}

/// A panic leaves everything as it is, borrows included, for ever. Whoever waits is told now.
fn break_down() {
    BROKEN.set(true);
    let shells = SHELLS.with(|shells| shells.try_borrow().map(|shells| shells.clone()).unwrap_or_default());
    for shell in shells.iter().filter_map(Weak::upgrade) {
        // Only the session at work is borrowed at this moment: the defect is in there.
        if let (Err(_), Ok(mut journal)) = (shell.session.try_borrow(), shell.journal.try_borrow_mut()) {
            journal.panicked();
        }
        shell.host.broke(&written(&Error::Broken));
    }
}

struct Shell {
    host: Host,
    /// What is wrong with the options.
    unusable: Option<Error>,
    session: RefCell<Session>,
    journal: RefCell<Journal>,
    /// What came, and the arguments of calls for the journal.
    inputs: RefCell<VecDeque<(Input, String)>>,
    running: Cell<bool>,
    /// The one timer, and what it is set to.
    alarm: RefCell<Option<(Instant, Timeout)>>,
    /// What the application has not been told yet.
    events: RefCell<Vec<(&'static str, String, bool)>>,
    /// Whether the page wants to be told what to render.
    viewed: Cell<bool>,
    /// What a timer without delay does: it tells the application all that happened in one go. Made once,
    /// since most packets lead to one.
    turn: OnceCell<Closure<dyn FnMut()>>,
    turn_is_due: Cell<bool>,
}

impl std::fmt::Debug for Shell {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shell").field("session", &self.session).finish_non_exhaustive()
    }
}

impl Shell {
    fn refuse(&self, id: u32, error: &Error) {
        self.host.settle(id, &written(error), true);
    }

    fn feed(self: &Rc<Self>, input: Input) {
        self.take(input, String::new());
    }

    /// Handle, drain, arm one timer.
    fn take(self: &Rc<Self>, input: Input, arguments: String) {
        if BROKEN.get() {
            return;
        }
        self.inputs.borrow_mut().push_back((input, arguments));
        if self.running.replace(true) {
            return;
        }
        while let Some((input, arguments)) = self.next_input() {
            let now = now();
            self.journal.borrow_mut().goes_in(&input, &arguments, now);
            self.session.borrow_mut().handle(input, now);
            while let Some(output) = self.next_output() {
                self.perform(output);
            }
            self.journal.borrow_mut().drained(&self.session.borrow(), now);
        }
        self.running.set(false);
        self.arm();
        let is_due = self.viewed.get() || !self.events.borrow().is_empty();
        if is_due && !self.turn_is_due.replace(true) {
            let turn = self.turn.get_or_init(|| {
                let shell = Rc::downgrade(self);
                Closure::new(move || {
                    if let Some(shell) = shell.upgrade() {
                        shell.deliver();
                    }
                })
            });
            set_timeout(turn, 0);
        }
    }

    // The borrow ends with each of these two calls; a `while let` on the borrow itself would hold
    // it through the loop's body.
    fn next_input(&self) -> Option<(Input, String)> {
        self.inputs.borrow_mut().pop_front()
    }

    fn next_output(&self) -> Option<Output> {
        self.session.borrow_mut().poll_output()
    }

    fn perform(self: &Rc<Self>, output: Output) {
        let host = &self.host;
        let value = output.value();
        self.journal.borrow_mut().comes_out(&output, &value);
        match output {
            Output::Request(id, request) if request.url.as_str() == SINK => {
                let status = if host.report(&request.body) { 200 } else { 500 };
                self.feed(Input::Response(id, Ok(HttpResponse { status, body: String::new() })));
            }
            Output::Request(id, HttpRequest { url, headers, body }) => {
                let headers = Serializer::json_compatible().collect_map(headers).unwrap_or_default();
                host.request(id.0, url.as_str(), "POST", &headers, &body);
            }
            Output::OpenSocket(id, url) => host.open_socket(id.0, url.as_str()),
            Output::SendText(id, text) => host.send_text(id.0, &text),
            Output::CloseSocket(id, info) => host.close_socket(id.0, info.code, &info.reason),
            Output::AskRetry(context) => {
                let answer = host.advise(&value);
                let advice = if answer >= 0.0 {
                    Advice::After(answer.min(f64::from(MAX_DELAY)) as u32)
                } else if answer < 0.0 {
                    Advice::GiveUp
                } else {
                    Advice::Default
                };
                self.feed(Input::Retry(context.retry_count, advice));
            }
            Output::Settle(id, result) => host.settle(id.0, &value, result.is_err()),
            Output::Event(event) => {
                self.events.borrow_mut().push((event.name(), value, event.outlasts_its_stay()));
            }
            Output::Forget => {
                self.events.borrow_mut().retain(|(.., outlasts)| *outlasts);
                host.forget();
            }
            Output::Log(level, text) => {
                let level = match level {
                    Level::Error => "error",
                    Level::Notice => "notice",
                    Level::Warn => "warn",
                    Level::Info => "info",
                    Level::Debug => "debug",
                };
                host.log(level, &text);
            }
        }
    }

    /// Tells the application, outside of any call into the session.
    fn deliver(self: &Rc<Self>) {
        if self.viewed.get() {
            self.feed(Input::Render);
        }
        self.turn_is_due.set(false);
        let mut events = self.events.borrow_mut();
        if events.is_empty() {
            return;
        }
        let length = events.iter().map(|(name, payload, _)| name.len() + payload.len() + AROUND).sum();
        let mut told = String::with_capacity(length);
        for (name, payload, outlasts) in events.drain(..) {
            let before = if told.is_empty() { "[[\"" } else { ",[\"" };
            told.extend([before, name, "\",", &payload, if outlasts { ",true]" } else { ",false]" }]);
        }
        drop(events);
        told.push(']');
        self.host.tell(&told);
    }

    fn arm(self: &Rc<Self>) {
        let due = self.session.borrow().poll_timeout().map(|(due, _why)| due);
        let mut alarm = self.alarm.borrow_mut();
        if alarm.as_ref().map(|(set, _)| *set) == due {
            return;
        }
        // Dropping the old timer cancels it.
        *alarm = due.map(|due| {
            let millis = u32::try_from(millis(due.since(now()))).unwrap_or(MAX_DELAY).min(MAX_DELAY);
            let shell = Rc::clone(self);
            let ring = move || {
                shell.alarm.take();
                shell.feed(Input::Timeout);
            };
            (due, Timeout::new(millis, ring))
        });
    }
}

/// What is written around an event's name and payload.
const AROUND: usize = 14;

/// Stands for the application where reports name their server.
const SINK: &str = "reporter:";

/// JavaScript clamps longer delays to zero; an early wake-up is harmless.
const MAX_DELAY: u32 = i32::MAX as u32;

/// Milliseconds since the Unix epoch, never going back: when somebody sets the clock back, time
/// goes on from where it was, or every timer would wait for the clock to catch up.
fn now() -> Instant {
    thread_local! {
        static LAST: Cell<(u64, u64)> = const { Cell::new((0, 0)) };
    }
    let clock = Date::now() as u64;
    let (last, ahead) = LAST.get();
    let ahead = if clock < last { ahead + (last - clock) } else { ahead };
    LAST.set((clock, ahead));
    Instant::from_millis(clock + ahead)
}

//! The core of an audio/video call client for WeChat mini-programs.
//!
//! [`Session`] is the product: a state machine without a clock, a socket, a random source or a
//! callback. Whoever drives it does the following, and nothing else:
//!
//! 1. hand in what happened: [`Session::handle`];
//! 2. do what it asks for, in order, until there is nothing more: [`Session::poll_output`];
//! 3. arm one timer: [`Session::poll_timeout`], and come back with [`Input::Timeout`].
//!
//! ```
//! use nertc_miniapp::{Call, CallId, Config, Event, HttpResponse, Input, Instant, JoinParams};
//! use nertc_miniapp::{Output, Reply, Session, Uid};
//!
//! let mut now = Instant::from_millis(1_700_000_000_000);
//! let mut session = Session::new(Config::new("my-app"), now);
//!
//! // Something happens: the application wants to join.
//! let params = JoinParams::new("room", Uid(100));
//! let mut inputs = vec![Input::Call(CallId(1), Call::Join(Box::new(params)))];
//! let mut joined = None;
//!
//! while let Some(input) = inputs.pop() {
//!     session.handle(input, now);
//!     while let Some(output) = session.poll_output() {
//!         match output {
//!             // A real driver asks the network; here the answers are at hand.
//!             Output::Request(id, _request) => {
//!                 let body = r#"{"code":200,"cid":7,"ips":{"wechatapparray":["gw.example.com"]}}"#;
//!                 let response = HttpResponse { status: 200, body: body.into() };
//!                 inputs.push(Input::Response(id, Ok(response)));
//!             }
//!             Output::OpenSocket(id, url) => {
//!                 assert_eq!(url.as_str(), "wss://gw.example.com");
//!                 inputs.push(Input::SocketOpened(id));
//!             }
//!             Output::SendText(id, frame) => {
//!                 assert!(frame.starts_with(r#"{"cmd":0,"body":{"uid":100,"cid":7"#));
//!                 let ack = r#"{"cmd":1,"seq":1,"body":{"code":200,"userlist":[]}}"#;
//!                 inputs.push(Input::SocketText(id, ack.into()));
//!             }
//!             Output::Settle(id, result) => joined = Some((id, result)),
//!             Output::Event(event) => assert!(matches!(event, Event::SessionStart | Event::Open { .. })),
//!             Output::CloseSocket(..) | Output::AskRetry(_) | Output::Forget | Output::Log(..) => {}
//!         }
//!     }
//! }
//! assert!(matches!(joined, Some((CallId(1), Ok(Reply::Joined { .. })))));
//!
//! // One timer: the first heartbeat is due three seconds after the login.
//! let (due, _why) = session.poll_timeout().expect("a joined session has a heartbeat to send");
//! assert_eq!(due.since(now).as_secs(), 3);
//! now = due;
//! session.handle(Input::Timeout, now);
//! assert!(matches!(session.poll_output(), Some(Output::SendText(_, text)) if text.contains("\"cmd\":2")));
//! ```
//!
//! The WebAssembly shell (`wasm.rs`) drives it inside a mini-program, `tests/world` in virtual time.

#![warn(clippy::disallowed_types, clippy::disallowed_methods)]

mod api;
mod link;
pub mod log;
mod page;
mod room;
mod session;
mod table;
pub mod time;
#[cfg(target_arch = "wasm32")]
pub mod wasm;
pub mod wire;

pub use api::call::{Call, Reply};
pub use api::config::{Config, Decides};
pub use api::doors::{
    Advice, AppSignal, CloseInfo, HttpFailure, HttpRequest, HttpResponse, Input, Level, Memory, Output,
    RetryContext,
};
pub use api::error::{Cause, Code, DomainList, Error, ErrorKind};
pub use api::event::{
    AbilityNotSupport, AsrCaptions, ClientUpdate, Ended, Event, MediaStatus, NativeStatus, NetworkQuality,
    RoleChanged, RtmpTasksStatus, StreamOf, SyncDone, Who,
};
pub use api::info::{Info, JoinedWith, UserInfo};
pub use api::join::{JoinParams, Servers};
pub use api::native::{Component, Device, Meaning, Remedy, Severity};
pub use api::order::{Operation, TaskOrder};
pub use api::picture::{Page, Patch};
pub use api::quality::{Flows, Leg, Quality, Reason};
pub use api::report::Report;
pub use api::voice::VoiceChange;
pub use log::journal::Journal;
pub use page::meter::Qualities;
pub use session::Session;
pub use time::{Instant, Rng, Timer};
pub use wire::model::{
    AppUid, CallId, Cid, Media, MediaSet, NotAUid, RequestId, Role, Seq, SocketId, Stream, Uid, Url,
};

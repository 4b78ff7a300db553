//! The program's log: lines for stderr, which may be full, slow or gone, and nobody waits for it.
//!
//! Hides the queue before the one thread that writes, and what is left out: a line that finds no place is
//! lost, and one that says the same as others before it is counted instead of printed (`repeats`). How many
//! these were is told in the log, as soon as it can be, and by [`statistics`].

mod line;
mod repeats;

use std::backtrace::{Backtrace, BacktraceStatus};
use std::error::Error;
use std::fs::File;
use std::io::{self, IsTerminal as _, Write};
use std::os::fd::AsFd as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use tracing::{Level, Metadata, error, warn};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use self::line::{Importance, Line};
use self::repeats::{Passage, Repeats};

/// The log of this process. There is one, as there is one stderr.
#[derive(Debug)]
#[must_use]
pub struct Log(());

impl Log {
    /// Starts the thread that writes. Not through the library's stderr: whoever else wanted to write there
    /// would wait for a lock that a blocked write holds.
    #[allow(clippy::new_without_default, reason = "it starts a thread")]
    pub fn open() -> Self {
        let stderr = io::stderr().as_fd().try_clone_to_owned().map(File::from);
        let writing = move || match stderr {
            Ok(stderr) => write(stderr),
            Err(_) => write(io::sink()),
        };
        // Without a thread everything is lost, and counted.
        drop(std::thread::Builder::new().name("log".to_owned()).spawn(writing));
        Self(())
    }

    /// Takes the program's events from now on, and what panics have to say.
    ///
    /// # Errors
    ///
    /// Fails when somebody else takes them already.
    pub fn subscribe(&self, filter: EnvFilter, as_json: bool) -> Result<(), Box<dyn Error + Send + Sync>> {
        let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(Events);
        let lines = lines.log_internal_errors(false);
        let change: Change = if as_json {
            let lines = lines.json().flatten_event(true).with_filter_reloading();
            let handle = lines.reload_handle();
            lines.try_init()?;
            Box::new(move |filter| handle.reload(filter).map_err(Into::into))
        } else {
            let lines = lines.with_ansi(io::stderr().is_terminal()).with_filter_reloading();
            let handle = lines.reload_handle();
            lines.try_init()?;
            Box::new(move |filter| handle.reload(filter).map_err(Into::into))
        };
        // There is one subscriber, and so one way to change it.
        drop(CHANGE.set(change));
        std::panic::set_hook(Box::new(|panic| {
            let backtrace = Backtrace::capture();
            if backtrace.status() == BacktraceStatus::Captured {
                error!(target: "panic", "{panic}\n{backtrace}");
            } else {
                error!(target: "panic", "{panic}");
            }
        }));
        Ok(())
    }

    /// Takes other events from now on.
    ///
    /// # Errors
    ///
    /// Fails when nobody has subscribed.
    pub fn filter(&self, filter: EnvFilter) -> Result<(), Box<dyn Error + Send + Sync>> {
        CHANGE.get().ok_or("nothing is logged")?(filter)
    }

    /// Says something to whoever started the program, whatever is logged.
    pub fn say(&self, text: &str) {
        QUEUE.push(Line { text: format!("{text}\n").into_bytes(), importance: Importance::Always });
    }

    /// Returns when everything is written, or after a moment: the process ends, whatever stderr does.
    pub fn finish(&self) {
        let mut waiting = QUEUE.waiting();
        waiting.is_ending = true;
        QUEUE.has_more.notify_one();
        let busy = |waiting: &mut Waiting| waiting.is_writing || waiting.has_work();
        drop(QUEUE.is_idle.wait_timeout_while(waiting, LAST_WORDS, busy));
    }
}

/// What the log has left out since the process started.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct LogStatistics {
    /// Lines that could not be written: stderr was full, too slow or gone.
    pub lost: u64,
    /// Lines that were counted instead of printed, because they said the same as others.
    pub repeated: u64,
}

/// What the log has left out since the process started.
#[must_use]
pub fn statistics() -> LogStatistics {
    LogStatistics {
        lost: QUEUE.lost.load(Ordering::Relaxed),
        repeated: QUEUE.repeated.load(Ordering::Relaxed),
    }
}

/// Makes a line of an event.
struct Events;

impl<'a> MakeWriter<'a> for Events {
    type Writer = Event;

    fn make_writer(&'a self) -> Event {
        Event(Importance::Surprise)
    }

    fn make_writer_for(&'a self, meta: &Metadata<'_>) -> Event {
        Event(match *meta.level() {
            // What the log says of itself.
            _ if meta.target() == module_path!() => Importance::Always,
            Level::ERROR | Level::WARN => Importance::Surprise,
            Level::INFO => Importance::Transition,
            _details => Importance::Always,
        })
    }
}

/// Takes the text of one event, which comes in one piece.
struct Event(Importance);

impl Write for Event {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        let kept = text.len().min(MAX_LINE);
        let mut line = text[..kept].to_vec();
        if kept < text.len() {
            line.extend_from_slice(b"...\n");
        }
        QUEUE.push(Line { text: line, importance: self.0 });
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Lines on their way to the thread that writes.
struct Queue {
    waiting: Mutex<Waiting>,
    has_more: Condvar,
    is_idle: Condvar,
    lost: AtomicU64,
    repeated: AtomicU64,
}

struct Waiting {
    lines: Vec<Line>,
    bytes: usize,
    is_writing: bool,
    /// Whether everything that is still to be said must be said now.
    is_ending: bool,
}

impl Waiting {
    fn has_work(&self) -> bool {
        self.is_ending || !self.lines.is_empty()
    }
}

impl Queue {
    const fn new() -> Self {
        Self {
            waiting: Mutex::new(Waiting { lines: Vec::new(), bytes: 0, is_writing: false, is_ending: false }),
            has_more: Condvar::new(),
            is_idle: Condvar::new(),
            lost: AtomicU64::new(0),
            repeated: AtomicU64::new(0),
        }
    }

    fn push(&self, line: Line) {
        let mut waiting = self.waiting();
        if waiting.bytes + line.text.len() > MAX_WAITING {
            self.lost.fetch_add(1, Ordering::Relaxed);
            return;
        }
        waiting.bytes += line.text.len();
        waiting.lines.push(line);
        drop(waiting);
        self.has_more.notify_one();
    }

    /// Waits for lines, for `longest` at most, and says whether these are the last. The ones before are written.
    fn next(&self, longest: Duration) -> (Vec<Line>, bool) {
        let mut waiting = self.waiting();
        waiting.is_writing = false;
        self.is_idle.notify_all();
        let waited = self.has_more.wait_timeout_while(waiting, longest, |waiting| !waiting.has_work());
        let (mut waiting, _timed_out) = waited.unwrap_or_else(PoisonError::into_inner);
        waiting.is_writing = true;
        waiting.bytes = 0;
        (std::mem::take(&mut waiting.lines), std::mem::take(&mut waiting.is_ending))
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The life of the thread that writes.
fn write(stream: impl Write) {
    let (mut repeats, mut output) = (Repeats::default(), Output { stream, is_torn: false });
    let (mut told, mut tell_at) = (0, Instant::now());
    loop {
        let owes = repeats.is_owing() || QUEUE.lost.load(Ordering::Relaxed) > told && !output.is_torn;
        let (lines, are_last) = QUEUE.next(if owes { TICK } else { Duration::MAX });
        let now = Instant::now();
        for line in lines {
            match repeats.pass(line, now) {
                Passage::Print(text) => output.print(&text),
                Passage::Counted => drop(QUEUE.repeated.fetch_add(1, Ordering::Relaxed)),
            }
        }
        for text in repeats.settle(if are_last { now + A_WHILE } else { now }) {
            output.print(&text);
        }
        let lost = QUEUE.lost.load(Ordering::Relaxed);
        if lost > told && now >= tell_at && !output.is_torn {
            warn!("{} lines of the log were lost: it could not be written, or not as fast", lost - told);
            (told, tell_at) = (lost, now + TICK);
        }
    }
}

struct Output<W> {
    stream: W,
    /// Whether the last line was not written, or not to its end.
    is_torn: bool,
}

impl<W: Write> Output<W> {
    fn print(&mut self, text: &[u8]) {
        let whole = if self.is_torn { [b"\n", text].concat() } else { text.to_vec() };
        self.is_torn = self.stream.write_all(&whole).and_then(|()| self.stream.flush()).is_err();
        if self.is_torn {
            QUEUE.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

type Change = Box<dyn Fn(EnvFilter) -> Result<(), Box<dyn Error + Send + Sync>> + Send + Sync>;

static CHANGE: OnceLock<Change> = OnceLock::new();
static QUEUE: Queue = Queue::new();
/// Bytes of one line; a backtrace has about 10,000.
const MAX_LINE: usize = 32 * 1024;
/// Bytes that wait for the thread that writes.
const MAX_WAITING: usize = 1024 * 1024;
/// How long the end of the process waits for stderr.
const LAST_WORDS: Duration = Duration::from_millis(300);
/// Long enough for a line of every kind.
const A_WHILE: Duration = Duration::from_secs(60);
/// How soon something is told that was left out.
const TICK: Duration = Duration::from_secs(1);

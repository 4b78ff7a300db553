//! Draws cases for a target until time is up or a rule is broken, and says how to see it again.
//!
//! Environment: `FUZZ_SECONDS=n` for each target instead of a fixed number of cases, `FUZZ_SEED=n` begins
//! there, `FUZZ_TARGETS=a,b` names them, `FUZZ_REPLAY=FILE` lives the one case of a file. A broken case is
//! made smaller where that is cheap, and written to `target/fuzz/`.

use std::cell::RefCell;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{Seek as _, Write as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use peak_alloc::PeakAlloc;

use crate::draw::Draw;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;
/// Bytes that any case of the target held.
static MOST_HELD: AtomicUsize = AtomicUsize::new(0);

/// Something that cases are tried on.
pub(crate) trait Target {
    /// Lives one case.
    ///
    /// # Errors
    ///
    /// Says which rule was broken. A panic is one, too.
    fn live(&mut self, draw: &mut Draw) -> Result<(), String>;
}

impl<F: FnMut(&mut Draw) -> Result<(), String>> Target for F {
    fn live(&mut self, draw: &mut Draw) -> Result<(), String> {
        self(draw)
    }
}

/// How a target is tried.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules {
    /// Its name: that of its test.
    pub(crate) name: &'static str,
    /// Cases, unless a time is asked for.
    pub(crate) cases: u64,
    /// How long one case may take.
    pub(crate) longest: Duration,
    /// Bytes that one case may hold at any moment.
    pub(crate) memory: usize,
    /// Whether a broken case is made smaller: not where each try takes a process of its own.
    pub(crate) shrinks: bool,
}

/// What was broken, and the case that did it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Broken {
    pub(crate) rule: String,
    pub(crate) seed: u64,
    /// None where only the seed is known.
    pub(crate) choices: Option<Vec<u32>>,
}

/// Tries a target as the environment says, and fails the test if a rule is broken.
pub(crate) fn fuzz<T: Target>(rules: Rules, make: impl FnOnce() -> T + Send + 'static) {
    // A list of names; without one, all of them.
    if std::env::var("FUZZ_TARGETS").is_ok_and(|names| !names.split(',').any(|name| name == rules.name)) {
        return;
    }
    let _turn = alone();
    let replayed = std::env::var("FUZZ_REPLAY").ok();
    let plan = match &replayed {
        Some(file) => match read(Path::new(file), rules.name) {
            Some(draw) => Plan::Replay(draw),
            None => return,
        },
        None => {
            let from = number("FUZZ_SEED").unwrap_or(DEFAULT_SEED);
            Plan::Draw { from, until: number("FUZZ_SECONDS").map(Duration::from_secs) }
        }
    };
    let begin = Instant::now();
    match (attempt(rules, plan, make), replayed) {
        (Ok(cases), _) => {
            let (rate, held) =
                (cases as f64 / begin.elapsed().as_secs_f64(), MOST_HELD.load(Ordering::Relaxed));
            println!("{}: {cases} cases, {rate:.0} a second, at most {} KiB held", rules.name, held >> 10);
        }
        (Err(broken), Some(file)) => panic!("{}: {}\n  again, from {file}", rules.name, broken.rule),
        (Err(broken), None) => {
            let file = write(rules.name, &broken);
            // All of it is in the file.
            let rule: String = broken.rule.chars().take(1000).collect();
            panic!(
                "{name}: {rule}\n  again: npm run fuzz -- --replay {}\n  or:    npm run fuzz -- --target {name} --seed {}",
                file.display(),
                broken.seed,
                name = rules.name
            );
        }
    }
}

/// Memory is counted for the whole process, so one target at a time.
pub(crate) fn alone() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What is tried.
#[derive(Debug)]
pub(crate) enum Plan {
    /// The cases of the seeds from here on.
    Draw { from: u64, until: Option<Duration> },
    /// One case.
    Replay(Draw),
}

/// Tries a target on a thread of its own, and says how many cases it lived.
pub(crate) fn attempt<T: Target>(
    rules: Rules,
    plan: Plan,
    make: impl FnOnce() -> T + Send + 'static,
) -> Result<u64, Broken> {
    listen_for_panics();
    MOST_HELD.store(0, Ordering::Relaxed);
    let (tell, told) = mpsc::channel();
    let worker = thread::Builder::new().name(WORKER.into()).spawn(move || {
        let Ok(mut target) = catch_unwind(AssertUnwindSafe(make)) else {
            let rule = format!("the target could not be made: {}", last_panic());
            let _gone = tell.send(Step::Ends(Err(Broken { rule, seed: 0, choices: None })));
            return;
        };
        match plan {
            Plan::Replay(draw) => {
                let _gone = tell.send(Step::Begins(0));
                let (outcome, choices) = live(rules, &mut target, draw);
                let broken = |rule| Broken { rule, seed: 0, choices: Some(choices) };
                let _gone = tell.send(Step::Ends(outcome.map(|()| 1).map_err(broken)));
            }
            Plan::Draw { from, until } => {
                let begin = Instant::now();
                let mut note = Note::open(rules.name);
                let goes_on = |cases| until.map_or(cases < rules.cases, |until| begin.elapsed() < until);
                let mut cases = 0;
                while goes_on(cases) {
                    let seed = from.wrapping_add(cases);
                    if tell.send(Step::Begins(seed)).is_err() {
                        return;
                    }
                    note.write(seed);
                    let (outcome, choices) = live(rules, &mut target, Draw::seeded(seed));
                    if let Err(rule) = outcome {
                        let first = Broken { rule, seed, choices: Some(choices) };
                        let _gone = tell.send(Step::Shrinks(first.clone()));
                        let least = if rules.shrinks { shrink(rules, &mut target, first) } else { first };
                        let _gone = tell.send(Step::Ends(Err(least)));
                        return;
                    }
                    cases += 1;
                }
                let _gone = tell.send(Step::Ends(Ok(cases)));
            }
        }
    });
    let worker = worker.expect("a thread can be started");
    match watch(rules, &told) {
        Seen::Ended(outcome) => {
            let _panicked = worker.join();
            outcome
        }
        // It is left behind: nothing ends a thread.
        Seen::Hangs(broken) => Err(broken),
    }
}

enum Step {
    Begins(u64),
    Shrinks(Broken),
    Ends(Result<u64, Broken>),
}

enum Seen {
    Ended(Result<u64, Broken>),
    Hangs(Broken),
}

/// Waits for the end, and for nothing longer than the rules allow.
fn watch(rules: Rules, told: &mpsc::Receiver<Step>) -> Seen {
    let mut seed = None;
    let mut patience = START;
    loop {
        match told.recv_timeout(patience) {
            Ok(Step::Begins(next)) => (seed, patience) = (Some(next), rules.longest),
            Ok(Step::Shrinks(first)) => {
                return match told.recv_timeout(SHRINKING + rules.longest) {
                    Ok(Step::Ends(outcome)) => Seen::Ended(outcome),
                    // A smaller case hangs where the first one did not.
                    Ok(Step::Begins(_) | Step::Shrinks(_)) | Err(_) => Seen::Hangs(first),
                };
            }
            Ok(Step::Ends(outcome)) => return Seen::Ended(outcome),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                let rule = match seed {
                    Some(_) => format!("a case took longer than {:?}", rules.longest),
                    None => format!("the target did not start within {START:?}"),
                };
                return Seen::Hangs(Broken { rule, seed: seed.unwrap_or(0), choices: None });
            }
        }
    }
}

fn live<T: Target>(rules: Rules, target: &mut T, mut draw: Draw) -> (Result<(), String>, Vec<u32>) {
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    let outcome = catch_unwind(AssertUnwindSafe(|| target.live(&mut draw)));
    let outcome = outcome.unwrap_or_else(|_| Err(format!("a panic: {}", last_panic())));
    let held = MEMORY.peak_usage().saturating_sub(before);
    MOST_HELD.fetch_max(held, Ordering::Relaxed);
    let outcome = outcome.and_then(|()| {
        let is_little = held <= rules.memory;
        is_little.then_some(()).ok_or(format!("a case held {held} bytes, more than {}", rules.memory))
    });
    (outcome, draw.made())
}

/// Looks for a smaller case that breaks the same rule: fewer choices, then smaller ones.
fn shrink<T: Target>(rules: Rules, target: &mut T, broken: Broken) -> Broken {
    let begin = Instant::now();
    let Broken { rule, seed, choices } = broken;
    let mut least = choices.unwrap_or_default();
    let mut rule = rule;
    let mut is_broken = |choices: &[u32], rule: &mut String| {
        let (outcome, made) = live(rules, target, Draw::given(choices.to_vec()));
        match outcome {
            Err(other) if kind(&other) == kind(rule) => {
                *rule = other;
                Some(made)
            }
            Err(_) | Ok(()) => None,
        }
    };
    let mut size = (least.len() / 2).max(1);
    while begin.elapsed() < SHRINKING {
        let mut at = 0;
        let mut is_better = false;
        while at < least.len() && begin.elapsed() < SHRINKING {
            let end = (at + size).min(least.len());
            let without = [&least[..at], &least[end..]].concat();
            let zeroed = [&least[..at], &vec![0; end - at][..], &least[end..]].concat();
            let halved = [&least[..at], &[least[at] / 2][..], &least[at + 1..]].concat();
            let candidates = if size == 1 { vec![without, zeroed, halved] } else { vec![without, zeroed] };
            let found =
                candidates.into_iter().filter(|candidate| *candidate != least).find_map(|candidate| {
                    let mut made = is_broken(&candidate, &mut rule)?;
                    made.truncate(candidate.len());
                    let is_smaller = (made.len(), &made) < (least.len(), &least);
                    is_smaller.then_some(made)
                });
            match found {
                Some(smaller) => (least, is_better) = (smaller, true),
                None => at += size,
            }
        }
        if size == 1 && !is_better {
            break;
        }
        size = (size / 2).max(1);
    }
    while least.last() == Some(&0) {
        least.pop();
    }
    Broken { rule, seed, choices: Some(least) }
}

/// The words of a rule without the numbers in them.
fn kind(rule: &str) -> String {
    rule.chars().filter(|letter| !letter.is_ascii_digit()).take(80).collect()
}

thread_local! {
    static LAST_PANIC: RefCell<String> = const { RefCell::new(String::new()) };
}

fn last_panic() -> String {
    LAST_PANIC.with(|words| words.borrow().clone())
}

/// A worker's panic is told once, in the end, and not each time that a case is made smaller.
fn listen_for_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let others = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if thread::current().name() == Some(WORKER) {
                LAST_PANIC.with(|words| *words.borrow_mut() = info.to_string().replace('\n', " "));
            } else {
                others(info);
            }
        }));
    });
}

/// Which case is lived at the moment, in a file: a stack that overflows ends the process without a word.
struct Note {
    file: File,
    path: PathBuf,
    name: &'static str,
}

impl Note {
    fn open(name: &'static str) -> Self {
        let path = folder().join(format!("{name}-running.case"));
        let file = File::create(&path).expect("the target's folder can be written to");
        Self { file, path, name }
    }

    fn write(&mut self, seed: u64) {
        // As long as any other, so that nothing of the one before is left.
        let text = format!("target {}\nseed {seed:020}\n", self.name);
        let written = self.file.rewind().and_then(|()| self.file.write_all(text.as_bytes()));
        written.expect("the target's folder can be written to");
    }
}

impl Drop for Note {
    fn drop(&mut self) {
        // What is left of it would only be read in vain.
        let _gone = fs::remove_file(&self.path);
    }
}

fn folder() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().map(|target| target.join("fuzz"));
    let folder = folder.expect("the folder is below another");
    fs::create_dir_all(&folder).expect("the target's folder can be written to");
    folder
}

/// Writes a case where a replay finds it.
pub(crate) fn write(target: &str, broken: &Broken) -> PathBuf {
    let file = folder().join(format!("{target}-{}.case", broken.seed));
    let mut text = format!("target {target}\nseed {}\n", broken.seed);
    if let Some(choices) = &broken.choices {
        let words: Vec<String> = choices.iter().map(u32::to_string).collect();
        let _infallible = writeln!(text, "choices {}", words.join(" "));
    }
    for line in broken.rule.lines() {
        let _infallible = writeln!(text, "# {line}");
    }
    fs::write(&file, text).expect("the target's folder can be written to");
    file
}

/// Reads a case, if it is one of this target's.
pub(crate) fn read(file: &Path, target: &str) -> Option<Draw> {
    let text = fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    if field("target") != Some(target) {
        return None;
    }
    let whole = |word: &str| word.parse().unwrap_or_else(|_| panic!("{}: {word}", file.display()));
    Some(match field("choices") {
        Some(choices) => Draw::given(choices.split_whitespace().map(|word| whole(word) as u32).collect()),
        None => Draw::seeded(whole(field("seed").unwrap_or("0"))),
    })
}

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} takes a number, not {text}")))
}

const WORKER: &str = "fuzz";
const DEFAULT_SEED: u64 = 1;
/// How long a target may take to be ready: a process starts.
const START: Duration = Duration::from_secs(60);
/// How long a case is made smaller.
const SHRINKING: Duration = Duration::from_secs(10);

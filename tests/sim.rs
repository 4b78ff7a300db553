//! Thousands of worlds: each seed draws one, lives it, and breaks on the first broken rule.
//!
//! Environment: `SEED=n` lives one world and prints its timeline; `SEEDS=n` and `FROM=n` say how many,
//! and where to begin. Twenty thousand must have seen every rare path, and print what they saw.

#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::panic, clippy::unwrap_used)] // in helpers; inside a test both are allowed anyway

mod world;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use nertc_miniapp::{AppUid, Call, Media, MediaSet, Uid};
use world::life::Life;
use world::marks::{Mark, Marks};
use world::{Journal, World, secs};

/// A fifth of a world's time is spent on memory, of which each allocation is a small one.
#[global_allocator]
static MEMORY: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[test]
fn every_world_comes_to_peace() {
    if let Some(seed) = number("SEED") {
        return replay(seed);
    }
    let (from, seeds) = (number("FROM").unwrap_or(0), number("SEEDS").unwrap_or(DEFAULT_SEEDS));
    let begin = Instant::now();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let (marks, failures) = live_all(from, seeds, threads);
    for (words, seeds) in failures.values() {
        println!("{} worlds, first SEED={}: {words}", seeds.len(), seeds.iter().min().unwrap());
    }
    assert!(failures.is_empty(), "see above; SEED=n cargo test --test sim prints what happened");
    let rate = seeds as f64 / begin.elapsed().as_secs_f64();
    println!("{seeds} worlds from seed {from}: {rate:.0} a second on {threads} threads");
    if seeds >= ENOUGH_SEEDS {
        print!("{}", marks.table());
        let missing: Vec<&Mark> = EXPECTED.iter().filter(|mark| !marks.saw(**mark)).collect();
        assert!(missing.is_empty(), "never seen: {missing:?}");
    }
}

#[test]
fn the_same_seed_gives_the_same_world() {
    let (from, seeds) = (number("FROM").unwrap_or(0), number("SEEDS").unwrap_or(DEFAULT_SEEDS));
    for seed in (0..20 + seeds / 500).map(|index| from + index) {
        let lives = [(), ()].map(|()| {
            let journal = Journal::default();
            Life::drawn(seed, Some(Journal::clone(&journal))).live();
            journal.lock().unwrap().clone()
        });
        assert!(lives[0].len() > 20 && lives[0] == lives[1], "SEED={seed}");
    }
}

#[test]
fn an_hour_of_outages_leaves_nothing_behind() {
    let mut world = World::seeded(1);
    let clients = [100, 200, 300].map(|uid| world.join("room", uid));
    for id in clients {
        world.call(id, Call::Publish(MediaSet::MAIN));
        world.run_for(secs(1));
    }
    for (id, uid) in clients.into_iter().zip([200, 300, 100]) {
        world.call(id, Call::Subscribe(AppUid::Number(Uid(uid)), Media::Audio));
        world.call(id, Call::Mute(Media::Video.into(), true));
    }
    let mut sizes = Vec::new();
    for minute in 1..=60 {
        clients.into_iter().for_each(|id| world.drop_connection(id));
        world.run_for(secs(60));
        world.peace().unwrap();
        if [1, 30, 60].contains(&minute) {
            let size = world.size();
            println!("minute {minute:>2}: {size:?}");
            sizes.push(size);
        }
    }
    assert!(sizes.windows(2).all(|pair| pair[0] == pair[1]), "not flat");
    assert_eq!(world.events(clients[0]).iter().filter(|name| **name == "reconnected").count(), 60);
}

/// Lives worlds on many threads: what they saw, and by kind of failure its words and its seeds.
fn live_all(from: u64, seeds: u64, threads: usize) -> (Marks, BTreeMap<String, (String, Vec<u64>)>) {
    let (next, failures) = (AtomicU64::new(from), Mutex::new(BTreeMap::<_, (String, Vec<u64>)>::new()));
    // A broken rule is told once a kind, not once a world.
    let others = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if std::thread::current().name() != Some(WORKER) {
            others(info);
        }
    }));
    let live = || {
        let mut marks = Marks::default();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= from + seeds || failures.lock().unwrap().len() >= MOST_FAILURES {
                return marks;
            }
            match catch_unwind(|| Life::drawn(seed, None).live()) {
                Ok(world) => marks.add(&world.marks),
                Err(cause) => {
                    let words = words(&*cause);
                    let kind = words.replace(|letter: char| letter.is_ascii_digit(), "");
                    let mut failures = failures.lock().unwrap();
                    failures.entry(kind).or_insert((words, Vec::new())).1.push(seed);
                }
            }
        }
    };
    let mut marks = Marks::default();
    std::thread::scope(|scope| {
        let worker = || std::thread::Builder::new().name(WORKER.into()).spawn_scoped(scope, live).unwrap();
        let workers: Vec<_> = (0..threads).map(|_| worker()).collect();
        let mut told = Instant::now();
        while workers.iter().any(|worker| !worker.is_finished()) {
            std::thread::sleep(Duration::from_millis(20));
            if told.elapsed() >= Duration::from_secs(2) {
                told = Instant::now();
                println!("{} of {seeds} worlds", next.load(Ordering::Relaxed).min(from + seeds) - from);
            }
        }
        for worker in workers {
            marks.add(&worker.join().unwrap());
        }
    });
    (marks, failures.into_inner().unwrap())
}

/// Lives one world and tells what happens.
fn replay(seed: u64) {
    let journal = Journal::default();
    let life = Life::drawn(seed, Some(Journal::clone(&journal)));
    let result = catch_unwind(AssertUnwindSafe(|| life.live()));
    for line in journal.lock().unwrap().iter() {
        println!("{}", line.chars().take(220).collect::<String>());
    }
    if let Err(cause) = result {
        panic!("seed {seed}: {}", words(&*cause));
    }
}

fn words(cause: &(dyn std::any::Any + Send)) -> String {
    let text = cause.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| cause.downcast_ref::<&str>().copied()).unwrap_or("no words").to_owned()
}

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} must be a number, not {text:?}")))
}

/// Few enough for a debug build.
const DEFAULT_SEEDS: u64 = 500;

/// So many that every rare path is among them.
const ENOUGH_SEEDS: u64 = 20_000;

const WORKER: &str = "worlds";

/// Kinds of failure after which it makes no sense to go on.
const MOST_FAILURES: usize = 10;

/// What some of so many worlds must have seen.
const EXPECTED: [Mark; 122] = [
    ("event", "asr-captions", 0),
    ("event", "clientJoin", 0),
    ("event", "clientLeave", 0),
    ("event", "clientUpdate", 0),
    ("event", "disconnect", 0),
    ("event", "error", 0),
    ("event", "kicked", 0),
    ("event", "liveRoomClose", 0),
    ("event", "mute-audio", 0),
    ("event", "mute-video", 0),
    ("event", "open", 0),
    ("event", "reconnected", 0),
    ("event", "role-Changed", 0),
    ("event", "sendCommandOverTime", 0),
    ("event", "sessionStart", 0),
    ("event", "stream-added", 0),
    ("event", "stream-removed", 0),
    ("event", "syncDone", 0),
    ("event", "unmute-audio", 0),
    ("event", "unmute-video", 0),
    ("event", "view", 0),
    ("event", "willreconnect", 0),
    ("timer", "bootstrap", 0),
    ("timer", "call", 0),
    ("timer", "command", 0),
    ("timer", "component", 0),
    ("timer", "heartbeat", 0),
    ("timer", "leave", 0),
    ("timer", "login", 0),
    ("timer", "retry", 0),
    ("timer", "settle", 0),
    ("timer", "silence", 0),
    ("hub timer", "confirm", 0),
    ("hub timer", "dissolve", 0),
    ("hub timer", "farewell", 0),
    ("hub timer", "grace", 0),
    ("hub timer", "login", 0),
    ("hub timer", "silence", 0),
    ("close", "code", 1000),
    ("close", "code", 1006),
    ("close", "code", 1008),
    ("close", "code", 1012),
    ("close", "code", 4001),
    ("disconnect", "code", 0),
    ("disconnect", "code", 401),
    ("disconnect", "code", 403),
    ("disconnect", "code", 405),
    ("disconnect", "code", 417),
    ("call", "join", -2),
    ("call", "join", 200),
    ("call", "join", 401),
    ("call", "join", 408),
    ("call", "join", 417),
    ("call", "join", 434),
    ("call", "publish", -2),
    ("call", "publish", 0),
    ("call", "publish", 200),
    ("call", "publish", 403),
    ("call", "publish", 405),
    ("call", "publish", 408),
    ("call", "publish", 434),
    ("call", "setRole", 200),
    ("call", "setRole", 403),
    ("call", "setRole", 408),
    ("call", "subscribe", 200),
    ("call", "subscribe", 408),
    ("call", "subscribe", 434),
    ("call", "aiManualInterrupt", 200),
    ("call", "getUploadUserList", 200),
    ("call", "leave", 200),
    ("call", "mute", 200),
    ("call", "setAudioEffectPreset", 200),
    ("call", "startAsrCaptions", 200),
    ("call", "stopAsrCaptions", 200),
    ("call", "switchMode", 200),
    ("call", "unmute", 200),
    ("call", "unpublish", 200),
    ("call", "unsubscribe", 200),
    ("call", "mute", 403),
    ("call", "join", 4003),
    ("media", "cut off", 0),
    ("media", "gave up", 0),
    ("media", "let in", 0),
    ("media", "let in though expired", 0),
    ("media", "line cut", 0),
    ("media", "refused", 0),
    ("media", "server gone", 0),
    ("media", "unknown", 0),
    ("media", "unreachable", 0),
    ("media", "waits", 0),
    ("path", "a crowd", 0),
    ("path", "bootstrap again", 0),
    ("path", "refused, then back", 0),
    ("signal", "hidden", 0),
    ("signal", "network down", 0),
    ("signal", "network up", 0),
    ("signal", "shown", 0),
    ("advice", "after", 0),
    ("advice", "default", 0),
    ("advice", "give up", 0),
    ("fault", "cut", 0),
    ("fault", "dissolve", 0),
    ("fault", "drop", 0),
    ("fault", "freeze", 0),
    ("fault", "half-open", 0),
    ("fault", "kick", 0),
    ("fault", "kill", 0),
    ("fault", "move", 0),
    ("fault", "shutdown", 0),
    ("fault", "signal", 0),
    ("fault", "twins", 0),
    ("weather", "bad ticket", 0),
    ("weather", "close told twice", 0),
    ("weather", "close unseen", 0),
    ("weather", "loss unseen", 0),
    ("weather", "open failed", 0),
    ("weather", "open hangs", 0),
    ("weather", "request failed", 0),
    ("weather", "request late", 0),
    ("weather", "request unanswered", 0),
    ("weather", "send failed", 0),
    ("weather", "stall", 0),
];

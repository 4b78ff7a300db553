//! Thousands of worlds: each seed draws one, lives it, and breaks on the first broken rule.
//!
//! Environment: `SEED=n` lives one world and prints its timeline; `SEEDS=n` and `FROM=n` say how many,
//! and where to begin; `MARKS=1` demands that every expected path was visited, and prints them all.

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

#[test]
fn every_world_comes_to_peace() {
    if let Some(seed) = number("SEED") {
        return replay(seed);
    }
    let (from, seeds) = (number("FROM").unwrap_or(0), number("SEEDS").unwrap_or(DEFAULT_SEEDS));
    let (next, failures) = (AtomicU64::new(from), Mutex::new(BTreeMap::<String, (String, Vec<u64>)>::new()));
    let begin = Instant::now();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let mut marks = Marks::default();
    std::panic::set_hook(Box::new(|_| {}));
    std::thread::scope(|scope| {
        let live = || {
            let mut marks = Marks::default();
            loop {
                let seed = next.fetch_add(1, Ordering::Relaxed);
                if seed >= from + seeds || failures.lock().unwrap().len() >= MOST_FAILURES {
                    return marks;
                }
                match catch_unwind(AssertUnwindSafe(|| Life::drawn(seed, None).live())) {
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
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(live)).collect();
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
    let _own = std::panic::take_hook();
    let rate = seeds as f64 / begin.elapsed().as_secs_f64();
    let failures = failures.into_inner().unwrap();
    for (words, seeds) in failures.values() {
        println!("{} worlds, first SEED={}: {words}", seeds.len(), seeds.iter().min().unwrap());
    }
    assert!(failures.is_empty(), "see above; SEED=n cargo test --test sim prints what happened");
    println!("{seeds} worlds from seed {from}: {rate:.0} a second on {threads} threads");
    if std::env::var_os("MARKS").is_some() {
        print!("{}", marks.table());
        let missing: Vec<&Mark> = EXPECTED.iter().filter(|mark| !marks.saw(**mark)).collect();
        assert!(missing.is_empty(), "never seen: {missing:?}");
    }
}

#[test]
fn the_same_seed_gives_the_same_world() {
    for seed in 0..20 {
        let lives = [(), ()].map(|()| {
            let journal = Journal::default();
            Life::drawn(seed, Some(Journal::clone(&journal))).live();
            journal.lock().unwrap().clone()
        });
        assert!(lives[0].len() > 20 && lives[0] == lives[1], "seed {seed}");
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

/// Lives one world and tells what happens.
fn replay(seed: u64) {
    let journal = Journal::default();
    let life = Life::drawn(seed, Some(Journal::clone(&journal)));
    let result = catch_unwind(AssertUnwindSafe(|| life.live()));
    for line in journal.lock().unwrap().iter() {
        println!("{line}");
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
const DEFAULT_SEEDS: u64 = 300;

/// Kinds of failure after which it makes no sense to go on.
const MOST_FAILURES: usize = 10;

const EXPECTED: [Mark; 0] = [];

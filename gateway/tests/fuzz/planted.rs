//! The engine on targets with planted faults: a fuzzer that finds nothing must not be one that cannot.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::draw::Draw;
use crate::engine::{Broken, Plan, Rules, Target, alone, attempt, read, write};

const RULES: Rules = Rules {
    name: "planted",
    cases: 20_000,
    longest: Duration::from_secs(20),
    memory: 1 << 20,
    shrinks: true,
};

#[test]
fn a_parser_that_panics_is_found_made_small_and_found_again_from_its_file() {
    let broken = find(RULES, || |draw: &mut Draw| read_records(draw, Fault::Panics));
    assert!(broken.rule.contains("a panic") && broken.rule.contains("out of range"), "{}", broken.rule);
    let choices = broken.choices.clone().unwrap();
    // One record, of kind 3, that claims a byte more than it has.
    assert!(choices.len() == 6 && choices.ends_with(&[0, 1, 3]), "not small: {choices:?}");

    let file = write("planted", &broken);
    let again = Plan::Replay(read(&file, "planted").unwrap());
    assert!(read(&file, "another").is_none());
    let again = attempt(RULES, again, || |draw: &mut Draw| read_records(draw, Fault::Panics)).unwrap_err();
    assert_eq!(again.rule, broken.rule);
    std::fs::remove_file(file).unwrap();
}

#[test]
fn the_same_seed_finds_the_same() {
    let find = || find(RULES, || |draw: &mut Draw| read_records(draw, Fault::IsWrong));
    let (first, second) = (find(), find());
    assert!(first.rule == "1 records became 2", "{}", first.rule);
    assert_eq!(first, second);
    let from_its_seed = Plan::Draw { from: first.seed, until: None };
    let again = attempt(Rules { cases: 1, ..RULES }, from_its_seed, || {
        |draw: &mut Draw| read_records(draw, Fault::IsWrong)
    });
    assert_eq!(again.unwrap_err(), first);
}

#[test]
fn a_parser_that_reserves_what_a_header_claims_is_found() {
    let broken = find(RULES, || |draw: &mut Draw| read_records(draw, Fault::Reserves));
    assert!(broken.rule.contains("more than 1048576"), "{}", broken.rule);
}

#[test]
fn a_parser_that_hangs_is_found_and_its_seed_is_known() {
    let release = Arc::new(AtomicBool::new(false));
    let held = Arc::clone(&release);
    let rules = Rules { longest: Duration::from_secs(3), ..RULES };
    let broken = find(rules, move || {
        move |draw: &mut Draw| {
            while draw.chance(10) && !held.load(Ordering::Relaxed) {
                std::thread::park_timeout(Duration::from_millis(10));
                *draw = Draw::given(vec![99]);
            }
            Ok(())
        }
    });
    release.store(true, Ordering::Relaxed);
    assert!(broken.rule.contains("took longer"), "{}", broken.rule);
    assert!(broken.choices.is_none() && Draw::seeded(broken.seed).chance(10));
}

#[test]
fn a_target_that_cannot_be_made_says_why() {
    let broken = find(RULES, || {
        assert_eq!(1, 2, "no gateway");
        |_: &mut Draw| Ok(())
    });
    assert!(broken.rule.contains("could not be made") && broken.rule.contains("no gateway"), "{broken:?}");
}

#[test]
fn a_parser_without_a_fault_passes() {
    let _turn = alone();
    let cases = attempt(Rules { cases: 500, ..RULES }, Plan::Draw { from: 1, until: None }, || {
        |draw: &mut Draw| read_records(draw, Fault::None)
    });
    assert_eq!(cases, Ok(500));
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    None,
    Panics,
    Reserves,
    IsWrong,
}

/// A little format of kind, length and body: what most of those are that are read here.
fn read_records(draw: &mut Draw, fault: Fault) -> Result<(), String> {
    let mut bytes = Vec::new();
    let mut written = 0;
    let mut is_whole = true;
    while draw.chance(70) && written < 20 {
        let length = draw.below(5);
        let claimed = if draw.chance(5) { draw.edge() } else { length as u32 };
        is_whole &= claimed == length as u32;
        bytes.push(draw.below(4) as u8);
        bytes.extend_from_slice(&claimed.to_be_bytes());
        bytes.extend_from_slice(&vec![7; length]);
        written += 1;
    }
    let mut rest = &bytes[..];
    let mut found = 0;
    while let Some((head, body)) = rest.split_at_checked(5) {
        let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize;
        if fault == Fault::Reserves {
            std::hint::black_box(Vec::<u8>::with_capacity(length.min(1 << 30)));
        }
        if body.len() < length {
            if fault == Fault::Panics && head[0] == 3 {
                let _unreachable = &body[..length];
            }
            break;
        }
        rest = &body[length..];
        found += 1;
        if fault == Fault::IsWrong && head[0] == 2 {
            found += 1;
        }
    }
    if is_whole && found != written {
        return Err(format!("{written} records became {found}"));
    }
    Ok(())
}

fn find<T: Target>(rules: Rules, make: impl FnOnce() -> T + Send + 'static) -> Broken {
    let _turn = alone();
    attempt(rules, Plan::Draw { from: 1, until: None }, make).unwrap_err()
}

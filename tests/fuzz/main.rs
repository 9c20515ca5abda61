//! The fuzz targets with seeds changed at random: a few thousand inputs each with every run of the tests, the same
//! ones each time. `SWARM_FUZZ_SECONDS=60 cargo test --test fuzz` tries other ones for so long a target. What guides
//! itself by coverage is `cargo fuzz`, see docs/reliability.md; `SWARM_FUZZ_CORPUS=fuzz/corpus cargo test --test fuzz`
//! writes the seeds for it. A failing input is printed and kept as a seed with its
//! story in `kept`.

#![allow(clippy::unwrap_used, reason = "what only tests call may fail as tests do")]

mod change;
mod kept;
mod seeds;
#[path = "../../fuzz/targets.rs"]
mod targets;

use change::Changes;
use std::panic::catch_unwind;
use std::time::{Duration, Instant};
use targets::{TARGETS, Target};

/// Inputs a target without `SWARM_FUZZ_SECONDS`.
const INPUTS: u32 = 3_000;

/// How long, when somebody asks for time.
fn time() -> Option<Duration> {
    let seconds = std::env::var("SWARM_FUZZ_SECONDS").ok()?;
    Some(Duration::from_secs(seconds.parse().expect("SWARM_FUZZ_SECONDS is a number of seconds")))
}

fn check(name: &str) {
    let (_, target) = TARGETS.iter().find(|(one, _)| *one == name).expect("a target");
    let seeds = seeds::seeds(name);
    assert!(!seeds.is_empty(), "no seeds for {name}");
    for seed in &seeds {
        attempt(name, *target, seed);
    }
    if let Ok(corpus) = std::env::var("SWARM_FUZZ_CORPUS") {
        write(&std::path::Path::new(&corpus).join(name), &seeds);
    }
    let time = time();
    let start = if time.is_some() { std::process::id() } else { 0 };
    let mut changes = Changes::new(u64::from(start), &seeds);
    let (begun, mut tried) = (Instant::now(), 0);
    while time.map_or(tried < INPUTS, |time| begun.elapsed() < time) {
        attempt(name, *target, &changes.next());
        tried += 1;
    }
    eprintln!("{name}: {} seeds, {tried} changed inputs, beginning with {start}", seeds.len());
}

/// Seeds as files, which `cargo fuzz` begins with.
fn write(folder: &std::path::Path, seeds: &[Vec<u8>]) {
    std::fs::create_dir_all(folder).unwrap();
    for (number, seed) in seeds.iter().enumerate() {
        std::fs::write(folder.join(format!("seed-{number}")), seed).unwrap();
    }
}

fn attempt(name: &str, target: Target, input: &[u8]) {
    let done = catch_unwind(|| target(input));
    assert!(done.is_ok(), "target {name} failed on {:?}, which is b\"{}\"", input, input.escape_ascii());
}

#[test]
fn a_configuration_is_refused_with_places_or_accepted() {
    check("configuration");
}

#[test]
fn an_answer_is_understood_as_it_is_or_refused() {
    check("answers");
}

#[test]
fn a_frame_is_understood_as_it_is_or_refused() {
    check("frames");
}

#[test]
fn a_request_is_read_or_refused() {
    check("requests");
}

#[test]
fn every_request_to_the_venue_is_answered() {
    check("venue");
}

#[test]
fn a_journal_is_read_as_written_or_refused() {
    check("journal");
}

#[test]
fn a_fact_is_written_as_read() {
    check("facts");
}

#[test]
fn a_target_is_a_file_of_its_own_for_cargo_fuzz() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/fuzz_targets");
    let mut files: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    files.sort();
    let mut names: Vec<&str> = TARGETS.iter().map(|(name, _)| *name).collect();
    names.sort_unstable();
    assert_eq!(files, names);
}

/// Inputs that failed once.
#[test]
fn what_failed_once_fails_no_more() {
    for (name, input) in kept::KEPT {
        let (_, target) = TARGETS.iter().find(|(one, _)| one == name).expect("a target");
        attempt(name, *target, input);
    }
}

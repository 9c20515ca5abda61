//! How fast the fault simulator is: runs of many seeds, and a day of one-minute steps.
//!
//! `cargo bench -p swarm-core --bench simulator -- [FROM] [SEEDS]`

use std::time::Instant;
use swarm_core::sim::swarm::{Counts, Length, OwnCast, Scenario, simulate};

fn main() {
    let numbers: Vec<u64> = std::env::args().filter_map(|text| text.parse().ok()).collect();
    let (from, seeds) = (numbers.first().copied().unwrap_or(0), numbers.get(1).copied().unwrap_or(200));
    if seeds == 0 {
        let outcome = simulate(&Scenario::of_seed(from, &OwnCast, Length::Drawn), &OwnCast, true);
        outcome.trace.iter().for_each(|line| println!("{line}"));
        println!("{:?} {:?}", outcome.counts, outcome.failure);
        return;
    }
    let (started, mut sum, mut failures) = (Instant::now(), Counts::default(), 0);
    for seed in from..from + seeds {
        let outcome = simulate(&Scenario::of_seed(seed, &OwnCast, Length::Drawn), &OwnCast, false);
        if let Some(failure) = outcome.failure {
            failures += 1;
            println!("seed {seed} event {} invariant {}", failure.event, failure.violation);
        }
        sum += outcome.counts;
    }
    println!("{seeds} seeds in {:?}, {failures} failures, {sum:?}", started.elapsed());
    for seed in from..from + 3 {
        let started = Instant::now();
        let outcome = simulate(&Scenario::of_seed(seed, &OwnCast, Length::Day), &OwnCast, false);
        println!("a day, seed {seed}: {:?}, {:?}, {:?}", started.elapsed(), outcome.counts, outcome.failure);
    }
}

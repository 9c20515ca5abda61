//! Specifications of the host of real actors, and the seeds that once failed.

use super::{Run, simulate};
use crate::store::Medium;
use std::collections::BTreeSet;
use std::io::Read;
use std::sync::Arc;
use swarm_core::sim::swarm::{Cast, Counts, Length, OwnCast, Rates, Scenario};

/// Seeds that are run each time; long ranges are for `swarm simulate --host actors`.
const SEEDS: std::ops::Range<u64> = 0..24;

fn scenario(seed: u64) -> Scenario {
    Scenario::of_seed(seed, &OwnCast, Length::Drawn)
}

fn play(scenario: &Scenario, traces: bool) -> Run {
    let cast: Arc<dyn Cast> = Arc::new(OwnCast);
    simulate(scenario, &cast, traces)
}

/// Every file of a journal with its bytes.
fn files(run: &Run) -> Vec<(String, Vec<u8>)> {
    let mut names = run.journal.names().unwrap();
    names.sort();
    let read = |name: String| {
        let mut bytes = Vec::new();
        run.journal.open(&name, 0).unwrap().read_to_end(&mut bytes).unwrap();
        (name, bytes)
    };
    names.into_iter().map(read).collect()
}

#[test]
fn a_range_of_seeds_holds() {
    let mut sum = Counts::default();
    for seed in SEEDS {
        let outcome = play(&scenario(seed), false).outcome;
        assert_eq!(outcome.failure, None, "seed {seed}");
        sum += outcome.counts;
    }
    // Something happened: a simulator that does nothing finds nothing.
    assert!(sum.faults > 1_000 && sum.deaths > 20 && sum.orders > 200, "{sum:?}");
}

#[test]
fn the_same_seed_is_the_same_journal_byte_by_byte() {
    for seed in [3, 8, 18, 23] {
        let [first, second] = [(); 2].map(|()| play(&scenario(seed), true));
        assert_eq!(first.outcome, second.outcome, "seed {seed}");
        assert_eq!(files(&first), files(&second), "seed {seed}");
        let untold = play(&scenario(seed), false);
        assert_eq!(files(&untold), files(&first), "telling changes nothing");
    }
}

#[test]
fn seeds_differ() {
    let journals: BTreeSet<_> = (0..4).map(|seed| play(&scenario(seed), false).outcome.journal.hex()).collect();
    assert_eq!(journals.len(), 4);
}

#[test]
fn without_faults_nothing_dies_and_every_step_is_journaled() {
    for seed in 0..3 {
        let mut calm = scenario(seed);
        calm.rates = Rates::none();
        calm.acts.clear();
        let outcome = play(&calm, false).outcome;
        assert_eq!(outcome.failure, None, "seed {seed}");
        assert_eq!((outcome.counts.faults, outcome.counts.deaths), (0, 0), "seed {seed}");
        // A candle of each symbol and the end of the step.
        let least = u64::from(calm.steps) * (calm.plan.instruments.len() as u64 + 1);
        assert!(outcome.counts.facts > least, "seed {seed}: {:?}", outcome.counts);
    }
}

#[test]
fn a_swarm_that_only_dies_comes_to_the_same_rest() {
    for seed in [3, 13, 19] {
        let mut deadly = scenario(seed);
        deadly.rates = Rates { torn_append: 200, failed_flush: 100, ..Rates::none() };
        let outcome = play(&deadly, false).outcome;
        assert_eq!(outcome.failure, None, "seed {seed}");
        assert!(outcome.counts.deaths > 1, "seed {seed}: {:?}", outcome.counts);
    }
}

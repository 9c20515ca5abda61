//! Specifications of the simulator itself, and the seeds that once failed.

use super::*;

fn run(seed: u64) -> Outcome {
    simulate(&Scenario::of_seed(seed, &OwnCast, Length::Drawn), &OwnCast, false)
}

#[test]
fn a_range_of_seeds_holds() {
    let failures: Vec<_> = (0..60).map(run).filter_map(|outcome| Some((outcome.seed, outcome.failure?))).collect();
    assert!(failures.is_empty(), "{failures:#?}");
}

//! Specifications of the simulator itself, and the seeds that once failed.

mod kept;
#[cfg(feature = "planted")]
mod planted;

use super::*;

/// Seeds of a range that are run each time; long ranges are for `swarm simulate`.
const SEEDS: std::ops::Range<u64> = 0..40;

fn scenario(seed: u64) -> Scenario {
    Scenario::of_seed(seed, &OwnCast, Length::Drawn)
}

fn run(seed: u64) -> Outcome {
    simulate(&scenario(seed), &OwnCast, false)
}

/// With single orders that fill whole, whatever the seed has.
fn run_single(seed: u64) -> Outcome {
    simulate(&scenario(seed).with_single_orders().with_whole_fills(), &OwnCast, false)
}

#[test]
fn a_range_of_seeds_holds() {
    let mut sum = Counts::default();
    for seed in SEEDS {
        let outcome = run(seed);
        assert_eq!(outcome.failure, None, "seed {seed}");
        sum += outcome.counts;
    }
    // Something happened: a simulator that does nothing finds nothing.
    assert!(sum.faults > 1_000 && sum.deaths > 20 && sum.orders > 200, "{sum:?}");
}

#[test]
fn the_same_seed_is_the_same_run() {
    for seed in SEEDS.step_by(8) {
        let once = |_| simulate(&scenario(seed), &OwnCast, true);
        let [first, second] = [0, 1].map(once);
        assert_eq!(first, second, "seed {seed}");
        assert!(first.trace.len() as u64 > first.counts.facts, "seed {seed}");
        let untold = run(seed);
        assert_eq!((untold.counts, untold.journal), (first.counts, first.journal), "telling changes nothing");
    }
}

#[test]
fn seeds_differ() {
    let journals: std::collections::BTreeSet<_> = (0..6).map(|seed| run(seed).journal.hex()).collect();
    assert_eq!(journals.len(), 6);
}

#[test]
fn without_faults_nothing_dies_and_no_fault_strikes() {
    for seed in 0..4 {
        let mut calm = scenario(seed);
        calm.rates = Rates::none();
        calm.acts.clear();
        let outcome = simulate(&calm, &OwnCast, false);
        assert_eq!(outcome.failure, None, "seed {seed}");
        assert_eq!((outcome.counts.faults, outcome.counts.deaths), (0, 0), "seed {seed}");
    }
}

#[test]
fn in_about_two_seeds_of_five_orders_fill_in_many_parts() {
    let (seeds, mut with_depth, mut parts, mut most) = (40, 0, 0, 0);
    for seed in 0..seeds {
        let scenario = scenario(seed);
        assert_eq!(scenario.depth.is_some(), scenario.plan.exchange.participation.is_some());
        if scenario.depth.is_none() {
            continue;
        }
        with_depth += 1;
        let trace = simulate(&scenario, &OwnCast, true).trace;
        let fills = trace.iter().filter(|line| line.contains("Filled {") && line.contains("     Venue {"));
        let of_order = |line: &str| {
            line.split("id: OrderId").nth(1).and_then(|rest| rest.split("symbol").next().map(str::to_owned))
        };
        let mut by_order: std::collections::BTreeMap<String, u32> = std::collections::BTreeMap::new();
        fills
            .filter(|line| !line.contains("leaves: 0 "))
            .filter_map(|line| of_order(line))
            .for_each(|order| *by_order.entry(order).or_default() += 1);
        parts += by_order.values().sum::<u32>();
        most = most.max(by_order.values().copied().max().unwrap_or(0));
    }
    assert!((10..=22).contains(&with_depth), "{with_depth} of {seeds}");
    assert!(parts > 80 && most > 8, "{parts} parts, {most} of one order");
}

#[test]
fn what_a_seed_draws_besides_depth_does_not_depend_on_it() {
    for seed in SEEDS {
        let whole = scenario(seed).with_whole_fills();
        let drawn = Scenario { depth: None, ..scenario(seed) };
        assert_eq!((whole.acts, whole.rates, whole.takes), (drawn.acts, drawn.rates, drawn.takes), "seed {seed}");
    }
}

#[test]
fn a_swarm_that_only_dies_comes_to_the_same_rest() {
    for seed in 0..4 {
        let mut deadly = scenario(seed);
        deadly.rates = Rates { torn_append: 400, ..Rates::none() };
        let outcome = simulate(&deadly, &OwnCast, false);
        assert_eq!(outcome.failure, None, "seed {seed}");
        assert!(outcome.counts.deaths > 0, "seed {seed}: {:?}", outcome.counts);
    }
}

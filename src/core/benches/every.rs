//! The long run of the model checker.
//!
//! `cargo bench -p swarm-core --bench every -- DEPTH LOSSES DEATHS REST_EVERY [strategies]`

use std::time::Instant;
use swarm_core::sim::Takes;
use swarm_core::sim::every::{Model, check};

fn main() {
    let numbers: Vec<u64> = std::env::args().filter_map(|text| text.parse().ok()).collect();
    let number = |at: usize, usual: u64| numbers.get(at).copied().unwrap_or(usual);
    let (depth, losses, deaths) = (number(0, 6) as u32, number(1, 1) as u8, number(2, 1) as u8);
    let started = Instant::now();
    let mut model = Model::small(depth, losses, deaths, number(3, 50));
    if std::env::args().any(|text| text == "strategies") {
        model = model.with_strategies(Takes::Strategies);
    }
    let verdict = check(&model);
    println!("{verdict:?} in {:?}", started.elapsed());
}

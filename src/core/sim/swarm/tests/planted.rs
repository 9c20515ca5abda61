//! Proof that the simulator can fail: each planted bug is found within a stated number of seeds.
//!
//! `cargo test -p swarm-core --features planted planted`

use super::run;
use crate::planted::{Bug, plant};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Seeds within which each bug is found.
const SEEDS: u64 = 300;

/// The first seed that finds a bug, and how. Debug assertions of the code itself count: they are the same
/// invariants.
fn first_to_find(bug: Bug) -> Option<(u64, String)> {
    plant(Some(bug));
    let found = (0..SEEDS).find_map(|seed| {
        let outcome = catch_unwind(AssertUnwindSafe(|| run(seed)));
        match outcome {
            Ok(outcome) => outcome.failure.map(|failure| (seed, failure.violation.to_string())),
            Err(_) => Some((seed, "a debug assertion".to_owned())),
        }
    });
    plant(None);
    found
}

#[test]
fn each_planted_bug_is_found() {
    let missed: Vec<_> = Bug::ALL
        .into_iter()
        .filter(|bug| {
            let found = first_to_find(*bug);
            eprintln!("{bug:?}: {found:?}");
            found.is_none()
        })
        .collect();
    assert!(missed.is_empty(), "not found within {SEEDS} seeds: {missed:?}");
}

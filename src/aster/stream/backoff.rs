//! How long to wait before trying again: doubling, with jitter from a seed so that a run can be repeated and many
//! clients do not come back at the same moment. Knows no clock.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use swarm_core::model::{Millis, Time};

/// Shortest first wait.
const FIRST_MS: Millis = 500;
/// Longest wait.
const LONGEST_MS: Millis = 30_000;
/// A connection that lived this long was a good one: the next failure starts anew.
const GOOD_MS: Millis = 60_000;

/// Waits between attempts at one thing.
#[derive(Clone, Debug)]
pub struct Backoff {
    failures: u32,
    since: Option<Time>,
    random: ChaCha8Rng,
}

impl Backoff {
    /// With jitter from this seed.
    pub fn new(seed: u64) -> Self {
        Self { failures: 0, since: None, random: ChaCha8Rng::seed_from_u64(seed) }
    }

    /// It works, since now.
    pub const fn works(&mut self, now: Time) {
        if self.since.is_none() {
            self.since = Some(now);
        }
    }

    /// It does not, or no longer: when to try again. Half of the wait is certain, half is jitter.
    pub fn fails(&mut self, now: Time) -> Time {
        if self.since.take().is_some_and(|since| now.since(since) >= GOOD_MS) {
            self.failures = 0;
        }
        let full = FIRST_MS.saturating_mul(1 << self.failures.min(16)).min(LONGEST_MS);
        self.failures = self.failures.saturating_add(1);
        now.plus(full / 2 + self.random.random_range(0..=full / 2))
    }
}

/// At most one act in a while, with jitter: snapshots of a book after a gap, for instance.
#[derive(Clone, Debug)]
pub struct Pace {
    every: Millis,
    next: Time,
    random: ChaCha8Rng,
}

impl Pace {
    /// At most once in `every` milliseconds.
    pub fn new(every: Millis, seed: u64) -> Self {
        Self { every, next: Time(i64::MIN), random: ChaCha8Rng::seed_from_u64(seed) }
    }

    /// When the act may happen that is wanted now; it counts as happening then.
    pub fn claim(&mut self, now: Time) -> Time {
        let jitter = self.random.random_range(0..=self.every / 4);
        let at = self.next.max(now.plus(jitter));
        self.next = at.plus(self.every);
        at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_bound_and_start_anew_after_a_good_connection() {
        let mut backoff = Backoff::new(1);
        let mut now = Time(0);
        for full in [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000] {
            let wait = backoff.fails(now).since(now);
            assert!((full / 2..=full).contains(&wait), "{wait} of {full}");
            now = now.plus(wait);
        }
        backoff.works(now);
        assert!(backoff.fails(now.plus(GOOD_MS - 1)).since(now) > 15_000, "a short life is no good one");
        backoff.works(now);
        assert!(backoff.fails(now.plus(GOOD_MS)).since(now.plus(GOOD_MS)) <= 500);
    }

    proptest::proptest! {
        #[test]
        fn the_same_seed_waits_the_same(seed: u64, count in 1usize..20) {
            let waits = |mut backoff: Backoff| (0..count).map(|_| backoff.fails(Time(0))).collect::<Vec<_>>();
            proptest::prop_assert_eq!(waits(Backoff::new(seed)), waits(Backoff::new(seed)));
        }

        #[test]
        fn claims_are_never_closer_than_the_pace(pauses in proptest::collection::vec(0i64..5_000, 1..50), seed: u64) {
            let (mut pace, mut now, mut last) = (Pace::new(2_000, seed), Time(0), None::<Time>);
            for pause in pauses {
                now = now.plus(pause);
                let at = pace.claim(now);
                proptest::prop_assert!(at >= now && last.is_none_or(|last| at.since(last) >= 2_000));
                last = Some(at);
            }
        }
    }
}

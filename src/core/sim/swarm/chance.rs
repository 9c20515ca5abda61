//! Random choices from a seed: the same numbers on every machine. Knows nothing of what is chosen.

use crate::model::Millis;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// One stream of choices.
#[derive(Clone, Debug)]
pub(super) struct Chance(ChaCha8Rng);

/// All rates are shares of this many.
pub(super) const WHOLE: u32 = 10_000;

impl Chance {
    /// The stream with this number of a seed: streams do not depend on how much is drawn from others.
    pub(super) fn new(seed: u64, stream: u64) -> Self {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        let mut source = ChaCha8Rng::from_seed(key);
        source.set_stream(stream);
        Self(source)
    }

    /// Below `count`, which is positive.
    pub(super) fn below(&mut self, count: u64) -> u64 {
        ((u128::from(self.0.next_u64()) * u128::from(count)) >> 64) as u64
    }

    /// From `low` to `high`, both included.
    pub(super) fn between(&mut self, low: i64, high: i64) -> i64 {
        low + self.below((high - low + 1) as u64) as i64
    }

    /// From 1 to `most`.
    pub(super) fn some_of(&mut self, most: Millis) -> Millis {
        self.between(1, most.max(1))
    }

    /// True in `rate` of [`WHOLE`] cases.
    pub(super) fn happens(&mut self, rate: u32) -> bool {
        rate > 0 && self.below(u64::from(WHOLE)) < u64::from(rate)
    }

    /// One of them; there must be one.
    pub(super) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize]
    }
}

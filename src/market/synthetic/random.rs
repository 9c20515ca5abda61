//! Random numbers that are the same bits on every machine: ChaCha8 streams, one for each purpose,
//! and the few distributions the market needs. Elementary functions come from `libm`, whose results
//! do not depend on the platform's C library.

use rand::Rng;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// A stream of random numbers of its own, told apart by name.
#[derive(Clone, Debug)]
pub(super) struct Stream {
    source: ChaCha8Rng,
    /// The second normal of a pair.
    spare: Option<f64>,
}

impl Stream {
    /// The stream `name` of `seed`: no other name's numbers depend on how many are drawn from it.
    pub fn new(seed: u64, name: &str) -> Self {
        // The key is spelled out here, so that it cannot change with a library's way of expanding seeds.
        let mut key = [0u8; 32];
        let mut state = seed;
        for word in key.chunks_exact_mut(8) {
            word.copy_from_slice(&split_mix(&mut state).to_le_bytes());
        }
        let mut source = ChaCha8Rng::from_seed(key);
        source.set_stream(fnv1a(name));
        Self { source, spare: None }
    }

    /// Uniform in [0, 1), on a grid of 2^-53.
    pub fn uniform(&mut self) -> f64 {
        (self.source.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Uniform in [low, high).
    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.uniform()
    }

    /// Standard normal, by the polar method of Marsaglia (1964).
    pub fn normal(&mut self) -> f64 {
        if let Some(spare) = self.spare.take() {
            return spare;
        }
        loop {
            let (x, y) = (self.between(-1.0, 1.0), self.between(-1.0, 1.0));
            let square = x * x + y * y;
            if square > 0.0 && square < 1.0 {
                let scale = (-2.0 * libm::log(square) / square).sqrt();
                self.spare = Some(y * scale);
                return x * scale;
            }
        }
    }

    /// Exponential with this mean.
    pub fn exponential(&mut self, mean: f64) -> f64 {
        -mean * libm::log(1.0 - self.uniform())
    }

    /// Pareto with exponent 3 from 1 on, cut at `most`: the tail index measured on returns of traded
    /// assets (Gopikrishnan and others, 1998).
    pub fn cubic_tail(&mut self, most: f64) -> f64 {
        (1.0 / libm::cbrt(1.0 - self.uniform())).min(most)
    }

    /// One or minus one.
    pub fn sign(&mut self) -> f64 {
        if self.uniform() < 0.5 { -1.0 } else { 1.0 }
    }
}

/// One step of SplitMix64 (Steele, Lea and Flood, 2014).
fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut word = *state;
    word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

/// FNV-1a, 64 bits.
fn fnv1a(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distributions_have_their_moments() {
        let mut stream = Stream::new(1, "moments");
        let count = 40_000;
        let mut mean_of = |draw: &mut dyn FnMut(&mut Stream) -> f64| {
            (0..count).map(|_| draw(&mut stream)).sum::<f64>() / f64::from(count)
        };
        let normal = mean_of(&mut |stream| stream.normal());
        let square = mean_of(&mut |stream| stream.normal().powi(2));
        let fourth = mean_of(&mut |stream| stream.normal().powi(4));
        let exponential = mean_of(&mut |stream| stream.exponential(5.0));
        let tail = mean_of(&mut |stream| stream.cubic_tail(1e9));
        assert!(normal.abs() < 0.02 && (square - 1.0).abs() < 0.03 && (fourth - 3.0).abs() < 0.2);
        assert!((exponential - 5.0).abs() < 0.1 && (tail - 1.5).abs() < 0.05, "{exponential} {tail}");
    }

    #[test]
    fn streams_of_one_seed_are_unrelated() {
        let mut drawn = Stream::new(1, "one");
        let mut other = Stream::new(1, "two");
        let before = other.clone().source.next_u64();
        assert!((0..100).map(|_| drawn.normal()).all(f64::is_finite));
        assert_eq!(before, other.source.next_u64());
        assert_ne!(Stream::new(1, "one").uniform(), Stream::new(1, "two").uniform());
        assert_ne!(Stream::new(1, "one").uniform(), Stream::new(2, "one").uniform());
    }
}

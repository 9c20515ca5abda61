//! Z-score of a series against its own recent past.

use super::rolling::RollingSpread;

/// `(value - mean) / deviation` over the last `window` values, the newest included, with the population
/// standard deviation; 0 when that is 0.
#[derive(Clone, Debug)]
pub struct ZScore {
    spread: RollingSpread,
}

impl ZScore {
    /// Over `window` values; below 1 counts as 1.
    pub fn new(window: usize) -> Self {
        Self { spread: RollingSpread::new(window) }
    }
    /// Takes the next value; the score, from the `window`th value on.
    #[inline]
    pub fn update(&mut self, value: f64) -> Option<f64> {
        if !self.spread.push(value) {
            return None;
        }
        let deviation = self.spread.deviation();
        Some(if deviation > 0.0 { self.spread.distance(value) / deviation } else { 0.0 })
    }
    /// Forgets all values.
    pub fn reset(&mut self) {
        self.spread.reset();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_value_belongs_to_its_own_sample() {
        let mut score = ZScore::new(4);
        assert_eq!([1.0, 1.0, 1.0].map(|v| score.update(v)), [None; 3]);
        // Mean 2, population variance 3.
        let got = score.update(5.0).unwrap();
        assert!((got - 3.0 / 3f64.sqrt()).abs() < 1e-15, "{got}");
    }

    #[test]
    fn a_constant_scores_zero() {
        let mut score = ZScore::new(5);
        for i in 0..40 {
            assert_eq!(score.update(0.1), (i >= 4).then_some(0.0));
        }
    }
}

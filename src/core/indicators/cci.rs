//! Commodity channel index.

use super::rolling::{Ring, sum_of};

/// Share of the price level below which TA-Lib takes a distance for rounding.
const FLAT: f64 = 1e-14;

/// Commodity channel index: the typical price's distance from its mean in units of 0.015 mean absolute
/// deviations (Donald Lambert, 1980). 0 for a flat window. Costs `period` operations a candle.
#[derive(Clone, Debug)]
pub struct Cci {
    /// Typical prices of the window without the newest. A slot is read long after it was written: reading
    /// several at once right after one of them was stored would have to wait for the store.
    older: Ring,
    /// What distances are measured from, a value of the window; as in the moving average.
    shift: f64,
    /// Sum of the distances of `older`.
    sum: f64,
    inverse: f64,
}

impl Cci {
    /// Over `period` candles; below 2 counts as 2.
    pub fn new(period: usize) -> Self {
        let period = period.max(2);
        Self { older: Ring::new(period - 1), shift: 0.0, sum: 0.0, inverse: 1.0 / period as f64 }
    }
    /// Takes the next candle; the index, from the `period`th candle on.
    #[inline]
    pub fn update(&mut self, high: f64, low: f64, close: f64) -> Option<f64> {
        let typical = (high + low + close) / 3.0;
        if !self.older.is_full() {
            self.older.push(typical);
            if self.older.is_full() {
                self.rebuild();
            }
            return None;
        }
        let distance = typical - self.shift;
        let mean_distance = (self.sum + distance) * self.inverse;
        let mean = self.shift + mean_distance;
        let deviations = sum_of(self.older.slots(), |value| (value - mean).abs());
        let distance = distance - mean_distance;
        let deviation = (deviations + distance.abs()) * self.inverse;
        self.sum += typical - self.older.replace(typical);
        if self.older.wrapped() {
            self.rebuild();
        }
        let rounding = FLAT * mean.abs();
        let flat = (distance.abs() <= rounding) | (deviation <= rounding);
        Some(if flat { 0.0 } else { distance / (0.015 * deviation) })
    }
    #[inline(never)]
    fn rebuild(&mut self) {
        self.shift = self.older.slots()[0];
        self.sum = sum_of(self.older.slots(), |value| value - self.shift);
    }
    /// Forgets all candles.
    pub fn reset(&mut self) {
        self.older.reset();
    }
}

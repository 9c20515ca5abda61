//! Commodity channel index.

use super::rolling::{RollingMean, sum_of};

/// Share of the price level below which TA-Lib takes a distance for rounding.
const FLAT: f64 = 1e-14;

/// Commodity channel index: the typical price's distance from its mean in units of 0.015 mean absolute
/// deviations (Donald Lambert, 1980). 0 for a flat window. Costs `period` operations a candle.
#[derive(Clone, Debug)]
pub struct Cci {
    mean: RollingMean,
    inverse: f64,
}

impl Cci {
    /// Over `period` candles; below 1 counts as 1.
    pub fn new(period: usize) -> Self {
        Self { mean: RollingMean::new(period), inverse: 1.0 / period.max(1) as f64 }
    }
    /// Takes the next candle; the index, from the `period`th candle on.
    #[inline]
    pub fn update(&mut self, high: f64, low: f64, close: f64) -> Option<f64> {
        let typical = (high + low + close) / 3.0;
        let mean = self.mean.push(typical)?;
        let deviation = sum_of(self.mean.window(), |value| (value - mean).abs()) * self.inverse;
        let distance = typical - mean;
        let rounding = FLAT * mean.abs();
        let flat = (distance.abs() <= rounding) | (deviation <= rounding);
        Some(if flat { 0.0 } else { distance / (0.015 * deviation) })
    }
    /// Forgets all candles.
    pub fn reset(&mut self) {
        self.mean.reset();
    }
}

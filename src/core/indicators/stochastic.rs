//! Stochastic oscillator.

use super::rolling::RollingMax;

/// Share of the window's extremes below which TA-Lib takes their distance for none.
const FLAT: f64 = 1e-14;

/// Raw %K, 0 to 100: where the close stands between the lowest low and the highest high of the window
/// (George Lane). 0 when those are equal, as in TA-Lib. %K is its [`Sma`](super::Sma) over the slowing period, %D the `Sma` of %K.
#[derive(Clone, Debug)]
pub struct StochasticRawK {
    highs: RollingMax,
    /// Of negated lows.
    lows: RollingMax,
}

impl StochasticRawK {
    /// Over `period` candles; below 1 counts as 1.
    pub fn new(period: usize) -> Self {
        Self { highs: RollingMax::new(period), lows: RollingMax::new(period) }
    }
    /// Takes the next candle; raw %K, from the `period`th candle on.
    #[inline]
    pub fn update(&mut self, high: f64, low: f64, close: f64) -> Option<f64> {
        let highest = self.highs.push(high);
        let lowest = self.lows.push(-low);
        let (highest, lowest) = (highest?, -lowest?);
        let range = highest - lowest;
        let flat = range <= FLAT * (highest.abs() + lowest.abs());
        Some(if flat { 0.0 } else { (close - lowest) / range * 100.0 })
    }
    /// Forgets all candles.
    pub fn reset(&mut self) {
        self.highs.reset();
        self.lows.reset();
    }
}

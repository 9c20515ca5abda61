//! True range and its average.

use super::rolling::larger;

/// True range: the candle's range, stretched to the previous close where that lies outside.
#[inline(always)]
pub fn true_range(high: f64, low: f64, previous_close: f64) -> f64 {
    larger(larger(high - low, (high - previous_close).abs()), (low - previous_close).abs())
}

/// Average true range with Wilder's smoothing, in price units. The first value is the mean of the first
/// `period` true ranges; the first candle has none, as it has no previous close.
#[derive(Clone, Debug)]
pub struct Atr {
    period: usize,
    inverse: f64,
    seen: usize,
    previous_close: f64,
    value: f64,
}

impl Atr {
    /// Over `period` true ranges; below 1 counts as 1.
    pub fn new(period: usize) -> Self {
        let period = period.max(1);
        Self { period, inverse: 1.0 / period as f64, seen: 0, previous_close: 0.0, value: 0.0 }
    }
    /// Takes the next candle; the average, from the `period + 1`th candle on.
    #[inline]
    pub fn update(&mut self, high: f64, low: f64, close: f64) -> Option<f64> {
        let range = true_range(high, low, self.previous_close);
        self.previous_close = close;
        if self.seen > self.period {
            self.value += (range - self.value) * self.inverse;
            return Some(self.value);
        }
        self.seed(range)
    }
    #[cold]
    fn seed(&mut self, range: f64) -> Option<f64> {
        self.value = if self.seen == 0 { 0.0 } else { self.value + range };
        self.seen += 1;
        if self.seen <= self.period {
            return None;
        }
        self.value /= self.period as f64;
        Some(self.value)
    }
    /// Forgets all candles.
    pub fn reset(&mut self) {
        self.seen = 0;
    }
}

//! Average directional index.

use super::atr::true_range;

/// Average directional index, 0 to 100: how one-sided the movement of highs and lows is, whichever side
/// (J. Welles Wilder, 1978).
///
/// As in TA-Lib directional movement and true range are summed over the first `period - 1` moves, smoothed
/// from there on, the first index is the mean of `period` directional indexes, and a candle at which none is defined
/// (nothing moved, or not directionally) leaves the average as it was.
#[derive(Clone, Debug)]
pub struct Adx {
    period: usize,
    inverse: f64,
    seen: usize,
    previous: [f64; 3],
    rising: f64,
    falling: f64,
    range: f64,
    value: f64,
}

impl Adx {
    /// With one period for both smoothings; below 1 counts as 1.
    pub fn new(period: usize) -> Self {
        let period = period.max(1);
        let inverse = 1.0 / period as f64;
        Self { period, inverse, seen: 0, previous: [0.0; 3], rising: 0.0, falling: 0.0, range: 0.0, value: 0.0 }
    }
    /// Takes the next candle; the index, from the `2 * period`th candle on.
    #[inline]
    pub fn update(&mut self, high: f64, low: f64, close: f64) -> Option<f64> {
        let [previous_high, previous_low, previous_close] = std::mem::replace(&mut self.previous, [high, low, close]);
        let (up, down) = (high - previous_high, previous_low - low);
        let rise = if (up > down) & (up > 0.0) { up } else { 0.0 };
        let fall = if (down > up) & (down > 0.0) { down } else { 0.0 };
        let range = true_range(high, low, previous_close);
        if self.seen < 2 * self.period {
            return self.seed(rise, fall, range);
        }
        self.smooth(rise, fall, range);
        if let Some(index) = self.directional_index() {
            self.value += (index - self.value) * self.inverse;
        }
        Some(self.value)
    }
    #[inline(always)]
    fn smooth(&mut self, rise: f64, fall: f64, range: f64) {
        self.rising += rise - self.rising * self.inverse;
        self.falling += fall - self.falling * self.inverse;
        self.range += range - self.range * self.inverse;
    }
    /// `100 * |+DI - -DI| / (+DI + -DI)`: the true range cancels out, but TA-Lib calls a sum of the two below
    /// 1e-14 % of it none.
    #[inline(always)]
    fn directional_index(&self) -> Option<f64> {
        let movement = self.rising + self.falling;
        let defined = (self.range > 0.0) & (100.0 * movement >= 1e-14 * self.range);
        defined.then(|| 100.0 * ((self.rising - self.falling).abs() / movement))
    }
    #[cold]
    fn seed(&mut self, rise: f64, fall: f64, range: f64) -> Option<f64> {
        let moves = self.seen;
        self.seen += 1;
        if moves == 0 {
            (self.rising, self.falling, self.range, self.value) = (0.0, 0.0, 0.0, 0.0);
            return None;
        }
        if moves < self.period {
            self.rising += rise;
            self.falling += fall;
            self.range += range;
            return None;
        }
        self.smooth(rise, fall, range);
        self.value += self.directional_index().unwrap_or(0.0);
        if self.seen < 2 * self.period {
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

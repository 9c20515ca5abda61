//! Relative strength index.

/// Relative strength index with Wilder's smoothing, 0 to 100: the share of rises in all movement
/// (J. Welles Wilder, "New Concepts in Technical Trading Systems", 1978).
///
/// The first averages are plain means over the first `period` changes. 50 when nothing moved at all, as TA-Lib has it.
#[derive(Clone, Debug)]
pub struct Rsi {
    period: usize,
    inverse: f64,
    seen: usize,
    previous: f64,
    rises: f64,
    falls: f64,
}

impl Rsi {
    /// Over `period` changes; below 1 counts as 1.
    pub fn new(period: usize) -> Self {
        let period = period.max(1);
        Self { period, inverse: 1.0 / period as f64, seen: 0, previous: 0.0, rises: 0.0, falls: 0.0 }
    }
    /// Takes the next close; the index, from the `period + 1`th close on.
    #[inline]
    pub fn update(&mut self, close: f64) -> Option<f64> {
        if self.seen <= self.period {
            return self.seed(close);
        }
        let (rise, fall) = self.step(close);
        self.rises += (rise - self.rises) * self.inverse;
        self.falls += (fall - self.falls) * self.inverse;
        Some(self.value())
    }
    #[cold]
    fn seed(&mut self, close: f64) -> Option<f64> {
        if self.seen == 0 {
            (self.previous, self.rises, self.falls) = (close, 0.0, 0.0);
        }
        let (rise, fall) = self.step(close);
        self.rises += rise;
        self.falls += fall;
        self.seen += 1;
        if self.seen <= self.period {
            return None;
        }
        self.rises *= self.inverse;
        self.falls *= self.inverse;
        Some(self.value())
    }
    #[inline(always)]
    fn step(&mut self, close: f64) -> (f64, f64) {
        let change = close - self.previous;
        self.previous = close;
        let rise = if change > 0.0 { change } else { 0.0 };
        (rise, rise - change)
    }
    #[inline(always)]
    fn value(&self) -> f64 {
        let movement = self.rises + self.falls;
        if movement > 0.0 { 100.0 * (self.rises / movement) } else { 50.0 }
    }
    /// Forgets all closes.
    pub fn reset(&mut self) {
        self.seen = 0;
    }
}

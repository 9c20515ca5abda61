//! A value against what it was some candles ago.

use super::rolling::Ring;

/// The value of `candles` candles ago.
#[derive(Clone, Debug)]
pub struct Lagged {
    ring: Ring,
}

impl Lagged {
    /// So many candles ago; below 1 counts as 1.
    pub fn new(candles: usize) -> Self {
        Self { ring: Ring::new(candles) }
    }
    /// Takes the next value; the one of `candles` values before it.
    #[inline]
    pub fn update(&mut self, value: f64) -> Option<f64> {
        self.ring.push(value)
    }
    /// Forgets all values.
    pub fn reset(&mut self) {
        self.ring.reset();
    }
}

/// `value - value of period candles ago`.
#[derive(Clone, Debug)]
pub struct Momentum {
    past: Lagged,
}

impl Momentum {
    /// Over `period` candles; below 1 counts as 1.
    pub fn new(period: usize) -> Self {
        Self { past: Lagged::new(period) }
    }
    /// Takes the next value; the difference, from the `period + 1`th value on.
    #[inline]
    pub fn update(&mut self, value: f64) -> Option<f64> {
        Some(value - self.past.update(value)?)
    }
    /// Forgets all values.
    pub fn reset(&mut self) {
        self.past.reset();
    }
}

/// `value / value of period candles ago - 1`, as a share: times 100 it is TA-Lib's ROC. 0 where the past value is 0, as in TA-Lib.
#[derive(Clone, Debug)]
pub struct RateOfChange {
    past: Lagged,
}

impl RateOfChange {
    /// Over `period` candles; below 1 counts as 1.
    pub fn new(period: usize) -> Self {
        Self { past: Lagged::new(period) }
    }
    /// Takes the next value; the change, from the `period + 1`th value on.
    #[inline]
    pub fn update(&mut self, value: f64) -> Option<f64> {
        let past = self.past.update(value)?;
        Some(if past == 0.0 { 0.0 } else { value / past - 1.0 })
    }
    /// Forgets all values.
    pub fn reset(&mut self) {
        self.past.reset();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_past_is_counted_in_candles() {
        let mut lagged = Lagged::new(2);
        assert_eq!([1.0, 2.0, 3.0, 4.0].map(|v| lagged.update(v)), [None, None, Some(1.0), Some(2.0)]);
        let mut change = RateOfChange::new(1);
        assert_eq!([4.0, 5.0, 0.0, 1.0].map(|v| change.update(v)), [None, Some(0.25), Some(-1.0), Some(0.0)]);
    }
}

//! Moving averages: simple, exponential, and exponential from the first value.

use super::rolling::RollingMean;

/// Simple moving average: the mean of the last `period` values.
#[derive(Clone, Debug)]
pub struct Sma {
    mean: RollingMean,
}

impl Sma {
    /// Of `period` values; below 1 counts as 1.
    pub fn new(period: usize) -> Self {
        Self { mean: RollingMean::new(period) }
    }
    /// Takes the next value; the average, from the `period`th value on.
    #[inline]
    pub fn update(&mut self, value: f64) -> Option<f64> {
        self.mean.push(value)
    }
    /// Forgets all values.
    pub fn reset(&mut self) {
        self.mean.reset();
    }
}

/// Exponential moving average with factor `2 / (period + 1)`, seeded with the mean of the first `period` values.
#[derive(Clone, Debug)]
pub struct Ema {
    period: usize,
    factor: f64,
    seen: usize,
    /// The average, or while seeding the first value.
    value: f64,
    /// While seeding: the sum of distances from the first value.
    sum: f64,
}

impl Ema {
    /// Of `period` values; below 1 counts as 1.
    pub fn new(period: usize) -> Self {
        let period = period.max(1);
        Self { period, factor: 2.0 / (period as f64 + 1.0), seen: 0, value: 0.0, sum: 0.0 }
    }
    /// Takes the next value; the average, from the `period`th value on.
    #[inline]
    pub fn update(&mut self, value: f64) -> Option<f64> {
        if self.seen == self.period {
            self.value += (value - self.value) * self.factor;
            return Some(self.value);
        }
        self.seed(value)
    }
    #[cold]
    fn seed(&mut self, value: f64) -> Option<f64> {
        if self.seen == 0 {
            (self.value, self.sum) = (value, 0.0);
        }
        self.seen += 1;
        self.sum += value - self.value;
        if self.seen < self.period {
            return None;
        }
        self.value += self.sum / self.period as f64;
        Some(self.value)
    }
    /// Forgets all values.
    pub fn reset(&mut self) {
        self.seen = 0;
    }
}

/// Exponential moving average with factor `2 / (period + 1)` that starts at the first value.
#[derive(Clone, Debug)]
pub struct EmaFromFirst {
    period: usize,
    factor: f64,
    seen: usize,
    value: f64,
}

impl EmaFromFirst {
    /// Of `period` values; below 1 counts as 1.
    pub fn new(period: usize) -> Self {
        let period = period.max(1);
        Self { period, factor: 2.0 / (period as f64 + 1.0), seen: 0, value: 0.0 }
    }
    /// Takes the next value; the average, shown from the `period`th value on.
    #[inline]
    pub fn update(&mut self, value: f64) -> Option<f64> {
        if self.seen < self.period {
            return self.warm_up(value);
        }
        self.value += (value - self.value) * self.factor;
        Some(self.value)
    }
    #[cold]
    fn warm_up(&mut self, value: f64) -> Option<f64> {
        if self.seen == 0 {
            self.value = value;
        }
        self.value += (value - self.value) * self.factor;
        self.seen += 1;
        (self.seen == self.period).then_some(self.value)
    }
    /// Forgets all values.
    pub fn reset(&mut self) {
        self.seen = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_average_from_the_first_value_is_the_plain_recursion() {
        let mut ema = EmaFromFirst::new(3);
        let got: Vec<_> = [4.0, 8.0, 6.0, 10.0].into_iter().map(|v| ema.update(v)).collect();
        assert_eq!(got, [None, None, Some(6.0), Some(8.0)]);
    }

    #[test]
    fn averages_of_a_constant_are_the_constant() {
        let (mut sma, mut ema, mut first) = (Sma::new(7), Ema::new(7), EmaFromFirst::new(7));
        for _ in 0..6 {
            assert_eq!((sma.update(0.1), ema.update(0.1), first.update(0.1)), (None, None, None));
        }
        for _ in 0..50 {
            assert_eq!((sma.update(0.1), ema.update(0.1), first.update(0.1)), (Some(0.1), Some(0.1), Some(0.1)));
        }
    }
}

//! Bollinger bands.

use super::rolling::RollingSpread;

/// The window's statistics, from which every band and ratio follows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bands {
    /// Mean of the window: the middle band.
    pub middle: f64,
    /// Population standard deviation of the window, at least 0; exactly 0 for a constant.
    pub deviation: f64,
    /// Newest value minus the middle.
    pub distance: f64,
}

impl Bands {
    /// Upper band, `deviations` standard deviations above the middle.
    #[inline(always)]
    pub fn upper(&self, deviations: f64) -> f64 {
        self.middle + deviations * self.deviation
    }
    /// Lower band, as far below.
    #[inline(always)]
    pub fn lower(&self, deviations: f64) -> f64 {
        self.middle - deviations * self.deviation
    }
    /// `(upper - lower) / middle`, without the digits that the difference would lose.
    #[inline(always)]
    pub fn width(&self, deviations: f64) -> f64 {
        2.0 * deviations * self.deviation / self.middle
    }
    /// `(value - lower) / (upper - lower)` of the newest value: 0 on the lower band, 1 on the upper. `None` when they touch.
    #[inline(always)]
    pub fn position(&self, deviations: f64) -> Option<f64> {
        let reach = deviations * self.deviation;
        (reach > 0.0).then(|| 0.5 + 0.5 * self.distance / reach)
    }
}

/// Bollinger bands over a simple moving average and the population standard deviation (John Bollinger).
#[derive(Clone, Debug)]
pub struct Bollinger {
    spread: RollingSpread,
}

impl Bollinger {
    /// Over `period` values; below 1 counts as 1.
    pub fn new(period: usize) -> Self {
        Self { spread: RollingSpread::new(period) }
    }
    /// Takes the next value; the bands, from the `period`th value on.
    #[inline(always)]
    pub fn update(&mut self, value: f64) -> Option<Bands> {
        self.spread.push(value).then(|| Bands {
            middle: self.spread.mean(),
            deviation: self.spread.deviation(),
            distance: self.spread.distance(value),
        })
    }
    /// Forgets all values.
    pub fn reset(&mut self) {
        self.spread.reset();
    }
}

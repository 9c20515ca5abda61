//! Volume against its own average.

use super::rolling::RollingMean;

/// Volume over the simple moving average of volume, the newest candle included. Absent when nothing was
/// traded in the whole window.
#[derive(Clone, Debug)]
pub struct VolumeRatio {
    mean: RollingMean,
    /// Candles without volume in a row: the mean of zeros is not relied on to be exactly 0.
    idle: usize,
}

impl VolumeRatio {
    /// Over `period` candles; below 1 counts as 1.
    pub fn new(period: usize) -> Self {
        Self { mean: RollingMean::new(period), idle: 0 }
    }
    /// Takes the next candle's volume; the ratio, from the `period`th candle on.
    #[inline]
    pub fn update(&mut self, volume: f64) -> Option<f64> {
        self.idle = if volume > 0.0 { 0 } else { self.idle + 1 };
        let mean = self.mean.push(volume)?;
        (self.idle < self.mean.window().len()).then(|| volume / mean)
    }
    /// Forgets all candles.
    pub fn reset(&mut self) {
        self.mean.reset();
        self.idle = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_without_trades_has_no_ratio() {
        let mut ratio = VolumeRatio::new(3);
        let volumes = [0.3, 0.1, 0.2, 0.0, 0.0, 0.0, 0.0, 6.0];
        let got = volumes.map(|v| ratio.update(v));
        assert_eq!(got[..2], [None, None]);
        assert!((got[2].unwrap() - 1.0).abs() < 1e-15);
        assert_eq!(got[3..], [Some(0.0), Some(0.0), None, None, Some(3.0)]);
    }
}

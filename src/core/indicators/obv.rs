//! On-balance volume.

/// On-balance volume: volume added when the close rose and subtracted when it fell (Joseph Granville), in units
/// of volume. Starts with the first candle's volume, as in TA-Lib; only its changes mean something.
#[derive(Clone, Debug, Default)]
pub struct Obv {
    started: bool,
    previous_close: f64,
    value: f64,
}

impl Obv {
    /// Before the first candle.
    pub fn new() -> Self {
        Self::default()
    }
    /// Takes the next candle; the balance, from the first candle on.
    #[inline]
    pub fn update(&mut self, close: f64, volume: f64) -> Option<f64> {
        if self.started {
            // Two selections instead of branches: the sign of a price change cannot be predicted.
            let added = if close > self.previous_close { volume } else { 0.0 };
            let taken = if close < self.previous_close { volume } else { 0.0 };
            self.value += added - taken;
        } else {
            self.started = true;
            self.value = volume;
        }
        self.previous_close = close;
        Some(self.value)
    }
    /// Forgets all candles.
    pub fn reset(&mut self) {
        *self = Self::default();
    }
}

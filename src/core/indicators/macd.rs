//! Moving average convergence divergence.

use super::average::Ema;

/// The three lines of MACD, in units of the input.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MacdLines {
    /// Fast average minus slow average.
    pub macd: f64,
    /// Exponential average of the line.
    pub signal: f64,
    /// Line minus signal.
    pub histogram: f64,
}

/// Moving average convergence divergence (Gerald Appel).
///
/// As in TA-Lib the fast average is seeded with the last `fast` of the first `slow` values, so both averages
/// start together, and no line is shown before all three exist.
#[derive(Clone, Debug)]
pub struct Macd {
    fast: Ema,
    slow: Ema,
    signal: Ema,
    /// Values that the fast average has still to leave out.
    skip: usize,
    head_start: usize,
}

impl Macd {
    /// With periods of the two averages and of the signal; below 1 counts as 1. The longer of the first two is the slow one.
    pub fn new(fast: usize, slow: usize, signal: usize) -> Self {
        let (fast, slow) = (fast.min(slow).max(1), fast.max(slow).max(1));
        let head_start = slow - fast;
        Self { fast: Ema::new(fast), slow: Ema::new(slow), signal: Ema::new(signal), skip: head_start, head_start }
    }
    /// Takes the next value; the lines, from the `slow + signal - 1`th value on.
    #[inline]
    pub fn update(&mut self, value: f64) -> Option<MacdLines> {
        let slow = self.slow.update(value);
        if self.skip > 0 {
            self.skip -= 1;
            return None;
        }
        let fast = self.fast.update(value);
        let macd = fast? - slow?;
        let signal = self.signal.update(macd)?;
        Some(MacdLines { macd, signal, histogram: macd - signal })
    }
    /// Forgets all values.
    pub fn reset(&mut self) {
        self.fast.reset();
        self.slow.reset();
        self.signal.reset();
        self.skip = self.head_start;
    }
}

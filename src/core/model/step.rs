//! One tick of the market as every host is fed: the candles that closed together.

use super::{AgentId, Candle, Price, Rate, Steps, SymbolId, Time};

/// A funding payment that falls due inside a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FundingDue {
    /// Of which contract.
    pub symbol: SymbolId,
    /// When; at or after the step's candles open and before they close.
    pub at: Time,
    /// Rate of the period, positive is paid by longs.
    pub rate: Rate,
}

/// The candles of all symbols that closed at one time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Step {
    /// When they closed.
    pub close_time: Time,
    /// By symbol; absent where the series has a hole.
    pub candles: Vec<Option<Candle>>,
    /// Payments due, in order of time and symbol; paid before the open of the candles trades.
    pub funding: Vec<FundingDue>,
}

impl Step {
    /// The last price of a symbol that has a candle.
    #[inline]
    pub fn close_of(&self, symbol: SymbolId) -> Option<Price> {
        self.candles.get(symbol.index())?.as_ref().map(|candle| candle.close)
    }
}

/// Steps in a row in which nothing happened: prices moved, and that was all.
#[derive(Clone, Copy, Debug)]
pub struct Passed<'a> {
    /// They are among these.
    pub among: &'a Steps,
    /// The place of the first of them, and of the first that is none of them; there is one at least.
    pub places: (usize, usize),
    /// Candles of each.
    pub candles: u64,
    /// Who decided at each of them, to hold.
    pub decided: &'a [AgentId],
}

impl Passed<'_> {
    /// How many steps.
    pub const fn steps(&self) -> u64 {
        (self.places.1 - self.places.0) as u64
    }
    /// When they ended.
    #[inline]
    pub fn close_times(&self) -> &[Time] {
        &self.among.close_times()[self.places.0..self.places.1]
    }
    /// The last price of a symbol in the step that so many others of them come before; `None` where it has no candle.
    #[inline]
    pub fn close_of(&self, symbol: SymbolId, before: usize) -> Option<Price> {
        self.among.candle(symbol, self.places.0 + before).map(|candle| candle.close)
    }
}

/// A source of steps in ascending time: recorded files, the synthetic market, a live feed.
pub trait Tape {
    /// Fills `step` with the next one, reusing its buffers; `false` when there is no more.
    fn next(&mut self, step: &mut Step) -> bool;

    /// Adds the next ones to `steps`, as many as they have room for or as there are. A tape over candles in memory
    /// does well to write them there itself, for the same steps as [`next`](Self::next) gives.
    fn fill(&mut self, steps: &mut Steps) {
        let mut step = std::mem::take(&mut steps.buffer);
        while !steps.is_full() && self.next(&mut step) {
            steps.push(step.close_time, step.candles.iter().map(Option::as_ref), &step.funding);
        }
        steps.buffer = step;
    }
}

/// Steps in memory.
impl Tape for std::vec::IntoIter<Step> {
    fn next(&mut self, step: &mut Step) -> bool {
        Iterator::next(self).map(|next| *step = next).is_some()
    }
}

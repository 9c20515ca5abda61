//! Features computed once and shown many times: for runs over the same candles that differ in what they
//! make of them. A [`Reel`] holds some steps of a tape with all features as of each; [`Played`] shows them in
//! the place of a hub. It computes nothing and knows no rule.

use super::{Frame, Hub};
use crate::model::{Candle, Interval, Step, SymbolId, Tape};
use std::sync::Arc;

/// What shows features to rules, candle by candle.
pub trait Frames {
    /// A base candle of a symbol closed.
    fn close(&mut self, symbol: SymbolId, candle: &Candle);
    /// The features as of the last closed base candle; `None` before the first.
    fn frame(&self, symbol: SymbolId) -> Option<Frame<'_>>;
}

impl Frames for Hub {
    #[inline]
    fn close(&mut self, symbol: SymbolId, candle: &Candle) {
        Self::close(self, symbol, candle);
    }
    #[inline]
    fn frame(&self, symbol: SymbolId) -> Option<Frame<'_>> {
        Self::frame(self, symbol)
    }
}

/// Some steps in a row, with the features of every symbol that has a candle in them.
#[derive(Clone, Debug)]
pub struct Reel {
    base: Interval,
    steps: Vec<Step>,
    /// By symbol: where its values begin in a row, and one more for the end of the row.
    columns: Vec<usize>,
    /// A row a step.
    values: Vec<f64>,
}

impl Reel {
    /// Plays at most `most` steps of a tape to a hub for as many symbols as the tape has, and keeps what it
    /// shows. Empty at the end of the tape.
    pub fn record(hub: &mut Hub, base: Interval, tape: &mut dyn Tape, most: usize) -> Self {
        let mut columns = vec![0];
        columns.extend(hub.slots().scan(0, |end, slots| {
            *end += slots;
            Some(*end)
        }));
        let mut reel = Self { base, steps: Vec::with_capacity(most), columns, values: Vec::new() };
        let mut step = Step::default();
        while reel.steps.len() < most && tape.next(&mut step) {
            reel.add(hub, &step);
        }
        reel
    }

    fn add(&mut self, hub: &mut Hub, step: &Step) {
        let row = self.values.len();
        self.values.resize(row + self.columns[self.columns.len() - 1], f64::NAN);
        for (index, candle) in step.candles.iter().enumerate() {
            let Some(candle) = candle else { continue };
            let symbol = SymbolId::at(index);
            hub.close(symbol, candle);
            let to = &mut self.values[row + self.columns[index]..row + self.columns[index + 1]];
            if let Some(frame) = hub.frame(symbol) {
                to.copy_from_slice(frame.values());
            }
        }
        self.steps.push(step.clone());
    }

    /// The steps, in order.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }
}

/// Shows a reel.
#[derive(Clone, Debug)]
pub struct Played {
    reel: Arc<Reel>,
    at: usize,
}

impl Played {
    /// At the first step of a reel.
    pub const fn new(reel: Arc<Reel>) -> Self {
        Self { reel, at: 0 }
    }
    /// Turns to a step, by its place in the reel.
    #[inline]
    pub const fn turn_to(&mut self, at: usize) {
        self.at = at;
    }
}

impl Frames for Played {
    #[inline]
    fn close(&mut self, _: SymbolId, _: &Candle) {}

    /// `None` when the symbol has no candle in this very step.
    #[inline]
    fn frame(&self, symbol: SymbolId) -> Option<Frame<'_>> {
        let Reel { base, steps, columns, values } = &*self.reel;
        let candle = steps.get(self.at)?.candles.get(symbol.index())?.as_ref()?;
        let row = self.at * columns[columns.len() - 1];
        let values = &values[row + columns[symbol.index()]..row + columns[symbol.index() + 1]];
        Some(Frame::new(candle.close_time(*base), candle, values))
    }
}

//! Features as they would be if the unfinished candle closed now. Changes nothing in the hub: a symbol's windows and
//! averages are copied and the candle is closed on the copy. It knows no clock and no tick: the host says what the
//! candle is so far.

use super::{Feed, Hub};
use crate::features::Frame;
use crate::model::{Candle, Interval, SymbolId};

/// The features of one symbol with one candle more than the hub knows.
#[derive(Clone, Debug)]
pub struct Preview {
    feed: Feed,
    base: Interval,
    candle: Candle,
}

impl Hub {
    /// What [`frame`](Self::frame) would show if `candle`, as it is so far, were closed now. A higher interval moves only
    /// if this is its last base candle, as with [`close`](Self::close). `None` where `close` would not take the candle.
    ///
    /// Costs a copy of the symbol's windows, some kilobytes, and one update: nothing that grows with the series.
    ///
    /// `symbol` is one of those the hub was made for.
    pub fn preview(&self, symbol: SymbolId, candle: &Candle) -> Option<Preview> {
        let mut feed = self.feeds[symbol.index()].clone();
        feed.close(candle, self.base, self.gaps).then_some(Preview { feed, base: self.base, candle: *candle })
    }
}

impl Preview {
    /// The features; `now` is when the candle will close.
    pub fn frame(&self) -> Frame<'_> {
        Frame::new(self.candle.close_time(self.base), &self.candle, &self.feed.values[..self.feed.slots])
    }
}

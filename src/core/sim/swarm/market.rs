//! Prices of a simulated market: steps of uniform size, in whole numbers, with jumps. One price for all
//! accounts. Knows nobody who trades.

use super::chance::Chance;
use crate::model::{Candle, Interval, Price, Rate, Round, Time};

/// One contract's price.
#[derive(Clone, Debug)]
pub(super) struct Walk {
    pub(super) price: Price,
    tick: Price,
    /// Largest move from mark to mark, in millionths.
    moves: i64,
    lowest: Price,
    highest: Price,
    candle: Option<Candle>,
}

impl Walk {
    pub(super) fn new((price, moves): (Price, i64), tick: Price) -> Self {
        let price = price.snap(tick, Round::Nearest).max(tick);
        let (lowest, highest) = (Price(price.0 / 20).max(tick), Price(price.0 * 20));
        Self { price, tick, moves, lowest, highest, candle: None }
    }

    /// The next price.
    pub(super) fn go(&mut self, chance: &mut Chance, jumps: bool) -> Price {
        let most = if jumps { self.moves * 60 } else { self.moves };
        let by = Rate(chance.between(-most, most).clamp(-400_000, 400_000) * 100);
        let moved = self.price + self.price.times(by, Round::Nearest);
        self.price = moved.snap(self.tick, Round::Nearest).max(self.lowest).min(self.highest);
        if let Some(candle) = &mut self.candle {
            candle.high = candle.high.max(self.price);
            candle.low = candle.low.min(self.price);
            candle.close = self.price;
            candle.volume += 1_000.0;
        }
        self.price
    }

    /// A candle begins at the present price.
    pub(super) fn open(&mut self, open_time: Time) {
        let price = self.price;
        self.candle = Some(Candle { open_time, open: price, high: price, low: price, close: price, volume: 1_000.0 });
    }

    /// The candle that is over.
    pub(super) fn close(&mut self) -> Option<Candle> {
        self.candle.take()
    }

    /// Candles before the first one of the run, ending at `end`.
    pub(super) fn history(&mut self, count: usize, end: Time, base: Interval, chance: &mut Chance) -> Vec<Candle> {
        let mut candles = Vec::with_capacity(count);
        for index in (1..=count as i64).rev() {
            self.open(end.plus(-index * base.ms()));
            for _ in 0..3 {
                self.go(chance, false);
            }
            candles.extend(self.close());
        }
        candles
    }
}

//! The latest prices the whole swarm agrees on, by symbol: closed candles and recorded marks. Both are
//! facts, so they are the same after a restart; marks of a single account's path live with its positions.

use crate::model::{Price, SymbolId, Time};
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Quote {
    at: Time,
    /// Zero: none yet.
    price: Price,
}

impl Quote {
    const fn known_at(&self, now: Time) -> bool {
        self.price.0 > 0 && self.at.0 <= now.0
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Quotes {
    close: Quote,
    /// The close before: while a step's path is walked, its own close is not known yet.
    earlier_close: Quote,
    mark: Quote,
}

/// Prices by symbol.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Market {
    symbols: Vec<Quotes>,
}

impl Market {
    pub(super) fn new(symbols: usize) -> Self {
        Self { symbols: vec![Quotes::default(); symbols] }
    }

    pub(super) const fn symbols(&self) -> usize {
        self.symbols.len()
    }

    /// A candle closed, or will have closed when `close_time` comes.
    pub(super) fn candle(&mut self, symbol: SymbolId, close_time: Time, price: Price) {
        let Some(quotes) = self.symbols.get_mut(symbol.index()) else { return };
        if close_time > quotes.close.at {
            quotes.earlier_close = quotes.close;
        }
        quotes.close = Quote { at: close_time, price };
    }

    /// A mark that did not come from a candle.
    pub(super) fn mark(&mut self, symbol: SymbolId, at: Time, price: Price) {
        if let Some(quotes) = self.symbols.get_mut(symbol.index()) {
            quotes.mark = Quote { at, price };
        }
    }

    /// The newest price known at `now`.
    pub(super) fn price(&self, symbol: SymbolId, now: Time) -> Option<Price> {
        let quotes = self.symbols.get(symbol.index())?;
        [quotes.earlier_close, quotes.mark, quotes.close]
            .into_iter()
            .filter(|quote| quote.known_at(now))
            .max_by_key(|quote| quote.at)
            .map(|quote| quote.price)
    }

    /// When the last candle known at `now` closed.
    pub(super) fn last_close(&self, symbol: SymbolId, now: Time) -> Option<Time> {
        let quotes = self.symbols.get(symbol.index())?;
        [quotes.close, quotes.earlier_close].into_iter().find(|quote| quote.known_at(now)).map(|quote| quote.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_close_is_not_known_before_its_time() {
        let mut market = Market::new(1);
        let symbol = SymbolId(0);
        market.candle(symbol, Time(100), Price::whole(1));
        market.candle(symbol, Time(200), Price::whole(2));
        assert_eq!(market.price(symbol, Time(50)), None);
        assert_eq!(market.price(symbol, Time(199)), Some(Price::whole(1)));
        assert_eq!(market.last_close(symbol, Time(199)), Some(Time(100)));
        assert_eq!(market.price(symbol, Time(200)), Some(Price::whole(2)));
        market.mark(symbol, Time(250), Price::whole(3));
        assert_eq!(market.price(symbol, Time(250)), Some(Price::whole(3)));
        assert_eq!(market.last_close(symbol, Time(250)), Some(Time(200)));
    }
}

//! The latest prices the whole swarm agrees on, by symbol: closed candles and recorded marks. Both are
//! facts, so they are the same after a restart; marks of a single account's path live with its positions.
//! A recorded mark that is not [plausible](super::plausible) is no price yet.

use super::plausible::{Unconfirmed, Word, candle_says, weigh};
use crate::model::{Price, Rate, SymbolId, Time};
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
    /// A mark that is too far from these to be believed.
    unconfirmed: Option<Unconfirmed>,
}

impl Quotes {
    /// The newest price known at `now`.
    fn newest(&self, now: Time) -> Option<Price> {
        [self.earlier_close, self.mark, self.close]
            .into_iter()
            .filter(|quote| quote.known_at(now))
            .max_by_key(|quote| quote.at)
            .map(|quote| quote.price)
    }

    /// Likewise, and where the clock was set back to before all of them, the newest there is.
    fn standing(&self, now: Time) -> Option<Price> {
        self.newest(now).or_else(|| self.newest(Time(i64::MAX)))
    }
}

/// Prices by symbol.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Market {
    symbols: Vec<Quotes>,
    /// How far a mark may be from the last price and be believed at once; any where absent.
    max_jump: Option<Rate>,
}

impl Market {
    pub(super) fn new(symbols: usize, max_jump: Option<Rate>) -> Self {
        Self { symbols: vec![Quotes::default(); symbols], max_jump }
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
        if let (Some(held), Some(limit)) = (&quotes.unconfirmed, self.max_jump) {
            let word = candle_says(held, close_time, price, limit);
            if word == Word::Confirmed {
                quotes.mark = Quote { at: held.at, price: held.price };
            }
            if word != Word::Nothing {
                quotes.unconfirmed = None;
            }
        }
    }

    /// A mark that did not come from a candle.
    pub(super) fn mark(&mut self, symbol: SymbolId, at: Time, price: Price) {
        let Some(quotes) = self.symbols.get_mut(symbol.index()) else { return };
        if let Some(limit) = self.max_jump {
            if price <= Price::ZERO {
                return;
            }
            let known = quotes.standing(at);
            quotes.unconfirmed = weigh(quotes.unconfirmed.as_ref(), known, (at, price), limit);
            if quotes.unconfirmed.is_some() {
                return;
            }
        }
        quotes.mark = Quote { at, price };
    }

    /// The newest price known at `now`.
    pub(super) fn price(&self, symbol: SymbolId, now: Time) -> Option<Price> {
        self.symbols.get(symbol.index())?.newest(now)
    }

    /// The price that positions stand at: a clock that was set back takes none of them away.
    pub(super) fn standing(&self, symbol: SymbolId, now: Time) -> Option<Price> {
        self.symbols.get(symbol.index())?.standing(now)
    }

    /// The mark that waits for others to confirm it.
    pub(super) fn unconfirmed(&self, symbol: SymbolId) -> Option<Unconfirmed> {
        self.symbols.get(symbol.index())?.unconfirmed
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
        let mut market = Market::new(1, None);
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

    #[test]
    fn a_mark_in_doubt_is_no_price_until_others_or_a_close_confirm_it() {
        let (symbol, at) = (SymbolId(0), |second: i64| Time(1_000 * second));
        let mut market = Market::new(1, Some(Rate::percent(10)));
        market.candle(symbol, at(60), Price::whole(100));
        market.mark(symbol, at(61), Price::whole(50));
        assert_eq!(market.price(symbol, at(61)), Some(Price::whole(100)));
        assert_eq!(market.unconfirmed(symbol).map(|held| held.price), Some(Price::whole(50)));
        let mut crash = market.clone();
        crash.mark(symbol, at(62), Price::whole(49));
        crash.mark(symbol, at(63), Price::whole(48));
        assert_eq!((crash.price(symbol, at(63)), crash.unconfirmed(symbol)), (Some(Price::whole(48)), None));
        for (close, price) in [(51, 51), (99, 99)] {
            let mut closed = market.clone();
            closed.candle(symbol, at(120), Price::whole(close));
            assert_eq!((closed.price(symbol, at(120)), closed.unconfirmed(symbol)), (Some(Price::whole(price)), None));
        }
        market.mark(symbol, at(62), Price::ZERO);
        assert_eq!(market.price(symbol, at(62)), Some(Price::whole(100)), "what is no price changes nothing");
    }
}
